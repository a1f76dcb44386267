//! A server under a load of which a tenth is bad, for a minute or for as long as is asked for: what
//! it uses does not grow, and all of it is free again.

#[allow(dead_code, reason = "another test uses the rest of it")]
#[path = "server/common.rs"]
mod common;
#[allow(dead_code, reason = "another test uses the rest of it")]
#[path = "server/process.rs"]
mod process;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use common::*;
use process::Process;
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

/// How long it takes: `30m` for example.
const TIME: &str = "SELDON_SOAK";

/// Clients at a time, and the pause between two requests of one.
const CLIENTS: usize = 8;
const PACE: Duration = Duration::from_millis(4);

/// What is asked of all clients.
struct Load {
    address: SocketAddr,
    over: AtomicBool,
    good: AtomicUsize,
    bad: AtomicUsize,
    /// Peers that say no more and are still connected.
    slow: AtomicUsize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it takes a minute: scripts/soak runs it"]
async fn nothing_grows_under_a_load_of_which_a_tenth_is_bad() {
    let time = std::env::var(TIME).unwrap_or_else(|_| "60s".to_owned());
    let time = humantime::parse_duration(&time).expect("it is a duration");
    let mut limits = long();
    // Dead peers come and go many times in a minute.
    limits.head_time = Duration::from_secs(2);
    limits.idle = Duration::from_secs(5);
    let process = Process::quick(limits).await;
    let before = Use::of(&process).await;
    let load = Arc::new(Load {
        address: process.address,
        over: AtomicBool::new(false),
        good: AtomicUsize::new(0),
        bad: AtomicUsize::new(0),
        slow: AtomicUsize::new(0),
    });
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        clients.spawn(Client::run(Arc::clone(&load), client));
    }
    let begun = Instant::now();
    let mut uses = Vec::new();
    let mut pace = interval((time / 120).max(Duration::from_millis(100)));
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while begun.elapsed() < time {
        pace.tick().await;
        // How many slow peers there are at a moment is the clients' doing.
        let slow = load.slow.load(Ordering::Relaxed) as f64;
        let now = Use::of(&process).await;
        uses.push(Use {
            descriptors: now.descriptors - slow,
            tasks: now.tasks - slow,
            ..now
        });
        assert!(clients.try_join_next().is_none(), "a client has failed");
    }
    load.over.store(true, Ordering::Relaxed);
    while let Some(client) = clients.join_next().await {
        client.expect("all good requests were answered well");
    }
    let (good, bad) = (
        load.good.load(Ordering::Relaxed),
        load.bad.load(Ordering::Relaxed),
    );
    println!(
        "{good} good requests and {bad} bad ones in {:?}",
        begun.elapsed()
    );

    // A server that is warm has its buffers, and what its allocator keeps.
    let warm = &uses[uses.len() / 10..];
    let third = warm.len() / 3;
    let (first, last) = (
        Use::median(&warm[..third]),
        Use::median(&warm[warm.len() - third..]),
    );
    println!("before:      {before:?}");
    println!("first third: {first:?}");
    println!("last third:  {last:?}");
    const MIB: f64 = 1024.0 * 1024.0;
    assert!(last.memory < first.memory * 1.1 + 4.0 * MIB, "memory grows");
    // So many others may be on their way at one moment and not at another.
    assert!(
        last.descriptors < first.descriptors + 25.0,
        "descriptors grow"
    );
    assert!(last.tasks < first.tasks + 25.0, "tasks grow");

    // What leaks once in a thousand requests would be seen here.
    let after = patient(async {
        loop {
            let after = Use::of(&process).await;
            if after.descriptors <= before.descriptors && after.tasks <= before.tasks {
                return after;
            }
            sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    println!("after:       {after:?}");
    assert_eq!(process.figure("seldon_requests_in_flight").await, 0.0);
    assert_eq!(process.figure("seldon_queue_depth").await, 0.0);
}

/// What the server uses at one moment.
#[derive(Debug, Clone, Copy)]
struct Use {
    memory: f64,
    descriptors: f64,
    tasks: f64,
}

impl Use {
    async fn of(process: &Process) -> Self {
        Self {
            memory: process.figure("process_resident_memory_bytes").await,
            descriptors: process.figure("process_open_fds").await,
            tasks: process.figure("seldon_tasks").await,
        }
    }

    fn median(of: &[Self]) -> Self {
        let median = |figure: fn(&Self) -> f64| {
            let mut figures: Vec<f64> = of.iter().map(figure).collect();
            figures.sort_unstable_by(f64::total_cmp);
            figures[figures.len() / 2]
        };
        Self {
            memory: median(|u| u.memory),
            descriptors: median(|u| u.descriptors),
            tasks: median(|u| u.tasks),
        }
    }
}

/// One client: a connection for REST and one for gRPC, which it gives up now and then.
struct Client {
    load: Arc<Load>,
    peer: Peer,
    channel: Channel,
    /// Peers that say no more, until the server has had enough of them.
    slow: JoinSet<()>,
}

impl Client {
    async fn run(load: Arc<Load>, first: usize) {
        let mut client = Self {
            peer: Peer::to(load.address).await,
            channel: Channel::to(load.address).await,
            slow: JoinSet::new(),
            load,
        };
        let mut pace = interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for n in first.. {
            if client.load.over.load(Ordering::Relaxed) {
                break;
            }
            pace.tick().await;
            if n % 10 == 0 {
                client.bad(n / 10).await;
                client.load.bad.fetch_add(1, Ordering::Relaxed);
            } else {
                client.good(n).await;
                client.load.good.fetch_add(1, Ordering::Relaxed);
            }
            if n % 500 == 0 {
                client.peer = client.fresh().await;
                client.channel = Channel::to(client.load.address).await;
            }
            while client.slow.try_join_next().is_some() {}
        }
        while let Some(slow) = client.slow.join_next().await {
            slow.expect("each is closed");
        }
    }

    async fn fresh(&self) -> Peer {
        Peer::to(self.load.address).await
    }

    async fn good(&mut self, n: usize) {
        let values = [ANSWER, n as f32];
        match n % 4 {
            0 => assert_eq!(self.peer.ask(get(&values)).await.status, 200),
            1 => assert_eq!(self.peer.ask(post(&values)).await.status, 200),
            2 => assert_eq!(self.peer.ask(pick("0")).await.status, 200),
            _ => {
                let called = self.channel.classify(&[], &values).await;
                assert_eq!(called.expect("a reply").status(), 0);
            }
        }
    }

    async fn bad(&mut self, n: usize) {
        match n % 14 {
            0 => {
                let mut peer = self.fresh().await;
                assert_eq!(peer.ask("GET \u{1}/ HTTP/1.1\r\n\r\n").await.status, 400);
            }
            1 => {
                let malformed = "GET /predict?json={ HTTP/1.1\r\nhost: test\r\n\r\n";
                assert_eq!(self.peer.ask(malformed).await.status, 400);
            }
            2 => {
                let called = self
                    .channel
                    .call(CLASSIFY, &[], framed(0, &[0xff; 99]))
                    .await;
                assert_eq!(called.expect("an answer").status(), 13);
            }
            3 => {
                let mut peer = self.fresh().await;
                peer.send(pick("1,20")).await;
            }
            4 => {
                let mut peer = self.fresh().await;
                let head =
                    "POST /predict HTTP/1.1\r\nhost: test\r\ncontent-length: 9999999\r\n\r\n";
                assert_eq!(peer.ask(head).await.status, 413);
            }
            5 => self.slow("GET /pre").await,
            6 => self.slow("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await,
            7 => self.slow("").await,
            8 => assert_eq!(self.peer.ask(get(&[PANIC])).await.status, 500),
            9 => {
                let mut call = Box::pin(self.channel.classify(&[], &[ANSWER]));
                let _ = futures_util::poll!(call.as_mut());
            }
            10 => {
                // A flood of PINGs, until it is cut off.
                let mut peer = self.fresh().await;
                peer.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
                peer.send([0, 0, 0, 4, 0, 0, 0, 0, 0]).await;
                let pings = [0, 0, 8, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0].repeat(1000);
                let _ = peer.stream.write_all(&pings).await;
                peer.closed().await;
            }
            11 => assert_eq!(self.peer.ask(get(&[NAN])).await.status, 500),
            12 => {
                let mut peer = self.fresh().await;
                peer.send("POST /predict HTTP/1.1\r\nhost: test\r\ncontent-length: 99\r\n\r\n[")
                    .await;
            }
            _ => {
                let called = self.channel.call("/a.B/C", &[], Bytes::new()).await;
                assert_eq!(called.expect("an answer").status(), 12);
            }
        }
    }

    /// Leaves a connection open on which no more than this is said.
    async fn slow(&mut self, text: &'static str) {
        let mut peer = self.fresh().await;
        let load = Arc::clone(&self.load);
        load.slow.fetch_add(1, Ordering::Relaxed);
        self.slow.spawn(async move {
            peer.send(text).await;
            peer.closed().await;
            load.slow.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

/// A request of the recommender on the pool, which does what this says.
fn pick(what: &str) -> String {
    format!(
        "GET /recommend?user_id=1&limit=1&recent_interactions={what} HTTP/1.1\r\nhost: test\r\n\r\n"
    )
}
