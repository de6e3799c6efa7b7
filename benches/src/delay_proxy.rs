//! A wire of a given length: what goes in comes out unchanged, later.
//!
//! Bytes are delayed, not slowed down: any number of them may be on the way, as in a real network. Threads and not
//! tasks, because tokio's timer counts whole milliseconds and would make one of them into two; a sleeping thread is
//! late by less than a tenth.
//!
//! The threads of a connection end with it. The one that accepts ends with the process.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

/// How many pieces may be on the way; a full wire makes the sender wait.
const ON_THE_WAY: usize = 1024;
const PIECE_BYTES: usize = 16 * 1024;

/// Bytes, and when they arrive.
type Piece = (Instant, Vec<u8>);

/// Forwards connections to `port` on this machine, `delay` later in each direction; the port to connect to.
pub(crate) fn start(port: u16, delay: Duration) -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let entrance = listener.local_addr()?.port();
    thread::spawn(move || {
        for near in listener.incoming().flatten() {
            // A connection that cannot be made is one that closes at once.
            let _ = forward(near, port, delay);
        }
    });
    Ok(entrance)
}

fn forward(near: TcpStream, port: u16, delay: Duration) -> std::io::Result<()> {
    let far = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    for (from, to) in [(near.try_clone()?, far.try_clone()?), (far, near)] {
        let (wire, end) = sync_channel(ON_THE_WAY);
        thread::spawn(move || put_in(from, &wire, delay));
        thread::spawn(move || take_out(&end, to));
    }
    Ok(())
}

fn put_in(mut from: TcpStream, wire: &SyncSender<Piece>, delay: Duration) {
    let mut buffer = vec![0; PIECE_BYTES];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if wire.send((Instant::now() + delay, buffer[..length].to_vec())).is_err() {
            return;
        }
    }
}

fn take_out(wire: &Receiver<Piece>, mut to: TcpStream) {
    for (arrives, bytes) in wire {
        thread::sleep(arrives.saturating_duration_since(Instant::now()));
        if to.write_all(&bytes).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out_later_and_the_end_is_an_end() {
        const DELAY: Duration = Duration::from_millis(20);
        let echo = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = echo.local_addr().unwrap().port();
        thread::spawn(move || {
            let (mut stream, _) = echo.accept().unwrap();
            let mut four = [0; 4];
            stream.read_exact(&mut four).unwrap();
            stream.write_all(&four).unwrap();
        });
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, start(port, DELAY).unwrap())).unwrap();
        let began = Instant::now();
        stream.write_all(b"ping").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert_eq!(answer, b"ping");
        assert!(began.elapsed() >= 2 * DELAY);
    }
}
