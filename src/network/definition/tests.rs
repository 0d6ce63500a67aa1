//! Networks' files, and what is made of what was told.

use super::options::Isolate;
use super::*;
use proptest::prelude::*;

struct Place(PathBuf, Engine);

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn place(name: &str) -> Place {
    let dir = std::env::temp_dir().join(format!("coracle-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    let engine = Engine { data: dir.clone(), run: dir.clone(), rootless: true, uid: 1 };
    Place(dir, engine)
}

fn defaults() -> Defaults {
    Defaults::of_section(&NetworkSection::default()).unwrap()
}

fn bridge(name: &str) -> Definition {
    Definition { dns_enabled: true, ..Definition::plain(name, Driver::Bridge) }
}

fn subnet(text: &str) -> Subnet {
    Subnet { subnet: Cidr::parse(text).unwrap(), gateway: None, lease_range: None }
}

#[test]
fn a_network_is_made_found_and_removed() {
    let Place(_, engine) = &place("networks");
    let defaults = defaults();
    let made = create(engine, &defaults, bridge("a")).unwrap();
    assert_eq!(made.network_interface, "coracle1");
    assert!(made.subnets[0].gateway.is_some() && !made.ipv6_enabled);
    assert_eq!(load(engine, &defaults, "a").unwrap(), Some(made.clone()));
    assert_eq!(find(engine, &defaults, &made.id[..10]).unwrap(), made);
    let unnamed = create(engine, &defaults, Definition { ipv6_enabled: true, ..bridge("") }).unwrap();
    assert_eq!((unnamed.name.as_str(), unnamed.network_interface.as_str()), ("coracle2", "coracle2"));
    assert!(unnamed.subnets.len() == 2 && unnamed.subnets[1].subnet.is_ipv6());
    assert!(!unnamed.subnets[0].subnet.overlaps(&made.subnets[0].subnet));
    for (wanted, kind) in [
        (bridge("a"), Kind::Exists),
        (bridge(DEFAULT_NAME), Kind::Exists),
        (Definition { network_interface: "coracle1".to_owned(), ..bridge("b") }, Kind::InUse),
        (Definition { network_interface: "a/b".to_owned(), ..bridge("b") }, Kind::BadInput),
        (Definition { subnets: vec![made.subnets[0].clone()], ..bridge("b") }, Kind::InUse),
        (Definition { subnets: vec![subnet("10.88.5.0/24")], ..bridge("b") }, Kind::InUse),
        (
            Definition { subnets: vec![subnet("172.30.0.0/24"), subnet("172.30.0.0/28")], ..bridge("b") },
            Kind::BadInput,
        ),
        (bridge("../b"), Kind::BadInput),
        (bridge("host"), Kind::BadInput),
        (Definition::plain("b", Driver::Macvlan), Kind::BadInput),
    ] {
        let error = create(engine, &defaults, wanted.clone()).unwrap_err();
        assert_eq!(crate::error::kind(&error), kind, "{wanted:?}: {error}");
    }
    let names = |engine| list(engine, &defaults).unwrap().into_iter().map(|network| network.name).collect::<Vec<_>>();
    assert_eq!(names(engine), ["a", "coracle2", DEFAULT_NAME]);
    let lock = hold(engine, Hold::Exclusive).unwrap();
    remove(engine, &lock, "a").unwrap();
    assert_eq!(names(engine), ["coracle2", DEFAULT_NAME]);
    assert!(load(engine, &defaults, "../x").unwrap().is_none());
}

#[test]
fn gateways_are_given_where_something_leads_there() {
    let Place(_, engine) = &place("gateways");
    let internal = Definition { internal: true, ..bridge("a") };
    assert!(create(engine, &defaults(), internal.clone()).unwrap().subnets[0].gateway.is_some());
    let silent = Definition { dns_enabled: false, name: "b".to_owned(), ..internal };
    assert!(create(engine, &defaults(), silent).unwrap().subnets[0].gateway.is_none());
}

#[test]
fn podmans_files_are_read_and_hostile_ones_refused() {
    let Place(_, engine) = &place("files");
    let defaults = defaults();
    std::fs::create_dir(directory(engine)).unwrap();
    let id = "ab".repeat(32);
    let file = |text: &str| {
        std::fs::write(super::file(engine, "n"), text).unwrap();
        load(engine, &defaults, "n")
    };
    let podmans = format!(
        r#"{{"name": "n", "id": "{id}", "driver": "bridge", "network_interface": "podman1",
        "created": "2021-06-03T12:04:33.088567413+02:00", "subnets": [{{"subnet": "10.89.9.0/24", "gateway":
        "10.89.9.1", "lease_range": {{"start_ip": "10.89.9.8", "end_ip": "10.89.9.9"}}}}], "routes": [{{"destination":
        "10.1.0.0/16", "gateway": "10.89.9.7", "metric": 5}}], "ipv6_enabled": false, "internal": false, "dns_enabled":
        true, "network_dns_servers": ["1.1.1.1"], "labels": {{"a": "b"}}, "options": {{"mtu": "1400", "isolate":
        "true"}}, "ipam_options": {{"driver": "host-local"}}, "of_tomorrow": 1}}"#
    );
    let read = file(&podmans).unwrap().unwrap();
    assert_eq!(read.created, 1_622_714_673_088_567_413);
    let leases = read.subnets[0].leases();
    assert_eq!((leases.0.to_string(), leases.1.to_string()), ("10.89.9.8".to_owned(), "10.89.9.9".to_owned()));
    let options = read.options().unwrap();
    assert_eq!((options.mtu, options.isolate, options.mode), (Some(1400), Isolate::On, Mode::Managed));
    let written = serde_json::to_string(&read).unwrap();
    assert_eq!(serde_json::from_str::<Definition>(&written).unwrap(), read);
    for (from, to) in [
        ("\"name\": \"n\"", "\"name\": \"m\""),
        (id.as_str(), "1"),
        ("podman1", "../x"),
        ("podman1", ""),
        ("10.89.9.1\"", "10.90.9.1\""),
        ("10.89.9.1\"", "10.89.9.255\""),
        ("\"10.89.9.8\"", "\"10.89.8.8\""),
        ("\"10.89.9.8\"", "\"10.89.9.10\""),
        ("10.89.9.7", "::1"),
        ("host-local", "dhcp"),
        ("host-local", "none"),
        ("bridge", "overlay"),
        ("1400", "a"),
        ("isolate", "isolated"),
        ("1.1.1.1", "one"),
    ] {
        let text = podmans.replace(from, to);
        assert!(text != podmans && file(&text).is_err(), "{from} as {to}");
    }
    assert!(file(&format!("{podmans}{}", " ".repeat(FILE_BYTES_MAX))).is_err());
}

proptest! {
    #[test]
    fn changed_files_do_no_harm(from in any::<prop::sample::Index>(), to in "[0-9a-f:./\"{}-]{0,6}") {
        let text = include_str!("../../../fuzz/corpus/network/good");
        let at = from.index(text.len());
        property::holds(format!("{}{to}{}", &text[..at], &text[(at + to.len()).min(text.len())..]).as_bytes());
    }
}

#[test]
fn settings_move_the_defaults() {
    let text = "[network]\ndefault_network = \"mine\"\ndefault_subnet = \"10.7.0.0/16\"\n\
                default_subnet_pools = [{base = \"172.20.0.0/16\", size = 28}]\n";
    let section = toml::from_str::<Settings>(text).unwrap().network;
    let defaults = Defaults::of_section(&section).unwrap();
    let Place(_, engine) = &place("settings");
    let network = load(engine, &defaults, "mine").unwrap().unwrap();
    assert_eq!(network.subnets[0].subnet.to_string(), "10.7.0.0/16");
    assert_eq!(network.subnets[0].gateway.unwrap().to_string(), "10.7.0.1");
    let made = create(engine, &defaults, bridge("a")).unwrap();
    assert_eq!(made.subnets[0].subnet.prefix(), 28);
    assert!(Cidr::parse("172.20.0.0/16").unwrap().overlaps(&made.subnets[0].subnet));
}
