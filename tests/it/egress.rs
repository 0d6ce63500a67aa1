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
        sandbox.fails(125, &["run: ", "egress rules cannot hold", "say --network bridge"], &run);
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
