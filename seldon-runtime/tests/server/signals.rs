//! A process that is told to end: this test program, started again as a server.

use std::process::Stdio;

use seldon_runtime::Server;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};

use crate::common::*;

/// Says that this is the other process.
const CHILD: &str = "SELDON_TEST_SERVER";

/// What the other process does. As a test it passes at once.
#[tokio::test]
async fn child() {
    let Ok(lame_duck) = std::env::var(CHILD) else {
        return;
    };
    let mut limits = long();
    limits.lame_duck = std::time::Duration::from_millis(lame_duck.parse().expect("a number"));
    let bound = Server::new()
        .limits(limits)
        .mount(Quick {})
        .bind("127.0.0.1:0")
        .await;
    let bound = bound.expect("it can be bound");
    println!("\n{}", bound.local_addr());
    let ended = bound.serve().await;
    std::process::exit(i32::from(ended.is_err()));
}

struct Process {
    child: Child,
    address: std::net::SocketAddr,
    _output: BufReader<ChildStdout>,
}

impl Process {
    async fn start(lame_duck: u64) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("it has a path"))
            .args(["--exact", "signals::child", "--nocapture"])
            .env(CHILD, lame_duck.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("it can be started again");
        let mut output = BufReader::new(child.stdout.take().expect("it is piped"));
        let address = patient(async {
            let mut line = String::new();
            loop {
                line.clear();
                let read = output.read_line(&mut line).await.expect("it can be read");
                assert_ne!(read, 0, "it ended before it listened");
                if let Ok(address) = line.trim().parse() {
                    return address;
                }
            }
        })
        .await;
        let process = Self {
            child,
            address,
            _output: output,
        };
        // It answers, so that it listens for signals too.
        assert_eq!(
            Peer::to(address).await.ask(get(&[ANSWER])).await.status,
            200
        );
        process
    }

    async fn signal(&self, name: &str) {
        let id = self.child.id().expect("it is running").to_string();
        let told = Command::new("kill").args(["-s", name, &id]).status().await;
        assert!(told.expect("there is a kill").success());
    }

    async fn code(&mut self) -> Option<i32> {
        patient(self.child.wait())
            .await
            .expect("it has ended")
            .code()
    }
}

#[tokio::test]
async fn either_signal_ends_it_well_with_silent_peers_connected() {
    for signal in ["TERM", "INT"] {
        let mut process = Process::start(0).await;
        let _silent = Peer::to(process.address).await;
        process.signal(signal).await;
        assert_eq!(process.code().await, Some(0), "{signal}");
    }
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let mut process = Process::start(3_600_000).await;
    process.signal("TERM").await;
    // The end has begun when it is not ready any more.
    let ready = "GET /health/ready HTTP/1.1\r\nhost: test\r\n\r\n";
    while Peer::to(process.address).await.ask(ready).await.status == 200 {
        tokio::task::yield_now().await;
    }
    process.signal("TERM").await;
    assert_eq!(process.code().await, Some(1));
}
