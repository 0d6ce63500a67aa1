//! H: what reaches the keeper of the networks, and does not stop it from serving others.

use super::networks::{packets, serve};
use super::{Scene, eventually};
use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, SockaddrStorage, UnixAddr, connect, recv, sendmsg,
    setsockopt, socket, sockopt,
};
use nix::sys::time::TimeVal;
use serde_json::json;
use std::fs::File;
use std::io::IoSlice;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::path::Path;

/// More connections than the keeper has room for.
const CONNECTIONS: usize = 4200;

/// What a process of the same user, the only one that gets through the directory, can do with the keeper's socket.
struct Caller {
    directory: File,
}

impl Caller {
    fn new(scene: &Scene) -> Self {
        Self { directory: File::open(scene.sandbox.runtime.join("coracle/keeper")).expect("open the keeper's place") }
    }

    fn connect(&self) -> OwnedFd {
        let fd = socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::SOCK_CLOEXEC, None).expect("socket");
        // Nobody is waited for without end, neither in the queue nor for an answer.
        for set in [
            |fd| setsockopt(fd, sockopt::SendTimeout, &TimeVal::new(20, 0)),
            |fd: &OwnedFd| setsockopt(fd, sockopt::ReceiveTimeout, &TimeVal::new(20, 0)),
        ] {
            set(&fd).expect("setsockopt");
        }
        let path = format!("/proc/self/fd/{}/socket", self.directory.as_raw_fd());
        connect(fd.as_raw_fd(), &UnixAddr::new(path.as_str()).expect("an address")).expect("connect to the keeper");
        fd
    }

    /// What it answers to one message, with descriptors; empty if it hangs up.
    fn say(&self, message: &[u8], descriptors: &[RawFd]) -> String {
        let fd = self.connect();
        let rights = [ControlMessage::ScmRights(descriptors)];
        let rights = if descriptors.is_empty() { &[][..] } else { &rights };
        let sent =
            sendmsg::<SockaddrStorage>(fd.as_raw_fd(), &[IoSlice::new(message)], rights, MsgFlags::empty(), None);
        sent.expect("send a message");
        let mut answer = vec![0; 256 << 10];
        let length = recv(fd.as_raw_fd(), &mut answer, MsgFlags::empty()).unwrap_or(0);
        String::from_utf8_lossy(&answer[..length]).into_owned()
    }
}

fn keeper(scene: &Scene) -> String {
    let keepers = scene.sandbox.processes().into_iter().filter(|process| process.contains("coracle-keeper"));
    keepers.map(|process| process.split(':').next().unwrap_or_default().to_owned()).collect()
}

fn link(bridge: &str, interface: &str) -> serde_json::Value {
    json!({
        "place": {
            "network": "net", "bridge": bridge, "internal": false, "isolated": true, "resolves": true, "servers": [],
            "default_route": true, "mtu": null, "metric": null, "routes": [],
            "subnets": [{ "block": "10.79.9.0/24", "gateway": "10.79.9.1" }],
        },
        "interface": interface, "addresses": ["10.79.9.7"], "mac": [2, 0, 0, 0, 0, 7], "names": ["x"],
    })
}

#[test]
fn the_keeper_serves_others_whatever_is_said_to_it() {
    let scene = Scene::new();
    let Some(image) = packets(&scene.sandbox) else { return };
    scene.ok(&["network", "create", "--subnet", "10.79.1.0/24", "net"]);
    serve(&scene.sandbox, "s", &["--network", "net:ip=10.79.1.9"]);
    let (caller, pid) = (Caller::new(&scene), keeper(&scene));
    assert!(caller.say(b"\"Hello\"", &[]).contains("Welcome"), "the control");
    // Whoever finds a fault in it by all this finds it in its fences.
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("read its status");
    let powers = format!("CapPrm:\t{:016x}\n", 1 << 10 | 1 << 12 | 1 << 21);
    for line in ["NoNewPrivs:\t1\n", "Seccomp:\t2\n", &powers] {
        assert!(status.contains(line), "no {line} in {status}");
    }
    let long = "x".repeat(60_000);
    for message in ["", "{", "null", "[]", "\"Helo\"", "{\"Attach\":{}}", &"[".repeat(100_000), &long] {
        let answer = caller.say(message.as_bytes(), &[]);
        assert!(answer.is_empty() || answer.contains("Failed"), "{message:.20}: {answer:.200}");
    }
    assert!(caller.say(&[0xff; 1000], &[]).contains("Failed"));
    // With what is no namespace, or none of a network, or too many, or nothing.
    let (null, mount) = (File::open("/dev/null").expect("open"), File::open("/proc/self/ns/mnt").expect("open"));
    let attach = json!({ "Attach": { "container": "0123456789abcdef", "links": [link("coracle77", "eth0")] } });
    let attach = serde_json::to_vec(&attach).expect("JSON");
    for descriptors in [&[][..], &[null.as_raw_fd()], &[mount.as_raw_fd()], &[null.as_raw_fd(); 16]] {
        let answer = caller.say(&attach, descriptors);
        assert!(answer.contains("Failed"), "{answer}");
    }
    for (bridge, interface) in [("../../x", "eth0"), ("a\nb", "eth0"), ("", ""), (&long, "eth0"), ("lo", "eth0")] {
        for request in ["Attach", "Resume"] {
            let message = json!({ request: { "container": "../x", "links": [link(bridge, interface)] } });
            let _ = caller.say(&serde_json::to_vec(&message).expect("JSON"), &[null.as_raw_fd()]);
        }
    }
    for message in
        [json!({ "Detach": { "network": "net" } }), json!({ "Servers": { "network": &long, "servers": [] } })]
    {
        let _ = caller.say(&serde_json::to_vec(&message).expect("JSON"), &[]);
    }
    // So many that say nothing, and stay.
    let held: Vec<OwnedFd> = (0..CONNECTIONS).map(|_| caller.connect()).collect();
    let run = scene.coracle(&["run", "--rm", "--network", "net", &image, "nslookup", "s"]);
    assert!(run.code == 0 && run.stdout.contains("10.79.1.9"), "{run}");
    assert_eq!(keeper(&scene), pid, "it is the same that has heard all this");
    drop(held);
    scene.assert_safe();
}

/// K05: a container's processes are the user's to the kernel, and yet the keeper is none of theirs.
#[test]
fn no_container_gets_at_the_keeper() {
    let scene = Scene::new();
    let image = scene.sandbox.image("busybox");
    scene.ok(&["network", "create", "net"]);
    for (name, network) in [("s", "net"), ("h", "host")] {
        let place = ["--network", network, "--pid", "host"];
        scene.ok(&[&["run", "-d", "--name", name][..], &place, &[&image, "sleep", "1000"]].concat());
    }
    eventually("the keeper is there", || !keeper(&scene).is_empty());
    let (pid, place) = (keeper(&scene), scene.sandbox.runtime.join("coracle/keeper"));
    assert!(Path::new(&place).join("socket").exists(), "the control");
    for container in ["s", "h"] {
        let looks = |path: &str| scene.coracle(&["exec", container, "ls", path]).code == 0;
        assert!(!looks(&place.to_string_lossy()), "it is in no container's file system");
        let leads = |path: &str| scene.coracle(&["exec", container, "readlink", path]).code == 0;
        for inside in ["fd/0", "root", "cwd", "exe", "ns/net"] {
            assert!(!leads(&format!("/proc/{pid}/{inside}")), "{container}: {inside}");
            assert!(leads(&format!("/proc/self/{inside}")), "the control");
        }
        let reads = |file: &str| scene.coracle(&["exec", container, "head", "-c1", file]).code == 0;
        assert!(!reads(&format!("/proc/{pid}/mem")) && !reads(&format!("/proc/{pid}/environ")), "{container}");
        let enters = ["exec", container, "nsenter", "-t", &pid, "-n", "true"];
        assert_ne!(scene.coracle(&enters).code, 0, "{container}");
    }
    scene.assert_safe();
}
