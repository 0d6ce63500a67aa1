//! Family C18 of the catalogue: whoever else has an account here sees nothing of a store, and gets nobody to use theirs.

use crate::support::artifact::{Artifact, busybox};
use crate::support::evil_tar::{self, Entry};
use crate::support::witness::refusal;
use crate::support::{Run, Running, Sandbox, skip};
use nix::unistd::geteuid;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

const NOBODY: &str = "65534";

fn text(path: &Path) -> &str {
    path.to_str().expect("a path made here is ASCII")
}

/// Runs `coracle ARGUMENTS` with a umask.
fn with_umask(sandbox: &Sandbox, umask: &str, arguments: &[&str]) -> Run {
    let inner = sandbox.command(arguments);
    let mut command = Command::new("sh");
    command.args(["-c", &format!("umask {umask}; exec \"$0\" \"$@\"")]).arg(inner.get_program());
    command.args(inner.get_args()).env_clear().current_dir(&sandbox.home).stdin(std::process::Stdio::null());
    for (name, value) in inner.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    Running::start(command).finish()
}

/// Runs a program as another user.
fn as_nobody(arguments: &[&str]) -> Run {
    let mut command = Command::new("setpriv");
    command.args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--"]).args(arguments);
    Running::start(command).finish()
}

#[test]
fn c18_no_other_user_gets_into_the_store() {
    if !geteuid().is_root() {
        return skip("another user is needed, and so is root");
    }
    for umask in ["000", "022", "077"] {
        let sandbox = Sandbox::new();
        // The ways to the store are open; only the engine's own directories are closed.
        for path in [sandbox.data.parent().expect("it has a parent"), &sandbox.data, &sandbox.runtime] {
            std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).expect("open the way");
        }
        let setuid = evil_tar::archive(&[Entry::file("bin/steal", "#!/bin/sh\nid\n").mode(0o4755)]);
        let archive = sandbox.home.join("archive.tar");
        std::fs::write(&archive, Artifact::new(&[busybox(), setuid]).docker_archive("localhost/x:1")).expect("write");
        let run = with_umask(&sandbox, umask, &["load", "--input", text(&archive)]);
        assert_eq!(run.code, 0, "{run}");
        let arguments = ["run", "-d", "--network=none", "--name", "c", "-v", "v:/v", "x:1", "sleep", "1000"];
        let run = with_umask(&sandbox, umask, &arguments);
        assert_eq!(run.code, 0, "{run}");
        let id = run.stdout.trim();

        let (store, live) = (sandbox.data.join("coracle"), sandbox.runtime.join("coracle"));
        for top in [&store, &live] {
            let run = as_nobody(&["find", text(top)]);
            assert_eq!(run.stdout.trim(), text(top), "umask {umask}: more than the directory itself: {run}");
            assert!(run.stderr.contains("Permission denied"), "umask {umask}: {run}");
        }
        let layers: Vec<_> = std::fs::read_dir(store.join("layers")).expect("list the layers").flatten().collect();
        let program = layers.iter().map(|layer| layer.path().join("fs/bin/steal")).find(|path| path.exists());
        let program = program.expect("the program is in a layer");
        let ctl = live.join("containers").join(id).join("ctl");
        assert!(ctl.exists(), "the control: root sees it");
        for arguments in [
            &["stat", text(&ctl)][..],
            &["stat", text(&store.join("containers").join(id).join("config.json"))],
            &["cat", text(&store.join("images/index.json"))],
            &["ls", text(&store.join("volumes/v/data"))],
            &[text(&program)],
        ] {
            let run = as_nobody(arguments);
            assert!(run.code != 0 && run.stderr.contains("Permission denied"), "umask {umask}: {run}");
        }
        // Closed to others, the store still gives containers what their images say.
        let script = "stat -c %a / /etc/passwd /bin/steal /tmp";
        let run = sandbox.coracle(&["exec", "c", "sh", "-c", script]);
        assert_eq!(run.stdout, "755\n644\n4755\n1777\n", "umask {umask}: {run}");
    }
}

#[test]
fn c18_a_runtime_directory_of_somebody_else_is_refused() {
    if !geteuid().is_root() {
        return skip("another user is needed, and so is root");
    }
    let sandbox = Sandbox::new();
    let foreign = sandbox.runtime.join("coracle");
    std::fs::create_dir(&foreign).expect("make a directory");
    std::os::unix::fs::chown(&foreign, Some(65534), Some(65534)).expect("give it away");
    let run = sandbox.coracle(&["load", "--input", "/nonexistent"]);
    assert!(refusal(&run).contains("belongs to another user"), "{run}");
}
