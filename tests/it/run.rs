//! `run`: what a container is given, and what comes back from it.

use crate::support::{Sandbox, names_in};
use std::io::Write;
use std::process::Stdio;

/// The beginning of most command lines here.
const RUN: [&str; 4] = ["run", "--rm", "--network", "none"];

/// A sandbox with the busybox image, and the image's name.
fn with_busybox() -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    (sandbox, image)
}

/// `run --rm OPTIONS busybox COMMAND`, which must succeed: what it printed.
fn output(sandbox: &Sandbox, options: &[&str], command: &[&str]) -> String {
    sandbox.ok(&[&RUN, options, &["busybox"], command].concat())
}

#[test]
fn the_containers_exit_code_is_the_commands() {
    let (sandbox, image) = with_busybox();
    // A pid 1 cannot kill itself, but a child of it can.
    for (script, code) in [("exit 0", 0), ("exit 42", 42), ("exit 255", 255), ("sh -c 'kill -9 $$'; exit $?", 137)] {
        let run = sandbox.coracle(&[&RUN[..], &[&image, "sh", "-c", script]].concat());
        assert_eq!(run.code, code, "{script}: {run}");
        assert!(!run.stderr.contains("coracle"), "{script}: {run}");
    }
    sandbox.assert_no_leaks();
}

#[test]
fn a_missing_command_is_127_and_one_that_cannot_be_executed_126() {
    let (sandbox, image) = with_busybox();
    let run =
        |options: &[&str], command: &str| sandbox.coracle(&[&RUN, options, &[image.as_str(), command]].concat());
    run(&[], "nosuch").fails(127, &["run: ", "\"nosuch\"", "no such program in the container's PATH"]);
    run(&[], "/no/such").fails(127, &["run: ", "\"/no/such\"", "no such file in the container"]);
    run(&[], "/etc/passwd").fails(126, &["run: ", "\"/etc/passwd\"", "permission denied", "execute bit"]);
    run(&[], "/etc").fails(126, &["run: ", "\"/etc\"", "permission denied"]);
    run(&["--init"], "nosuch").fails(127, &["run: ", "\"nosuch\"", "no such program in the container's PATH"]);
    run(&["--init"], "/etc/passwd").fails(126, &["run: ", "\"/etc/passwd\"", "permission denied"]);
    sandbox.assert_no_leaks();
}

#[test]
fn the_engines_own_failures_are_125_and_leave_nothing() {
    let (sandbox, image) = with_busybox();
    let fails = |words: &[&str], options: &[&str]| {
        sandbox.fails(125, words, &[&RUN, options, &[image.as_str(), "true"]].concat());
    };
    fails(&["run: ", "unknown option --nosuch", "see coracle run --help"], &["--nosuch"]);
    fails(&["run: ", "--pod is not supported yet"], &["--pod", "p"]);
    fails(&["run: ", "user", "\"nobodyhere\""], &["--user", "nobodyhere"]);
    fails(&["run: ", "70000"], &["--user", "70000"]);
    fails(&["run: ", "/no/such/file"], &["--env-file", "/no/such/file"]);
    fails(&["run: ", "\"=x\" has no name"], &["--env", "=x"]);
    fails(&["run: ", "\"relative\" is not an absolute path"], &["--workdir", "relative"]);
    fails(&["run: ", "/etc/passwd"], &["--workdir", "/etc/passwd"]);
    fails(&["run: ", "/no/such/dir", "no such file", "create it first"], &["--volume", "/no/such/dir:/x"]);
    fails(&["run: ", "\"x/y\""], &["--name", "x/y"]);
    fails(&["run: ", "capability \"NOSUCH\""], &["--cap-add", "nosuch"]);
    fails(&["run: ", "\"nosuch\""], &["--security-opt", "nosuch"]);
    fails(&["run: ", "\"NOSUCH\""], &["--stop-signal", "NOSUCH"]);
    fails(&["run: ", "\"nosuch=1\""], &["--ulimit", "nosuch=1"]);
    fails(&["run: ", "soft limit is above the hard"], &["--ulimit", "nofile=9:8"]);
    fails(&["run: ", "\"sometimes\""], &["--pull", "sometimes"]);
    fails(&["run: ", "/proc/sys", "kernel's own"], &["--tmpfs", "/proc/sys"]);
    fails(&["run: ", "two mounts at /x"], &["--tmpfs", "/x", "--tmpfs", "/x/"]);
    sandbox.fails(
        125,
        &["run: ", "localhost/nosuch", "--pull=missing"],
        &["run", "--pull=never", "localhost/nosuch"],
    );
    sandbox.fails(125, &["unknown command", "nosuch"], &["nosuch"]);
    sandbox.fails(125, &["unknown command", "rnu", "did you mean run?"], &["rnu"]);
    sandbox.fails(125, &["unknown command", "crate", "did you mean create?"], &["volume", "crate"]);
    sandbox.fails(1, &["volume rm: ", "nosuch"], &["volume", "rm", "nosuch"]);
    sandbox.assert_no_leaks();
}

#[test]
fn the_environment_is_the_images_and_what_was_asked_for() {
    let (sandbox, image) = with_busybox();
    let file = sandbox.home.join("env");
    std::fs::write(&file, "# comment\n\nFROM_FILE=f\nOVER=file\nQUOTED=\"as it is\"\nMINE\n").expect("write env");
    let file = file.to_str().expect("ASCII");
    let options = ["--env", "A=1", "--env", "OVER=flag", "--env", "MISSING", "--env", "MY*", "--env-file", file];
    let mut command = sandbox.command(&[&RUN, &options[..], &[&image, "env"]].concat());
    command.env("MINE", "m").env("MYTHING", "t").env("OTHERS", "secret");
    let text = crate::support::Running::start(command).finish().stdout;
    let lines: Vec<&str> = text.lines().collect();
    for line in ["A=1", "OVER=flag", "FROM_FILE=f", "QUOTED=\"as it is\"", "MINE=m", "MYTHING=t", "HOME=/root"] {
        assert!(lines.contains(&line), "no {line} in {lines:?}");
    }
    assert!(lines.iter().any(|line| line.starts_with("PATH=/")), "{lines:?}");
    assert!(!text.contains("MISSING") && !text.contains("secret") && !text.contains("XDG_"), "{lines:?}");
}

#[test]
fn directory_user_and_names_inside() {
    let (sandbox, _image) = with_busybox();
    assert_eq!(output(&sandbox, &["-w", "/new/deep/dir"], &["pwd"]), "/new/deep/dir\n");
    assert_eq!(output(&sandbox, &["-u", "1234"], &["id", "-u"]), "1234\n");
    assert_eq!(output(&sandbox, &["-u", "1234:99"], &["id", "-g"]), "99\n");
    assert_eq!(output(&sandbox, &["-u", "0:5"], &["sh", "-c", "id -u; id -g"]), "0\n5\n");
    assert_eq!(output(&sandbox, &["--hostname", "box.example"], &["hostname"]), "box.example\n");
    let hosts = output(&sandbox, &["-h", "box"], &["cat", "/etc/hosts", "/etc/hostname"]);
    assert!(hosts.contains("localhost") && hosts.contains("\tbox\n") && hosts.ends_with("box\n"), "{hosts}");
    assert_eq!(output(&sandbox, &[], &["sh", "-c", "echo $HOSTNAME | wc -c"]), "13\n");
}

#[test]
fn the_entrypoint_goes_before_the_command() {
    let (sandbox, _image) = with_busybox();
    assert_eq!(output(&sandbox, &["--entrypoint", "echo"], &["a", "b c"]), "a b c\n");
    assert_eq!(output(&sandbox, &["--entrypoint", "[\"echo\",\"a\"]"], &["b"]), "a b\n");
    assert_eq!(output(&sandbox, &["--entrypoint", ""], &["echo", "x"]), "x\n");
    assert_eq!(output(&sandbox, &[], &["echo", "--rm", "-it"]), "--rm -it\n");
}

#[test]
fn standard_streams_are_joined_and_stdin_only_if_asked() {
    let (sandbox, image) = with_busybox();
    for (interactive, expected) in [(true, "typed\n"), (false, "")] {
        let options: &[&str] = if interactive { &["-i"] } else { &[] };
        let mut command = sandbox.command(&[&RUN, options, &[&image, "sh", "-c", "cat; echo to-err >&2"]].concat());
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("run");
        // Without -i nobody reads it, which is no failure of the writer's.
        let _ = child.stdin.take().expect("a pipe").write_all(b"typed\n");
        let done = child.wait_with_output().expect("wait");
        assert_eq!((done.stdout, done.stderr), (expected.as_bytes().to_vec(), b"to-err\n".to_vec()));
    }
}

#[test]
fn much_output_arrives_whole_and_in_order() {
    let (sandbox, _image) = with_busybox();
    let text = output(&sandbox, &[], &["seq", "1", "200000"]);
    let numbers: Vec<u32> = text.lines().map(|line| line.parse().expect("a number")).collect();
    assert_eq!(numbers, (1..=200_000).collect::<Vec<_>>());
}

#[test]
fn detached_it_prints_the_id_and_goes_on() {
    let (sandbox, image) = with_busybox();
    let id = sandbox.detached(&["--name", "back", &image, "sleep", "1000"]);
    assert_eq!(id.len(), 64, "{id}");
    assert_eq!(sandbox.ok(&["exec", "back", "echo", "here"]), "here\n");
    assert_eq!(sandbox.ok(&["exec", &id[..12], "hostname"]).trim(), &id[..12]);
    sandbox.ok(&["rm", "-f", "back"]);
    sandbox.assert_no_leaks();
}

#[test]
fn a_name_is_free_as_soon_as_its_container_has_ended() {
    let (sandbox, image) = with_busybox();
    for _ in 0..5 {
        sandbox.ok(&[&RUN, &["--name", "same", &image, "true"][..]].concat());
    }
    sandbox.ok(&["run", "--network", "none", "--name", "same", &image, "true"]);
    let taken = [&RUN, &["--name", "same", &image, "true"][..]].concat();
    sandbox.fails(125, &["run: ", "same", "taken", "--replace"], &taken);
    let id = sandbox.detached(&["--name", "same", "--replace", &image, "sleep", "1000"]);
    let next = sandbox.detached(&["--name", "same", "--replace", &image, "sleep", "1000"]);
    assert!(id != next && sandbox.containers() == [next], "the replaced one is gone");
}

#[test]
fn the_cidfile_has_the_id_and_is_never_overwritten() {
    let (sandbox, image) = with_busybox();
    let file = sandbox.home.join("cid");
    let options = ["--cidfile", file.to_str().expect("ASCII"), &image, "true"];
    sandbox.ok(&[&["run", "--network", "none"], &options[..]].concat());
    let id = std::fs::read_to_string(&file).expect("read the cidfile");
    assert_eq!(sandbox.containers(), [id.trim()]);
    sandbox.fails(125, &["run: ", "cid exists"], &[&RUN, &options[..]].concat());
    assert_eq!(sandbox.containers(), [id.trim()]);
}

#[test]
fn limits_are_set() {
    let (sandbox, _image) = with_busybox();
    let limits = ["--ulimit", "nofile=100:200", "--ulimit", "core=0"];
    assert_eq!(output(&sandbox, &limits, &["sh", "-c", "ulimit -n; ulimit -Hn; ulimit -c"]), "100\n200\n0\n");
}

#[test]
fn capabilities_are_podmans_eleven_and_what_was_asked_for() {
    let (sandbox, _image) = with_busybox();
    let effective = |options: &[&str]| {
        let text = output(&sandbox, options, &["grep", "-E", "CapEff|CapBnd", "/proc/self/status"]);
        text.split_whitespace().skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()
    };
    let default = "00000000800405fb";
    assert_eq!(effective(&[]), [default, default]);
    assert_eq!(effective(&["--cap-drop", "all"]), ["0000000000000000", "0000000000000000"]);
    assert_eq!(effective(&["--cap-drop", "ALL", "--cap-add", "net_raw"]), ["0000000000002000", "0000000000002000"]);
    assert_eq!(effective(&["--cap-add", "CAP_SYS_PTRACE"]), ["00000000800c05fb", "00000000800c05fb"]);
    assert_eq!(effective(&["-u", "1000"]), ["0000000000000000", default]);
    let all = effective(&["--privileged"]);
    assert!(all[0] == all[1] && all[0].starts_with("000001f"), "{all:?}");
}

#[test]
fn security_options_change_the_confinement() {
    let (sandbox, _image) = with_busybox();
    let field = |options: &[&str], name: &str| {
        output(&sandbox, options, &["sed", "-n", &format!("s/^{name}:[ \t]*//p"), "/proc/self/status"])
    };
    assert_eq!(field(&[], "Seccomp"), "2\n");
    assert_eq!(field(&["--security-opt", "seccomp=unconfined"], "Seccomp"), "0\n");
    assert_eq!(field(&[], "NoNewPrivs"), "0\n");
    assert_eq!(field(&["--security-opt", "no-new-privileges"], "NoNewPrivs"), "1\n");
    let profile = sandbox.home.join("profile.json");
    let text = r#"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":30}]}"#;
    std::fs::write(&profile, text).expect("write the profile");
    let option = format!("seccomp={}", profile.display());
    let said = output(&sandbox, &["--security-opt", &option], &["sh", "-c", "mkdir /x 2>&1; true"]);
    assert!(said.contains("Read-only file system"), "{said}");
    let seen = |options: &[&str], path: &str| output(&sandbox, options, &["sh", "-c", &format!("wc -c < {path}")]);
    assert_eq!(seen(&[], "/proc/timer_list").trim(), "0");
    assert_eq!(seen(&["--security-opt", "mask=/etc/passwd"], "/etc/passwd").trim(), "0");
    let write = ["sh", "-c", "echo 0 > /proc/sys/kernel/nosuch 2>&1; mount | grep -c ' /proc/sys '"];
    let run = |options: &[&str]| sandbox.coracle(&[&RUN, options, &["busybox"], &write[..]].concat()).stdout;
    assert!(run(&[]).ends_with("1\n") && run(&["--security-opt", "unmask=/proc/sys"]).ends_with("0\n"));
    let nested = ["unshare", "-Ur", "id", "-u"];
    assert!(sandbox.coracle(&[&RUN[..], &["busybox"], &nested].concat()).code != 0);
    assert_eq!(output(&sandbox, &["--security-opt", "nesting"], &nested), "0\n");
}

#[test]
fn init_is_pid_1_and_reaps_and_passes_signals_on() {
    let (sandbox, image) = with_busybox();
    assert_eq!(output(&sandbox, &["--init"], &["sh", "-c", "cat /proc/1/comm; echo $$"]), "coracle-init\n2\n");
    // The orphan's parent is pid 1, and once it has ended there is no trace of it.
    let orphan = "sh -c 'sleep 0.1 & echo $! > /orphan'; p=$(cat /orphan); awk '/PPid/ {print $2}' /proc/$p/status; \
                  while [ -e /proc/$p ]; do sleep 0.05; done; echo reaped";
    assert_eq!(output(&sandbox, &["--init"], &["sh", "-c", orphan]), "1\nreaped\n");
    let waits = "trap 'exit 7' USR1; echo ready; while :; do sleep 0.05; done";
    let id = sandbox.detached(&["--init", &image, "sh", "-c", waits]);
    crate::support::until("the trap is set", || sandbox.ok(&["logs", &id]) == "ready\n");
    sandbox.ok(&["kill", "-s", "USR1", &id]);
    assert_eq!(sandbox.ok(&["wait", &id]), "7\n");
    assert_eq!(sandbox.coracle(&[&RUN, &["--init", &image, "sh", "-c", "kill -9 $$"][..]].concat()).code, 137);
}

#[test]
fn init_holds_no_file_of_the_engine() {
    let (sandbox, _image) = with_busybox();
    // The program is as soon as it can be; a copied descriptor of a directory would be a way out. One that is closed
    // between its listing and its reading is none.
    let script = "for fd in /proc/1/fd/*; do readlink $fd || [ ! -L $fd ] || exit 1; done";
    let links = output(&sandbox, &["--init"], &["sh", "-c", script]);
    let held: Vec<&str> = links.lines().collect();
    assert!(
        held.len() >= 3 && held.iter().all(|target| !target.starts_with('/') || *target == "/dev/null"),
        "{links}"
    );
}

#[test]
fn a_directory_can_be_the_root_file_system() {
    let (sandbox, _image) = with_busybox();
    // Made by the container itself, so that it belongs to the mapped ids.
    let root = sandbox.home.join("rootfs");
    std::fs::create_dir(&root).expect("mkdir");
    let volume = format!("{}:/out", root.display());
    output(
        &sandbox,
        &["-v", &volume],
        &["sh", "-c", "mkdir /out/bin && cp /bin/busybox /out/bin/ && ln -s busybox /out/bin/sh"],
    );
    let root = root.to_str().expect("ASCII");
    let text = sandbox.ok(&[&RUN, &["--rootfs", root, "sh", "-c", "echo kept > /file; echo ran"][..]].concat());
    assert_eq!(text, "ran\n");
    assert_eq!(std::fs::read_to_string(format!("{root}/file")).expect("written through"), "kept\n");
    sandbox.ok(&["unshare", "rm", "-rf", root]);
    sandbox.fails(
        125,
        &["run: ", "/no/such/root", "no such file"],
        &[&RUN, &["--rootfs", "/no/such/root", "sh"][..]].concat(),
    );
    assert!(names_in(&sandbox.home).iter().all(|name| name != "rootfs"));
    sandbox.assert_no_leaks();
}

#[test]
fn signals_to_the_command_reach_the_container() {
    use nix::sys::signal::Signal;
    let (sandbox, image) = with_busybox();
    let script = "trap 'echo term; exit 3' TERM; echo ready; while :; do sleep 0.05; done";
    let mut command = sandbox.command(&[&RUN, &["--name", "s", &image, "sh", "-c", script][..]].concat());
    command.stdin(Stdio::null());
    let running = crate::support::Running::start(command);
    crate::support::until("the trap is set", || sandbox.coracle(&["logs", "s"]).stdout == "ready\n");
    running.signal(Signal::SIGTERM);
    let run = running.finish();
    assert_eq!((run.code, run.stdout.as_str()), (3, "ready\nterm\n"), "{run}");
    sandbox.assert_no_leaks();
}

#[test]
fn options_may_be_glued_to_their_values() {
    let (sandbox, image) = with_busybox();
    let glued = ["run", "--rm=true", "-i=false", "-eA=1", "-e=B=2", "-u1000", "-w=/tmp", "--network=none"];
    let told = sandbox.ok(&[&glued[..], &[&image, "sh", "-c", "echo $A $B $(id -u) $PWD $0", "-eC"]].concat());
    assert_eq!(told, "1 2 1000 /tmp -eC\n");
}
