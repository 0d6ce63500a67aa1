//! G04: a flood of output and a crowd of clients that come, do not read, and go: the monitor keeps its size.

use super::{Scene, eventually};
use crate::support::image_builder::Image;
use crate::support::{names_in, until};
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, UnixAddr, connect, sendmsg, socket,
};
use serde_json::json;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{IoSlice, PipeReader, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::process::Stdio;

/// How much a monitor may grow.
const GROWTH_KIB_MAX: u64 = 16 << 10;
/// How much a container says.
const OUTPUT_BYTES: u64 = 1 << 30;
/// How much a process beside it says, which nobody reads: more than fits into pipes.
const HELD_BYTES: u64 = 32 << 20;
/// The log, which is opened when there is something to write.
const LOG: usize = 1;
/// How many clients come.
const ATTACHES: usize = 10_000;
/// How many of them are there at a time.
const CROWD: usize = 40;

/// The monitor of a running container, seen from outside.
struct Monitor {
    pid: u64,
    directory: File,
    /// Its size in KiB and how many descriptors it had, before the attack.
    before: (u64, usize),
}

/// A client, and what it was to read.
struct Guest {
    _socket: OwnedFd,
    output: Option<PipeReader>,
}

impl Monitor {
    fn of(scene: &Scene, id: &str) -> Self {
        let pid = scene.sandbox.state(id)["monitor_pid"].as_u64().expect("a pid");
        let directory = scene.sandbox.runtime.join("coracle/containers").join(id);
        let mut monitor = Self { pid, directory: File::open(directory).expect("open its directory"), before: (0, 0) };
        monitor.before = (monitor.largest_kib(), monitor.descriptors());
        monitor
    }

    /// The most memory that it ever had.
    fn largest_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).expect("read its status");
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("its memory");
        line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
    }

    fn descriptors(&self) -> usize {
        names_in(Path::new(&format!("/proc/{}/fd", self.pid))).len()
    }

    #[track_caller]
    fn assert_small(&self) {
        let (before, now) = (self.before.0, self.largest_kib());
        assert!(now <= before + GROWTH_KIB_MAX, "the monitor grew from {before} to {now} KiB");
    }

    /// A new client of the conversation, as old as the conversation is.
    fn attach(&self, asks: bool) -> Guest {
        let client = socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::SOCK_CLOEXEC, None).expect("socket");
        let path = format!("/proc/self/fd/{}/ctl", self.directory.as_raw_fd());
        connect(client.as_raw_fd(), &UnixAddr::new(path.as_str()).expect("an address")).expect("connect");
        if !asks {
            return Guest { _socket: client, output: None };
        }
        let (output, theirs) = std::io::pipe().expect("make a pipe");
        let streams = json!({"stdin": false, "stdout": true, "stderr": true, "detach_keys": [], "size": null});
        let hello = json!({"version": 1, "request": {"Attach": streams}}).to_string();
        let descriptors = [theirs.as_raw_fd(), theirs.as_raw_fd()];
        let message = [ControlMessage::ScmRights(&descriptors)];
        let words = [IoSlice::new(hello.as_bytes())];
        let output = match sendmsg::<()>(client.as_raw_fd(), &words, &message, MsgFlags::MSG_NOSIGNAL, None) {
            Ok(_) => Some(output),
            // There are as many as the monitor serves at once.
            Err(Errno::EPIPE | Errno::ECONNRESET) => None,
            Err(errno) => panic!("send: {errno}"),
        };
        Guest { _socket: client, output }
    }
}

#[test]
fn g04_a_gibibyte_and_who_does_not_read_it_cost_no_memory() {
    let scene = Scene::new();
    let image = scene.load(&Image::new("flood"));
    let script = format!("read go; head -c {OUTPUT_BYTES} /dev/zero; echo done >&2; sleep 1000");
    let id = scene.start(&["--name=c", "--interactive"], &image, &["sh", "-c", &script]);
    let monitor = Monitor::of(&scene, &id);
    // Slow ones, that it lets go of, and one of an exec, which is held back for ever.
    let guests: Vec<Guest> = (0..CROWD).map(|_| monitor.attach(true)).collect();
    let words = ["exec", "c", "head", "-c", &HELD_BYTES.to_string(), "/dev/zero"].map(str::to_owned);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut exec = scene.sandbox.command(&words).stdout(Stdio::piped()).spawn().expect("start an exec");
    let mut go =
        scene.sandbox.command(&["attach", "c"]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("attach");
    std::io::Write::write_all(go.stdin.as_mut().expect("its input"), b"go\n").expect("say go");
    // The control: it comes to the end of it, whoever reads.
    until("all is said", || scene.coracle(&["logs", "--tail=1", "c"]).stderr.contains("done"));
    monitor.assert_small();
    for mut guest in guests {
        let mut output = Vec::new();
        guest.output.take().expect("its output").read_to_end(&mut output).expect("read what was handed on");
        assert!(!output.is_empty() && output.len() < 1 << 20, "{} bytes for who has not read", output.len());
    }
    for child in [&mut exec, &mut go] {
        child.kill().expect("end it");
        child.wait().expect("wait for it");
    }
    eventually("the descriptors are closed", || monitor.descriptors() <= monitor.before.1 + LOG);
    monitor.assert_small();
    scene.assert_safe();
}

#[test]
fn g04_ten_thousand_attaches_leave_nothing() {
    let scene = Scene::new();
    let image = scene.load(&Image::new("crowd"));
    let id = scene.start(&["--name=c"], &image, &["yes", "0123456789012345678901234567890123456789"]);
    let monitor = Monitor::of(&scene, &id);
    let (mut crowd, mut read) = (VecDeque::new(), 0);
    for number in 0..ATTACHES {
        // Some go before they ask, some at once, some in the middle, some without a word when others come.
        let mut guest = monitor.attach(number % 7 != 0);
        if number % 250 == 1 {
            // It need not wait until the monitor has lost its patience with the others.
            crowd.clear();
            let mut bytes = [0; 4096];
            read += guest.output.as_mut().map_or(0, |output| output.read(&mut bytes).expect("read"));
        }
        match number % 3 {
            0 => drop(guest),
            1 => crowd.push_back(Guest { output: None, ..guest }),
            _ => crowd.push_back(guest),
        }
        if crowd.len() > CROWD {
            crowd.pop_front();
        }
    }
    assert!(read > 0, "the control: some were served");
    drop(crowd);
    monitor.assert_small();
    eventually("the descriptors are closed", || monitor.descriptors() <= monitor.before.1 + LOG);
    assert_eq!(scene.ok(&["exec", "c", "echo", "served"]), "served\n");
    scene.assert_safe();
}
