//! Egress rules of ordinary users' containers. What needs a world outside is in `root/egress.rs`.

use crate::support::{Sandbox, until};

#[test]
fn rules_are_part_of_the_description() {
    let sandbox = Sandbox::with_busybox();
    let create =
        ["create", "--name", "a", "--egress", "allow=Example.org:443,10.1.2.3/8", "--egress", "deny", "busybox"];
    sandbox.ok(&create);
    let shown = sandbox.ok(&["inspect", "--format", "{{.HostConfig.NetworkMode}} {{json .HostConfig.Egress}}", "a"]);
    assert_eq!(shown, "bridge [\"deny\",\"allow=example.org:443/tcp\",\"allow=10.0.0.0/8\"]\n");
    sandbox.ok(&["create", "--name", "b", "busybox"]);
    assert_eq!(sandbox.ok(&["inspect", "--format", "{{json .HostConfig.Egress}}", "b"]), "[]\n");
    // A clone has them, too.
    let clone = sandbox.ok(&["container", "clone", "a"]);
    let shown = sandbox.ok(&["inspect", "--format", "{{json .HostConfig.Egress}}", clone.trim()]);
    assert!(shown.contains("example.org"), "{shown}");
}

#[test]
fn what_cannot_be_ruled_is_said() {
    let sandbox = Sandbox::with_busybox();
    for mode in ["host", "pasta", "private", "ns:/proc/self/ns/net"] {
        let run = ["run", "--rm", "--network", mode, "--egress", "deny", "busybox", "true"];
        sandbox.fails(125, &["run: ", "egress rules cannot hold", "make it with --network bridge"], &run);
    }
    for rule in ["maybe", "allow=", "allow=10.0.0.256", "allow=a:0", "deny=example.org", "allow=fd00::1:443:2:/x"] {
        let run = ["run", "--rm", "--egress", rule, "busybox", "true"];
        sandbox.fails(125, &["run: ", "is no egress rule"], &run);
    }
    // Where nothing leaves the container, whatever may not leave it does not.
    sandbox.ok(&["run", "--rm", "--network", "none", "--egress", "deny", "busybox", "true"]);
}

#[test]
fn a_container_with_rules_is_on_the_bridge_and_asks_for_nothing() {
    let sandbox = Sandbox::with_busybox();
    let start = |name: &str, rules: &[&str]| {
        sandbox
            .ok(&[&["run", "-d", "--name", name, "--network", "bridge"], rules, &["busybox", "sleep", "1000"]]
                .concat())
    };
    start("free", &[]);
    sandbox.ok(&["run", "-d", "--name", "ruled", "--egress", "deny", "busybox", "sleep", "1000"]);
    let shown = sandbox.ok(&["inspect", "--format", "{{.HostConfig.NetworkMode}}", "ruled"]);
    assert_eq!(shown, "bridge\n");
    let asks = |who: &str, words: &[&str]| sandbox.coracle(&[&["exec", who, "nslookup"], words].concat()).stdout;
    assert!(asks("ruled", &["example.org."]).contains("REFUSED"));
    assert!(!asks("free", &["example.org."]).contains("REFUSED"), "the control");
    // pasta has the host's name servers behind this address.
    let heard = |said: &str| said.contains("NXDOMAIN") || said.contains("Name:");
    assert!(!heard(&asks("ruled", &["example.org.", "169.254.1.1"])));
    assert!(heard(&asks("free", &["example.org.", "169.254.1.1"])), "the control");
    let events = ["events", "--stream=false", "--filter", "event=egress_refused", "--format"];
    let told =
        || sandbox.ok(&[&events[..], &["{{.Name}} {{.Attributes.protocol}} {{.Attributes.destination}}"]].concat());
    until("both are told of", || {
        told().contains("ruled dns example.org\n") && told().contains("ruled udp 169.254.1.1\n")
    });
    // Without the keeper they hold as well, and the next one knows them.
    let keeper = || sandbox.processes().into_iter().find(|process| process.contains("coracle-keeper"));
    let before = keeper().expect("a keeper");
    let pid: i32 = before.split(':').next().and_then(|pid| pid.parse().ok()).expect("a pid");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).expect("kill");
    assert!(!heard(&asks("ruled", &["example.org.", "169.254.1.1"])));
    until("another keeper answers", || asks("ruled", &["other.example."]).contains("REFUSED"));
    assert!(!heard(&asks("ruled", &["example.org.", "169.254.1.1"])));
    until("the next one tells, too", || told().contains("ruled dns other.example\n"));
    sandbox.end();
}

/// A server that answers with what it hears, at ports 7 and 8.
const ECHO: &[&str] = &["busybox", "sh", "-c", "nc -ll -p 8 -e cat & exec nc -ll -p 7 -e cat"];

/// Containers of two networks that reach each other: `other` serves at 10.83.2.9, and `a`, with these options, may do so.
fn neighbours(sandbox: &Sandbox, options: &[&str]) {
    for (name, subnet) in [("net", "10.83.1.0/24"), ("wide", "10.83.2.0/24")] {
        sandbox.ok(&["network", "create", "--opt", "isolate=false", "--subnet", subnet, name]);
    }
    let place = ["run", "-d", "--name", "other", "--network", "wide:ip=10.83.2.9"];
    sandbox.ok(&[&place[..], ECHO].concat());
    let place = ["run", "-d", "--name", "a", "--network", "net:ip=10.83.1.9"];
    sandbox.ok(&[&place[..], options, ECHO].concat());
}

fn says(sandbox: &Sandbox, who: &str, script: &str) -> String {
    sandbox.coracle(&["exec", who, "sh", "-c", script]).stdout
}

/// Whether the other one answers `a` at a port; one that is not reached refuses at once.
fn reaches(sandbox: &Sandbox, port: u16) -> bool {
    let said = says(sandbox, "a", &format!("echo hello | nc -w 5 10.83.2.9 {port} 2>&1"));
    assert!(said.contains("hello") || said.contains("refused"), "{said}");
    said.contains("hello")
}

/// Has a container hold a connection to port 7 of an address, over which something goes all the time.
fn hold(sandbox: &Sandbox, who: &str, address: &str) {
    let script = format!("while echo x; do sleep 0.05; done | nc {address} 7 >/tmp/heard; echo ended >>/tmp/heard");
    sandbox.ok(&["exec", "-d", who, "sh", "-c", &script]);
    until("the connection stands", || says(sandbox, who, "cat /tmp/heard").contains('x'));
}

/// Whether more is heard over it.
fn stands(sandbox: &Sandbox, who: &str) {
    let heard = || says(sandbox, who, "wc -c </tmp/heard").trim().parse::<u64>().expect("a number");
    let before = heard();
    until("more is heard", || heard() > before);
}

#[test]
fn rules_of_a_running_container_are_replaced_at_once() {
    let sandbox = Sandbox::with_busybox();
    neighbours(&sandbox, &[]);
    until("the other one serves", || reaches(&sandbox, 7) && reaches(&sandbox, 8));
    hold(&sandbox, "a", "10.83.2.9");
    hold(&sandbox, "other", "10.83.1.9");
    let update = |rules: &[&str]| {
        let rules = rules.iter().flat_map(|rule| ["--egress", *rule]);
        sandbox.ok(&["update"].into_iter().chain(rules).chain(["a"]).collect::<Vec<_>>());
    };
    // What they allow goes on, and what they do not is not to be had.
    update(&["allow=10.83.2.9:7"]);
    assert!(reaches(&sandbox, 7) && !reaches(&sandbox, 8));
    stands(&sandbox, "a");
    let shown = sandbox.ok(&["inspect", "--format", "{{json .HostConfig.Egress}}", "a"]);
    assert_eq!(shown, "[\"deny\",\"allow=10.83.2.9/32:7/tcp\"]\n");
    assert!(says(&sandbox, "a", "nslookup example.org.").contains("REFUSED"));
    // What stands and is forbidden now ends.
    update(&["allow=10.83.2.9:8"]);
    assert!(!reaches(&sandbox, 7) && reaches(&sandbox, 8));
    until("the connection ends", || says(&sandbox, "a", "cat /tmp/heard").contains("ended"));
    let told = sandbox.ok(&["events", "--stream=false", "--filter", "event=egress_refused"]);
    assert!(told.contains("destination=10.83.2.9") && told.contains("port=7"), "{told}");
    // Who has come in is answered all the time.
    update(&["deny"]);
    assert!(!reaches(&sandbox, 7) && !reaches(&sandbox, 8));
    stands(&sandbox, "other");
    // They are the container's from now on.
    sandbox.ok(&["restart", "-t", "0", "a"]);
    assert!(!reaches(&sandbox, 7));
    sandbox.ok(&["stop", "-t", "0", "a"]);
    update(&["allow=10.83.2.9:7"]);
    sandbox.ok(&["start", "a"]);
    assert!(reaches(&sandbox, 7) && !reaches(&sandbox, 8));
    update(&["allow"]);
    assert!(reaches(&sandbox, 7) && reaches(&sandbox, 8));
    assert_eq!(sandbox.ok(&["inspect", "--format", "{{json .HostConfig.Egress}}", "a"]), "[\"allow\"]\n");
    sandbox.end();
}

#[test]
fn nothing_is_open_while_rules_are_replaced() {
    let sandbox = Sandbox::with_busybox();
    neighbours(&sandbox, &["--egress", "deny"]);
    assert!(!reaches(&sandbox, 7));
    let script = "while :; do echo x | nc -w 5 10.83.2.9 7 >>/tmp/reached 2>/dev/null; echo . >>/tmp/tried; done";
    sandbox.ok(&["exec", "-d", "a", "sh", "-c", script]);
    let tried = || says(&sandbox, "a", "wc -l </tmp/tried").trim().parse::<u64>().unwrap_or(0);
    for round in 0..20 {
        let before = tried();
        let rule = format!("allow=10.83.2.9:{},name{round}.test:7", 100 + round);
        sandbox.ok(&["update", "--egress", "deny", "--egress", &rule, "a"]);
        until("it is tried for", || tried() > before);
    }
    assert_eq!(says(&sandbox, "a", "wc -c </tmp/reached"), "0\n");
    sandbox.ok(&["update", "--egress", "allow=10.83.2.9:7", "a"]);
    until("the control", || says(&sandbox, "a", "wc -c </tmp/reached") != "0\n");
    sandbox.end();
}

#[test]
fn a_container_that_cannot_be_ruled_stays_as_it_is() {
    let sandbox = Sandbox::with_busybox();
    for (name, mode) in [("h", "host"), ("p", "pasta")] {
        sandbox.ok(&["create", "--name", name, "--network", mode, "busybox", "sleep", "1000"]);
        let update = ["update", "--egress", "deny", name];
        let words = ["update: ", "egress rules cannot hold", mode, "make it with --network bridge"];
        sandbox.fails(125, &words, &update);
        sandbox.ok(&["start", name]);
        sandbox.fails(125, &words, &update);
        assert_eq!(sandbox.ok(&["inspect", "--format", "{{json .HostConfig.Egress}}", name]), "[]\n");
    }
    sandbox.fails(125, &["update: ", "is no egress rule"], &["update", "--egress", "maybe", "p"]);
    sandbox.ok(&["run", "-d", "--name", "n", "--network", "none", "busybox", "sleep", "1000"]);
    sandbox.ok(&["update", "--egress", "deny", "n"]);
    sandbox.end();
}
