//! TCP: bytes, ends, resets, limits.

use super::world::*;
use super::*;
use rustix::net::sockopt;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::ErrorKind;
use std::net::{Shutdown, TcpStream};
use std::os::unix::fs::FileExt;
use std::time::Duration;

#[test]
fn either_side_may_stop_speaking_and_go_on_listening() {
    inside("streams::either_side_may_stop_speaking_and_go_on_listening", |world| {
        let server = world.serve(80);
        world.forward(tcp(), options(), limits());
        let client = world.connect(HOST[0], 8080);
        let container = accept(&server);
        speak_after_the_end(client, container);
        let client = world.connect(HOST[0], 8080);
        let container = accept(&server);
        speak_after_the_end(container, client);
    });
}

/// One ends its half; the other hears that, and then speaks.
fn speak_after_the_end(mut first: TcpStream, mut second: TcpStream) {
    let mut said = String::new();
    first.write_all(b"last words").unwrap();
    first.shutdown(Shutdown::Write).unwrap();
    second.read_to_string(&mut said).unwrap();
    assert_eq!(said, "last words");
    second.write_all(b"an answer").unwrap();
    drop(second);
    said.clear();
    first.read_to_string(&mut said).unwrap();
    assert_eq!(said, "an answer");
}

#[test]
fn all_bytes_arrive_in_their_order() {
    const CHUNKS: usize = 200;
    inside("streams::all_bytes_arrive_in_their_order", |world| {
        let server = world.serve(80);
        world.forward(tcp(), options(), limits());
        let client = world.connect(HOST[0], 8080);
        let container = accept(&server);
        let write = |mut stream: TcpStream, seed: usize| {
            let mut hash = Sha256::new();
            let mut chunk: Vec<u8> = (0..1 << 20).map(|at| (at * 31 + at / 977 + seed) as u8).collect();
            for at in 0..CHUNKS {
                chunk[at] ^= 0x55;
                hash.update(&chunk);
                stream.write_all(&chunk).unwrap();
            }
            stream.shutdown(Shutdown::Write).unwrap();
            hash.finalize()
        };
        let read = |mut stream: TcpStream| {
            let (mut hash, mut count) = (Sha256::new(), 0);
            let mut buffer = vec![0; 1 << 18];
            loop {
                match stream.read(&mut buffer).unwrap() {
                    0 => return (hash.finalize(), count),
                    length => {
                        count += length;
                        hash.update(&buffer[..length]);
                    }
                }
            }
        };
        let (theirs, ours) = (container.try_clone().unwrap(), client.try_clone().unwrap());
        let (sent, answered, heard, answer) = std::thread::scope(|scope| {
            let sent = scope.spawn(move || write(client, 0));
            let answered = scope.spawn(move || write(container, 7));
            let heard = scope.spawn(move || read(theirs));
            let answer = read(ours);
            (sent.join().unwrap(), answered.join().unwrap(), heard.join().unwrap(), answer)
        });
        assert_eq!((heard, answer), ((sent, CHUNKS << 20), (answered, CHUNKS << 20)));
        assert_ne!(sent, answered);
    });
}

/// Few and many bytes in turn, and readers that let them pile up: what one says is never heard by another.
#[test]
fn connections_share_a_pipe_and_mix_nothing() {
    const COUNT: u8 = 8;
    inside("streams::connections_share_a_pipe_and_mix_nothing", |world| {
        let server = world.serve(80);
        world.forward(tcp(), options(), limits());
        let pairs: Vec<(TcpStream, TcpStream)> =
            (0..COUNT).map(|_| (world.connect(HOST[0], 8080), accept(&server))).collect();
        let write = |mut stream: TcpStream, word: u8| {
            for round in 0..40 {
                let length = [1, 700, 16 << 10, (16 << 10) + 1, 3 << 20][(round + usize::from(word)) % 5];
                stream.write_all(&vec![word; length]).unwrap();
            }
            stream.shutdown(Shutdown::Write).unwrap();
        };
        let read = |mut stream: TcpStream, word: u8| {
            let (mut buffer, mut count) = (vec![0; 1 << 20], 0);
            loop {
                std::thread::sleep(Duration::from_millis(2));
                match stream.read(&mut buffer).unwrap() {
                    0 => return count,
                    length => {
                        assert!(buffer[..length].iter().all(|byte| *byte == word), "{word}");
                        count += length;
                    }
                }
            }
        };
        let whole = 8 * (1 + 700 + (16 << 10) + (16 << 10) + 1 + (3 << 20));
        std::thread::scope(|scope| {
            for (number, (client, container)) in (0..).zip(pairs) {
                let (theirs, ours) = (container.try_clone().unwrap(), client.try_clone().unwrap());
                scope.spawn(move || write(client, number));
                scope.spawn(move || write(container, COUNT + number));
                scope.spawn(move || assert_eq!(read(theirs, number), whole));
                scope.spawn(move || assert_eq!(read(ours, COUNT + number), whole));
            }
        });
    });
}

#[test]
fn urgent_bytes_stay_where_they_are_and_stop_nothing() {
    inside("streams::urgent_bytes_stay_where_they_are_and_stop_nothing", |world| {
        let server = world.serve(80);
        world.forward(tcp(), options(), limits());
        for length in [3, 2 << 20] {
            let mut client = world.connect(HOST[0], 8080);
            let mut container = accept(&server);
            let around = vec![b'.'; length];
            let writer = std::thread::spawn(move || {
                client.write_all(&around).unwrap();
                assert_eq!(rustix::net::send(&client, b"!", rustix::net::SendFlags::OOB), Ok(1));
                client.write_all(&around).unwrap();
                client
            });
            let mut heard = vec![0; 2 * length + 1];
            container.read_exact(&mut heard).unwrap();
            assert!(heard.iter().enumerate().all(|(at, byte)| *byte == if at == length { b'!' } else { b'.' }));
            drop(writer.join().unwrap());
        }
    });
}

/// Writes until nothing more is taken. The bytes that were.
fn fill(stream: &mut TcpStream) -> usize {
    stream.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let (chunk, mut taken) = (vec![7; 1 << 16], 0);
    loop {
        match stream.write(&chunk) {
            Ok(length) => taken += length,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                return taken;
            }
        }
        assert!(taken < 256 << 20, "what nobody reads is kept somewhere");
    }
}

#[test]
fn who_does_not_read_stalls_nobody_else() {
    inside("streams::who_does_not_read_stalls_nobody_else", |world| {
        let server = world.serve(80);
        world.forward(tcp(), options(), limits());
        let mut stalled = Vec::new();
        for _ in 0..4 {
            let client = world.connect(HOST[0], 8080);
            let mut container = accept(&server);
            let taken = fill(&mut container);
            stalled.push((client, container, taken));
        }
        let client = world.connect(HOST[0], 8080);
        speak_after_the_end(client, accept(&server));
        for (mut client, container, taken) in stalled {
            drop(container);
            let mut all = Vec::new();
            client.read_to_end(&mut all).unwrap();
            assert!(all.len() == taken && all.iter().all(|byte| *byte == 7), "{} of {taken}", all.len());
        }
    });
}

fn outcome(mut stream: TcpStream) -> ErrorKind {
    match stream.read(&mut [0]) {
        Ok(0) => ErrorKind::UnexpectedEof,
        Ok(_) => panic!("nobody has spoken"),
        Err(error) => error.kind(),
    }
}

#[test]
fn a_reset_goes_on_to_the_other_side() {
    inside("streams::a_reset_goes_on_to_the_other_side", |world| {
        let server = world.serve(80);
        world.forward(tcp(), options(), limits());
        let reset = |stream: TcpStream| sockopt::set_socket_linger(&stream, Some(Duration::ZERO)).unwrap();
        let client = world.connect(HOST[0], 8080);
        reset(accept(&server));
        assert_eq!(outcome(client), ErrorKind::ConnectionReset);
        let client = world.connect(HOST[0], 8080);
        let container = accept(&server);
        reset(client);
        assert_eq!(outcome(container), ErrorKind::ConnectionReset);
        // The control: an end in good order is none.
        let client = world.connect(HOST[0], 8080);
        drop(accept(&server));
        assert_eq!(outcome(client), ErrorKind::UnexpectedEof);
    });
}

#[test]
fn a_container_that_does_not_answer_is_told_to_the_client() {
    inside("streams::a_container_that_does_not_answer_is_told_to_the_client", |world| {
        let nobody = Listener { targets: vec![address("10.89.0.99")], ..listener(Protocol::Tcp, 8081, 80) };
        let limits = Limits { connect_timeout: Duration::from_millis(300), ..limits() };
        world.forward(vec![listener(Protocol::Tcp, 8080, 80), nobody], options(), limits);
        for port in [8080, 8081] {
            assert_eq!(outcome(world.connect(HOST[0], port)), ErrorKind::ConnectionReset, "{port}");
        }
        // The control: it answers from now on.
        let server = world.serve(80);
        let client = world.connect(HOST[0], 8080);
        speak_after_the_end(client, accept(&server));
    });
}

#[test]
fn a_thousand_idle_clients_hinder_nobody() {
    inside("streams::a_thousand_idle_clients_hinder_nobody", |world| {
        let server = world.serve(80);
        world.forward(tcp(), options(), limits());
        let mut idle = Vec::new();
        for at in 0..1000 {
            let client = world.connect(HOST[0], 8080);
            if at % 2 == 0 {
                client.shutdown(Shutdown::Write).unwrap();
            }
            idle.push((client, accept(&server)));
        }
        let client = world.connect(HOST[0], 8080);
        speak_after_the_end(client, accept(&server));
        // The control: they are all there still.
        for (client, mut container) in idle {
            container.write_all(b"x").unwrap();
            (&client).read_exact(&mut [0]).unwrap();
        }
    });
}

/// What the scheduler counts of each thread: its slices are the last number.
fn schedules() -> Vec<File> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    tasks.map(|task| File::open(task.unwrap().path().join("schedstat")).unwrap()).collect()
}

/// Waits until no thread runs but this one.
fn until_at_rest(schedules: &[File]) {
    let read = || {
        schedules.iter().map(|file| {
            let mut text = [0; 64];
            let length = file.read_at(&mut text, 0).unwrap_or(0);
            text[..length].to_vec()
        })
    };
    until("the forwarder is at rest", || {
        let before: Vec<Vec<u8>> = read().collect();
        std::thread::sleep(Duration::from_millis(50));
        read().zip(before).filter(|(now, before)| now != before).count() <= 1
    });
}

#[test]
fn at_the_limit_clients_wait_and_nothing_spins() {
    inside("streams::at_the_limit_clients_wait_and_nothing_spins", |world| {
        let server = world.serve(80);
        world.forward(tcp(), options(), Limits { connections: 2, ..limits() });
        let [one, _two] = [(); 2].map(|()| (world.connect(HOST[0], 8080), accept(&server)));
        let third = world.connect(HOST[0], 8080);
        server.set_nonblocking(true).unwrap();
        until_at_rest(&schedules());
        assert_eq!(server.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
        drop(one);
        server.set_nonblocking(false).unwrap();
        speak_after_the_end(third, accept(&server));
    });
}

#[test]
fn without_a_descriptor_for_them_clients_wait_and_nothing_spins() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    use std::os::fd::AsRawFd;
    inside("streams::without_a_descriptor_for_them_clients_wait_and_nothing_spins", |world| {
        let server = world.serve(80);
        world.forward(tcp(), options(), limits());
        // The control: so far there is one.
        speak_after_the_end(world.connect(HOST[0], 8080), accept(&server));
        let client = within(&world.client, || {
            rustix::net::socket(rustix::net::AddressFamily::INET, rustix::net::SocketType::STREAM, None)
        })
        .unwrap();
        let schedules = schedules();
        // What the control needed is free again.
        until_at_rest(&schedules);
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        let next = client.try_clone().unwrap().as_raw_fd();
        setrlimit(Resource::RLIMIT_NOFILE, next as u64, hard).unwrap();
        assert!(client.try_clone().is_err());
        rustix::net::connect(&client, &std::net::SocketAddr::new(address(HOST[0]), 8080)).unwrap();
        until_at_rest(&schedules);
        setrlimit(Resource::RLIMIT_NOFILE, soft, hard).unwrap();
        speak_after_the_end(patient(client.into()), accept(&server));
    });
}
