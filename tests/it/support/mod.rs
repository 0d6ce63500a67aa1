//! A private engine for one test: the real binary, directories of its own, and nothing left behind.

pub mod artifact;
pub mod evil_tar;
pub mod fake_registry;
pub mod images;
pub mod registry;
pub mod witness;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, geteuid};
use std::fmt;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// No command of a test may take longer.
const LIMIT: Duration = Duration::from_secs(60);
/// How long the output of a killed command is waited for; a stray child may hold the pipe.
const GRACE: Duration = Duration::from_secs(2);

/// The directories of one engine. Dropping it ends its containers and removes them.
pub struct Sandbox {
    top: PathBuf,
    pub data: PathBuf,
    pub runtime: PathBuf,
    pub home: PathBuf,
}

/// What a command did.
pub struct Run {
    pub command: String,
    /// The exit code, or 128 and the signal, as a shell counts.
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// A command that still runs. Dropping it kills its process group.
pub struct Running {
    command: String,
    group: Pid,
    output: Receiver<std::io::Result<Output>>,
    finished: bool,
}

impl Sandbox {
    pub fn new() -> Self {
        let top = private_directory();
        let [data, runtime, home] = ["data", "run", "home"].map(|name| top.join(name));
        for directory in [&data, &runtime, &home] {
            make_directory(directory).expect("make a directory in one just made");
        }
        Self { top, data, runtime, home }
    }

    /// The binary with this engine's directories and nothing else of the caller's environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.env_clear().current_dir(&self.home).stdin(Stdio::null());
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", &self.home).env("XDG_DATA_HOME", &self.data).env("XDG_RUNTIME_DIR", &self.runtime);
        if geteuid().is_root() {
            // Root's engine does not look at the environment.
            command.arg("--root").arg(self.data.join("coracle"));
            command.arg("--runroot").arg(self.runtime.join("coracle"));
        }
        command.args(arguments);
        command
    }

    /// Runs `coracle ARGUMENTS` to its end.
    pub fn coracle(&self, arguments: &[&str]) -> Run {
        self.spawn(arguments).finish()
    }

    /// Runs `coracle ARGUMENTS`, which must succeed, and gives what it printed.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let run = self.coracle(arguments);
        assert_eq!(run.code, 0, "{run}");
        run.stdout
    }

    /// Starts `coracle ARGUMENTS` in a process group of its own.
    pub fn spawn(&self, arguments: &[&str]) -> Running {
        Running::start(self.command(arguments))
    }

    /// Loads an image of `contrib/images` and gives its name.
    pub fn image(&self, name: &str) -> String {
        let archive = images::archive(name);
        self.ok(&["load", "--input", archive.to_str().expect("a UTF-8 path")]);
        format!("localhost/{name}:latest")
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // A test that panics must still clean up, and a panic in here would hide the first: nothing is asserted.
        for arguments in [&["rm", "--force", "--all"][..], &["unshare", "rm", "-rf", path(&self.data)]] {
            let _ = Running::start(self.command(arguments)).outcome();
        }
        let _ = std::fs::remove_dir_all(&self.top);
    }
}

impl Running {
    pub fn start(mut command: Command) -> Self {
        let shown = format!("{command:?}");
        let child = command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let child = child.unwrap_or_else(|error| panic!("start {shown}: {error}"));
        let group = Pid::from_raw(child.id().cast_signed());
        let (sender, output) = channel();
        // Nobody listens any more when the test gave up on it.
        std::thread::spawn(move || sender.send(child.wait_with_output()));
        Self { command: shown, group, output, finished: false }
    }

    pub fn signal(&self, signal: Signal) {
        killpg(self.group, signal).unwrap_or_else(|error| panic!("send {signal} to {}: {error}", self.command));
    }

    /// Waits until it has ended and its output is closed.
    pub fn finish(mut self) -> Run {
        self.outcome().unwrap_or_else(|reason| panic!("{reason}"))
    }

    /// The same without a panic: what it did, or why that is not known in time.
    fn outcome(&mut self) -> Result<Run, String> {
        let mut result = self.output.recv_timeout(LIMIT);
        let late = result.is_err();
        if late {
            // Gone already, if it is only a stray child that holds the output.
            let _ = killpg(self.group, Signal::SIGKILL);
            result = self.output.recv_timeout(GRACE);
        }
        self.finished = true;
        let output = match result {
            Ok(output) => output.map_err(|error| format!("wait for {}: {error}", self.command))?,
            Err(_) => return Err(format!("{}: something holds its output after {LIMIT:?}", self.command)),
        };
        let run = Run {
            command: self.command.clone(),
            code: output.status.code().unwrap_or_else(|| 128 + output.status.signal().unwrap_or(0)),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        };
        if late { Err(format!("not done after {LIMIT:?}: {run}")) } else { Ok(run) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.finished {
            let _ = killpg(self.group, Signal::SIGKILL);
        }
    }
}

impl fmt::Display for Run {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { command, code, stdout, stderr } = self;
        write!(out, "{command}\n-- exit code {code}\n-- stdout\n{stdout}\n-- stderr\n{stderr}")
    }
}

/// Ends a test that lacks something: a counted skip on a laptop, a failure where `CI` is `true`. Return after it.
pub fn skip(reason: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "SKIPPED, which is a failure in CI: {reason}");
    println!("SKIPPED: {reason}");
    let Some(list) = std::env::var_os("CORACLE_TEST_SKIPS") else { return };
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let list = std::fs::OpenOptions::new().append(true).create(true).open(list);
    // One write, because tests run beside each other.
    let line = format!("SKIPPED: {test}: {reason}\n");
    list.and_then(|mut list| list.write_all(line.as_bytes())).expect("note the skip in CORACLE_TEST_SKIPS");
}

/// The top of the source tree, wherever the tests were carried.
pub fn source() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from)
}

/// The binary under test; nextest names it when the tests run out of an archive.
pub fn binary() -> PathBuf {
    let named = std::env::var_os("NEXTEST_BIN_EXE_coracle");
    named.map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_coracle")), PathBuf::from)
}

/// A new directory on a real disk, with a short name because socket addresses are short.
fn private_directory() -> PathBuf {
    for attempt in 0..1000 {
        let top = PathBuf::from(format!("/var/tmp/coracle-it-{}-{attempt}", std::process::id()));
        match make_directory(&top) {
            Ok(()) => return top,
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => panic!("make {}: {error}", top.display()),
        }
    }
    panic!("make a directory in /var/tmp: a thousand are there already");
}

fn make_directory(path: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new().mode(0o700).create(path)
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a path made here is ASCII")
}
