//! What `inspect`, `ps`, `images`, `info`, `volume inspect` and `secret inspect` give as JSON has all that podman's has:
//! `golden/inspect` holds the paths that podman 5.8 writes for the same objects, `[]` for what is in a list.

use crate::support::Sandbox;
use serde_json::Value;
use std::collections::BTreeSet;

/// Every path in a value.
fn paths(value: &Value) -> BTreeSet<String> {
    fn walk(value: &Value, path: &str, all: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    walk(value, &path, all);
                    all.insert(path);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, &format!("{path}[]"), all)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut all = BTreeSet::new();
    walk(value, "", &mut all);
    all
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The values together have every path of a list.
fn have(values: &[&Value], golden: &str) {
    let all: BTreeSet<String> = values.iter().flat_map(|value| paths(value)).collect();
    let missing: Vec<&str> = golden.lines().filter(|path| !all.contains(*path)).collect();
    assert!(missing.is_empty(), "missing: {missing:#?}");
}

const FULL: &[&str] = &[
    "run",
    "-d",
    "--name",
    "full",
    "--publish",
    "0:80",
    "--volume",
    "data:/data",
    "--volume",
    "/etc:/hostetc:ro",
    "--tmpfs",
    "/t:size=1m",
    "--env",
    "A=b",
    "--label",
    "x=y",
    "--user",
    "0",
    "--ulimit",
    "nofile=1000:2000",
    "--cap-add",
    "net_admin",
    "--security-opt",
    "no-new-privileges",
    "--stop-timeout",
    "3",
];

#[test]
fn volumes_and_secrets_have_every_field_of_podmans() {
    let sandbox = Sandbox::new();
    let options = ["-o", "type=tmpfs", "-o", "device=tmpfs", "-o", "o=nodev", "--label=a=b", "--uid=5", "--gid=6"];
    sandbox.ok(&[&["volume", "create"], &options[..], &["full"]].concat());
    sandbox.ok(&["volume", "create", "plain"]);
    let all = json(&sandbox.ok(&["volume", "inspect", "full", "plain"]));
    have(&[&all[0], &all[1]], include_str!("golden/inspect/volume.txt"));
    // The owner that was asked for is nothing that is left to do, and no owner is no field.
    assert!(all[0].get("NeedsChown").is_none() && all[1].get("UID").is_none(), "{all}");
    assert!(all[1].get("Anonymous").is_none(), "{all}");
    std::fs::write(sandbox.home.join("value"), "a value").expect("write");
    sandbox.ok(&["secret", "create", "--label=a=b", "s", "value"]);
    let shown = json(&sandbox.ok(&["secret", "inspect", "--showsecret", "s"]));
    have(&[&shown[0]], include_str!("golden/inspect/secret.txt"));
    assert_eq!(shown[0]["SecretData"], "a value");
    assert!(json(&sandbox.ok(&["secret", "inspect", "s"]))[0].get("SecretData").is_none());
}

#[test]
fn containers_and_images_have_every_field_of_podmans() {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    let free =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("find a port");
    let publish = format!("127.0.0.1:{}:80", free.port());
    let words: Vec<&str> = FULL.iter().map(|word| if *word == "0:80" { publish.as_str() } else { word }).collect();
    sandbox.ok(&[&words[..], &[&image, "sleep", "1000"]].concat());
    sandbox.detached(&["--name", "plain", &image, "sleep", "1000"]);
    let run = sandbox.coracle(&["run", "--network", "none", "--name", "ended", &image, "false"]);
    assert_eq!(run.code, 1, "{run}");
    let all = json(&sandbox.ok(&["inspect", "full", "plain", "ended"]));
    let [full, plain, ended] = [&all[0], &all[1], &all[2]];
    have(&[full, plain, ended], include_str!("golden/inspect/container.txt"));
    // What Go leaves out is left out, and what is nil there is null.
    assert!(plain["State"].get("Health").is_none() && plain["Config"].get("ExposedPorts").is_none(), "{plain}");
    assert_eq!((&plain["Config"]["Entrypoint"], &plain["HostConfig"]["VolumesFrom"]), (&Value::Null, &Value::Null));
    assert_eq!(plain["NetworkSettings"]["Networks"]["none"]["NetworkID"], "none");
    // A template may ask for them all the same.
    let text =
        "{{if .State.Health}}{{.State.Health.Status}}{{end}}{{.Config.Entrypoint}}{{len .Config.ExposedPorts}}";
    assert_eq!(sandbox.ok(&["inspect", "-f", text, "plain"]), "[]0\n");
    let ports = "{{range $port, $to := .NetworkSettings.Ports}}{{$port}} {{(index $to 0).HostPort}}{{end}}";
    assert_eq!(sandbox.ok(&["inspect", "-f", ports, "full"]), format!("80/tcp {}\n", free.port()));
    let list = json(&sandbox.ok(&["ps", "-a", "--format", "json"]));
    have(&list.as_array().expect("a list").iter().collect::<Vec<_>>(), include_str!("golden/inspect/ps.txt"));
    have(&[&json(&sandbox.ok(&["image", "inspect", &image]))[0]], include_str!("golden/inspect/image.txt"));
    have(&[&json(&sandbox.ok(&["images", "--format", "json"]))[0]], include_str!("golden/inspect/images.txt"));
    have(&[&json(&sandbox.ok(&["info", "--format", "json"]))], include_str!("golden/inspect/info.txt"));
}

#[test]
fn values_are_those_that_were_asked_for() {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    let flags = "--memory=64m --memory-swap=128m --cpu-shares=512 --cpu-period=50000 --cpu-quota=25000 --cpuset-cpus=0 \
        --cpuset-mems=0 --device=/dev/null:/dev/nothing:r --dns=192.0.2.1 --dns-search=example.org \
        --dns-option=ndots:2 --add-host=a;b:192.0.2.2 --group-add=7 --userns=nomap --ipc=host --uts=private \
        --restart=on-failure:2 --shm-size=2m --sysctl=net.ipv4.ip_forward=1 --oom-score-adj=600 --ulimit=core=1:2 --tz=UTC \
        --umask=0027 --timeout=90 --passwd=false --sdnotify=ignore --publish-all --hosts-file=none \
        --chrootdirs=/c --health-cmd=true --network=private";
    let flags: Vec<&str> = flags.split_whitespace().collect();
    sandbox.ok(&[&["create", "--name=full"], &flags[..], &[&image, "true"]].concat());
    let full = &json(&sandbox.ok(&["inspect", "full"]))[0];
    let expected = serde_json::json!({
        "MemorySwap": 128 << 20, "CpuShares": 512, "CpuPeriod": 50000, "CpuQuota": 25000, "CpusetCpus": "0",
        "CpusetMems": "0", "Dns": ["192.0.2.1"], "DnsSearch": ["example.org"], "DnsOptions": ["ndots:2"],
        "ExtraHosts": ["a;b:192.0.2.2"], "GroupAdd": ["7"], "UsernsMode": "private", "IpcMode": "host",
        "UTSMode": "private", "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 2}, "ShmSize": 2 << 20,
        "Sysctls": {"net.ipv4.ip_forward": "1"}, "OomScoreAdj": 600, "PublishAllPorts": true, "HostsFile": "none",
        "Ulimits": [{"Name": "RLIMIT_CORE", "Soft": 1, "Hard": 2}],
        "Devices": [{"PathOnHost": "/dev/null", "PathInContainer": "/dev/nothing", "CgroupPermissions": "r"}],
    });
    for (key, value) in expected.as_object().expect("an object") {
        assert_eq!(&full["HostConfig"][key], value, "{key}");
    }
    let expected = serde_json::json!({
        "Timezone": "UTC", "Umask": "0027", "Timeout": 90, "Passwd": false, "sdNotifyMode": "ignore",
        "ChrootDirs": ["/c"],
    });
    for (key, value) in expected.as_object().expect("an object") {
        assert_eq!(&full["Config"][key], value, "{key}");
    }
    assert_eq!(full["Config"]["Healthcheck"]["Test"], serde_json::json!(["CMD-SHELL", "true"]));
    assert!(full["HostConfig"]["IDMappings"]["UidMap"].is_array(), "{full}");
}

#[test]
fn docker_has_its_own_names_for_some_things() {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    sandbox.detached(&["--name", "web", &image, "sleep", "1000"]);
    let docker = |arguments: &[&str]| sandbox.docker(arguments);
    let text = docker(&["inspect", "-f", "{{.Name}} {{.LogPath}} {{.Image}}", "web"]);
    assert!(text.starts_with("/web /") && text.contains("/log sha256:"), "{text}");
    let text = docker(&["info", "-f", "{{.ServerVersion}} {{.Driver}} {{.OSType}} {{.ContainersRunning}}"]);
    assert!(text.ends_with(" overlay linux 1\n"), "{text}");
    assert_eq!(json(&docker(&["info", "-f", "json"]))["Images"], 1);
    docker(&["tag", "busybox", "mine:1"]);
    assert_eq!(sandbox.ok(&["images", "-q", "docker.io/library/mine:1"]).lines().count(), 1);
    let version = docker(&["version"]);
    assert!(
        version.starts_with("Client: Coracle Engine\n Version:           ") && version.contains("\n\nServer: "),
        "{version}"
    );
    let version = json(&docker(&["version", "-f", "json"]));
    assert!(version["Client"]["Version"].is_string() && version["Client"]["Version"] == version["Server"]["Version"]);
    assert_eq!(docker(&["version", "-f", "{{.Server.Os}} {{.Client.Context}}"]), "linux default\n");
    let quiet = docker(&["container", "ls", "-q"]);
    assert_eq!((quiet.lines().count(), docker(&["image", "ls", "-q"]).lines().count()), (1, 1), "{quiet}");
}

#[test]
fn the_size_of_shared_memory_is_what_is_mounted() {
    let sandbox = Sandbox::new();
    sandbox.image("busybox");
    for (name, options) in [("usual", &[][..]), ("own", &["--shm-size=3m"])] {
        let run = [&["run", "--name", name, "--network=none"][..], options, &["busybox", "df", "-k", "/dev/shm"]];
        let mounted = sandbox.ok(&run.concat());
        let kib: u64 =
            mounted.lines().last().and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).expect("a size");
        let told = sandbox.ok(&["inspect", "--format={{.HostConfig.ShmSize}}", name]);
        assert_eq!(told, format!("{}\n", kib << 10), "{name}");
    }
}

#[test]
fn what_cannot_be_counted_is_pruned_all_the_same() {
    let sandbox = Sandbox::new();
    sandbox.image("busybox");
    sandbox.ok(&["run", "--name=c", "--network=none", "-v=kept:/v", "busybox", "touch", "/v/x"]);
    let id = sandbox.ok(&["inspect", "--format={{.Id}}", "c"]).trim().to_owned();
    // Where a directory should be.
    for path in [sandbox.container(&id).join("upper"), sandbox.data.join("coracle/volumes/kept/data")] {
        let path = path.to_str().expect("ASCII");
        sandbox.ok(&["unshare", "sh", "-c", &format!("rm -rf {path}; touch {path}")]);
    }
    let gone = format!("Deleted Containers:\n{id}\n\nTotal reclaimed space: 0B\n");
    assert_eq!(sandbox.docker(&["container", "prune", "-f"]), gone);
    let gone = "Deleted Volumes:\nkept\n\nTotal reclaimed space: 0B\n";
    assert_eq!(sandbox.docker(&["volume", "prune", "-f", "--all"]), gone);
}

#[test]
fn docker_tells_how_much_a_prune_has_freed() {
    let sandbox = Sandbox::new();
    sandbox.image("busybox");
    let docker = |arguments: &[&str]| sandbox.docker(arguments);
    let script = "head -c 2000 /dev/zero >/made; head -c 3000 /dev/zero >/v/made";
    let make = || {
        sandbox.ok(&["run", "--name=c", "--network=none", "-v=kept:/v", "busybox", "sh", "-c", script]);
        sandbox.ok(&["inspect", "--format={{.Id}}", "c"]).trim().to_owned()
    };
    let id = make();
    assert_eq!(docker(&["volume", "prune", "-f"]), "Total reclaimed space: 0B\n");
    assert_eq!(
        docker(&["container", "prune", "-f"]),
        format!("Deleted Containers:\n{id}\n\nTotal reclaimed space: 2kB\n")
    );
    assert_eq!(docker(&["container", "prune", "-f"]), "Total reclaimed space: 0B\n");
    assert_eq!(docker(&["volume", "prune", "-f"]), "Deleted Volumes:\nkept\n\nTotal reclaimed space: 3kB\n");
    let id = make();
    assert_eq!(
        docker(&["system", "prune", "-f", "--volumes"]),
        format!("Deleted Containers:\n{id}\n\nDeleted Volumes:\nkept\n\nTotal reclaimed space: 5kB\n")
    );
    let image = sandbox.ok(&["images", "--quiet", "--no-trunc"]);
    let pruned = docker(&["image", "prune", "-f", "--all"]);
    assert!(
        pruned.starts_with(&format!("Deleted Images:\ndeleted: {}\n\nTotal reclaimed space: ", image.trim())),
        "{pruned}"
    );
    // As podman has it, there is only what went.
    let id = {
        sandbox.image("busybox");
        make()
    };
    assert_eq!(sandbox.ok(&["container", "prune", "-f"]), format!("{id}\n"));
    assert_eq!(sandbox.ok(&["volume", "prune", "-f"]), "kept\n");
}
