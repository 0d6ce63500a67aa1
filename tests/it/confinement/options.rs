//! `--security-opt`, `--sysctl`, `--systemd` and the flags of limits.

use super::{refused, shell};
use crate::support::Sandbox;

fn ready() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.image("busybox");
    sandbox
}

#[test]
fn security_options_do_what_they_say() {
    let sandbox = ready();
    let told = |options: &[&str], script: &str| shell(&sandbox, options, script);
    assert_eq!(
        told(&["--security-opt=no-new-privileges:true"], "grep NoNewPrivs /proc/self/status"),
        "NoNewPrivs:\t1\n"
    );
    assert_eq!(
        told(&["--security-opt=no-new-privileges=false"], "grep NoNewPrivs /proc/self/status"),
        "NoNewPrivs:\t0\n"
    );
    let processes = "ls /proc | grep -c meminfo; grep -c hidepid /proc/self/mountinfo; :";
    assert_eq!(told(&["--security-opt=proc-opts=hidepid=2,subset=pid"], processes), "0\n1\n");
    assert!(told(&[], processes).starts_with("1\n0"));
    assert_eq!(told(&["--security-opt=mask=/etc/group"], "cat /etc/group | wc -c"), "0\n");
    let interrupts = "wc -l < /proc/interrupts";
    assert_eq!(told(&[], interrupts), "0\n");
    assert_ne!(told(&["--security-opt=systempaths=unconfined"], interrupts), "0\n");
    assert_eq!(told(&["--security-opt=label=disable", "--security-opt=apparmor=unconfined"], "echo ok"), "ok\n");
    refused(&sandbox, &["--security-opt=proc-opts=rw"], &["proc-opts"]);
    refused(&sandbox, &["--security-opt=label=frob"], &["label"]);
    refused(&sandbox, &["--security-opt=frob=nicate"], &["frob"]);
    if !std::path::Path::new("/sys/module/apparmor").exists() {
        refused(&sandbox, &["--security-opt=apparmor=mine"], &["AppArmor is not enabled"]);
    }
    assert_eq!(
        told(&["--cap-drop=all", "--cap-add=Cap_Kill"], "grep CapBnd /proc/self/status"),
        "CapBnd:\t0000000000000020\n"
    );
    assert_ne!(told(&["--personality=linux32"], "uname -m"), told(&[], "uname -m"));
    refused(&sandbox, &["--personality=bsd"], &["LINUX32"]);
}

#[test]
fn limits_without_a_cgroup_are_told_and_the_others_hold() {
    let sandbox = ready();
    assert_eq!(shell(&sandbox, &["--oom-score-adj=500"], "cat /proc/self/oom_score_adj"), "500\n");
    let own = std::fs::read_to_string("/proc/self/oom_score_adj").expect("read");
    // An ordinary user cannot go below what they have.
    if own.trim() == "0" && !nix::unistd::geteuid().is_root() {
        assert_eq!(shell(&sandbox, &["--oom-score-adj=-500"], "cat /proc/self/oom_score_adj"), "0\n");
    }
    refused(&sandbox, &["--oom-score-adj=1001"], &["-1000 to 1000"]);
    let (soft, _) = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE).expect("getrlimit");
    assert_eq!(shell(&sandbox, &["--ulimit=host"], "ulimit -n"), format!("{soft}\n"));
    assert_eq!(shell(&sandbox, &["--ulimit=nofile=77:99", "--ulimit=core=0"], "ulimit -Sn; ulimit -Hn"), "77\n99\n");
    for flag in ["--memory-swappiness=5", "--oom-kill-disable", "--cpu-rt-runtime=5"] {
        refused(&sandbox, &[flag], &["version 2"]);
    }
    refused(&sandbox, &["--rdt-class=x"], &["not supported"]);
    refused(&sandbox, &["--memory-swap=1g"], &["--memory"]);
    refused(&sandbox, &["--cgroups=sometimes"], &["enabled", "disabled"]);
    refused(&sandbox, &["--cgroup-parent=../x"], &["slice"]);
    refused(&sandbox, &["--cgroup-conf=memory"], &["FILE=VALUE"]);
    refused(&sandbox, &["--blkio-weight=5"], &["10 to 1000"]);
    refused(&sandbox, &["--device-read-bps=/dev/null:1m"], &["not a block device"]);
    // With no cgroup there is no limit, and asking for one says which controller is missing.
    for (flag, controller) in [
        ("--cpu-shares=512", "cpu"),
        ("--cpuset-cpus=0", "cpuset"),
        ("--memory-reservation=10m", "memory"),
        ("--cgroup-conf=memory.high=10000000", "memory"),
        ("--blkio-weight=500", "io"),
    ] {
        let words = format!("{controller} controller");
        refused(&sandbox, &["--cgroups=disabled", flag], &[&words]);
    }
}

#[test]
fn parameters_of_the_kernel_are_the_containers_own() {
    let sandbox = ready();
    let options =
        ["--sysctl=net.ipv4.ip_forward=1", "--sysctl=kernel.shmmax=4096", "--sysctl=net.ipv4.ping_group_range=5 6"];
    let script = "cd /proc/sys; cat net/ipv4/ip_forward kernel/shmmax net/ipv4/ping_group_range | tr '\\t' ' '";
    assert_eq!(shell(&sandbox, &options, script), "1\n4096\n5 6\n");
    let host = |options: &[&str], words: &[&str]| {
        let words = (words, [&["run", "--rm"], options, &["busybox", "true"]].concat());
        sandbox.fails(125, words.0, &words.1);
    };
    host(&["--network=host", "--sysctl=net.ipv4.ip_forward=1"], &["--network"]);
    host(&["--network=none", "--ipc=host", "--sysctl=kernel.shmmax=4096"], &["--ipc"]);
    host(&["--network=none", "--sysctl=net.ipv4.no_such_thing=1"], &["net.ipv4.no_such_thing"]);
}

#[test]
fn systemd_finds_what_it_needs() {
    let sandbox = ready();
    let mounts = "for place in /run /run/lock /tmp /var/log/journal; do grep -c \" $place tmpfs\" /proc/mounts; done; \
                  grep ' /sys/fs/cgroup ' /proc/mounts | cut -d' ' -f4 | cut -d, -f1; echo ${#container_uuid}";
    assert_eq!(shell(&sandbox, &["--systemd=always"], mounts), "1\n1\n1\n1\nrw\n32\n");
    assert_eq!(shell(&sandbox, &["--systemd=false"], mounts), "0\n0\n0\n0\nro\n0\n");
    assert_eq!(shell(&sandbox, &[], mounts), "0\n0\n0\n0\nro\n0\n");
    refused(&sandbox, &["--systemd=perhaps"], &["always"]);
    let sizes = "grep -E '^tmpfs /(run|run/lock|tmp|var/log/journal) ' /proc/mounts | grep -c size=512k";
    assert_eq!(shell(&sandbox, &["--systemd=always", "--shm-size-systemd=512k"], sizes), "4\n");
    // By its name alone, and with the signal that it takes for its end.
    let id = sandbox.ok(&["create", "--network=none", "busybox", "/sbin/init"]);
    let config: serde_json::Value = serde_json::from_slice(
        &std::fs::read(sandbox.container(id.trim()).join("config.json")).expect("read config.json"),
    )
    .expect("JSON");
    assert_eq!((&config["security"]["systemd"], &config["stop"]["signal"]), (&"Yes".into(), &37.into()));
}
