//! A host, a client beside it, a bridge namespace and a container: network namespaces of an ordinary user's.
//!
//! In place of nft's mark, all that comes from the bridge is led to this namespace's sockets.

use super::super::*;
use nix::sched::{CloneFlags, setns, unshare};
use std::fs::File;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

/// No answer takes longer.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Set in the test process that has namespaces of its own.
const INSIDE: &str = "CORACLE_TEST_FORWARD";

pub const HOST: [&str; 2] = ["192.168.77.1", "fd77::1"];
pub const GATEWAY: [&str; 2] = ["10.89.0.1", "fd89::1"];
pub const CONTAINER: [&str; 2] = ["10.89.0.2", "fd89::2"];

pub struct World {
    pub client: File,
    pub bridge: File,
    pub container: File,
}

/// Runs a test in a user namespace and a network namespace, the host's, which one thread of many cannot enter: the test
/// is started once more there.
pub fn inside(name: &str, test: impl FnOnce(&World)) {
    if std::env::var_os(INSIDE).is_some() {
        return test(&World::new());
    }
    let program = std::env::current_exe().unwrap();
    let name = format!("network::forward::tests::{name}");
    let mut command = Command::new("unshare");
    command.arg("-Urn").arg(program).args(["--exact", &name, "--nocapture"]).env(INSIDE, "1");
    let output = command.output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

/// Runs something in a network namespace.
pub fn within<T: Send>(namespace: &File, work: impl FnOnce() -> T + Send) -> T {
    let work = || {
        setns(namespace, CloneFlags::CLONE_NEWNET).unwrap();
        work()
    };
    std::thread::scope(|scope| scope.spawn(work).join().unwrap())
}

pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn ip(lines: &[&str]) {
    for line in lines {
        let output = Command::new("ip").args(line.split(' ')).output().unwrap();
        assert!(output.status.success(), "ip {line}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

fn namespace() -> File {
    let make = || {
        unshare(CloneFlags::CLONE_NEWNET).unwrap();
        ip(&["link set lo up"]);
        File::open("/proc/thread-self/ns/net").unwrap()
    };
    std::thread::spawn(make).join().unwrap()
}

impl World {
    fn new() -> Self {
        use std::os::fd::AsRawFd;
        let world = Self { client: namespace(), bridge: namespace(), container: namespace() };
        let at = |namespace: &File| format!("/proc/{}/fd/{}", std::process::id(), namespace.as_raw_fd());
        ip(&[
            "link set lo up",
            "link add h0 type veth peer name c0",
            &format!("link set c0 netns {}", at(&world.client)),
        ]);
        ip(&["addr add 192.168.77.3/32 dev h0"]);
        ip(&["addr add 192.168.77.1/24 dev h0", "addr add fd77::1/64 dev h0 nodad", "link set h0 up"]);
        within(&world.client, || {
            ip(&["addr add 192.168.77.2/24 dev c0", "addr add fd77::2/64 dev c0 nodad", "link set c0 up"]);
            ip(&["addr add 10.89.0.55/32 dev c0"]);
        });
        // A client in the same network as the container, by its address.
        ip(&["route add 10.89.0.55/32 dev h0"]);
        within(&world.bridge, || {
            ip(&["link add b0 type bridge", "link add v0 type veth peer name e0", "link set v0 master b0"]);
            ip(&[&format!("link set e0 netns {}", at(&world.container)), "link set v0 up", "link set b0 up"]);
            ip(&["addr add 10.89.0.1/24 dev b0", "addr add fd89::1/64 dev b0 nodad"]);
            for family in ["-4", "-6"] {
                ip(&[&format!("{family} rule add iif b0 lookup 100")]);
                ip(&[&format!("{family} route add local default dev lo table 100")]);
            }
        });
        within(&world.container, || {
            ip(&["addr add 10.89.0.2/24 dev e0", "addr add fd89::2/64 dev e0 nodad", "link set e0 up"]);
            ip(&["route add default via 10.89.0.1", "-6 route add default via fd89::1"]);
        });
        world
    }

    /// Listens in the container.
    pub fn serve(&self, port: u16) -> TcpListener {
        within(&self.container, || TcpListener::bind(("::", port)).unwrap())
    }

    /// Forwards in a thread of its own, confined as the process is.
    pub fn forward(&self, listeners: Vec<Listener>, options: Options, limits: Limits) {
        let bridge = self.bridge.try_clone().unwrap();
        std::thread::spawn(move || {
            setns(&bridge, CloneFlags::CLONE_NEWNET).unwrap();
            drop(bridge);
            let Err(error) = process::run_confined(listeners, options, limits);
            // It cannot even say so.
            panic!("{error:#}");
        });
    }

    /// A connection from beside the host.
    pub fn connect(&self, host: &str, port: u16) -> TcpStream {
        within(&self.client, || connect(host, port))
    }
}

/// A connection from here.
pub fn connect(host: &str, port: u16) -> TcpStream {
    patient(TcpStream::connect((host, port)).unwrap())
}

pub fn patient(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

pub fn accept(listener: &TcpListener) -> TcpStream {
    patient(listener.accept().unwrap().0)
}

pub fn listener(protocol: Protocol, host_port: u16, port: u16) -> Listener {
    let wanted =
        super::super::super::Port { host_address: None, host_port, container_port: port, protocol, proxy: None };
    let targets = CONTAINER.map(|address| address.parse().unwrap()).to_vec();
    Listener { socket: bind(&wanted, &|_| None).unwrap(), protocol, targets, port, proxy: None }
}

pub fn tcp() -> Vec<Listener> {
    vec![listener(Protocol::Tcp, 8080, 80)]
}

pub fn options() -> Options {
    Options {
        keeps_client_address: true,
        gateways: GATEWAY.map(|address| address.parse().unwrap()).to_vec(),
        local_subnets: ["10.89.0.0/24", "fd89::/64"].map(|subnet| Cidr::parse(subnet).unwrap()).to_vec(),
    }
}

pub fn limits() -> Limits {
    Limits::within(20_000, 2)
}

pub fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// An address without the mapping of a socket for both families.
pub fn plain(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}
