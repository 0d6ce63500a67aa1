//! H05: the helpers of networks are killed while others' connections run: those stand, and nothing of the victim is left.
//! And packets that are none reach nothing through them.

use super::networks::{free_port, greeting, packets, serve};
use super::{Scene, eventually};
use crate::support::Sandbox;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::process::Command;

/// How often each helper is killed.
const ROUNDS: usize = 3;

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// What is killed: where it shows in its command line or name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Helper {
    Monitor,
    Forwarder,
    Keeper,
    Pasta,
}

fn name_of(pid: i32) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_owned()
}

/// The processes of a kind, of one container if it has them of its own.
fn pids(sandbox: &Sandbox, helper: Helper, id: &str) -> Vec<i32> {
    // The programs' own names differ between machines, but not what they were called with.
    let is_it = |pid: i32, line: &str| match helper {
        Helper::Monitor => line.contains(id) && line.contains("coracle-monitor") && name_of(pid) != "coracle-forward",
        Helper::Forwarder => line.contains(id) && name_of(pid) == "coracle-forward",
        Helper::Keeper => line.contains("coracle-keeper"),
        Helper::Pasta => line.contains("/pasta "),
    };
    let processes = sandbox.processes().into_iter();
    let split = processes.filter_map(|process| {
        let (pid, line) = process.split_once(": ")?;
        Some((pid.parse::<i32>().ok()?, line.to_owned()))
    });
    split.filter(|(pid, line)| is_it(*pid, line)).map(|(pid, _)| pid).collect()
}

/// Runs a program in the namespace of the bridges, which a forwarder is in.
fn among_the_bridges(forwarder: i32, command: &[&str]) -> String {
    let inside = ["--target", &forwarder.to_string(), "--user", "--net", "--preserve-credentials"];
    let output = Command::new("nsenter").args(inside).args(command).output().expect("run nsenter");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Connections that must stand: one between two containers, and one through a published port.
struct Traffic<'a> {
    sandbox: &'a Sandbox,
    outside: BufReader<TcpStream>,
    said: usize,
}

impl<'a> Traffic<'a> {
    fn begin(sandbox: &'a Sandbox, port: u16) -> Self {
        eventually("the server answers", || greeting((LOOPBACK, port)).is_some());
        let (_, outside) = greeting((LOOPBACK, port)).expect("the server answers");
        let talk = "mkfifo /in; exec 3<>/in; nc 10.78.1.9 7 </in >/heard";
        let client = ["--network", "net", "localhost/packets:latest", "sh", "-c", talk];
        sandbox.ok(&[&["run", "-d", "--name", "client"][..], &client].concat());
        eventually("they talk", || sandbox.coracle(&["exec", "client", "cat", "/heard"]).stdout.contains("sees"));
        Self { sandbox, outside: BufReader::new(outside), said: 0 }
    }

    #[track_caller]
    fn assert_stands(&mut self, after: &str) {
        self.said += 1;
        let word = format!("word {}", self.said);
        writeln!(self.outside.get_mut(), "{word}").expect("write to the published port");
        let mut heard = String::new();
        self.outside.read_line(&mut heard).expect("read from the published port");
        assert_eq!(heard.trim(), word, "after {after}");
        self.sandbox.ok(&["exec", "client", "sh", "-c", &format!("echo {word} > /in")]);
        let hears = || self.sandbox.ok(&["exec", "client", "cat", "/heard"]).contains(&word);
        eventually(&format!("the containers talk on after {after}"), hears);
    }
}

/// H05.
#[test]
fn h05_connections_stand_when_helpers_of_others_are_killed_and_nothing_is_left() {
    let scene = Scene::new();
    let sandbox = &scene.sandbox;
    if packets(sandbox).is_none() {
        return;
    }
    for (name, number) in [("net", 1), ("two", 2)] {
        scene.ok(&["network", "create", "--subnet", &format!("10.78.{number}.0/24"), name]);
    }
    let (port, victims) = (free_port(), free_port());
    serve(sandbox, "server", &["--network", "net:ip=10.78.1.9", "--publish", &format!("127.0.0.1:{port}:7")]);
    let mut traffic = Traffic::begin(sandbox, port);
    let server = scene.ok(&["inspect", "--format", "{{.Id}}", "server"]).trim().to_owned();
    let forwarder = pids(sandbox, Helper::Forwarder, &server)[0];
    let look = || {
        let links = among_the_bridges(forwarder, &["ip", "-o", "link"]);
        let addresses = among_the_bridges(forwarder, &["ip", "-o", "address"]);
        let routes = among_the_bridges(forwarder, &["ip", "route", "show", "table", "all"]);
        (links, addresses + &routes, among_the_bridges(forwarder, &["nft", "list", "ruleset"]))
    };
    let publish = format!("127.0.0.1:{victims}:7");
    // All addresses are as they are to be, each time again.
    let options = ["--network", "net:ip=10.78.1.5", "--network", "two:ip=10.78.2.5", "--publish", &publish];
    use Helper::{Forwarder, Keeper, Monitor, Pasta};
    for helpers in [&[Monitor][..], &[Forwarder], &[Keeper], &[Pasta], &[Monitor, Keeper]] {
        for round in 0..ROUNDS {
            let after = format!("{helpers:?} {round}");
            serve(sandbox, "victim", &options);
            let id = scene.ok(&["inspect", "--format", "{{.Id}}", "victim"]).trim().to_owned();
            eventually("the victim answers", || greeting((LOOPBACK, victims)).is_some());
            let (links, places, rules) = look();
            let is_there = links.contains(&id[..10]) && places.contains("10.78.2.1") && rules.contains("10.78.2.");
            assert!(is_there, "the control: {links}{places}{rules}");
            let killed: Vec<i32> = helpers.iter().flat_map(|helper| pids(sandbox, *helper, &id)).collect();
            assert_eq!(killed.len(), helpers.len(), "{after}: {killed:?}");
            killed.iter().for_each(|pid| kill(Pid::from_raw(*pid), Signal::SIGKILL).expect("kill"));
            traffic.assert_stands(&after);
            if !helpers.contains(&Monitor) {
                let is_back = || pids(sandbox, helpers[0], &id).first().is_some_and(|pid| *pid != killed[0]);
                eventually(&format!("another one is there after {after}"), is_back);
                eventually("the victim answers again", || greeting((LOOPBACK, victims)).is_some());
            }
            scene.ok(&["rm", "-f", "-t", "0", "victim"]);
            // A keeper that knew nothing of the victim looks for what others have left when somebody goes.
            scene.ok(&["run", "--rm", "--network", "net", "localhost/packets:latest", "true"]);
            eventually(&format!("no process is left after {after}"), || {
                sandbox.processes().iter().all(|process| !process.contains(&id))
            });
            eventually(&format!("no link, no address and no rule is left after {after}"), || {
                let (links, places, rules) = look();
                !links.contains(&id[..10]) && !places.contains("10.78.2.") && !rules.contains("10.78.2.")
            });
            TcpListener::bind((LOOPBACK, victims)).expect("the port is free again");
            traffic.assert_stands(&after);
        }
    }
    scene.assert_safe();
}

/// How many packets that are none are sent through a helper.
const NOISE: &str = "40000";

/// H05: what is no packet brings down neither a container's helper nor that of the bridges; and a container whose helper is
/// killed goes on, and gets another.
#[test]
fn h05_noise_ends_no_helper_and_one_that_is_killed_is_followed_by_another() {
    let scene = Scene::new();
    if packets(&scene.sandbox).is_none() {
        return;
    }
    scene.ok(&["network", "create", "net"]);
    let ports = [free_port(), free_port()];
    for (network, port) in ["pasta", "net"].into_iter().zip(ports) {
        let publish = format!("127.0.0.1:{port}:7");
        let powers = ["--network", network, "--publish", &publish, "--cap-add", "net_raw,net_admin"];
        serve(&scene.sandbox, network, &powers);
        let is_served = || greeting((LOOPBACK, port)).is_some_and(|(said, _)| said.contains("sees"));
        eventually("the server answers", is_served);
        let said = |script: &str| scene.ok(&["exec", network, "sh", "-c", script]).trim().to_owned();
        let link = said("ip route | awk '/^default/ { print $5 }'");
        // Whoever is at the other end has been asked for its address on the link.
        let gateway = said("ip route | awk '/^default/ { print $3 }'");
        let mac = format!("ping -c 1 -W 1 {gateway} >/dev/null; ip neigh | awk '$1 == \"{gateway}\" {{ print $5 }}'");
        let mac = said(&mac);
        assert_eq!(mac.len(), 17, "{mac}");
        let helpers = || {
            let mut pids = pids(&scene.sandbox, Helper::Pasta, "");
            pids.extend(self::pids(&scene.sandbox, Helper::Keeper, ""));
            pids
        };
        let before = helpers();
        assert_eq!(said(&format!("packets noise {link} {mac} {NOISE}")), format!("sent {NOISE}"));
        eventually("the server still answers", is_served);
        assert_eq!(helpers(), before, "{network}");
    }
    let id = scene.ok(&["inspect", "--format", "{{.Id}}", "pasta"]).trim().to_owned();
    let line = |pid: &i32| std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let own = || pids(&scene.sandbox, Helper::Pasta, &id).into_iter().find(|pid| line(pid).contains(&id));
    let pasta = own().expect("a pasta of the container's own");
    kill(Pid::from_raw(pasta), Signal::SIGKILL).expect("kill");
    let reached = scene.coracle(&["exec", "pasta", "packets", "reach", "1", "x=127.0.0.1=7"]);
    assert!(reached.stdout.contains("pasta sees"), "what is in the container goes on: {reached}");
    eventually("another leads out", || own().is_some_and(|pid| pid != pasta));
    eventually("and in", || greeting((LOOPBACK, ports[0])).is_some_and(|(said, _)| said.contains("sees")));
    assert_eq!(scene.ok(&["inspect", "--format", "{{.State.Running}}", "pasta"]), "true\n");
    scene.ok(&["restart", "-t", "0", "pasta"]);
    scene.assert_safe();
}
