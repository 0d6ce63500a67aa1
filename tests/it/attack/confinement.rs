//! Attacks by what a container may write of the machine's settings: cgroup files, parameters of the kernel, keyrings.

use super::Scene;
use crate::support::image_builder::Image;
use serde_json::{Value, json};

/// A12: no cgroup file can be written, whatever the container's user asks its root to try.
#[test]
fn a12_no_cgroup_file_is_written() {
    let scene = Scene::new();
    let image = scene.load(&Image::new("cgroups"));
    let script = "mount -o remount,rw,bind /sys/fs/cgroup /sys/fs/cgroup 2>/dev/null && echo remounted; \
                  find /sys/fs/cgroup -type f | while read file; do echo 0 2>/dev/null > $file && echo wrote $file; done; \
                  mkdir /sys/fs/cgroup/new 2>/dev/null && echo made; find /sys/fs/cgroup -type f | wc -l";
    for options in [&[][..], &["--cap-add=ALL", "--security-opt=seccomp=unconfined"], &["--security-opt=nesting"]] {
        let run = scene.script(options, &image, script);
        // A mount that its own root may remount is still nothing of the host's: only what is written counts.
        let told: Vec<&str> = run.stdout.lines().filter(|line| *line != "remounted").collect();
        assert!(told.len() == 1 && told[0].parse::<u32>().is_ok_and(|files| files > 0), "{options:?}: {run}");
    }
    // The control: the mount of the default is read-only where that of systemd mode is not.
    let flags = "grep ' /sys/fs/cgroup ' /proc/mounts | cut -d' ' -f4 | cut -d, -f1";
    assert_eq!(scene.script(&[], &image, flags).stdout, "ro\n");
    assert_eq!(scene.script(&["--systemd=always"], &image, flags).stdout, "rw\n");
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
