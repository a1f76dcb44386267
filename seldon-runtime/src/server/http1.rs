//! An HTTP/1 connection: what is answered at once is answered where it is read, and what was read
//! together is written together.
//!
//! Everything else is hyper's: the first request of another kind hands the connection over, with
//! all that is unread, and hyper has it from there to its end.

use std::cell::Cell;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::activity::Activity;
use super::connection::{Conversation, Site};
use super::guard::Whole;
use super::head::Head;
use super::http1_head::{Before, Heading, Usual};
use super::http1_reply::Output;
use super::socket::Socket;
use super::stream::Stream;
use crate::access::Caller;
use crate::observe::Place;

/// The most requests that are answered before others have their turn.
const TOGETHER: usize = 16;

/// How much is read at a time, in bytes.
const READ: usize = 32 << 10;

thread_local! {
    /// What all connections of a thread read into and write from, one after the other: one that is
    /// quiet holds no memory for that.
    static ROOM: Cell<Option<Room>> = const { Cell::new(None) };
}

struct Room {
    input: Box<[u8]>,
    output: Output,
}

impl Room {
    fn new() -> Self {
        Self {
            input: vec![0; READ].into(),
            output: Output::default(),
        }
    }
}

/// A connection, until it is hyper's. `B` begins what hyper makes of it.
pub(super) struct Http1<C, B> {
    stage: Stage<C>,
    begin: B,
    activity: Arc<Activity>,
    /// No more requests are to be answered than the next.
    leaving: bool,
}

enum Stage<C> {
    Here(Here),
    Closing(Socket),
    Hyper(Pin<Box<C>>),
    Ended,
}

impl<C, B> Http1<C, B>
where
    Pin<Box<C>>: Conversation,
    B: FnMut(Socket) -> C,
{
    /// The connection of `stream`, of which `first` was read.
    pub(super) fn new(
        stream: Stream,
        first: Bytes,
        site: &Arc<Site>,
        activity: &Arc<Activity>,
        crowded: bool,
        mut begin: B,
    ) -> Self {
        let stage = match site.answers_at_once() && !crowded {
            true => Stage::Here(Here {
                stream,
                site: Arc::clone(site),
                activity: Arc::clone(activity),
                unread: first.into(),
                unwritten: Bytes::new(),
                awaited: None,
                before: Before::default(),
                next: Next::Answer,
                last: false,
            }),
            false => {
                let socket = Socket::http1(stream, first, Arc::clone(activity));
                Stage::Hyper(Box::pin(begin(socket)))
            }
        };
        Self {
            stage,
            begin,
            activity: Arc::clone(activity),
            leaving: false,
        }
    }

    /// What becomes of a connection that is not answered `here` any more.
    fn leave(&mut self, here: Here, end: io::Result<End>) -> Stage<C> {
        let Here { stream, unread, .. } = here;
        let socket = |rest| Socket::http1(stream, rest, Arc::clone(&self.activity));
        match end {
            Ok(End::Close) => Stage::Closing(socket(Bytes::new())),
            Ok(End::Other) => {
                let mut connection = Box::pin((self.begin)(socket(unread.into())));
                if self.leaving {
                    connection.graceful_shutdown();
                }
                Stage::Hyper(connection)
            }
            Err(_) => Stage::Ended,
        }
    }
}

impl<C, B> Conversation for Http1<C, B>
where
    Pin<Box<C>>: Conversation,
    B: FnMut(Socket) -> C,
{
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            match &mut self.stage {
                Stage::Here(here) => {
                    let end = ready!(here.poll(context));
                    if let Stage::Here(here) = std::mem::replace(&mut self.stage, Stage::Ended) {
                        self.stage = self.leave(here, end);
                    }
                }
                Stage::Closing(socket) => {
                    let _ = ready!(Pin::new(socket).poll_shutdown(context));
                    self.stage = Stage::Ended;
                }
                Stage::Hyper(connection) => return connection.poll(context),
                Stage::Ended => return Poll::Ready(()),
            }
        }
    }

    fn graceful_shutdown(&mut self) {
        self.leaving = true;
        match &mut self.stage {
            Stage::Here(here) => here.finish(),
            Stage::Hyper(connection) => connection.graceful_shutdown(),
            Stage::Closing(_) | Stage::Ended => {}
        }
    }
}

/// A connection whose requests are answered as they are read.
struct Here {
    stream: Stream,
    site: Arc<Site>,
    activity: Arc<Activity>,
    /// The beginning of a request of which more is to come, or requests that wait for their turn.
    unread: Vec<u8>,
    /// What the peer has not taken yet.
    unwritten: Bytes,
    /// The body that is on its way, of the request that `unread` begins with.
    awaited: Option<Awaited>,
    before: Before,
    next: Next,
    /// The next reply is the last one.
    last: bool,
}

/// What is to be done once all is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Read,
    /// There may be whole requests in what was read.
    Answer,
    End(End),
}

/// Why no more requests are answered here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// There is one that is hyper's.
    Other,
    Close,
}

/// A body that is on its way.
struct Awaited {
    /// When its head was here.
    at: Instant,
    caller: Option<Caller>,
    /// How long it is, with its head.
    length: usize,
    late: Pin<Box<Sleep>>,
}

impl Here {
    /// Answers no more than the next request.
    fn finish(&mut self) {
        self.last = true;
        if self.unread.is_empty() && self.next == Next::Read {
            self.next = Next::End(End::Close);
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<io::Result<End>> {
        let mut room = ROOM.take().unwrap_or_else(Room::new);
        let end = self.poll_in(context, &mut room);
        room.output.clear();
        ROOM.set(Some(room));
        end
    }

    fn poll_in(&mut self, context: &mut Context<'_>, room: &mut Room) -> Poll<io::Result<End>> {
        loop {
            while !self.unwritten.is_empty() {
                let Self {
                    stream, unwritten, ..
                } = self;
                let written = ready!(poll_write(stream, &self.activity, context, unwritten))?;
                unwritten.advance(written);
                if unwritten.is_empty() {
                    // It may have been a long one.
                    *unwritten = Bytes::new();
                }
            }
            ready!(Pin::new(&mut self.stream).poll_flush(context))?;
            match self.next {
                Next::End(end) => return Poll::Ready(Ok(end)),
                Next::Read => ready!(self.poll_read(context, room))?,
                Next::Answer => self.answer_unread(&mut room.output),
            }
            let answers = &mut room.output.replies;
            if !answers.is_empty() {
                let written = match poll_write(&mut self.stream, &self.activity, context, answers) {
                    Poll::Ready(written) => written?,
                    Poll::Pending => 0,
                };
                if written < answers.len() {
                    self.unwritten = std::mem::take(answers).into();
                    self.unwritten.advance(written);
                }
                answers.clear();
            }
            // Others have their turn before what is left.
            if self.next == Next::Answer {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
    }

    /// Reads more, and answers what is whole then.
    fn poll_read(&mut self, context: &mut Context<'_>, room: &mut Room) -> Poll<io::Result<()>> {
        if let Some(awaited) = &mut self.awaited
            && awaited.late.as_mut().poll(context).is_ready()
        {
            self.answer_late(&mut room.output);
            return Poll::Ready(Ok(()));
        }
        if !self.unread.is_empty() {
            return self.poll_read_on(context, room);
        }
        let Room { input, output } = room;
        let mut buffer = ReadBuf::new(input);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
        let read = buffer.filled().len();
        if read == 0 {
            self.next = Next::End(End::Close);
            return Poll::Ready(Ok(()));
        }
        let taken = self.answer(&input[..read], output);
        self.unread.extend_from_slice(&input[taken..read]);
        Poll::Ready(Ok(()))
    }

    /// The same behind what is unread.
    fn poll_read_on(&mut self, context: &mut Context<'_>, room: &mut Room) -> Poll<io::Result<()>> {
        let had = self.unread.len();
        let missing = (self.awaited.as_ref()).map_or(READ, |awaited| awaited.length - had);
        self.unread.resize(had + missing.min(READ), 0);
        let mut buffer = ReadBuf::new(&mut self.unread[had..]);
        let polled = Pin::new(&mut self.stream).poll_read(context, &mut buffer);
        let read = buffer.filled().len();
        self.unread.truncate(had + read);
        ready!(polled)?;
        match &self.awaited {
            _ if read == 0 => self.end_within(),
            Some(awaited) if self.unread.len() < awaited.length => {}
            None if !self.can_be_whole(had) => {}
            _ => self.answer_unread(&mut room.output),
        }
        Poll::Ready(Ok(()))
    }

    /// The peer has said all that it says, within a request.
    fn end_within(&mut self) {
        // Hyper says what is wrong with half a body, and nothing to half a head.
        self.next = Next::End(match self.awaited.take() {
            Some(_) => {
                self.activity.reply();
                End::Other
            }
            None => End::Close,
        });
    }

    /// Whether a head can be over with what came behind the first `had` bytes, or is too long: one
    /// that comes byte by byte is not to be read as often.
    fn can_be_whole(&self, had: usize) -> bool {
        let new = &self.unread[had.saturating_sub(2)..];
        let ends = |at: usize| matches!(&new[at + 1..], [b'\n', ..] | [b'\r', b'\n', ..]);
        self.unread.len() > self.site.guard.limits().head
            || memchr::memchr_iter(b'\n', new).any(ends)
    }

    /// Answers the requests that are waiting.
    fn answer_unread(&mut self, out: &mut Output) {
        let mut unread = std::mem::take(&mut self.unread);
        let taken = self.answer(&unread, out);
        if taken < unread.len() {
            unread.drain(..taken);
            self.unread = unread;
        }
    }

    /// Answers the requests that `bytes` begin with, and says what is to be done next. Returns how
    /// many bytes they have.
    fn answer(&mut self, bytes: &[u8], out: &mut Output) -> usize {
        let mut taken = 0;
        for _ in 0..TOGETHER {
            let step = self.answer_one(&bytes[taken..], out);
            match step {
                Step::Answered(length) => taken += length,
                Step::Next(next) => {
                    self.next = next;
                    return taken;
                }
            }
            if self.last {
                self.next = Next::End(End::Close);
                return taken;
            }
            if out.replies.len() > Output::KEPT {
                break;
            }
        }
        self.next = Next::Answer;
        taken
    }

    /// Answers the request that `bytes` begin with, if it is one to be answered here.
    fn answer_one(&mut self, bytes: &[u8], out: &mut Output) -> Step {
        const OTHER: Step = Step::Next(Next::End(End::Other));
        if bytes.is_empty() {
            return Step::Next(Next::Read);
        }
        let Self { site, activity, .. } = self;
        let limits = site.guard.limits();
        let usual = match self.before.read(bytes, limits.head) {
            Heading::Usual(usual) if usual.body <= limits.body => usual,
            Heading::Part => {
                activity.read();
                return Step::Next(Next::Read);
            }
            Heading::Usual(_) | Heading::Unusual => return OTHER,
        };
        let Some((known, place)) = site.answering_at_once(usual.path) else {
            return OTHER;
        };
        let now = Instant::now();
        let (at, caller) = match self.awaited.take() {
            Some(awaited) => (awaited.at, awaited.caller),
            None => {
                // Who may not come in is refused on the guard's usual way.
                let Ok(caller) = site.caller(|| usual.credentials) else {
                    return OTHER;
                };
                activity.request();
                (now, caller)
            }
        };
        let length = usual.head + usual.body;
        if bytes.len() < length {
            let time = site.guard.allowance(usual.patience);
            self.awaited = Some(Awaited {
                at,
                caller,
                length,
                late: Box::pin(sleep_until(at + time)),
            });
            return Step::Next(Next::Read);
        }
        let closes = usual.closes;
        let body = &bytes[usual.head..length];
        let whole = usual.whole(place, caller, at, now, body);
        let Some(answered) = site.guard.say(whole, known, out.room()) else {
            activity.reply();
            return OTHER;
        };
        self.last |= closes || site.guard.sends_away();
        self.activity.reply_at(answered.at);
        out.write(answered, self.last);
        Step::Answered(length)
    }

    /// Answers the request whose body has not come in time, and no other.
    fn answer_late(&mut self, out: &mut Output) {
        self.next = Next::End(End::Close);
        let (Some(awaited), Heading::Usual(usual)) =
            (self.awaited.take(), Heading::read(&self.unread, usize::MAX))
        else {
            return;
        };
        let Some((_, place)) = self.site.answering_at_once(usual.path) else {
            return;
        };
        let Awaited { at, caller, .. } = awaited;
        let whole = usual.whole(place, caller, at, at, &[]);
        let answered = self.site.guard.say_late(whole);
        self.activity.reply_at(answered.at);
        out.write(answered, true);
    }
}

/// What came of a look at what is unread.
enum Step {
    /// A request of so many bytes was answered.
    Answered(usize),
    /// None was.
    Next(Next),
}

impl<'a> Usual<'a> {
    /// The request, for the guard.
    fn whole(
        self,
        place: Place,
        caller: Option<Caller>,
        at: Instant,
        begun: Instant,
        body: &'a [u8],
    ) -> Whole<'a> {
        Whole {
            head: Head::plain(self.id, self.patience, self.parent),
            place,
            kind: self.kind,
            at,
            begun,
            query: self.query,
            body,
            caller,
        }
    }
}

fn poll_write(
    stream: &mut Stream,
    activity: &Activity,
    context: &mut Context<'_>,
    bytes: &[u8],
) -> Poll<io::Result<usize>> {
    let written = Pin::new(stream).poll_write(context, bytes);
    activity.wrote(written.is_ready());
    written.map(|written| match written {
        Ok(0) => Err(io::ErrorKind::WriteZero.into()),
        written => written,
    })
}
