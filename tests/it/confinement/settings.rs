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
