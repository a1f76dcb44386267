//! A server in a process of its own: this test program, started again.

use std::fs;
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use seldon_runtime::{Limits, Server};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

use crate::common::*;

/// Says that this is the other process, and what it serves.
const CHILD: &str = "SELDON_TEST_SERVER";

/// What the other process serves.
#[derive(Serialize, Deserialize)]
pub(crate) struct Role {
    pub(crate) blocking: bool,
    /// Whether what it logs is read: nobody may fill a pipe that is not.
    pub(crate) logs: bool,
    /// How many descriptors it is given at first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) descriptors: Option<u64>,
    pub(crate) limits: Limits,
}

/// What the other process does. As a test it passes at once.
#[test]
fn child() {
    let Ok(role) = std::env::var(CHILD) else {
        return;
    };
    let role: Role = serde_json::from_str(&role).expect("it is a role");
    if role.descriptors.is_some() {
        use rustix::process::{Resource, getrlimit, setrlimit};
        let mut limit = getrlimit(Resource::Nofile);
        limit.current = role.descriptors;
        setrlimit(Resource::Nofile, limit).expect("it can be lowered");
    }
    let server = Server::new()
        .limits(role.limits)
        .recommender(Picks {}, seldon_runtime::AllItems);
    let server = match role.blocking {
        true => server.mount(Slow {}),
        false => server.mount(Quick {}),
    };
    let ended = seldon_runtime::block_on(async {
        let bound = server.bind("127.0.0.1:0").await?;
        let bound = bound.administered("127.0.0.1:0").await?;
        let admin = bound.admin_addr().expect("there is one");
        println!("\nat {} {admin}", bound.local_addr());
        bound.serve().await
    });
    std::process::exit(i32::from(ended != std::process::ExitCode::SUCCESS));
}

/// The other process, as long as this lives.
pub(crate) struct Process {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    _output: BufReader<ChildStdout>,
    log: Option<ChildStderr>,
}

impl Process {
    /// Starts it and waits until it answers.
    pub(crate) async fn start(role: &Role, stdin: Stdio) -> Self {
        let (level, stderr) = match role.logs {
            true => ("seldon_runtime=debug", Stdio::piped()),
            false => ("off", Stdio::null()),
        };
        let role = serde_json::to_string(role).expect("it is text");
        let mut child = Command::new(std::env::current_exe().expect("it has a path"))
            .args(["--exact", "process::child", "--nocapture"])
            .env(CHILD, role)
            .env("SELDON_LOG", level)
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(stderr)
            .kill_on_drop(true)
            .spawn()
            .expect("it can be started again");
        let mut output = BufReader::new(child.stdout.take().expect("it is piped"));
        let log = child.stderr.take();
        let [address, admin] = patient(async {
            let mut line = String::new();
            loop {
                line.clear();
                let read = output.read_line(&mut line).await.expect("it can be read");
                assert_ne!(read, 0, "it ended before it listened");
                if let Some(addresses) = line.strip_prefix("at ") {
                    let mut addresses = addresses.split_whitespace().map(str::parse);
                    return [(); 2].map(|()| match addresses.next() {
                        Some(Ok(address)) => address,
                        _ => panic!("no two addresses: {line}"),
                    });
                }
            }
        })
        .await;
        // It answers, so that it listens for signals too.
        let answer = Peer::to(address).await.ask(LIVE).await;
        assert_eq!(answer.status, 200);
        Self {
            child,
            address,
            admin,
            _output: output,
            log,
        }
    }

    /// One that answers inline, and bears this.
    pub(crate) async fn quick(limits: Limits) -> Self {
        let role = Role {
            blocking: false,
            logs: false,
            descriptors: None,
            limits,
        };
        Self::start(&role, Stdio::null()).await
    }

    pub(crate) async fn signal(&self, name: &str) {
        let told = Command::new("kill")
            .args(["-s", name, &self.id().to_string()])
            .status();
        assert!(told.await.expect("there is a kill").success());
    }

    fn id(&self) -> u32 {
        self.child.id().expect("it is running")
    }

    /// The code that it ends with.
    pub(crate) async fn code(&mut self) -> Option<i32> {
        patient(self.child.wait())
            .await
            .expect("it has ended")
            .code()
    }

    /// All that it logged, once it has ended.
    pub(crate) async fn log(mut self) -> String {
        let mut log = String::new();
        let mut piped = self.log.take().expect("it logs");
        let read = patient(piped.read_to_string(&mut log));
        read.await.expect("a log is text");
        log
    }

    /// The value of one series of its figures.
    pub(crate) async fn figure(&self, series: &str) -> f64 {
        let figures = "GET /metrics HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n";
        let answer = Peer::to(self.admin).await.ask(figures).await;
        let value = answer.body.lines().find_map(|line| {
            let value = line.strip_prefix(series)?.strip_prefix(' ')?;
            value.parse().ok()
        });
        value.unwrap_or_else(|| panic!("no {series} in {}", answer.body))
    }

    /// The time that its threads have computed.
    pub(crate) fn cpu(&self) -> Duration {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.id())).expect("it is running");
        let nanoseconds = |task: std::io::Result<fs::DirEntry>| -> u64 {
            // A thread may have ended.
            let Ok(task) = task else { return 0 };
            let figures = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
            let first = figures.split_whitespace().next();
            first.and_then(|time| time.parse().ok()).unwrap_or_default()
        };
        Duration::from_nanos(tasks.map(nanoseconds).sum())
    }
}

pub(crate) const LIVE: &str = "GET /health/live HTTP/1.1\r\nhost: test\r\n\r\n";
pub(crate) const READY: &str = "GET /health/ready HTTP/1.1\r\nhost: test\r\n\r\n";
