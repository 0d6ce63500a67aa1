//! A sandbox of an ordinary user, for tests that run as root: to trace that user, or to take something away from them.

use super::{Run, Running, Sandbox, binary, images, path, skip};
use nix::unistd::{User, geteuid};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

pub struct Ordinary {
    pub sandbox: Sandbox,
    pub user: User,
    /// The engine's program, and the busybox archive, where the user can reach them.
    pub program: PathBuf,
    pub archive: PathBuf,
}

impl Ordinary {
    /// None, and a skip, where there is no root or no user with subordinate ids.
    pub fn new() -> Option<Self> {
        let name = std::env::var("CORACLE_TEST_USER").unwrap_or_else(|_| "coracle-test".to_owned());
        let user = User::from_name(&name).expect("read the user database").filter(|_| geteuid().is_root());
        let Some(user) = user else {
            skip(&format!("this test needs root, and the user {name} that contrib/test makes"));
            return None;
        };
        let sandbox = Sandbox::new();
        let top = sandbox.home.parent().expect("a sandbox has a top").to_owned();
        // Copies, because the user may not reach the originals.
        let (program, archive) = (top.join("coracle"), sandbox.home.join("image.tar"));
        std::fs::copy(binary(), &program).expect("copy the binary");
        std::fs::copy(images::archive("busybox"), &archive).expect("copy the image");
        for path in [&top, &sandbox.data, &sandbox.runtime, &sandbox.home, &archive] {
            chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).expect("give the sandbox to the user");
        }
        Some(Self { sandbox, user, program, archive })
    }

    /// The same with the busybox image in its store.
    pub fn with_image() -> Option<Self> {
        let engine = Self::new()?;
        engine.run(&["load", "--input", path(&engine.archive)]);
        Some(engine)
    }

    /// Runs `coracle ARGUMENTS` as the user; it must succeed.
    pub fn run(&self, arguments: &[&str]) -> Run {
        let mut command = self.prepared(Command::new(&self.program));
        command.args(arguments).uid(self.user.uid.as_raw()).gid(self.user.gid.as_raw());
        let run = Running::start(command).finish();
        assert_eq!(run.code, 0, "{run}");
        run
    }

    /// Gives a command the engine's directories and nothing else of root's environment.
    pub fn prepared(&self, mut command: Command) -> Command {
        command.env_clear().current_dir(&self.sandbox.home).stdin(Stdio::null());
        command.env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", &self.sandbox.home);
        command.env("XDG_DATA_HOME", &self.sandbox.data).env("XDG_RUNTIME_DIR", &self.sandbox.runtime);
        command
    }

    /// Runs a command as the user where root has done something to the mounts before, in a namespace of the command's.
    pub fn after(&self, root_does: &str, words: &[&str]) -> Run {
        let mut command = self.prepared(Command::new("unshare"));
        let (uid, gid) = (self.user.uid, self.user.gid);
        let script = format!("set -e\n{root_does}\nexec setpriv --reuid={uid} --regid={gid} --init-groups -- \"$@\"");
        command.args(["--mount", "--propagation", "private", "bash", "-c", &script, "bash"]).args(words);
        Running::start(command).finish()
    }

    /// The same with `coracle ARGUMENTS`.
    pub fn engine_after(&self, root_does: &str, arguments: &[&str]) -> Run {
        self.after(root_does, &[&[path(&self.program)], arguments].concat())
    }
}
