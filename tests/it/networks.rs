//! `network`: networks are made, listed, described and removed, and nothing of two of them is the same.

use crate::support::Sandbox;
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn inspect(sandbox: &Sandbox, name: &str) -> Value {
    let all: Value = serde_json::from_str(&sandbox.ok(&["network", "inspect", name])).expect("JSON");
    all[0].clone()
}

fn create(sandbox: &Sandbox, options: &[&str], name: &str) -> Value {
    assert_eq!(sandbox.ok(&[&["network", "create"], options, &[name]].concat()), format!("{name}\n"));
    inspect(sandbox, name)
}

#[test]
fn a_network_is_made_listed_described_and_removed() {
    let sandbox = Sandbox::new();
    let list = |options: &[&str]| sandbox.ok(&[&["network", "ls", "-q"], options].concat());
    assert_eq!(list(&[]), "podman\n");
    let made = create(&sandbox, &["--label", "a=b", "--label", "c"], "n");
    assert_eq!(made["labels"], json!({"a": "b", "c": ""}));
    assert_eq!((&made["driver"], &made["network_interface"]), (&json!("bridge"), &json!("coracle1")));
    assert_eq!(
        (&made["dns_enabled"], &made["internal"], &made["ipv6_enabled"]),
        (&json!(true), &json!(false), &json!(false))
    );
    assert_eq!((&made["ipam_options"], &made["containers"]), (&json!({"driver": "host-local"}), &json!({})));
    let subnet = made["subnets"][0]["subnet"].as_str().expect("a subnet");
    assert_eq!(made["subnets"][0]["gateway"], subnet.replace(".0/24", ".1"));
    sandbox.fails(125, &["network n exists", "--ignore"], &["network", "create", "n"]);
    assert_eq!(sandbox.ok(&["network", "create", "--ignore", "n"]), "n\n");
    assert_eq!(sandbox.ok(&["network", "create"]), "coracle2\n");
    let id = made["id"].as_str().expect("an id");
    assert_eq!(
        sandbox.ok(&["network", "ls", "--filter", "name=^n$"]),
        format!("NETWORK ID    NAME        DRIVER\n{}  n           bridge\n", &id[..12])
    );
    assert_eq!(
        sandbox.ok(&["network", "ls", "--no-trunc", "--noheading", "-f", "name=^n$"]),
        format!("{id}  n           bridge\n")
    );
    for (filter, names) in [
        ("label=a", "n\n"),
        ("label=a=x", ""),
        ("label!=a", "coracle2\npodman\n"),
        ("driver=bridge", "coracle2\nn\npodman\n"),
        ("driver=macvlan", ""),
        ("name=o", "coracle2\npodman\n"),
        ("dangling=true", "coracle2\nn\npodman\n"),
        ("until=1h", ""),
        ("type=custom", "coracle2\nn\n"),
    ] {
        assert_eq!(list(&["--filter", filter]), names, "{filter}");
    }
    assert_eq!(list(&["--filter", &format!("id={}", &id[..20])]), "n\n");
    sandbox.fails(125, &["unknown filter", "colour"], &["network", "ls", "--filter", "colour=red"]);
    let template = "{{.Name}} {{.Driver}} {{.DNSEnabled}} {{range .Subnets}}{{.Subnet}} {{.Gateway}}{{end}}";
    let gateway = made["subnets"][0]["gateway"].as_str().expect("a gateway");
    let row = format!("n bridge true {subnet} {gateway}\n");
    assert_eq!(sandbox.ok(&["network", "inspect", "-f", template, &id[..9]]), row);
    assert_eq!(sandbox.ok(&["network", "ls", "-f", "name=^n$", "--format", template]), row);
    assert_eq!(
        sandbox.ok(&["network", "ls", "-f", "name=^n$", "--format", "{{.ID}} {{.Labels}}"]),
        format!("{} a=b,c=\n", &id[..12])
    );
    let all: Value = serde_json::from_str(&sandbox.ok(&["network", "ls", "--format", "json"])).expect("JSON");
    assert_eq!(all.as_array().map(Vec::len), Some(3));
    assert_eq!(sandbox.ok(&["inspect", "n"]), sandbox.ok(&["network", "inspect", "n"]));
    assert_eq!(sandbox.ok(&["inspect", "--type", "network", "-f", "{{.Name}}", "n"]), "n\n");
    sandbox.fails(125, &["no network", "\"o\""], &["inspect", "--type", "network", "o"]);
    sandbox.ok(&["network", "exists", &id[..9]]);
    assert_eq!(sandbox.coracle(&["network", "exists", "o"]).code, 1);
    let run = sandbox.coracle(&["network", "inspect", "o", "n"]);
    assert!(
        run.code == 125 && run.stdout.contains(id) && run.stderr.contains("no network with name or id \"o\""),
        "{run}"
    );
    sandbox.fails(1, &["no network", "\"o\""], &["network", "rm", "o"]);
    assert_eq!(sandbox.ok(&["network", "rm", "--force", "o"]), "");
    let run = sandbox.coracle(&["network", "rm", "o", "n"]);
    assert!(run.code == 1 && run.stdout == "n\n", "{run}");
    sandbox.fails(125, &["default network podman"], &["network", "rm", "--force", "podman"]);
    assert_eq!(list(&[]), "coracle2\npodman\n");
    let events = ["events", "--stream=false", "--filter", "type=network", "--format", "{{.Status}} {{.Network}}"];
    assert_eq!(sandbox.ok(&events), "create n\ncreate coracle2\nremove n\n");
}

#[test]
fn networks_that_nobody_uses_are_pruned() {
    let sandbox = Sandbox::new();
    for name in ["a", "b", "c"] {
        create(&sandbox, &["--label", name], name);
    }
    sandbox.fails(125, &["nobody has answered"], &["network", "prune"]);
    sandbox.fails(
        125,
        &["unknown filter", "label, label!, until"],
        &["network", "prune", "-f", "--filter", "name=a"],
    );
    assert_eq!(sandbox.ok(&["network", "prune", "-f", "--filter", "until=1h"]), "");
    assert_eq!(sandbox.ok(&["network", "prune", "-f", "--filter", "label=b"]), "b\n");
    assert_eq!(sandbox.ok(&["network", "prune", "-f"]), "a\nc\n");
    create(&sandbox, &[], "a");
    assert_eq!(sandbox.ok(&["system", "prune", "-f"]), "Deleted Networks\na\nTotal reclaimed space: 0B\n");
    assert_eq!(sandbox.ok(&["network", "ls", "-q"]), "podman\n");
}

#[test]
fn what_was_asked_for_is_kept() {
    let sandbox = Sandbox::new();
    let options = [
        "--subnet",
        "198.18.0.9/16",
        "--ip-range",
        "198.18.7.0/24",
        "--gateway",
        "198.18.0.7",
        "--subnet",
        "fd05::/64",
        "--route",
        "10.9.0.0/16,198.18.0.8,5",
        "--route",
        "fd09::/64,fd05::8",
        "--dns",
        "1.1.1.1,fd00::1",
        "--internal",
        "--interface-name",
        "mine0",
        "-o",
        "mtu=1400",
        "-o",
        "isolate=1",
        "-o",
        "vlan=7",
        "-o",
        "metric=100",
    ];
    let made = create(&sandbox, &options, "n");
    let subnets = json!([
        {
            "subnet": "198.18.0.0/16", "gateway": "198.18.0.7",
            "lease_range": {"start_ip": "198.18.7.1", "end_ip": "198.18.7.255"},
        },
        {"subnet": "fd05::/64", "gateway": "fd05::1"},
    ]);
    assert_eq!(made["subnets"], subnets);
    let routes = json!([
        {"destination": "10.9.0.0/16", "gateway": "198.18.0.8", "metric": 5},
        {"destination": "fd09::/64", "gateway": "fd05::8"},
    ]);
    assert_eq!(made["routes"], routes);
    assert_eq!(made["network_dns_servers"], json!(["1.1.1.1", "fd00::1"]));
    assert_eq!((&made["internal"], &made["ipv6_enabled"]), (&json!(true), &json!(true)));
    assert_eq!(made["network_interface"], "mine0");
    assert_eq!(made["options"], json!({"mtu": "1400", "isolate": "true", "vlan": "7", "metric": "100"}));
    let options = [
        "--driver",
        "macvlan",
        "-o",
        "parent=eth7",
        "-o",
        "mode=vepa",
        "--subnet",
        "198.19.0.0/24",
        "--ip-range",
        "198.19.0.5-198.19.0.9",
    ];
    let made = create(&sandbox, &options, "m");
    assert_eq!((&made["network_interface"], &made["dns_enabled"]), (&json!("eth7"), &json!(false)));
    assert_eq!(made["options"], json!({"mode": "vepa"}));
    assert_eq!(made["subnets"][0]["lease_range"], json!({"start_ip": "198.19.0.5", "end_ip": "198.19.0.9"}));
    let made = create(&sandbox, &["-d", "ipvlan", "--ipam-driver", "none", "-o", "mode=l3s"], "i");
    assert_eq!((&made["subnets"], &made["ipam_options"]), (&Value::Null, &json!({"driver": "none"})));
    let options = ["-o", "com.docker.network.bridge.name=docked", "-o", "com.docker.network.driver.mtu=1300"];
    let made = create(&sandbox, &options, "d");
    assert_eq!((&made["network_interface"], &made["options"]), (&json!("docked"), &json!({"mtu": "1300"})));
    let made = create(&sandbox, &["--ipv6"], "six");
    let subnet = made["subnets"][1]["subnet"].as_str().expect("a second subnet");
    assert!(subnet.starts_with("fd") && subnet.ends_with("/64"), "{subnet}");
    let made = create(&sandbox, &["--internal", "--disable-dns"], "silent");
    assert_eq!((&made["subnets"][0]["gateway"], &made["dns_enabled"]), (&Value::Null, &json!(false)));
}

#[test]
fn what_does_not_go_together_is_refused() {
    let sandbox = Sandbox::new();
    create(&sandbox, &["--subnet", "198.18.0.0/16"], "n");
    for (words, options) in [
        (&["198.18.8.0/24", "already used by network n"][..], &["--subnet", "198.18.8.0/24"][..]),
        (&["10.88.0.0/24", "already used by network podman"], &["--subnet", "10.88.0.0/24"]),
        (
            &["198.19.0.0/28", "overlaps", "198.19.0.0/24"],
            &["--subnet", "198.19.0.0/24", "--subnet", "198.19.0.0/28"],
        ),
        (
            &["gateway 10.7.0.1", "not in subnet 198.19.0.0/24"],
            &["--subnet", "198.19.0.0/24", "--gateway", "10.7.0.1"],
        ),
        (&["gateway 198.19.0.255"], &["--subnet", "198.19.0.0/24", "--gateway", "198.19.0.255"]),
        (&["lease range", "10.7.0.1"], &["--subnet", "198.19.0.0/24", "--ip-range", "10.7.0.0/24"]),
        (&["--gateway needs --subnet"], &["--gateway", "198.19.0.1"]),
        (&["--ip-range needs --subnet"], &["--ip-range", "198.19.0.0/25"]),
        (&["more --gateway"], &["--subnet", "198.19.0.0/24", "--gateway", "198.19.0.1", "--gateway", "198.19.0.2"]),
        (&["--subnet", "invalid CIDR", "\"x\""], &["--subnet", "x"]),
        (&["\"y\" is not an IP address"], &["--dns", "y"]),
        (&["--dns and --disable-dns"], &["--dns", "1.1.1.1", "--disable-dns"]),
        (&["network driver \"overlay\"", "macvlan"], &["--driver", "overlay"]),
        (&["DHCP is not supported", "--subnet"], &["--driver", "macvlan"]),
        (&["ipam driver dhcp"], &["--ipam-driver", "dhcp"]),
        (&["unsupported ipam driver", "\"z\""], &["--ipam-driver", "z"]),
        (&["ipam driver none"], &["--ipam-driver", "none", "--subnet", "198.19.0.0/24"]),
        (&["mtu=x"], &["-o", "mtu=x"]),
        (&["vlan=4095"], &["-o", "vlan=4095"]),
        (&["isolate=maybe"], &["-o", "isolate=maybe"]),
        (&["mode=l2", "managed or unmanaged"], &["-o", "mode=l2"]),
        (&["unsupported bridge network option colour", "mtu"], &["-o", "colour=red"]),
        (&["\"mtu\" has no value"], &["-o", "mtu"]),
        (&["route \"a\""], &["--route", "a"]),
        (&["invalid CIDR", "\"a\""], &["--route", "a,198.18.0.1"]),
        (&["10.9.0.1/16 is no block", "10.9.0.0/16"], &["--route", "10.9.0.1/16,198.18.0.1"]),
        (&["IPv6"], &["--route", "10.9.0.0/16,fd00::1"]),
        (&["\"x\" is not a metric"], &["--route", "10.9.0.0/16,198.18.0.1,x"]),
        (&["interface name", "15 characters"], &["--interface-name", "sixteen-letters-"]),
        (&["interface coracle1", "already used by network n"], &["--interface-name", "coracle1"]),
    ] {
        sandbox.fails(125, words, &[&["network", "create"], options, &["m"]].concat());
    }
    for name in ["host", "none", "pasta", "container", "a b", "../a"] {
        sandbox.fails(125, &["network"], &["network", "create", name]);
    }
    sandbox.fails(125, &["network podman exists"], &["network", "create", "podman"]);
    assert_eq!(sandbox.ok(&["network", "ls", "-q"]), "n\npodman\n");
}

#[test]
fn name_servers_can_be_changed() {
    let sandbox = Sandbox::new();
    create(&sandbox, &["--dns", "1.1.1.1"], "n");
    let update = |options: &[&str]| {
        assert_eq!(sandbox.ok(&[&["network", "update"], options, &["n"]].concat()), "n\n");
        sandbox.ok(&["network", "inspect", "-f", "{{.NetworkDNSServers}}", "n"])
    };
    assert_eq!(update(&["--dns-add", "1.1.1.1,fd00::1", "--dns-add", "8.8.8.8"]), "[1.1.1.1 fd00::1 8.8.8.8]\n");
    assert_eq!(update(&["--dns-drop", "1.1.1.1", "--dns-add", "9.9.9.9"]), "[fd00::1 8.8.8.8 9.9.9.9]\n");
    assert_eq!(update(&["--dns-drop", "4.4.4.4"]), "[fd00::1 8.8.8.8 9.9.9.9]\n");
    sandbox.fails(125, &["\"x\" is not an IP address"], &["network", "update", "--dns-add", "x", "n"]);
    sandbox.fails(125, &["no network", "\"m\""], &["network", "update", "--dns-add", "1.1.1.1", "m"]);
    create(&sandbox, &["--disable-dns"], "silent");
    sandbox.fails(125, &["network silent answers no"], &["network", "update", "--dns-add", "1.1.1.1", "silent"]);
    sandbox.fails(125, &["network podman answers no"], &["network", "update", "--dns-add", "1.1.1.1", "podman"]);
}

#[test]
fn of_many_makers_none_gets_what_another_has() {
    let sandbox = Sandbox::new();
    sandbox.ok(&["network", "create", "first"]);
    let running: Vec<_> = (0..8).map(|_| sandbox.spawn(&["network", "create", "--ipv6"])).collect();
    let same: Vec<_> = (0..4).map(|_| sandbox.spawn(&["network", "create", "same"])).collect();
    let names: BTreeSet<String> = running.into_iter().map(|running| running.finish().stdout).collect();
    assert_eq!(names.len(), 8, "{names:?}");
    let winners = same.into_iter().map(|running| running.finish().code).filter(|code| *code == 0);
    assert_eq!(winners.count(), 1);
    let shown = "{{.NetworkInterface}}{{range .Subnets}} {{.Subnet}}{{end}}";
    let all = sandbox.ok(&["network", "ls", "--format", shown]);
    let words: Vec<&str> = all.split_whitespace().collect();
    assert_eq!(words.iter().collect::<BTreeSet<_>>().len(), words.len(), "{all}");
    assert_eq!(all.lines().count(), 11);
}

#[test]
fn as_docker_networks_have_dockers_shape() {
    let sandbox = Sandbox::new();
    let id = sandbox.docker(&["network", "create", "n"]);
    assert!(id.trim().len() == 64, "{id}");
    let list = sandbox.docker(&["network", "ls"]);
    let first: Vec<&str> = list.lines().map(|line| line.split_whitespace().nth(1).unwrap_or_default()).collect();
    assert_eq!(first, ["ID", "n", "bridge"], "{list}");
    assert!(list.starts_with("NETWORK ID     NAME      DRIVER    SCOPE\n"), "{list}");
    assert_eq!(sandbox.docker(&["network", "ls", "-q", "--no-trunc", "--filter", "type=custom"]), id);
    let template = "{{.Name}} {{.Id}}{{range .IPAM.Config}} {{.Subnet}} {{.Gateway}}{{end}}";
    let shown = sandbox.docker(&["network", "inspect", "-f", template, "bridge"]);
    assert!(shown.starts_with("bridge ") && shown.ends_with(" 10.88.0.0/16 10.88.0.1\n"), "{shown}");
    let options =
        ["--subnet", "198.18.0.0/16", "--ip-range", "198.18.7.0/24", "-o", "com.docker.network.driver.mtu=1300"];
    sandbox.docker(&[&["network", "create"], &options[..], &["m"]].concat());
    let all: Value = serde_json::from_str(&sandbox.docker(&["network", "inspect", "m"])).expect("JSON");
    assert_eq!(
        all[0]["IPAM"]["Config"],
        json!([{"Subnet": "198.18.0.0/16", "IPRange": "198.18.7.0/24", "Gateway": "198.18.0.1"}])
    );
    sandbox.docker(&["network", "rm", "m"]);
    assert_eq!(sandbox.docker(&["network", "prune", "-f"]), "Deleted Networks:\nn\n\n");
}

#[test]
fn settings_say_where_subnets_come_from() {
    let sandbox = Sandbox::new();
    let file = sandbox.home.join("containers.conf");
    let text = "[network]\ndefault_network = \"mine\"\ndefault_subnet = \"10.7.0.0/16\"\n\
                default_subnet_pools = [{base = \"172.20.0.0/16\", size = 28}]\n";
    std::fs::write(&file, text).expect("write the settings");
    let run = |arguments: &[&str]| {
        let output = sandbox.command(arguments).env("CONTAINERS_CONF", &file).output().expect("run");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let shown = "{{range .Subnets}}{{.Subnet}}{{end}}";
    assert_eq!(run(&["network", "inspect", "-f", shown, "mine"]), "10.7.0.0/16\n");
    run(&["network", "create", "n"]);
    let subnet = run(&["network", "inspect", "-f", shown, "n"]);
    assert!(subnet.starts_with("172.20.") && subnet.ends_with("/28\n"), "{subnet}");
}

#[test]
fn what_the_host_has_is_left_to_it() {
    let sandbox = Sandbox::new();
    let engine = sandbox.command(&[]);
    let script = "ip link add one type veth peer name two && ip addr add 198.18.0.1/24 dev one \
                  && ip addr add 10.89.0.9/16 dev one && ip link set two up && ip link set one up \
                  && ip route add 10.90.0.0/16 via 198.18.0.2 || exit 9
                  \"$0\" network create --subnet 198.18.0.128/25 n && exit 8
                  \"$0\" network create --subnet 10.90.7.0/24 part && \"$0\" network create free || exit 7
                  exec \"$0\" network inspect -f '{{range .Subnets}}{{.Subnet}}{{end}}' part free";
    let mut command = std::process::Command::new("unshare");
    command.args(["--map-root-user", "--net", "sh", "-c", script]).arg(engine.get_program());
    command.env_clear().envs(engine.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let run = crate::support::Running::start(command).finish();
    assert!(run.code == 0 && run.stderr.contains("subnet 198.18.0.128/25 is already used by the host"), "{run}");
    // A route to elsewhere is avoided, and may be taken a part of.
    assert!(run.stdout.ends_with("10.90.7.0/24\n10.91.0.0/24\n"), "{run}");
}

#[test]
fn a_keeper_has_descriptors_for_many() {
    let sandbox = Sandbox::new();
    sandbox.image("busybox");
    sandbox.ok(&["network", "create", "n"]);
    let engine = sandbox.command(&[]);
    let script = "ulimit -Sn 256; exec \"$0\" run -d --network n busybox sleep 1000";
    let mut command = std::process::Command::new("sh");
    command.args(["-c", script]).arg(engine.get_program());
    command.env_clear().envs(engine.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let run = crate::support::Running::start(command).finish();
    assert_eq!(run.code, 0, "{run}");
    let keepers: Vec<String> =
        sandbox.processes().into_iter().filter(|process| process.contains("coracle-keeper")).collect();
    let (pid, _) = keepers.first().and_then(|keeper| keeper.split_once(':')).expect("a keeper");
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).expect("read the limits");
    let line = limits.lines().find(|line| line.starts_with("Max open files")).expect("a limit of files");
    let soft: u64 = line.split_whitespace().nth(3).and_then(|word| word.parse().ok()).expect("a number");
    assert!(soft >= 4096, "{line}");
}
