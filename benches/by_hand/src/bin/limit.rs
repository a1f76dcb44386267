//! What no server over sockets gets past here: a read, a write of the same bytes, and nothing
//! between them. `limit ADDRESS LENGTH` answers whatever it is sent with a body of so many bytes.

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

const LISTENER: Token = Token(usize::MAX);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(address), Some(length)) = (arguments.next(), arguments.next()) else {
        return Err("usage: limit ADDRESS LENGTH".into());
    };
    let length: usize = length.parse()?;
    let body = "x".repeat(length);
    let reply = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: dcce41e304e3baf8\r\n\
         date: Wed, 25 Nov 2026 08:16:47 GMT\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    let mut listener = TcpListener::bind(address.parse()?)?;
    let mut poll = Poll::new()?;
    poll.registry()
        .register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut events = Events::with_capacity(1024);
    let mut peers: HashMap<usize, TcpStream> = HashMap::new();
    let mut next = 0;
    let mut room = [0; 32 << 10];
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            if event.token() == LISTENER {
                while let Ok((mut peer, _)) = listener.accept() {
                    peer.set_nodelay(true)?;
                    poll.registry()
                        .register(&mut peer, Token(next), Interest::READABLE)?;
                    peers.insert(next, peer);
                    next += 1;
                }
                continue;
            }
            let at = event.token().0;
            let Some(peer) = peers.get_mut(&at) else {
                continue;
            };
            let answered = peer.read(&mut room).and_then(|read| match read {
                0 => Err(ErrorKind::UnexpectedEof.into()),
                _ => peer.write_all(reply.as_bytes()),
            });
            if answered.is_err_and(|e| e.kind() != ErrorKind::WouldBlock) {
                peers.remove(&at);
            }
        }
    }
}
