//! What goes wrong outside: killed processes, missing directories, forbidden privileges. Each is one line that says what
//! and why, and the store is as if nothing had happened.

use crate::support::{Run, Running, Sandbox, is_alive, names_in, skip, until};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

fn with_busybox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.image("busybox");
    sandbox
}

fn number(state: &serde_json::Value, key: &str) -> i64 {
    state[key].as_i64().unwrap_or_else(|| panic!("no {key} in {state}"))
}

/// Kills a container's monitor, which takes the container with it.
fn lose(sandbox: &Sandbox, id: &str) {
    let state = sandbox.state(id);
    // Descriptors, because a number may soon be another process's.
    let [monitor, container] = ["monitor_pid", "pid"].map(|key| {
        let pid = rustix::process::Pid::from_raw(number(&state, key) as i32).expect("a pid");
        rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).expect("it lives")
    });
    rustix::process::pidfd_send_signal(&monitor, rustix::process::Signal::KILL).expect("kill the monitor");
    let mut both =
        [PollFd::new(monitor.as_fd(), PollFlags::POLLIN), PollFd::new(container.as_fd(), PollFlags::POLLIN)];
    until("the container has died with its monitor", || {
        poll(&mut both, PollTimeout::ZERO).expect("poll");
        both.iter().all(|process| process.any().unwrap_or(false))
    });
}

/// Runs a command line of the engine below another program.
fn below(sandbox: &Sandbox, program: &[&str], arguments: &[&str]) -> Run {
    let engine = sandbox.command(arguments);
    let mut command = std::process::Command::new(program[0]);
    command.args(&program[1..]).arg(engine.get_program()).args(engine.get_args());
    command.env_clear().envs(engine.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Running::start(command).finish()
}

const TRUE: [&str; 6] = ["run", "--rm", "--network", "none", "busybox", "true"];

#[test]
fn a_container_dies_with_its_monitor_and_starts_again() {
    let sandbox = with_busybox();
    for options in [&[][..], &["--user", "1000"], &["--init"], &["--init", "--user", "1000"], &["--privileged"]] {
        let id = sandbox.detached(&[options, &["--name", "c", "busybox", "sh", "-c", "sleep 1000; true"]].concat());
        lose(&sandbox, &id);
        sandbox.fails(125, &["exec: ", "not running"], &["exec", "c", "true"]);
        sandbox.fails(125, &["wait: ", "container c", "its monitor ended"], &["wait", "c"]);
        assert_eq!(sandbox.ok(&["stop", "c"]), "c\n");
        assert_eq!(sandbox.ok(&["logs", "c"]), "");
        sandbox.ok(&["start", "c"]);
        assert_eq!(sandbox.ok(&["exec", "c", "echo", "back"]), "back\n");
        lose(&sandbox, &id);
        assert_eq!(sandbox.ok(&["rm", "c"]), "c\n");
        sandbox.assert_no_leaks();
    }
}

#[test]
fn execd_processes_die_with_the_monitor_too() {
    let sandbox = with_busybox();
    // A word in their command lines by which they are found; one that has ended has none, even before it is reaped.
    let mark = sandbox.home.join("mark").display().to_string();
    let sleeps = "touch /dev/shm/$$; while :; do sleep 0.05; done";
    let id = sandbox.detached(&["busybox", "sh", "-c", sleeps, &mark]);
    let exec = sandbox.spawn(&["exec", "--user", "1000", &id, "sh", "-c", sleeps, &mark]);
    until("both run", || sandbox.ok(&["exec", &id, "sh", "-c", "ls /dev/shm | wc -l"]) == "2\n");
    let monitor = number(&sandbox.state(&id), "monitor_pid");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(monitor as i32), Signal::SIGKILL).expect("kill the monitor");
    exec.finish().fails(125, &["exec: ", "monitor has gone away"]);
    until("nothing is left", || sandbox.processes().is_empty());
    sandbox.ok(&["start", &id]);
}

#[test]
fn a_killed_caller_leaves_the_container_running() {
    let sandbox = with_busybox();
    let script = "echo one; while [ ! -e /go ]; do sleep 0.05; done; seq 1 20000; exit 4";
    let running = sandbox.spawn(&["run", "--network", "none", "--name", "c", "busybox", "sh", "-c", script]);
    until("it runs", || sandbox.coracle(&["logs", "c"]).stdout == "one\n");
    running.signal(Signal::SIGKILL);
    assert_eq!(running.finish().code, 137);
    // Its output has no reader any more, which holds nothing up.
    sandbox.ok(&["exec", "c", "touch", "/go"]);
    assert_eq!(sandbox.ok(&["wait", "c"]), "4\n");
    assert!(sandbox.ok(&["logs", "c"]).ends_with("\n20000\n"));
}

#[test]
fn a_running_container_is_seen_from_every_runtime_directory() {
    let sandbox = with_busybox();
    let id = sandbox.detached(&["--name", "c", "busybox", "sleep", "1000"]);
    let elsewhere = sandbox.home.join("elsewhere");
    std::fs::create_dir(&elsewhere).expect("mkdir");
    let missing = sandbox.home.join("missing");
    for directory in [None, Some(&elsewhere), Some(&missing)] {
        let pid = number(&sandbox.state(&id), "pid");
        let run = |arguments: &[&str]| {
            let mut command = sandbox.command(arguments);
            command.env_remove("XDG_RUNTIME_DIR");
            if let Some(directory) = directory {
                command.env("XDG_RUNTIME_DIR", directory);
            }
            Running::start(command).finish()
        };
        assert_eq!(run(&["exec", "c", "echo", "here"]).stdout, "here\n");
        run(&["rm", "c"]).fails(2, &["rm: ", "container c is running"]);
        assert_eq!(run(&["start", "c"]).stdout, "c\n");
        assert_eq!(run(&TRUE).code, 0);
        assert!(is_alive(pid), "it was not touched");
        assert_eq!(run(&["stop", "--time", "0", "c"]).stdout, "c\n");
        assert_eq!(run(&["wait", "c"]).stdout, "137\n");
        assert_eq!(run(&["start", "c"]).stdout, "c\n");
        assert_eq!(sandbox.ok(&["exec", "c", "echo", "again"]), "again\n");
    }
}

#[test]
fn a_container_whose_runtime_directory_was_wiped_can_be_ended() {
    // As a logout does, while the container goes on.
    let sandbox = with_busybox();
    let id = sandbox.detached(&["--network", "none", "--name", "c", "busybox", "sleep", "1000"]);
    let pid = number(&sandbox.state(&id), "pid");
    std::fs::remove_dir_all(sandbox.runtime.join("coracle")).expect("wipe the runtime directory");
    assert_eq!(sandbox.ok(&["ps", "--format", "{{.State}}"]), "running\n");
    sandbox.ok(&["stop", "c"]);
    until("pid 1 is gone", || !is_alive(pid));
    sandbox.ok(&["rm", "c"]);
    sandbox.assert_no_leaks();
}

#[test]
fn after_a_reboot_the_runtime_directory_is_empty_or_stale() {
    let sandbox = with_busybox();
    for wiped in [true, false] {
        let id = sandbox.detached(&["--name", "c", "busybox", "sleep", "1000"]);
        lose(&sandbox, &id);
        // Another boot, in which the number of the container's process is somebody else's.
        let innocent = Running::start({
            let mut command = std::process::Command::new("sleep");
            command.arg("1000");
            command
        });
        let mut state = sandbox.state(&id);
        state["boot_id"] = "00000000-0000-0000-0000-000000000000".into();
        state["pid"] = innocent.pid().into();
        state["monitor_pid"] = innocent.pid().into();
        std::fs::write(sandbox.container(&id).join("state.json"), state.to_string()).expect("write state.json");
        if wiped {
            std::fs::remove_dir_all(&sandbox.runtime).expect("wipe the runtime directory");
            std::fs::create_dir(&sandbox.runtime).expect("mkdir");
        }
        sandbox.fails(125, &["exec: ", "not running"], &["exec", "c", "true"]);
        assert_eq!(sandbox.ok(&["stop", "c"]), "c\n");
        sandbox.ok(&["start", "c"]);
        assert_eq!(sandbox.ok(&["exec", "c", "echo", "back"]), "back\n");
        sandbox.ok(&["rm", "-f", "c"]);
        assert!(is_alive(innocent.pid().into()), "nobody else was killed");
        sandbox.assert_no_leaks();
    }
}

#[test]
fn a_container_of_another_machine_is_left_alone() {
    let sandbox = with_busybox();
    let id = sandbox.ok(&["run", "-d", "--network", "none", "--name", "c", "busybox", "sleep", "1000"]);
    let id = id.trim();
    lose(&sandbox, id);
    let mut state = sandbox.state(id);
    state["machine_id"] = "ffffffffffffffffffffffffffffffff".into();
    std::fs::write(sandbox.container(id).join("state.json"), state.to_string()).expect("write state.json");
    sandbox.fails(2, &["rm: ", "container c belongs to another machine"], &["rm", "-f", "c"]);
    sandbox.fails(125, &["start: ", "container c belongs to another machine"], &["start", "c"]);
    sandbox.fails(125, &["exec: ", "not running"], &["exec", "c", "true"]);
    state["machine_id"] = sandbox_machine();
    std::fs::write(sandbox.container(id).join("state.json"), state.to_string()).expect("write state.json");
    sandbox.ok(&["rm", "c"]);
}

fn sandbox_machine() -> serde_json::Value {
    std::fs::read_to_string("/etc/machine-id").unwrap_or_default().trim().into()
}

#[test]
fn a_foreign_or_closed_directory_is_refused() {
    let sandbox = with_busybox();
    let foreign = [&["--runroot", "/usr"], &TRUE[..]].concat();
    sandbox.fails(125, &["run: ", "/usr", "permission denied"], &foreign);
    let foreign = [&["--runroot", "/tmp"], &TRUE[..]].concat();
    sandbox.fails(125, &["run: ", "/tmp", "belongs to another user", "XDG_RUNTIME_DIR"], &foreign);
    let closed = sandbox.home.join("closed");
    std::fs::create_dir(&closed).expect("mkdir");
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o555)).expect("chmod");
    let mut command = sandbox.command(&TRUE);
    command.env("XDG_DATA_HOME", &closed);
    Running::start(command).finish().fails(125, &["run: ", "closed/coracle", "permission denied"]);
    let open = sandbox.runtime.join("coracle");
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o777)).expect("chmod");
    sandbox.ok(&TRUE);
    assert_eq!(open.metadata().expect("stat").permissions().mode() & 0o777, 0o700, "closed to others");
    sandbox.assert_no_leaks();
}

#[test]
fn a_corrupt_description_is_named() {
    let sandbox = with_busybox();
    let id = sandbox.ok(&["create", "--network", "none", "--name", "c", "busybox", "true"]);
    let file = sandbox.container(id.trim()).join("config.json");
    let whole = std::fs::read(&file).expect("read config.json");
    std::fs::write(&file, &whole[..whole.len() / 2]).expect("cut it short");
    sandbox.fails(125, &["start: ", "config.json"], &["start", "c"]);
    std::fs::write(&file, whole).expect("put it back");
    assert_eq!(sandbox.ok(&["start", "-a", "c"]), "");
}

#[test]
fn a_container_that_cannot_be_made_leaves_no_volume() {
    let sandbox = with_busybox();
    let volumes = sandbox.data.join("coracle/volumes");
    for verb in ["create", "run"] {
        let again =
            [verb, "--network", "none", "--name", "c", "-v", "/anonymous", "-v", "named:/v", "busybox", "true"];
        sandbox.ok(&again);
        let before = names_in(&volumes).len();
        sandbox.fails(125, &[verb, "the name c is taken"], &again);
        assert_eq!(names_in(&volumes).len(), before, "{:?}", names_in(&volumes));
        sandbox.ok(&["rm", "-v", "c"]);
        assert_eq!(names_in(&volumes), ["named"]);
    }
}

#[test]
fn a_helper_that_is_there_and_fails_is_an_error_with_its_reason() {
    let sandbox = with_busybox();
    for arguments in [&TRUE[..], &["unshare", "true"]] {
        let verb = format!("{}: ", arguments[0]);
        let run = below(&sandbox, &["setpriv", "--no-new-privs"], arguments);
        run.fails(125, &[&verb, "newuidmap", "no_new_privs set", "outside the sandbox or unit"]);
        if Path::new("/usr/bin/strace").exists() {
            let run = below(&sandbox, &["strace", "-f", "-o", "/dev/null"], arguments);
            run.fails(125, &[&verb, "newuidmap", "being traced", "trace as root: strace -f -u USER"]);
        } else {
            skip("strace is not installed");
        }
    }
    sandbox.assert_no_leaks();
}

#[test]
fn forbidden_user_namespaces_are_named_with_the_setting() {
    let sandbox = with_busybox();
    // In a namespace of its own the limit can be set by anyone; the engine then starts there without privileges.
    let forbid =
        "echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --inh-caps=-all --bounding-set=-all \"$@\"";
    for arguments in [&TRUE[..], &["unshare", "true"]] {
        let run = below(&sandbox, &["unshare", "--user", "--map-root-user", "sh", "-c", forbid, "sh"], arguments);
        let verb = format!("{}: ", arguments[0]);
        run.fails(125, &[&verb, "make a user namespace", "user.max_user_namespaces is 0", "sudo sysctl"]);
    }
    assert!(names_in(&sandbox.data.join("coracle/tmp")).is_empty());
    sandbox.assert_no_leaks();
}

#[test]
fn too_many_namespaces_are_no_full_disk() {
    let sandbox = with_busybox();
    // Who is root there needs one capability to map that root again: user_namespaces(7).
    let forbid = "echo 0 > /proc/sys/user/max_uts_namespaces && \
                  exec setpriv --inh-caps=-all --bounding-set=-all,+setfcap \"$@\"";
    let run = below(&sandbox, &["unshare", "--user", "--map-root-user", "sh", "-c", forbid, "sh"], &TRUE);
    assert_eq!(run.code, 125, "{run}");
    let said = run.stderr.lines().last().unwrap_or_default();
    assert!(said.contains("make the container's namespaces") && said.contains("max_*_namespaces"), "{run}");
    assert!(!said.contains("free some space"), "{run}");
    sandbox.assert_no_leaks();
}

#[test]
fn a_log_that_cannot_be_written_stops_nothing() {
    let sandbox = with_busybox();
    let script = "while [ ! -e /go ]; do sleep 0.05; done; seq 1 1000; exit 6";
    let id = sandbox.ok(&["create", "--network", "none", "--name", "c", "busybox", "sh", "-c", script]);
    // Nothing can be appended to a directory, as nothing can to a full disk.
    std::fs::create_dir(sandbox.container(id.trim()).join("log")).expect("mkdir");
    let attached = sandbox.spawn(&["start", "-a", "c"]);
    until("it runs", || sandbox.coracle(&["exec", "c", "touch", "/go"]).code == 0);
    let run = attached.finish();
    assert!(run.code == 6 && run.stdout.ends_with("\n1000\n"), "{run}");
}
