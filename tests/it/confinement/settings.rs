//! containers.conf: where it is looked for, what it settles, and what is said of a mistake in it.

use crate::support::{Run, Running, Sandbox};

/// Runs `coracle ARGUMENTS` with files of the user's and variables.
fn with(sandbox: &Sandbox, variables: &[(&str, &str)], arguments: &[&str]) -> Run {
    let mut command = sandbox.command(arguments);
    command.env_remove("XDG_CONFIG_HOME").envs(variables.iter().copied());
    Running::start(command).finish()
}

fn write(sandbox: &Sandbox, path: &str, text: &str) -> String {
    let file = sandbox.home.join(path);
    std::fs::create_dir_all(file.parent().expect("a parent")).expect("mkdir");
    std::fs::write(&file, text).expect("write");
    file.to_str().expect("ASCII").to_owned()
}

const SHOW: [&str; 6] = ["run", "--rm", "--network=none", "busybox", "sh", "-c"];

#[test]
fn files_are_read_in_their_order() {
    let sandbox = Sandbox::new();
    sandbox.image("busybox");
    let shown = |variables: &[(&str, &str)], before: &[&str]| {
        let script = "echo $A $B $C; ulimit -n; grep CapBnd /proc/self/status | cut -f2";
        let run = with(&sandbox, variables, &[before, &SHOW, &[script]].concat());
        assert_eq!(run.code, 0, "{run}");
        run.stdout
    };
    let usual = shown(&[], &[]);
    let main = "[containers]\nenv = [\"A=main\", \"B=main\"]\ndefault_ulimits = [\"nofile=50:60\"]\n\
                default_capabilities = [\"KILL\", \"CAP_CHOWN\"]\nof_tomorrow = true\n";
    let last = write(&sandbox, "last.conf", "[containers]\nenv = [\"A=last\", \"B=last\"]\n");
    let module = write(
        &sandbox,
        ".config/containers/containers.conf.modules/mine.conf",
        "[containers]\nenv = [\"C=module\", {append=true}]\n",
    );
    if nix::unistd::geteuid().is_root() {
        return;
    }
    write(&sandbox, ".config/containers/containers.conf", main);
    assert_eq!(shown(&[], &[]), "main main\n50\n0000000000000021\n");
    write(
        &sandbox,
        ".config/containers/containers.conf.d/10.conf",
        "[containers]\nenv = [\"B=drop-in\", {append = true}]\n",
    );
    assert_eq!(shown(&[], &[]), "main drop-in\n50\n0000000000000021\n");
    assert_eq!(shown(&[], &["--module=mine.conf"]), "main drop-in module\n50\n0000000000000021\n");
    assert_eq!(shown(&[("CONTAINERS_CONF_OVERRIDE", &last)], &[]), "last last\n50\n0000000000000021\n");
    let only = shown(&[("CONTAINERS_CONF", &module)], &[]);
    assert_eq!(only, usual.replacen('\n', "module\n", 1).replacen("  module", "module", 1));
    // What is asked for goes over it.
    let asked = [
        "run",
        "--rm",
        "--network=none",
        "--env=A=asked",
        "--ulimit=nofile=7:8",
        "busybox",
        "sh",
        "-c",
        "echo $A; ulimit -n",
    ];
    assert_eq!(with(&sandbox, &[], &asked).stdout, "asked\n7\n");
    with(&sandbox, &[], &[&["--module=none.conf"], &SHOW[..], &["true"]].concat())
        .fails(125, &["module", "none.conf"]);
}

#[test]
fn a_mistake_is_told_with_file_and_line() {
    let sandbox = Sandbox::new();
    sandbox.image("busybox");
    let file = write(&sandbox, "c.conf", "[containers]\n\ninit = \"yes\"\n");
    let run = with(&sandbox, &[("CONTAINERS_CONF", &file)], &[&SHOW[..], &["true"]].concat());
    run.fails(125, &[&file, "line 3"]);
    with(&sandbox, &[("CONTAINERS_CONF", "/nowhere.conf")], &[&SHOW[..], &["true"]].concat())
        .fails(125, &["/nowhere.conf"]);
}

/// What a container shows of each key: under the settings, and where the command line says otherwise.
struct Shown {
    settings: &'static str,
    script: &'static str,
    expected: &'static str,
    over: &'static [&'static str],
    then: &'static str,
}

const fn shown(
    settings: &'static str,
    script: &'static str,
    expected: &'static str,
    over: &'static [&'static str],
    then: &'static str,
) -> Shown {
    Shown { settings, script, expected, over, then }
}

const SHOWN: &[Shown] = &[
    shown("umask = '0077'", "umask", "0077", &["--umask=0007"], "0007"),
    shown("shm_size = '3m'", "df -k /dev/shm | awk '/shm/ {print $2}'", "3072", &["--shm-size=2m"], "2048"),
    shown("volumes = ['/etc:/v:ro']", "test -e /v/passwd; echo $?", "0", &["--tmpfs=/v"], "1"),
    shown(
        "mounts = ['type=tmpfs,target=/m']",
        "grep -c ' /m tmpfs ' /proc/mounts; true",
        "1",
        &["--volume=/etc:/m:ro"],
        "0",
    ),
    shown("env_host = true", "echo $OF_HOST", "host", &["--env=OF_HOST=asked"], "asked"),
    shown("env_host = true", "echo $OF_HOST", "host", &["--env-host=false"], ""),
    shown("http_proxy = false", "echo $no_proxy", "", &["--http-proxy"], "example.org"),
    shown("http_proxy = true", "echo $no_proxy", "example.org", &["--http-proxy=false"], ""),
    shown(
        "http_proxy = true\n[engine]\nenv = ['NO_PROXY=of.settings', 'OF_HOST=settings']",
        "echo $NO_PROXY $OF_HOST",
        "of.settings",
        &["--env-host"],
        "of.settings host",
    ),
    shown("pidns = 'host'", "test $$ -gt 1; echo $?", "0", &["--pid=private"], "1"),
];

#[test]
fn every_key_has_its_effect_and_the_command_line_goes_over_it() {
    let sandbox = Sandbox::new();
    sandbox.image("busybox");
    for Shown { settings, script, expected, over, then } in SHOWN {
        let file = write(&sandbox, "one.conf", &format!("[containers]\n{settings}\n"));
        let variables = [("CONTAINERS_CONF", file.as_str()), ("OF_HOST", "host"), ("no_proxy", "example.org")];
        for (flags, expected) in [(&[][..], expected), (*over, then)] {
            let words = [&["run", "--rm", "--network=none"], flags, &["busybox", "sh", "-c", script]].concat();
            let run = with(&sandbox, &variables, &words);
            assert_eq!((run.code, run.stdout.trim()), (0, *expected), "{settings} {flags:?}: {run}");
        }
    }
}

/// What `inspect` shows of each key, as [`SHOWN`] has it for what is seen inside.
const INSPECTED: &[Shown] = &[
    shown("tz = 'local'", ".Config.Timezone", "local", &["--tz=UTC"], "UTC"),
    shown("log_driver = 'json-file'", ".HostConfig.LogConfig.Type", "json-file", &["--log-driver=none"], "none"),
    shown("log_size_max = 16384", ".HostConfig.LogConfig.Size", "16384B", &["--log-opt=max-size=8k"], "8192B"),
    shown("log_tag = 'word'", ".HostConfig.LogConfig.Tag", "word", &["--log-opt=tag=other"], "other"),
    shown("userns = 'nomap'", ".HostConfig.UsernsMode", "private", &["--userns=host"], ""),
    shown("netns = 'none'", ".HostConfig.NetworkMode", "none", &["--network=host"], "host"),
    shown("ipcns = 'host'", ".HostConfig.IpcMode", "host", &["--ipc=private"], "private"),
    shown("utsns = 'host'", ".HostConfig.UTSMode", "host", &["--uts=private"], "private"),
    shown("cgroupns = 'host'", ".HostConfig.CgroupMode", "host", &["--cgroupns=private"], "private"),
    shown("[engine]\nstop_timeout = 3", ".Config.StopTimeout", "3", &["--stop-timeout=4"], "4"),
];

#[test]
fn every_key_is_shown_by_inspect_and_the_command_line_goes_over_it() {
    let sandbox = Sandbox::new();
    sandbox.image("busybox");
    for Shown { settings, script, expected, over, then } in INSPECTED {
        let file = write(&sandbox, "one.conf", &format!("[containers]\n{settings}\n"));
        for (flags, expected) in [(&[][..], expected), (*over, then)] {
            let words = [&["create", "--replace", "--name=one"], flags, &["busybox", "true"]].concat();
            let run = with(&sandbox, &[("CONTAINERS_CONF", &file)], &words);
            assert_eq!(run.code, 0, "{settings} {flags:?}: {run}");
            let value = sandbox.ok(&["inspect", "--format", &format!("{{{{{script}}}}}"), "one"]);
            assert_eq!(value.trim(), *expected, "{settings} {flags:?}");
        }
    }
}

#[test]
fn what_cannot_be_as_it_is_set_is_an_error() {
    let sandbox = Sandbox::new();
    sandbox.image("busybox");
    let run = |text: &str, words: &[&str]| {
        let file = write(&sandbox, "one.conf", text);
        with(&sandbox, &[("CONTAINERS_CONF", &file)], words)
    };
    let init = [&["run", "--init"], &SHOW[1..], &["true"]].concat();
    run("[containers]\ninit_path = '/bin/tini'\n", &init).fails(125, &["init_path", "/bin/tini"]);
    assert_eq!(run("[containers]\ninit_path = ''\n", &init).code, 0);
    // Policies are heeded: an image that is not there is not asked for.
    let absent = "localhost:1/none/such:1";
    run("[engine]\npull_policy = 'never'\n", &["create", absent]).fails(125, &[absent]);
    let asked = run("[engine]\npull_policy = 'never'\nretry = 0\n", &["create", "--pull=missing", absent]);
    asked.fails(125, &["localhost:1"]);
    run("[engine]\npull_policy = 'sometimes'\n", &["create", "busybox"]).fails(125, &["sometimes"]);
    run("[engine]\ndetach_keys = 'ctrl-nothing'\n", &["run", "--rm", "--tty", "--network=none", "busybox", "true"])
        .fails(125, &["ctrl-nothing"]);
}

#[test]
fn logs_go_where_the_settings_say() {
    let sandbox = Sandbox::new();
    sandbox.image("busybox");
    let dir = sandbox.home.join("logs/all");
    let file = write(&sandbox, "one.conf", &format!("[containers]\nlog_path = '{}'\n", dir.display()));
    let run = |flags: &[&str]| {
        let words = [&["run", "--detach", "--network=none"], flags, &["busybox", "echo", "said"]].concat();
        let run = with(&sandbox, &[("CONTAINERS_CONF", &file)], &words);
        assert_eq!(run.code, 0, "{run}");
        sandbox.ok(&["wait", run.stdout.trim()]);
        run.stdout.trim().to_owned()
    };
    let id = run(&[]);
    let log = dir.join(&id).join("ctr.log");
    assert!(std::fs::read_to_string(&log).expect("read the log").ends_with(" said\n"));
    assert_eq!(sandbox.ok(&["logs", &id]), "said\n");
    assert_eq!(
        sandbox.ok(&["inspect", "--format={{.HostConfig.LogConfig.Path}}", &id]).trim(),
        log.to_str().unwrap()
    );
    // It goes with its container alone: a clone has a log of its own, which is none of the original's.
    let clone = sandbox.ok(&["container", "clone", &id, "clone"]).trim().to_owned();
    sandbox.ok(&["start", "--attach", "clone"]);
    sandbox.ok(&["rm", &id]);
    assert_eq!(sandbox.ok(&["logs", "clone"]), "said\n");
    let names = || std::fs::read_dir(&dir).expect("read the logs").map(|entry| entry.expect("an entry").file_name());
    assert_eq!(names().collect::<Vec<_>>(), [clone.as_str()]);
    let taken = ["create", "--name=clone", "busybox"];
    with(&sandbox, &[("CONTAINERS_CONF", &file)], &taken).fails(125, &["taken"]);
    let gone = with(&sandbox, &[("CONTAINERS_CONF", &file)], &["run", "--rm", "--network=none", "busybox", "true"]);
    assert_eq!((gone.code, names().count()), (0, 1), "{gone}");
    // Where the command line names a file, or there is none, nothing is made.
    let (id, other) = (run(&["--log-opt=path=own.log"]), run(&["--log-driver=none"]));
    assert!(sandbox.home.join("own.log").is_file());
    assert!(!dir.join(id).exists() && !dir.join(other).exists());
    let file = write(&sandbox, "two.conf", "[containers]\nlog_path = '/proc/none'\n");
    with(&sandbox, &[("CONTAINERS_CONF", &file)], &["create", "busybox"]).fails(125, &["log_path", "/proc/none"]);
}

#[test]
fn volumes_of_images_become_what_the_settings_say() {
    let sandbox = Sandbox::new();
    sandbox.image("busybox");
    sandbox.ok(&["create", "--name=c", "busybox", "true"]);
    sandbox.ok(&["commit", "-c=VOLUME /vol", "c", "volume"]);
    let kinds = |text: &str, flags: &[&str]| {
        let file = write(&sandbox, "one.conf", text);
        let script = "grep ' /vol ' /proc/mounts | cut -d ' ' -f 3; test -d /vol && echo there";
        let words = [&["run", "--rm", "--network=none"], flags, &["volume", "sh", "-c", script]].concat();
        with(&sandbox, &[("CONTAINERS_CONF", &file)], &words)
    };
    assert_eq!(kinds("[engine]\nimage_volume_mode = 'tmpfs'\n", &[]).stdout, "tmpfs\nthere\n");
    assert_eq!(kinds("[engine]\nimage_volume_mode = 'tmpfs'\n", &["--image-volume=ignore"]).stdout, "");
    assert_eq!(kinds("[engine]\nimage_volume_mode = 'ignore'\n", &[]).stdout, "");
    let usual = kinds("[engine]\nimage_volume_mode = ''\n", &[]).stdout;
    assert!(usual.ends_with("there\n") && !usual.contains("tmpfs"), "{usual}");
    kinds("[engine]\nimage_volume_mode = 'nonsense'\n", &[]).fails(125, &["nonsense"]);
    let file = write(&sandbox, "bad.conf", "[engine]\nenv = ['NONSENSE']\n");
    with(&sandbox, &[("CONTAINERS_CONF", &file)], &["create", "busybox"]).fails(125, &["NONSENSE"]);
}
