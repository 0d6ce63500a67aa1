//! The flags that say in which surroundings a container's process runs.

use crate::support::{Running, Sandbox, until};

fn with_image() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.image("busybox");
    sandbox
}

/// What `env` prints in a container, with variables that the caller has.
fn variables(sandbox: &Sandbox, own: &[(&str, &str)], options: &[&str]) -> Vec<String> {
    let mut command =
        sandbox.command(&[&["run", "--rm", "--network", "none"], options, &["busybox", "env"]].concat());
    command.envs(own.iter().copied());
    let run = Running::start(command).finish();
    assert_eq!(run.code, 0, "{run}");
    run.stdout.lines().map(str::to_owned).collect()
}

fn has(variables: &[String], entry: &str) -> bool {
    variables.iter().any(|other| other == entry)
}

#[test]
fn env_host_takes_the_callers_variables_below_those_that_are_set() {
    let sandbox = with_image();
    let own = [("FROM_HOST", "1"), ("OTHER", "1")];
    let all = variables(&sandbox, &own, &["--env-host", "-e", "OTHER=2"]);
    assert!(has(&all, "FROM_HOST=1") && has(&all, "OTHER=2"), "{all:?}");
    let none = variables(&sandbox, &own, &["--env-host=false"]);
    assert!(!has(&none, "FROM_HOST=1"), "{none:?}");
}

#[test]
fn http_proxy_is_taken_only_if_asked_for() {
    let sandbox = with_image();
    let own = [("https_proxy", "http://user:secret@proxy"), ("NO_PROXY", "a,b"), ("FROM_HOST", "1")];
    let asked = variables(&sandbox, &own, &["--http-proxy"]);
    assert!(has(&asked, "https_proxy=http://user:secret@proxy") && has(&asked, "NO_PROXY=a,b"), "{asked:?}");
    assert!(!has(&asked, "FROM_HOST=1"), "{asked:?}");
    let usual = variables(&sandbox, &own, &[]);
    assert!(!usual.iter().any(|entry| entry.to_lowercase().contains("_proxy=")), "{usual:?}");
}

#[test]
fn unsetenv_leaves_out_one_and_unsetenv_all_leaves_out_all() {
    let sandbox = with_image();
    let usual = variables(&sandbox, &[], &[]);
    assert!(has(&usual, "container=coracle"), "{usual:?}");
    let one = variables(&sandbox, &[], &["--unsetenv", "container"]);
    assert!(!has(&one, "container=coracle") && one.iter().any(|entry| entry.starts_with("PATH=")), "{one:?}");
    let mut all = variables(&sandbox, &[], &["--unsetenv-all", "-e", "A=1"]);
    // It is known only inside, and a shell cannot do without.
    all.retain(|entry| !entry.starts_with("HOME="));
    assert_eq!(all, ["A=1"]);
}

#[test]
fn env_merge_makes_values_of_others() {
    let sandbox = with_image();
    let all = variables(&sandbox, &[], &["--env-merge", "container=${container}-x", "--env-merge", "NEW=$NOSUCH-y"]);
    assert!(has(&all, "container=coracle-x") && has(&all, "NEW=-y"), "{all:?}");
    sandbox.fails(125, &["run: ", "\"NAME\"", "NAME=VALUE"], &["run", "--env-merge", "NAME", "busybox", "true"]);
}

#[test]
fn annotations_and_label_files_are_kept() {
    let sandbox = with_image();
    let file = sandbox.home.join("labels");
    std::fs::write(&file, "# a comment\n\none=1\ntwo=2\nbare\n").expect("write the file");
    let file = file.to_str().expect("a UTF-8 path");
    sandbox.ok(&[
        "create",
        "--name",
        "c",
        "--annotation",
        "a.b/c=d=e",
        "--label-file",
        file,
        "--label",
        "two=3",
        "busybox",
    ]);
    let show = |format: &str| sandbox.ok(&["inspect", "--format", format, "c"]);
    assert_eq!(show(r#"{{index .HostConfig.Annotations "a.b/c"}}"#), "d=e\n");
    assert_eq!(show("{{.Config.Labels.one}} {{.Config.Labels.two}} [{{.Config.Labels.bare}}]"), "1 3 []\n");
    sandbox.fails(125, &["create: ", "\"x\"", "KEY=VALUE"], &["create", "--annotation", "x", "busybox"]);
}

#[test]
fn pid_files_name_the_process_and_its_monitor() {
    let sandbox = with_image();
    let id = sandbox.detached(&[
        "--pidfile",
        "container.pid",
        "--conmon-pidfile",
        "monitor.pid",
        "busybox",
        "sleep",
        "1000",
    ]);
    let read = |name: &str| std::fs::read_to_string(sandbox.home.join(name)).expect("read a pid file");
    let state = sandbox.state(&id);
    assert_eq!(read("container.pid"), state["pid"].to_string());
    assert_eq!(read("monitor.pid"), state["monitor_pid"].to_string());
    let shown = sandbox.ok(&["inspect", "--format", "{{.PidFile}} {{.ConmonPidFile}}", &id]);
    let home = sandbox.home.display();
    assert_eq!(shown, format!("{home}/container.pid {home}/monitor.pid\n"));
    sandbox.ok(&["restart", "-t", "0", &id]);
    assert_eq!(read("container.pid"), sandbox.state(&id)["pid"].to_string());
    let nowhere = ["run", "--rm", "--pidfile", "nosuch/pid", "busybox", "true"];
    sandbox.fails(125, &["run: ", "nosuch/pid"], &nowhere);
}

#[test]
fn what_is_required_is_started_first_and_stays() {
    let sandbox = with_image();
    let id = sandbox.ok(&["create", "--name", "base", "--network", "none", "busybox", "sleep", "1000"]);
    sandbox.ok(&["run", "--name", "top", "--network", "none", "--requires", "base", "busybox", "true"]);
    assert_eq!(sandbox.ok(&["inspect", "--format", "{{.State.Status}}", id.trim()]), "running\n");
    sandbox.fails(2, &["rm: ", "top"], &["rm", "--force", "base"]);
    assert_eq!(sandbox.ok(&["inspect", "--format", "{{.State.Status}}", "base"]), "running\n", "it was not ended");
    sandbox.fails(125, &["create: ", "nosuch"], &["create", "--requires", "nosuch", "busybox"]);
}

#[test]
fn attach_shows_the_named_streams_alone() {
    let sandbox = with_image();
    let run = |streams: &[&str]| {
        let script = ["--network", "none", "busybox", "sh", "-c", "cat; echo out; echo err >&2"];
        let mut command = sandbox.command(&[&["run", "--rm"], streams, &script[..]].concat());
        let input = sandbox.home.join("input");
        std::fs::write(&input, "in\n").expect("write input");
        command.stdin(std::fs::File::open(&input).expect("open input"));
        let run = Running::start(command).finish();
        assert_eq!(run.code, 0, "{run}");
        (run.stdout, run.stderr)
    };
    let texts = |stdout: &str, stderr: &str| (stdout.to_owned(), stderr.to_owned());
    assert_eq!(run(&[]), texts("out\n", "err\n"));
    assert_eq!(run(&["-a", "stdout"]), texts("out\n", ""));
    assert_eq!(run(&["--attach", "STDERR"]), texts("", "err\n"));
    assert_eq!(run(&["-a", "stdin,stdout", "-a", "stderr"]), texts("in\nout\n", "err\n"));
    sandbox.fails(125, &["run: ", "nosuch"], &["run", "-a", "nosuch", "busybox", "true"]);
    sandbox.fails(125, &["run: ", "--attach", "--detach"], &["run", "-d", "-a", "stdout", "busybox", "true"]);
}

#[test]
fn rmi_takes_the_image_away_unless_another_container_uses_it() {
    let sandbox = with_image();
    let images = || sandbox.ok(&["images", "--quiet"]).lines().count();
    sandbox.ok(&["create", "--name", "other", "busybox"]);
    sandbox.ok(&["run", "--rmi", "--network", "none", "busybox", "true"]);
    assert_eq!(images(), 1, "another container uses it");
    sandbox.ok(&["rm", "other"]);
    sandbox.ok(&["run", "--rmi", "--network", "none", "busybox", "true"]);
    assert_eq!(images(), 0);
    sandbox.assert_no_leaks();
}

#[test]
fn exec_and_attach_take_the_latest_and_a_cidfile() {
    let sandbox = with_image();
    sandbox.detached(&["--name", "first", "--cidfile", "cid", "-e", "NAME=first", "busybox", "sleep", "1000"]);
    let script = "echo here; while [ ! -e /go ]; do sleep 0.05; done; exit 3";
    sandbox.detached(&["--name", "second", "-e", "NAME=second", "busybox", "sh", "-c", script]);
    let shell = ["sh", "-c", "echo $NAME"];
    assert_eq!(sandbox.ok(&[&["exec", "--latest"], &shell[..]].concat()), "second\n");
    assert_eq!(sandbox.ok(&[&["exec", "--no-session", "--cidfile", "cid"], &shell[..]].concat()), "first\n");
    sandbox.fails(125, &["exec: ", "no command"], &["exec", "first"]);
    let attached = [sandbox.spawn(&["attach", "--latest"]), sandbox.spawn(&["start", "--attach", "second"])];
    until("both are attached", || {
        sandbox.ok(&["events", "--stream=false", "--filter", "event=attach"]).lines().count() == 2
    });
    sandbox.ok(&["exec", "second", "touch", "/go"]);
    for run in attached {
        let run = run.finish();
        assert_eq!(run.code, 3, "{run}");
    }
}

#[test]
fn descriptors_are_preserved_under_their_numbers_and_no_others() {
    let sandbox = with_image();
    sandbox.detached(&["--name", "c", "busybox", "sleep", "1000"]);
    for (name, text) in [("three", "3\n"), ("four", "4\n"), ("nine", "9\n")] {
        std::fs::write(sandbox.home.join(name), text).expect("write a file");
    }
    let with_files = |arguments: &[&str]| {
        let coracle = sandbox.command(arguments);
        let mut command = sandbox.command(&[]);
        let shell = "exec \"$0\" \"$@\" 3<three 4<four 9<nine";
        let mut through = std::process::Command::new("sh");
        through.args(["-c", shell]).arg(coracle.get_program()).args(coracle.get_args());
        through.env_clear().current_dir(&sandbox.home).stdin(std::process::Stdio::null());
        through.envs(coracle.get_envs().filter_map(|(name, value)| Some((name, value?))));
        std::mem::swap(&mut command, &mut through);
        Running::start(command).finish()
    };
    let script = "for n in 3 4 5 9; do [ -e /proc/self/fd/$n ] && eval cat '<&'$n; done; true";
    let shell = ["busybox", "sh", "-c", script];
    let run = |options: &[&str]| with_files(&[&["run", "--rm", "--network", "none"], options, &shell].concat());
    let exec = |options: &[&str]| with_files(&[&["exec"], options, &["c"], &shell[1..]].concat());
    for (options, expected) in
        [(&[][..], ""), (&["--preserve-fds", "2"], "3\n4\n"), (&["--preserve-fd", "9,3"], "3\n9\n")]
    {
        for run in [run(options), run(&[&["--init"], options].concat()), exec(options)] {
            assert_eq!((run.code, run.stdout.as_str()), (0, expected), "{run}");
        }
    }
    run(&["--preserve-fds", "3"]).fails(125, &["run: ", "descriptor 5"]);
    exec(&["--preserve-fd", "2"]).fails(125, &["exec: ", "descriptor 2"]);
}
