//! A program of its own, which is this very test started once more, and what it logs.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};

use seldon_runtime::Server;
use serde_json::Value;

/// Serves until told to end, and says where: to be called by an ignored test of the name `program`.
pub(crate) fn serve(server: impl FnOnce() -> seldon_runtime::Result<Server>) {
    let ended = seldon_runtime::block_on(async {
        let mut limits = seldon_runtime::Limits::default();
        limits.lame_duck = std::time::Duration::ZERO;
        let bound = server()?.limits(limits).bind("127.0.0.1:0").await?;
        let bound = bound.administered("127.0.0.1:0").await?;
        let (rest, admin) = (bound.local_addr(), bound.admin_addr());
        println!("\nat {rest} {}", admin.expect("there is one"));
        bound.serve().await
    });
    assert_eq!(ended, std::process::ExitCode::SUCCESS);
}

pub(crate) struct Program {
    child: Child,
    /// Whoever prints where nobody reads fails.
    _stdout: BufReader<ChildStdout>,
    pub(crate) address: SocketAddr,
    #[allow(dead_code, reason = "another test asks there")]
    pub(crate) admin: SocketAddr,
}

impl Program {
    pub(crate) fn start(environment: &[(&str, &str)]) -> Self {
        let this = std::env::current_exe().expect("it runs");
        let mut child = Command::new(this)
            .args(["program", "--exact", "--ignored", "--nocapture"])
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let addresses = (stdout.by_ref().lines())
            .find_map(|line| Some(line.ok()?.strip_prefix("at ")?.to_owned()))
            .expect("it says where it listens");
        let (address, admin) = addresses.split_once(' ').expect("two of them");
        Self {
            address: address.parse().expect("an address"),
            admin: admin.parse().expect("an address"),
            child,
            _stdout: stdout,
        }
    }

    /// Tells the program to end; all that it has logged.
    pub(crate) fn end(mut self) -> Vec<Value> {
        let killed = Command::new("kill")
            .arg(self.child.id().to_string())
            .status();
        assert!(killed.expect("it can be told").success());
        let mut text = String::new();
        let mut stderr = self.child.stderr.take().expect("a pipe");
        stderr.read_to_string(&mut text).expect("text");
        self.child.wait().expect("it ends");
        // What a failure of these tests shows.
        eprint!("{text}");
        (text.lines().filter(|line| line.starts_with('{')))
            .map(|line| serde_json::from_str(line).expect("a line of JSON"))
            .collect()
    }
}
