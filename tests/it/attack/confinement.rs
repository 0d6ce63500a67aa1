//! Attacks by what a container may write of the machine's settings: cgroup files, parameters of the kernel, keyrings.

use super::Scene;
use crate::support::image_builder::Image;
use serde_json::{Value, json};
use std::path::PathBuf;

/// A12: no cgroup file can be written, whatever the container's user asks its root to try.
#[test]
fn a12_no_cgroup_file_is_written() {
    let scene = Scene::new();
    let image = scene.load(&Image::new("cgroups"));
    let script = "mount -o remount,rw,bind /sys/fs/cgroup /sys/fs/cgroup 2>/dev/null && echo remounted; \
                  find /sys/fs/cgroup -type f | while read file; do echo 0 2>/dev/null > $file && echo wrote $file; done; \
                  mkdir /sys/fs/cgroup/new 2>/dev/null && echo made; find /sys/fs/cgroup -type f | wc -l";
    let all = ["--cap-add=ALL", "--security-opt=seccomp=unconfined"];
    for options in [
        &[][..],
        &all,
        &["--security-opt=nesting"],
        &["--cgroupns=host"],
        &["--cgroupns=host", "--user=1000"],
        &[&["--cgroupns=host"][..], &all].concat(),
    ] {
        let run = scene.script(options, &image, script);
        // A mount that its own root may remount is still nothing of the host's: only what is written counts.
        let told: Vec<&str> = run.stdout.lines().filter(|line| *line != "remounted").collect();
        assert!(told.len() == 1 && told[0].parse::<u32>().is_ok_and(|files| files > 0), "{options:?}: {run}");
    }
    // The control: the mount of the default is read-only where that of systemd mode is not.
    let flags = "grep ' /sys/fs/cgroup ' /proc/mounts | cut -d' ' -f4 | cut -d, -f1";
    assert_eq!(scene.script(&[], &image, flags).stdout, "ro\n");
    assert_eq!(scene.script(&["--systemd=always"], &image, flags).stdout, "rw\n");
    assert_eq!(scene.script(&["--cgroupns=host"], &image, flags).stdout, "ro\n");
    // And that of the host shows the host's own tree, in which there is more to be written to.
    let count = |options: &[&str]| {
        let run = scene.script(options, &image, "find /sys/fs/cgroup -type f | wc -l; cat /proc/self/cgroup");
        run.stdout
    };
    assert_ne!(count(&["--cgroupns=host"]), count(&[]));
    scene.assert_safe();
}

/// What of the host a parameter could change.
fn host_parameters() -> Vec<Option<Vec<u8>>> {
    let files = "kernel/core_pattern kernel/hostname kernel/domainname kernel/modprobe kernel/shmmax kernel/msgmax \
                 net/ipv4/ip_forward net/core/somaxconn vm/overcommit_memory vm/swappiness fs/suid_dumpable";
    files.split_whitespace().map(|file| std::fs::read(format!("/proc/sys/{file}")).ok()).collect()
}

/// A16: a parameter is one of a namespace that is the container's, with one value, or it is refused.
#[test]
fn a16_parameters_of_the_host_are_refused() {
    let scene = Scene::new();
    let image = scene.load(&Image::new("parameters"));
    let before = host_parameters();
    let keys = [
        "kernel.core_pattern",
        "kernel.hostname",
        "kernel.modprobe",
        "vm.swappiness",
        "fs.suid_dumpable",
        "user.max_user_namespaces",
    ];
    let ways = ["=|/x", "=1\nkernel.core_pattern=|/x", "+net.ipv4.ip_forward=1"];
    let mut tried: Vec<String> =
        keys.iter().flat_map(|key| ways.iter().map(move |way| format!("{key}{way}"))).collect();
    for smuggled in [
        "kernel.shm_rmid_forced=1+kernel.core_pattern=|/x\n",
        "net.ipv4.ip_forward=1\nkernel.core_pattern=|/x",
        "net/../kernel/core_pattern=x",
        "net.ipv4...kernel.core_pattern=x",
        "net.ipv4.ip_forward",
        "=1",
        "net.=1",
        "net.ipv4.ip_forward=",
        "net/ipv4/ip_forward=1",
    ] {
        tried.push(smuggled.to_owned());
    }
    for text in &tried {
        let run = scene.coracle(&["run", "--rm", "--network=none", "--sysctl", text, &image, "true"]);
        assert_eq!(run.code, 125, "{text:?}: {run}");
    }
    for key in ["net.ipv4.ip_forward=1", "net.core.somaxconn=1"] {
        let run = scene.coracle(&["run", "--rm", "--network=host", "--sysctl", key, &image, "true"]);
        assert_eq!(run.code, 125, "{key}: {run}");
    }
    assert_eq!(host_parameters(), before);
    let control = scene.script(&["--sysctl=net.core.somaxconn=77"], &image, "cat /proc/sys/net/core/somaxconn");
    assert_eq!(control.stdout, "77\n", "the control: {control}");
    scene.assert_safe();
}

/// The names of all parameters of this kernel.
fn parameters() -> Vec<String> {
    let (mut waiting, mut found) = (vec![PathBuf::from("/proc/sys")], Vec::new());
    while let Some(directory) = waiting.pop() {
        for entry in std::fs::read_dir(&directory).into_iter().flatten() {
            let path = entry.expect("an entry of /proc/sys").path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                let name = path.strip_prefix("/proc/sys").expect("a path in /proc/sys");
                found.push(name.to_str().expect("ASCII").replace('/', "."));
            }
        }
    }
    found.sort();
    found
}

/// How many parameters are tried in each way.
const TRIED: usize = 70;

/// A16: of all the parameters that this kernel has, by all ways to say more than one, and beside all namespaces that are
/// shared.
#[test]
fn a16_no_parameter_of_the_kernel_gets_out() {
    let scene = Scene::new();
    let image = scene.load(&Image::new("parameters"));
    scene.start(&["--name=other"], &image, &["sleep", "1000"]);
    let before = host_parameters();
    let ipc = ["kernel.msg", "kernel.sem", "kernel.shm", "fs.mqueue."];
    let (of_namespaces, of_the_host): (Vec<String>, Vec<String>) = parameters()
        .into_iter()
        .partition(|key| key.starts_with("net.") || ipc.iter().any(|start| key.starts_with(start)));
    assert!(of_namespaces.len() >= TRIED && of_the_host.len() >= TRIED, "the control: this kernel has parameters");
    let some = |keys: &[String]| -> Vec<String> { keys.iter().step_by(keys.len() / TRIED).cloned().collect() };
    let refuse = |options: &[&str], text: &str| {
        let options = [&["run", "--rm", "--sysctl", text], options, &[&image, "true"]].concat();
        let run = scene.coracle(&options);
        assert!(run.code == 125 && run.stderr.contains("kernel parameter"), "{text:?}: {run}");
    };
    let seps = ["=1", "=1\nnet.core.somaxconn=7", "=1+net.core.somaxconn=7", "=1 ", "=|/x", "= 1\r"];
    for (at, key) in some(&of_the_host).iter().enumerate() {
        refuse(&["--network=none"], &format!("{key}{}", seps[at % seps.len()]));
        // Hidden behind one that is allowed, and under other names of the same file.
        let hidden = [
            format!("net.core.somaxconn=7\n{key}=1"),
            format!("net.core.somaxconn+{key}=1"),
            format!("net.../{}=1", key.replace('.', "/")),
            format!("net/../{}=1", key.replace('.', "/")),
            format!("{}=1", key.to_uppercase()),
            format!(" {key}=1"),
        ];
        refuse(&["--network=none"], &hidden[at % hidden.len()]);
    }
    for (at, key) in some(&of_namespaces).iter().enumerate() {
        let text = format!("{key}=1");
        match (key.starts_with("net."), at % 2) {
            (true, 0) => refuse(&["--network=host"], &text),
            (true, _) => refuse(&["--network=container:other"], &text),
            (false, 0) => refuse(&["--network=none", "--ipc=host"], &text),
            (false, _) => refuse(&["--network=none", "--ipc=container:other"], &text),
        }
    }
    // Some of those by name are the host's all the same: the kernel says so, and nothing starts.
    for key in some(&of_namespaces) {
        let value = std::fs::read_to_string(format!("/proc/sys/{}", key.replace('.', "/"))).unwrap_or_default();
        let text = format!("{key}={}", value.trim().replace(char::is_control, " "));
        let run = scene.coracle(&["run", "--rm", "--network=none", "--sysctl", &text, &image, "true"]);
        assert!(run.code == 0 || (run.code == 125 && run.stderr.lines().count() == 1), "{text}: {run}");
    }
    assert_eq!(host_parameters(), before);
    scene.assert_safe();
}

/// K07: a container has a session keyring of its own, and sees no key of its user's.
#[test]
fn k07_keys_of_the_host_are_not_seen() {
    let scene = Scene::new();
    let image = scene.load(&Image::new("keys"));
    let script = "cat /proc/keys /proc/key-users 2>/dev/null | wc -c";
    assert_eq!(scene.script(&[], &image, script).stdout, "0\n");
    // With all masks off the kernel itself shows no key but the container's own.
    let unmasked = scene.script(&["--security-opt=unmask=ALL"], &image, "cat /proc/keys");
    let foreign = unmasked.stdout.lines().filter(|line| !line.contains("_ses.coracle") && !line.contains("_uid"));
    assert_eq!(foreign.count(), 0, "{unmasked}");
    assert!(unmasked.stdout.contains("_ses.coracle"), "the control: {unmasked}");
    scene.assert_safe();
}

/// Puts a value in place of each leaf of a document in turn, a different kind of value each time.
fn mutations(document: &Value) -> Vec<(String, Value)> {
    fn leaves(at: &str, value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => map.iter().for_each(|(key, value)| leaves(&format!("{at}/{key}"), value, found)),
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(index, value)| leaves(&format!("{at}/{index}"), value, found));
            }
            _ => {}
        }
        found.push(at.to_owned());
    }
    let odd = [
        Value::Null,
        json!(-1),
        json!(u64::MAX),
        json!("../../../../etc/passwd"),
        json!("a\u{0}b\n"),
        json!([]),
        json!({}),
        json!("x".repeat(100_000)),
    ];
    let mut places = Vec::new();
    leaves("", document, &mut places);
    let replaced = |(index, place): (usize, &String)| {
        let mut changed = document.clone();
        *changed.pointer_mut(place).expect("a place in the document") = odd[index % odd.len()].clone();
        (place.clone(), changed)
    };
    places.iter().enumerate().map(replaced).collect()
}

/// A20: whatever is in a container's own documents, a command ends with a word about it and not with a crash.
#[test]
fn a20_odd_documents_of_a_container_crash_nothing() {
    let scene = Scene::new();
    let image = scene.load(&Image::new("documents"));
    let id = scene.ok(&["create", "--network=none", "--name=odd", "--sysctl=net.core.somaxconn=7", &image, "true"]);
    let id = id.trim();
    let file = scene.sandbox.container(id).join("config.json");
    let good = std::fs::read(&file).expect("read config.json");
    let document: Value = serde_json::from_slice(&good).expect("config.json is JSON");
    let all = mutations(&document);
    assert!(all.len() > 40, "the control: {}", all.len());
    for (place, changed) in all {
        std::fs::write(&file, changed.to_string()).expect("write config.json");
        for command in [&["start", "--attach", id][..], &["inspect", id], &["ps", "--all"]] {
            let run = scene.coracle(command);
            assert!(run.code < 128 && run.code != 101 && !run.stderr.contains("panicked"), "{place}: {run}");
        }
    }
    std::fs::write(&file, &good).expect("write config.json");
    assert_eq!(scene.coracle(&["start", "--attach", id]).code, 0, "the control");
    let file = scene.sandbox.container(id).join("state.json");
    let state: Value = serde_json::from_slice(&std::fs::read(&file).expect("read state.json")).expect("JSON");
    for (place, changed) in mutations(&state) {
        std::fs::write(&file, changed.to_string()).expect("write state.json");
        for command in [&["inspect", id][..], &["ps", "--all"], &["start", "--attach", id]] {
            let run = scene.coracle(command);
            assert!(run.code < 128 && run.code != 101 && !run.stderr.contains("panicked"), "{place}: {run}");
        }
    }
    std::fs::remove_file(&file).expect("remove state.json");
    scene.assert_safe();
}
