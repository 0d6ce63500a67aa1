//! D08 and D10 of who holds a password: Ctrl-C in the middle, and what others of the same user see of the process.

use super::registry::{INSECURE, PASSWORD, basic};
use crate::pull::serve;
use crate::push::{accept, load};
use crate::support::artifact::{Artifact, busybox, noise};
use crate::support::fake_registry::{Answer, FakeRegistry};
use crate::support::witness::{assert_staging_empties, holders, staged};
use crate::support::{Sandbox, until};
use crate::terminal::Terminal;
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// How a program ends that an interrupt has ended: by the signal, without a code.
const INTERRUPTED: i32 = -1;

/// A registry that lets somebody wait for its answer.
struct Hang {
    /// Dropped, it lets them go on.
    go: Sender<()>,
    asked: Receiver<()>,
    fake: FakeRegistry,
}

impl Hang {
    /// At the first requests that have `part` in their target: of who is known if it wants to know people, or of anybody.
    fn at(fake: FakeRegistry, part: &'static str, wants_to_know: bool) -> Self {
        let ((tell, asked), (go, wait)) = (channel(), channel::<()>());
        if wants_to_know {
            fake.require(&format!("Basic {}", basic()), "Basic realm=\"x\"");
        }
        fake.rule(move |request| {
            if request.target.contains(part) && request.header("authorization").is_some() == wants_to_know {
                // Neither says more once the test goes on.
                let _ = (tell.send(()), wait.recv());
            }
            None
        });
        Self { go, asked, fake }
    }

    fn is_reached(&self) {
        self.asked.recv_timeout(Duration::from_secs(30)).expect("it is asked");
    }
}

fn creds() -> String {
    format!("me:{PASSWORD}")
}

/// The files of an engine and its user that have the password in them, as it is or as headers have it.
fn with_password(sandbox: &Sandbox) -> Vec<PathBuf> {
    let top = sandbox.home.parent().expect("a sandbox has a directory");
    [PASSWORD, &basic()].iter().flat_map(|text| holders(top, text.as_bytes())).collect()
}

/// What an interrupted command leaves: its terminal as it was, nothing in staging, and the password nowhere.
fn assert_gone(sandbox: &Sandbox, mut terminal: Terminal) {
    terminal.types("\u{3}");
    assert_eq!(terminal.ends(), INTERRUPTED, "{}", terminal.shown());
    let shown = terminal.shown();
    assert!(!shown.contains(PASSWORD), "{shown:?}");
    assert!(shown.rfind("\u{1b}[?25l") <= shown.rfind("\u{1b}[?25h"), "the cursor is hidden: {shown:?}");
    assert_staging_empties(sandbox);
    assert_eq!(with_password(sandbox), Vec::<PathBuf>::new());
}

#[test]
fn d08_an_interrupted_pull_leaves_no_part_of_an_image() {
    let (sandbox, fake) = (Sandbox::new(), FakeRegistry::start());
    let image = Artifact::new(&[busybox(), noise("large", 4 << 20)]);
    serve(&fake, "app", "1", &image);
    fake.require(&format!("Basic {}", basic()), "Basic realm=\"x\"");
    let large = image.layer_blobs().remove(1);
    let drip = Some((256 << 10, Duration::from_millis(300)));
    fake.fail(&large.digest(), 2, Answer { drip, ..Answer::ok(large.bytes.clone()) });
    let name = format!("{}/app:1", fake.host());
    let terminal = Terminal::start(&sandbox, &["pull", INSECURE, "--creds", &creds(), &name]);
    until("the layer is on its way", || staged(&sandbox).iter().any(|path| path.join("fs/large").exists()));
    assert_gone(&sandbox, terminal);
    sandbox.fails(125, &["no image"], &["run", "--pull=never", &name]);
    sandbox.ok(&["pull", INSECURE, "--creds", &creds(), &name]);
    assert_eq!(sandbox.ok(&["system", "check"]), "The store is whole\n");
}

#[test]
fn d08_an_interrupted_push_leaves_nothing_behind() {
    let (sandbox, fake) = (Sandbox::new(), FakeRegistry::start());
    let image = Artifact::new(&[busybox(), noise("large", 4 << 20)]);
    load(&sandbox, &image, "localhost/app:1");
    let has = accept(&fake);
    let hang = Hang::at(fake, "/uploads/", true);
    let name = format!("{}/app:1", hang.fake.host());
    let push = ["push", INSECURE, "--creds", &creds(), "localhost/app:1", &name];
    let terminal = Terminal::start(&sandbox, &push);
    hang.is_reached();
    assert_gone(&sandbox, terminal);
    drop(hang.go);
    sandbox.ok(&push);
    assert!(has.lock().expect("no panics here").len() >= 3, "the control: it arrives");
}

#[test]
fn d08_an_interrupted_login_keeps_no_password() {
    let (sandbox, fake) = (Sandbox::new(), FakeRegistry::start());
    fake.put("/v2/", "application/json", b"{}");
    let hang = Hang::at(fake, "/v2/", true);
    let host = hang.fake.host();
    let log_in = || {
        let mut terminal = Terminal::start(&sandbox, &["login", INSECURE, "-u", "me", &host]);
        terminal.sees("Password: ");
        until("the terminal shows no keys", || terminal.is_raw());
        terminal.types(&format!("{PASSWORD}\r"));
        terminal
    };
    let terminal = log_in();
    hang.is_reached();
    assert_gone(&sandbox, terminal);
    drop(hang.go);
    assert_eq!(log_in().ends(), 0);
    assert_eq!(with_password(&sandbox).len(), 1, "the control: it would have been kept, and found");
}

/// A command that may leave a core in the sandbox, as far as the host lets it.
fn with_cores(command: &Command, hard: u64) -> Child {
    let mut wrapped = Command::new("prlimit");
    wrapped.arg(format!("--core={hard}:{hard}")).arg("--").arg(command.get_program()).args(command.get_args());
    wrapped.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    wrapped.current_dir(command.get_current_dir().expect("a sandbox has a home"));
    wrapped.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    wrapped.spawn().expect("start it")
}

/// Starts a command that will hang, and ends it there by a fault: whether others could look into it, and whether it has
/// left a core.
fn look_into(sandbox: &Sandbox, hang: &Hang, arguments: &[&str], hard: u64) -> (bool, bool) {
    let mut child = with_cores(&sandbox.command(arguments), hard);
    hang.is_reached();
    let seen = match std::fs::read(format!("/proc/{}/environ", child.id())) {
        Ok(_) => true,
        Err(error) if error.kind() == ErrorKind::PermissionDenied => false,
        Err(error) => panic!("{arguments:?}: read its environment: {error}"),
    };
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGABRT).expect("break it");
    let status = child.wait().expect("wait for it");
    assert_eq!(status.signal(), Some(Signal::SIGABRT as i32), "{arguments:?}");
    (seen, status.core_dumped())
}

#[test]
fn d10_who_holds_a_password_leaves_no_core_and_is_not_looked_into() {
    let (_, hard) = getrlimit(Resource::RLIMIT_CORE).expect("getrlimit");
    let sandbox = Sandbox::new();
    let image = Artifact::saying("here");
    load(&sandbox, &image, "localhost/app:1");
    let authfile = sandbox.home.join("auth.json");
    let text = serde_json::json!({"auths": {"registry.example": {"auth": basic()}}});
    std::fs::write(&authfile, text.to_string()).expect("write the file");
    let authfile = authfile.to_str().expect("a path made here is ASCII");
    let at = |part, wants_to_know| {
        let fake = FakeRegistry::start();
        serve(&fake, "app", "1", &image);
        fake.put("/v2/", "application/json", b"{}");
        let hang = Hang::at(fake, part, wants_to_know);
        let name = format!("{}/app:1", hang.fake.host());
        (hang, name)
    };
    // The control: who has no secret is like other processes.
    let (hang, name) = at("manifests", false);
    let control = look_into(&sandbox, &hang, &["pull", INSECURE, &name], hard);
    assert!(control.0);
    let pattern = std::fs::read_to_string("/proc/sys/kernel/core_pattern").expect("read the pattern");
    assert!(control.1 || hard == 0 || pattern.starts_with('|'), "the control leaves no core: {pattern}");
    // The passwords of other registries are in memory too, while there are none for this one.
    let (hang, name) = at("manifests", false);
    let arguments = ["pull", INSECURE, "--authfile", authfile, &name];
    assert_eq!(look_into(&sandbox, &hang, &arguments, hard), (false, false));
    let (hang, name) = at("manifests", true);
    let arguments = ["pull", INSECURE, "--creds", &creds(), &name];
    assert_eq!(look_into(&sandbox, &hang, &arguments, hard), (false, false));
    let (hang, name) = at("manifests", true);
    let arguments = ["run", "--pull=always", INSECURE, "--creds", &creds(), &name];
    assert_eq!(look_into(&sandbox, &hang, &arguments, hard), (false, false));
    let (hang, name) = at("blobs", true);
    let arguments = ["push", INSECURE, "--creds", &creds(), "localhost/app:1", &name];
    assert_eq!(look_into(&sandbox, &hang, &arguments, hard), (false, false));
    let (hang, _) = at("/v2/", true);
    let host = hang.fake.host();
    let arguments = ["login", INSECURE, "-u", "me", "-p", PASSWORD, &host];
    assert_eq!(look_into(&sandbox, &hang, &arguments, hard), (false, false));
}

#[test]
fn d10_a_container_starts_after_a_pull_with_a_password() {
    // The maps of its namespace are written into /proc by a process that still has the password.
    let (sandbox, fake) = (Sandbox::new(), FakeRegistry::start());
    serve(&fake, "app", "1", &Artifact::saying("started"));
    fake.require(&format!("Basic {}", basic()), "Basic realm=\"x\"");
    let name = format!("{}/app:1", fake.host());
    let run = ["run", "--rm", "--network=none", INSECURE, "--creds", &creds(), &name];
    assert_eq!(sandbox.ok(&run), "started");
}
