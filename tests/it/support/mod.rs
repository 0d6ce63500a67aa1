//! A private engine for one test: the real binary, directories of its own, and nothing left behind.

pub mod artifact;
pub mod chunked;
pub mod evil_tar;
pub mod fake_registry;
pub mod image_builder;
pub mod images;
pub mod ordinary;
pub mod random_tree;
pub mod registry;
pub mod witness;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, geteuid};
use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};
use std::fmt;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// No command of a test may take longer.
const LIMIT: Duration = Duration::from_secs(60);
/// How long the output of a killed command is waited for; a stray child may hold the pipe.
const GRACE: Duration = Duration::from_secs(2);

/// How often a condition is looked at that announces itself to nobody.
const PAUSE: Duration = Duration::from_millis(5);

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

    /// One that has the image of busybox.
    pub fn with_busybox() -> Self {
        let sandbox = Self::new();
        sandbox.image("busybox");
        sandbox
    }

    /// Everything of it ends, the keeper of its networks too when nobody needs it any more.
    pub fn end(&self) {
        self.ok(&["rm", "-f", "-a", "-t", "0"]);
        until("the keeper has gone", || self.processes().is_empty());
        self.assert_no_leaks();
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

    /// The same under docker's name.
    pub fn docker(&self, arguments: &[&str]) -> String {
        let mut command = self.command(arguments);
        std::os::unix::process::CommandExt::arg0(&mut command, "/usr/bin/docker");
        let run = Running::start(command).finish();
        assert_eq!(run.code, 0, "{run}");
        run.stdout
    }

    /// Runs `coracle ARGUMENTS`, which must fail with this exit code and one line that has all of these words.
    pub fn fails(&self, code: i32, words: &[&str], arguments: &[&str]) {
        self.coracle(arguments).fails(code, words);
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

    /// Starts a container in the background and gives its id.
    pub fn detached(&self, arguments: &[&str]) -> String {
        let all = [&["run", "--detach", "--network", "none"], arguments].concat();
        self.ok(&all).trim().to_owned()
    }

    /// What a container's monitor has written down.
    pub fn state(&self, id: &str) -> serde_json::Value {
        let text = std::fs::read(self.container(id).join("state.json")).expect("read state.json");
        serde_json::from_slice(&text).expect("state.json is JSON")
    }

    /// The directory of a container.
    pub fn container(&self, id: &str) -> PathBuf {
        self.data.join("coracle/containers").join(id)
    }

    /// The ids of all containers that exist, and of those that have something in the runtime directory.
    pub fn containers(&self) -> Vec<String> {
        let mut all = names_in(&self.data.join("coracle/containers"));
        all.extend(names_in(&self.runtime.join("coracle/containers")));
        all.sort();
        all.dedup();
        all
    }

    /// Nothing of any container may be left: no process, no mount, no directory, no name, nothing half made.
    pub fn assert_no_leaks(&self) {
        until("the containers' directories are gone", || self.containers().is_empty());
        until("the staging directory is empty", || names_in(&self.data.join("coracle/tmp")).is_empty());
        until("the names are free", || names_in(&self.data.join("coracle/names")).is_empty());
        until("no process of the engine is left", || self.processes().is_empty());
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").expect("read the mounts");
        assert!(!mounts.contains(path(&self.top)), "a mount is left:\n{mounts}");
    }

    /// The processes that have this sandbox in their command line.
    pub fn processes(&self) -> Vec<String> {
        let below = format!("{}/", path(&self.top));
        let mut found = Vec::new();
        for pid in names_in(Path::new("/proc")) {
            // One that has just ended, or is not ours to look at, has nothing to say.
            let Ok(line) = std::fs::read(format!("/proc/{pid}/cmdline")) else { continue };
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            if line.contains(&below) {
                found.push(format!("{pid}: {line}"));
            }
        }
        found
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // A test that panics must still clean up, and a panic in here would hide the first: nothing is asserted.
        for arguments in [&["rm", "--force", "--all"][..], &["unshare", "rm", "-rf", path(&self.data)]] {
            let _ = Running::start(self.command(arguments)).outcome();
        }
        let _ = std::fs::remove_dir_all(&self.top);
        // Unless another sandbox is in it.
        let _ = self.top.parent().map(std::fs::remove_dir);
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

    pub fn pid(&self) -> i32 {
        self.group.as_raw()
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

impl Run {
    /// The failure must be this one: the exit code, and a single line on standard error that has all of these words.
    pub fn fails(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{self}");
        assert_eq!(self.stderr.lines().count(), 1, "not one line: {self}");
        for word in words.iter().chain([&"coracle: "]) {
            assert!(self.stderr.contains(word), "no {word:?} in: {self}");
        }
    }
}

impl fmt::Display for Run {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { command, code, stdout, stderr } = self;
        write!(out, "{command}\n-- exit code {code}\n-- stdout\n{stdout}\n-- stderr\n{stderr}")
    }
}

/// Waits for what announces itself to nobody.
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !condition() {
        assert!(Instant::now() < deadline, "not in {LIMIT:?}: {what}");
        std::thread::sleep(PAUSE);
    }
}

/// Whether a process exists and is more than a zombie.
pub fn is_alive(pid: i64) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name before the state is in parentheses and may hold anything.
    status.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// The names in a directory; none if it does not exist.
pub fn names_in(directory: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
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
        let disk = std::env::var_os("CORACLE_TEST_DIRECTORY").map_or_else(users_directory, PathBuf::from);
        let top = disk.join(format!("{}-{attempt}", std::process::id()));
        match make_directory(&top) {
            Ok(()) => return top,
            // In the second case the user's directory has just gone with the last sandbox in it.
            Err(error) if matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::NotFound) => {}
            Err(error) => panic!("make {}: {error}", top.display()),
        }
    }
    panic!("make a directory: a thousand are there already");
}

/// Where a user's sandboxes are if nobody says otherwise.
fn users_directory() -> PathBuf {
    let path = PathBuf::from(format!("/var/tmp/coracle-it-{}", geteuid()));
    // Others pass through on their way to what was given to them.
    let _ = std::fs::DirBuilder::new().mode(0o711).create(&path);
    let is_foreign = path.symlink_metadata().is_ok_and(|status| status.uid() != geteuid().as_raw());
    assert!(!is_foreign, "{} is another user's", path.display());
    // Without a journal ext4 reuses no inode for minutes, and looks for each new one of a block group behind all that are
    // gone: a sandbox in a group of its own takes half the time. Other file systems have no such flag.
    if let Ok(directory) = std::fs::File::open(&path) {
        let _ = ioctl_getflags(&directory).and_then(|flags| ioctl_setflags(&directory, flags | IFlags::TOPDIR));
    }
    path
}

fn make_directory(path: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new().mode(0o700).create(path)
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a path made here is ASCII")
}
