//! A memcached of one's own: started on a free port, stopped when dropped.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running memcached, which [`stop`](Self::stop), [`kill`](Self::kill) and the like may leave not
/// running.
pub(crate) struct Memcached {
    child: Child,
    port: u16,
    options: Vec<String>,
}

impl Memcached {
    /// Starts one, and waits until it answers.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with further options of the program.
    pub(crate) fn start_with(options: &[&str]) -> Self {
        let options: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
        // Between finding a free port and memcached's taking it, another may take it: then another port.
        for _ in 0..20 {
            let port = free_port();
            if let Some(child) = spawn(port, &options) {
                return Self {
                    child,
                    port,
                    options,
                };
            }
        }
        panic!("memcached does not start: is Debian's package `memcached` installed?");
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Stores `value` as a writer's client does, with the flags of its library.
    pub(crate) fn set(&self, key: &str, flags: u32, value: &[u8]) {
        let mut stream = self.connect();
        let mut command = format!("set {key} {flags} 0 {}\r\n", value.len()).into_bytes();
        command.extend_from_slice(value);
        command.extend_from_slice(b"\r\n");
        stream.write_all(&command).expect("memcached reads");
        assert_eq!(line(&mut BufReader::new(stream)), "STORED");
    }

    /// A figure of `stats`: `cmd_get`, for example.
    pub(crate) fn stat(&self, name: &str) -> u64 {
        let mut stream = self.connect();
        stream.write_all(b"stats\r\n").expect("memcached reads");
        let mut reader = BufReader::new(stream);
        loop {
            let line = line(&mut reader);
            let value = line.strip_prefix(&format!("STAT {name} "));
            if let Some(value) = value {
                return value.parse().expect("a number");
            }
            assert_ne!(line, "END", "there is no figure {name}");
        }
    }

    /// Stops it where it is, as SIGSTOP does: connections are accepted for it, and nothing answered.
    pub(crate) fn stop(&self) {
        self.signal("STOP");
        // The signal is sent, and each thread comes to it in its own time.
        while !self.threads_are_stopped() {
            std::thread::yield_now();
        }
    }

    /// Lets it go on.
    pub(crate) fn go_on(&self) {
        self.signal("CONT");
    }

    /// Ends it without notice, with all that it holds.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it is ours");
        self.child.wait().expect("it is ours");
    }

    /// Starts it again, on the same port and empty.
    pub(crate) fn start_again(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            if let Some(child) = spawn(self.port, &self.options) {
                self.child = child;
                return;
            }
        }
        panic!("memcached does not start again");
    }

    fn threads_are_stopped(&self) -> bool {
        let threads = fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("it is ours");
        threads.flatten().all(|thread| {
            // The state follows the name, which is in brackets.
            fs::read_to_string(thread.path().join("stat")).is_ok_and(|stat| {
                stat.rsplit(')')
                    .next()
                    .is_some_and(|rest| rest.starts_with(" T"))
            })
        })
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([format!("-{name}"), self.child.id().to_string()])
            .status()
            .expect("kill is there");
        assert!(status.success());
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address()).expect("memcached listens");
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .expect("a limit");
        stream
    }
}

impl Drop for Memcached {
    fn drop(&mut self) {
        // SIGKILL ends a stopped process, too.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port at which nothing listens at the moment.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it is bound").port()
}

fn spawn(port: u16, options: &[String]) -> Option<Child> {
    let mut child = Command::new("memcached")
        // Asked for by root alone, and ignored otherwise.
        .args(["-l", "127.0.0.1", "-U", "0", "-u", "nobody", "-p"])
        .arg(port.to_string())
        .args(options)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("memcached is installed");
    loop {
        if child.try_wait().expect("it is ours").is_some() {
            return None;
        }
        if is_of(child.id(), port) {
            return Some(child);
        }
        std::thread::yield_now();
    }
}

/// Whether the process `id` answers at `port`, and not another that has taken the port.
fn is_of(id: u32, port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else {
        return false;
    };
    let limit = Some(Duration::from_secs(10));
    if stream.set_read_timeout(limit).is_err() || stream.write_all(b"stats\r\nquit\r\n").is_err() {
        return false;
    }
    let mut stats = String::new();
    stream.read_to_string(&mut stats).is_ok() && stats.contains(&format!("STAT pid {id}\r\n"))
}

fn line(reader: &mut impl BufRead) -> String {
    let mut line = String::new();
    reader.read_line(&mut line).expect("memcached answers");
    line.trim_end().to_owned()
}
