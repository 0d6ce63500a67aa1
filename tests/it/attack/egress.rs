//! K02, H03: a container that may do anything with its own network lifts none of its egress rules.

use super::networks::{packets, serve};
use super::{Scene, eventually};

/// Whether a container hears of the server in the other network.
fn hears(scene: &Scene, who: &str) -> bool {
    scene.ok(&["exec", who, "packets", "reach", "2", "other=10.78.2.9=7"]).contains("other sees")
}

const POWERS: &[&str] = &["--cap-add", "net_admin,net_raw"];

/// K02, H03: neither other addresses, nor other routes, nor rules of its own lead past them, and what it gives up of its
/// own network is lost to it.
#[test]
fn h03_a_container_lifts_no_egress_rule() {
    let scene = Scene::new();
    if packets(&scene.sandbox).is_none() {
        return;
    }
    for (name, number) in [("net", 1), ("wide", 2)] {
        let subnet = format!("10.78.{number}.0/24");
        scene.ok(&["network", "create", "--opt", "isolate=false", "--subnet", &subnet, name]);
    }
    serve(&scene.sandbox, "other", &["--network", "wide:ip=10.78.2.9"]);
    let ruled = [&["--network", "net:ip=10.78.1.66", "--egress", "deny"][..], POWERS].concat();
    serve(&scene.sandbox, "x", &ruled);
    serve(&scene.sandbox, "free", &[&["--network", "net:ip=10.78.1.9"][..], POWERS].concat());
    eventually("the control", || hears(&scene, "free"));
    assert!(!hears(&scene, "x"));
    let tricks = [
        "ip route add 10.78.2.0/24 via 10.78.1.1",
        // The addresses of others and of nobody in its network.
        "ip address add 10.78.1.77/24 dev eth0; ip route replace default via 10.78.1.1 src 10.78.1.77",
        "ip address add 10.78.1.9/24 dev eth0; ip route replace default via 10.78.1.1 src 10.78.1.9",
        "ip address del 10.78.1.66/24 dev eth0; ip route replace default via 10.78.1.1",
        "ip link set eth0 down; ip link set eth0 address 02:00:00:00:00:01; ip link set eth0 up; \
         ip route replace default via 10.78.1.1 src 10.78.1.77",
        "ip route replace default via fe80::1 dev eth0; ip link add link eth0 name v type vlan id 0; ip link set v up; \
         ip address add 10.78.1.88/24 dev v; ip route replace default via 10.78.1.1 dev v",
        "ip link add link eth0 name m type macvlan; ip link set m up; ip address add 10.78.1.89/24 dev m; \
         ip route replace default via 10.78.1.1 dev m",
    ];
    for trick in tricks {
        let script = format!("(ip route del 10.78.2.0/24; {trick}) 2>/dev/null || true");
        scene.ok(&["exec", "x", "sh", "-c", &script]);
        assert!(!hears(&scene, "x"), "{trick}");
    }
    assert!(hears(&scene, "free"), "the control, after all");
    scene.assert_safe();
}

/// H03: what has another address than the container's own does not even reach its neighbours.
#[test]
fn h03_a_container_with_rules_speaks_for_nobody_else() {
    let scene = Scene::new();
    let Some(image) = packets(&scene.sandbox) else { return };
    scene.ok(&["network", "create", "--subnet", "10.79.1.0/24", "net"]);
    let hear = ["run", "-d", "--name", "ear", "--network", "net:ip=10.79.1.9", &image, "packets", "hear", "::", "9"];
    scene.ok(&hear);
    eventually("it hears", || scene.ok(&["logs", "ear"]).contains("hearing"));
    for (name, rules) in [("x", &["--egress", "deny"][..]), ("free", &[])] {
        let place = if name == "x" { "net:ip=10.79.1.66" } else { "net:ip=10.79.1.67" };
        scene
            .ok(&[&["run", "-d", "--name", name, "--network", place], POWERS, rules, &[&image, "sleep", "1000"]]
                .concat());
    }
    let spoof = |who: &str, from: &str, text: &str| {
        assert_eq!(scene.ok(&["exec", who, "packets", "spoof", from, "10.79.1.9", "9", text]), "spoof ok\n");
    };
    for source in ["10.79.1.8", "10.79.1.1", "8.8.8.8"] {
        spoof("x", source, "false");
    }
    // What is sent last arrives last.
    spoof("x", "10.79.1.66", "true");
    eventually("what is no lie arrives", || scene.ok(&["logs", "ear"]).contains("10.79.1.66 true"));
    assert!(!scene.ok(&["logs", "ear"]).contains("false"), "{}", scene.ok(&["logs", "ear"]));
    spoof("free", "10.79.1.8", "false");
    eventually("the control", || scene.ok(&["logs", "ear"]).contains("10.79.1.8 false"));
    scene.assert_safe();
}

/// H03: the kernel knows connections by addresses and ports; those of whoever had the address before are not let through.
#[test]
fn h03_connections_are_not_taken_over_with_an_address() {
    let scene = Scene::new();
    let Some(image) = packets(&scene.sandbox) else { return };
    for (name, number) in [("net", 1), ("wide", 2)] {
        let subnet = format!("10.80.{number}.0/24");
        scene.ok(&["network", "create", "--opt", "isolate=false", "--subnet", &subnet, name]);
    }
    let ear =
        ["run", "-d", "--name", "ear", "--network", "wide:ip=10.80.2.9", &image, "packets", "answer", "::", "9"];
    scene.ok(&ear);
    eventually("it hears", || scene.ok(&["logs", "ear"]).contains("hearing"));
    let start = |name: &str, place: &str, rules: &[&str]| {
        let run = ["run", "-d", "--name", name, "--network", place];
        scene.ok(&[&run[..], POWERS, rules, &[&image, "sleep", "1000"]].concat());
    };
    let speak = |who: &str, from: &str, text: &str| {
        assert_eq!(scene.ok(&["exec", who, "packets", "spoof", from, "10.80.2.9", "9", text]), "spoof ok\n");
    };
    let heard = |text: &str| scene.ok(&["logs", "ear"]).contains(text);
    start("before", "net:ip=10.80.1.50", &[]);
    eventually("who was there before is answered", || {
        speak("before", "10.80.1.50", "before");
        heard(" before")
    });
    scene.ok(&["rm", "-f", "-t", "0", "before"]);
    start("after", "net:ip=10.80.1.50", &["--egress", "deny"]);
    start("free", "net:ip=10.80.1.51", &[]);
    speak("after", "10.80.1.50", "after");
    eventually("what is sent last arrives", || {
        speak("free", "10.80.1.51", "last");
        heard(" last")
    });
    assert!(!heard(" after"), "{}", scene.ok(&["logs", "ear"]));
    scene.assert_safe();
}

/// G13: who is refused as often as it can be fills no file with it, and keeps nobody waiting.
#[test]
fn g13_a_flood_of_refusals_is_told_of_in_few_words() {
    let scene = Scene::new();
    let Some(image) = packets(&scene.sandbox) else { return };
    let flood = ["run", "-d", "--name", "floods", "--egress", "deny", &image, "packets", "flood", "192.0.2.1", "9"];
    scene.ok(&flood);
    let scan = "for i in $(seq 60); do nc -w 1 192.0.2.$i $i </dev/null; nslookup n$i.test.; done >/dev/null 2>&1; \
                echo scanned; exec sleep 1000";
    scene.ok(&["run", "-d", "--name", "scans", "--egress", "deny", &image, "sh", "-c", scan]);
    eventually("both have begun", || {
        let said = |name: &str, word: &str| scene.ok(&["logs", name]).contains(word);
        said("floods", "flooded") && said("scans", "scanned")
    });
    let filter = ["events", "--stream=false", "--filter", "event=egress_refused", "--format", "{{.Name}}"];
    let told = scene.ok(&filter);
    let count = |name: &str| told.lines().filter(|line| *line == name).count();
    // Each destination once a minute, and 32 of them, of the 120 that were tried.
    assert!((1..=2).contains(&count("floods")) && (32..=64).contains(&count("scans")), "{told}");
    for name in ["floods", "scans"] {
        assert_eq!(scene.ok(&["exec", name, "echo", "answers"]), "answers\n");
    }
    scene.assert_safe();
}
