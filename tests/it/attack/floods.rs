//! D13: a server whose answer has no end, in places of HTTP where one could be (RUSTSEC-2024-0332 and others
//! of its kind). Of HTTP/2, in which more such places are, nothing is spoken.

use super::registry::INSECURE;
use crate::support::witness::{refusal, staged, with_little_memory};
use crate::support::{Running, Sandbox};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What may be read of an answer that is none.
const READ_BYTES_MAX: u64 = 64 << 20;

/// How an answer begins, and what it goes on with for ever.
const FLOODS: [(&str, &str, &str); 12] = [
    ("nothing", "", "\r\n"),
    ("zeros", "", "\0\0\0\0\0\0\0\0"),
    ("a version", "HTTP/1.1", "1"),
    ("a reason", "HTTP/1.1 200 ", "reason "),
    ("answers that go on", "", "HTTP/1.1 100 Continue\r\n\r\n"),
    ("early hints", "", "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"),
    ("headers", "HTTP/1.1 200 OK\r\n", "x: y\r\n"),
    ("one header", "HTTP/1.1 200 OK\r\nx: ", "y"),
    ("a chunk's size", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "0"),
    ("a chunk's extension", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1", ";x=y"),
    ("trailers", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n", "x: y\r\n"),
    // Frames of SETTINGS without any, and of CONTINUATION without an end.
    ("frames", "\0\0\0\u{4}\0\0\0\0\0", "\0\0\0\u{9}\0\0\0\0\u{1}"),
];

/// Serves everybody the same flood, and counts what went out. Ends with the test.
fn flood(begin: &'static str, again: &'static str) -> (String, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind 127.0.0.1");
    let host = listener.local_addr().expect("address of a bound socket").to_string();
    let sent = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&sent);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let count = Arc::clone(&count);
            // That the client goes away is what is hoped for.
            std::thread::spawn(move || drop(pour(stream, begin, again, &count)));
        }
    });
    (host, sent)
}

fn pour(mut stream: TcpStream, begin: &str, again: &str, count: &AtomicU64) -> std::io::Result<()> {
    let mut request = [0; 4096];
    let length = stream.read(&mut request)?;
    if request[..length].first() == Some(&0x16) {
        return stream.write_all(b"HTTP/1.0 400 Bad Request\r\n\r\nThis is HTTP, without TLS.\n");
    }
    stream.write_all(begin.as_bytes())?;
    let piece = again.repeat(1000);
    loop {
        stream.write_all(piece.as_bytes())?;
        count.fetch_add(piece.len() as u64, Ordering::Relaxed);
    }
}

#[test]
fn d13_an_answer_without_an_end_is_given_up() {
    let sandbox = Sandbox::new();
    for (what, begin, again) in FLOODS {
        println!("{what}");
        let (host, sent) = flood(begin, again);
        let name = format!("{host}/app:1");
        let command = sandbox.command(&["pull", INSECURE, "--retry=0", &name]);
        let run = Running::start(with_little_memory(&command)).finish();
        assert!(refusal(&run).starts_with("coracle: pull: "), "{what}: {run}");
        let sent = sent.load(Ordering::Relaxed);
        assert!(sent > 0 && sent < READ_BYTES_MAX, "{what}: {sent} bytes were read: {run}");
        assert!(staged(&sandbox).is_empty(), "{what}");
    }
}
