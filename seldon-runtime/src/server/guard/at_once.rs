//! The guard's way for what is answered where it is read: without a future, and without `http`'s
//! types, of which the reply is written at once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use http::StatusCode;
use tokio::time::Instant;
use tracing::Span;

use super::{Asked, Guard, failed};
use crate::access::Caller;
use crate::error::Result;
use crate::known::{AtOnce, Said};
use crate::observe::{Kind, Place};
use crate::server::deadline::Patience;
use crate::server::head::Head;
use crate::server::life::Phase;
use crate::server::request_id::RequestId;

/// A request that is all here.
pub(in crate::server) struct Whole<'a> {
    pub(in crate::server) head: Head,
    pub(in crate::server) place: Place,
    pub(in crate::server) kind: Kind,
    /// When its head was here, and when the rest.
    pub(in crate::server) at: Instant,
    pub(in crate::server) begun: Instant,
    pub(in crate::server) query: &'a str,
    pub(in crate::server) body: &'a [u8],
    pub(in crate::server) caller: Option<Caller>,
}

/// What it is answered with.
pub(in crate::server) struct Answered {
    pub(in crate::server) id: RequestId,
    pub(in crate::server) result: Result<Said>,
    /// When that was there.
    pub(in crate::server) at: Instant,
}

impl Guard {
    /// Answers a request over HTTP/1 by `known`, which writes in `room`, or with an error; `None`
    /// where it has to wait for a place.
    pub(in crate::server) fn say(
        &self,
        whole: Whole<'_>,
        known: &dyn AtOnce,
        room: Vec<u8>,
    ) -> Option<Answered> {
        let place = self.gate.try_pass()?;
        let (query, body, begun) = (whole.query, whole.body, whole.begun.into_std());
        let mut asked = Asked::of(whole);
        let span = self.span(&asked);
        let answer = || {
            catch_unwind(AssertUnwindSafe(|| known.say(query, body, begun, room)))
                .unwrap_or_else(|_| Err(failed()))
        };
        let answered = self.time(&mut asked).and_then(|_| span.in_scope(answer));
        drop(place);
        Some(self.settle(asked, &span, answered))
    }

    /// Answers one whose body has not come in time.
    pub(in crate::server) fn say_late(&self, whole: Whole<'_>) -> Answered {
        let mut asked = Asked::of(whole);
        let span = self.span(&asked);
        let late = match self.time(&mut asked) {
            Ok(_) => asked.late(),
            Err(late) => late,
        };
        self.settle(asked, &span, Err(late))
    }

    fn settle(&self, asked: Asked, span: &Span, answered: Result<Said>) -> Answered {
        // A good answer has just looked at the clock.
        let at = match &answered {
            Ok(said) => said.at.into(),
            Err(_) => Instant::now(),
        };
        let result = asked.in_time(answered, at);
        let error = result.as_ref().err();
        let status = error.map_or(StatusCode::OK, |error| error.code().status());
        self.note(&asked, span, status, error, at);
        let id = asked.head.id;
        Answered { id, result, at }
    }

    /// How long a request with this patience has.
    pub(in crate::server) fn allowance(&self, patience: Patience) -> Duration {
        match patience {
            Patience::For(time) => time.min(self.limits.deadline),
            Patience::Unsaid | Patience::Malformed => self.limits.deadline,
        }
    }

    /// Whether a connection is to end with its next reply.
    pub(in crate::server) fn sends_away(&self) -> bool {
        self.life.has_come(Phase::LameDuck)
    }
}

impl Asked {
    fn of(whole: Whole<'_>) -> Self {
        Self {
            at: whole.at,
            deadline: None,
            head: whole.head,
            place: whole.place,
            kind: whole.kind,
            caller: whole.caller,
        }
    }
}
