//! Starts a program and says how long it takes to its first good reply, and how much memory it
//! holds then: `first PORT PATH PROGRAM [ARGUMENT…]` prints milliseconds and kilobytes.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(port), Some(path), Some(program)) =
        (arguments.next(), arguments.next(), arguments.next())
    else {
        return Err("usage: first PORT PATH PROGRAM [ARGUMENT…]".into());
    };
    let port: u16 = port.parse()?;
    let begun = Instant::now();
    let mut server = Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let found = loop {
        if answers(port, &path) {
            break true;
        }
        if begun.elapsed() > Duration::from_secs(10) || server.try_wait()?.is_some() {
            break false;
        }
        std::thread::sleep(Duration::from_micros(100));
    };
    let took = begun.elapsed();
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id()))?;
    server.kill()?;
    server.wait()?;
    if !found {
        return Err("it did not answer".into());
    }
    let resident = (status.lines())
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .map_or("?", |size| size.trim().trim_end_matches(" kB"));
    println!("{:.1} {resident}", took.as_secs_f64() * 1e3);
    Ok(())
}

fn answers(port: u16, path: &str) -> bool {
    let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else {
        return false;
    };
    let request = format!("GET {path} HTTP/1.1\r\nhost: bench\r\n\r\n");
    let mut first = [0; 15];
    stream.write_all(request.as_bytes()).is_ok()
        && stream.read_exact(&mut first).is_ok()
        && &first == b"HTTP/1.1 200 OK"
}
