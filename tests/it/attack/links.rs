//! H: what a container can do to its neighbours on the same link: nothing by default, and with NET_RAW, by which it may
//! send any packet, no more than deceive them about each other.

use super::networks::{free_port, greeting, packets, serve};
use super::{Scene, eventually};
use std::net::{IpAddr, Ipv4Addr};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// How often it is looked whether an attack that goes on has an effect.
const ROUNDS: usize = 30;

/// A network with a server, one that speaks with it, and one that may send any packet.
struct Link {
    scene: Scene,
    image: String,
    port: u16,
}

impl Link {
    fn new(subnet: &str) -> Option<Self> {
        let scene = Scene::new();
        let image = packets(&scene.sandbox)?;
        scene.ok(&["network", "create", "--subnet", &format!("{subnet}.0/24"), "net"]);
        let port = free_port();
        let place = |last: u8| format!("net:ip={subnet}.{last},mac=02:00:00:00:00:{last:02x}");
        serve(&scene.sandbox, "s", &["--network", &place(9), "--publish", &format!("127.0.0.1:{port}:7")]);
        serve(&scene.sandbox, "c", &["--network", &place(8)]);
        serve(&scene.sandbox, "x", &["--network", &place(66), "--cap-add", "net_raw"]);
        let link = Self { scene, image, port };
        eventually("all are there", || link.greeted() && link.reaches("c", &format!("{subnet}.9"), "s sees"));
        Some(link)
    }

    /// Whether the server answers at the host's port.
    fn greeted(&self) -> bool {
        greeting((LOOPBACK, self.port)).is_some_and(|(said, _)| said.starts_with("s sees"))
    }

    fn reaches(&self, from: &str, to: &str, says: &str) -> bool {
        let target = format!("x={to}=7");
        self.scene.coracle(&["exec", from, "packets", "reach", "2", &target]).stdout.contains(says)
    }

    /// Has the attacker go on with something, and gives how to look at what it says.
    fn attack(&self, name: &str, words: &[&str], begun: &str) {
        let log = format!("packets {} >/{name}", words.join(" "));
        self.scene.ok(&["exec", "-d", "x", "sh", "-c", &log]);
        eventually("the attack goes on", || self.said(name).contains(begun));
    }

    fn said(&self, name: &str) -> String {
        self.scene.coracle(&["exec", "x", "cat", &format!("/{name}")]).stdout
    }

    fn bridge(&self) -> String {
        let shown = self.scene.ok(&["exec", "c", "ip", "neigh", "show"]);
        let gateway = shown.lines().find(|line| line.contains(".1 dev eth0")).expect("the gateway is a neighbour");
        let words: Vec<&str> = gateway.split_whitespace().collect();
        let at = words.iter().position(|word| *word == "lladdr").expect("an address on the link");
        words[at + 1].to_owned()
    }
}

/// Without the capability nothing of all this can be tried.
#[test]
fn who_has_no_capability_lies_to_nobody() {
    let Some(link) = Link::new("10.81.1") else { return };
    let command = |options: &[&str], words: &[&str]| {
        let run = ["run", "--rm", "--network", "net"];
        link.scene.coracle(&[&run[..], options, &[&link.image, "packets"], words].concat())
    };
    for words in [
        &["pose", "eth0", "02:00:00:00:00:09"][..],
        &["lie", "eth0", "10.81.1.9", "02:00:00:00:00:08"],
        &["redirect", "10.81.1.1", "10.81.1.8", "10.81.1.66", "192.0.2.7"],
        &["spoof", "10.81.1.9", "10.81.1.8", "9", "text"],
        &["advertise", "eth0"],
    ] {
        let run = command(&[], words);
        assert!(run.code == 1 && run.stdout.starts_with(words[0]) && run.stdout.contains(" E"), "{run}");
    }
    let run = command(&["--cap-add", "net_raw"], &["spoof", "10.81.1.9", "10.81.1.8", "9", "text"]);
    assert_eq!(run.stdout, "spoof ok\n", "the control");
    link.scene.assert_safe();
}

/// Frames that come from another's address on the link bring nothing of what is for that one.
#[test]
fn who_poses_as_another_gets_nothing_of_its_traffic() {
    let Some(link) = Link::new("10.81.2") else { return };
    link.attack("own", &["pose", "eth0", "02:00:00:00:00:42"], "posing");
    link.attack("other", &["pose", "eth0", "02:00:00:00:00:09"], "posing");
    for _ in 0..ROUNDS {
        assert!(link.reaches("c", "10.81.2.9", "s sees") && link.greeted());
    }
    assert!(link.reaches("c", "10.81.2.66", "x sees"));
    eventually("what is for itself is heard", || link.said("own").contains("overheard"));
    assert!(!link.said("other").contains("overheard"), "{}", link.said("other"));
    link.scene.assert_safe();
}

/// Neither the gateway is deceived about a container, nor a container about its gateway.
#[test]
fn who_lies_about_addresses_is_not_believed_by_or_about_the_gateway() {
    let Some(link) = Link::new("10.81.3") else { return };
    link.attack("gateway", &["lie", "eth0", "10.81.3.9", &link.bridge()], "lying");
    link.attack("container", &["lie", "eth0", "10.81.3.1", "02:00:00:00:00:08"], "lying");
    for _ in 0..ROUNDS {
        assert!(link.greeted(), "the host's port leads to the server");
        let answer = link.scene.coracle(&["exec", "c", "nslookup", "s", "10.81.3.1"]);
        assert!(answer.stdout.contains("10.81.3.9"), "{answer}");
    }
    // The control, and what who grants the capability has to know: two containers that speak with each other believe it.
    link.attack("neighbour", &["lie", "eth0", "10.81.3.9", "02:00:00:00:00:08"], "lying");
    eventually("a neighbour believes it", || !link.reaches("c", "10.81.3.9", "s sees"));
    assert!(link.greeted());
    link.scene.assert_safe();
}

/// A neighbour that seems to be the gateway does not say which ways there are.
#[test]
fn redirects_are_not_believed() {
    let Some(link) = Link::new("10.81.4") else { return };
    serve(&link.scene.sandbox, "control", &["--network", "net:ip=10.81.4.7", "--privileged"]);
    let believe = "for of in all eth0; do echo 1 >/proc/sys/net/ipv4/conf/$of/accept_redirects; done";
    link.scene.ok(&["exec", "control", "sh", "-c", believe]);
    let way = |from: &str| link.scene.ok(&["exec", from, "ip", "route", "get", "192.0.2.7"]);
    let tell = |whom: &str| {
        let words = ["exec", "x", "packets", "redirect", "10.81.4.1", whom, "10.81.4.66", "192.0.2.7"];
        assert_eq!(link.scene.ok(&words), "redirect ok\n");
    };
    tell("10.81.4.8");
    eventually("the control believes it", || {
        tell("10.81.4.7");
        way("control").contains("via 10.81.4.66")
    });
    assert!(way("c").contains("via 10.81.4.1"), "{}", way("c"));
    link.scene.assert_safe();
}

/// A neighbour that gives out addresses gives none to who has not asked.
#[test]
fn addresses_that_a_neighbour_gives_out_are_nobodys() {
    let Some(link) = Link::new("10.81.5") else { return };
    let shown = |of: &str| link.scene.ok(&["exec", of, "sh", "-c", "ip -4 address; ip route; cat /etc/resolv.conf"]);
    let before = shown("c");
    let settings =
        "start 10.81.5.200\nend 10.81.5.250\ninterface eth0\noption router 10.81.5.66\noption dns 10.81.5.66\n";
    let serve_addresses = format!("printf '{settings}' >/udhcpd.conf; touch /leases; udhcpd -f /udhcpd.conf");
    link.scene.ok(&["exec", "-d", "x", "sh", "-c", &serve_addresses]);
    // The control: one that asks is given one.
    let asks = ["run", "--rm", "--network", "net", "--cap-add", "net_raw", &link.image, "udhcpc"];
    let asks = [&asks[..], &["-i", "eth0", "-n", "-q", "-t", "2", "-T", "1", "-s", "/bin/true"]].concat();
    eventually("an address is given out", || link.scene.coracle(&asks).code == 0);
    link.scene.ok(&["restart", "-t", "0", "s"]);
    assert_eq!(shown("c"), before);
    assert!(!shown("s").contains("10.81.5.2") && !shown("s").contains("10.81.5.66"), "{}", shown("s"));
    link.scene.assert_safe();
}
