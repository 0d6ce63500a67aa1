//! Attacks on the engine, each one that has worked on some container engine: the real binary runs hostile images, and
//! afterwards the user's files are untouched, their secret is in no output, and nothing is left behind.
//!
//! The numbers (A01, B03 …) are those of the catalogue of attack families. An attack that can be seen to work
//! somewhere has its positive control beside it, so that no test passes by doing nothing.

pub mod canary;
mod confinement;
mod egress;
mod files;
mod floods;
mod identity;
mod images;
mod interrupts;
mod keeper;
mod kernel;
mod links;
mod mounts;
mod networks;
mod networks_killed;
mod output;
#[cfg(target_arch = "x86_64")]
mod puppet;
mod push;
mod races;
mod registry;
mod runtime;
mod same_layer;
mod setup;
mod sharing;
mod templates;
mod transports;
mod users;
mod verbs;

use crate::support::image_builder::Image;
use crate::support::{Run, Sandbox, skip, source};
use canary::Canary;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;
use std::process::Command;
use std::time::{Duration, Instant};

/// No process of the engine may need more memory for an attack than this; `ru_maxrss` counts KiB.
const MEMORY_KIB_MAX: i64 = 256 << 10;
/// How long the last processes of a removed container may take to be gone.
const ENDING: Duration = Duration::from_secs(20);

/// A private engine, and the canary that the attack is after.
pub struct Scene {
    pub sandbox: Sandbox,
    pub canary: Canary,
}

impl Scene {
    pub fn new() -> Self {
        // What a container leaves running becomes a child of this process, which nextest gives to one test alone.
        nix::sys::prctl::set_child_subreaper(true).expect("become a subreaper");
        let sandbox = Sandbox::new();
        let canary = Canary::new(sandbox.home.join("canary"));
        Self { sandbox, canary }
    }

    pub fn load(&self, image: &Image) -> String {
        image.load(&self.sandbox)
    }

    /// Runs `coracle ARGUMENTS`, whatever comes of it; the secret must not.
    #[track_caller]
    pub fn coracle(&self, arguments: &[&str]) -> Run {
        let run = self.sandbox.coracle(arguments);
        self.assert_secret_kept(&run);
        run
    }

    /// Runs `coracle ARGUMENTS`, which must succeed, and gives what it printed.
    #[track_caller]
    pub fn ok(&self, arguments: &[&str]) -> String {
        let run = self.coracle(arguments);
        assert_eq!(run.code, 0, "{run}");
        run.stdout
    }

    /// Runs a shell script in a new container without network.
    #[track_caller]
    pub fn script(&self, options: &[&str], image: &str, script: &str) -> Run {
        self.coracle(&[&["run", "--rm", "--network=none"], options, &[image, "sh", "-c", script]].concat())
    }

    /// Starts a container without network that stays, and gives its id.
    #[track_caller]
    pub fn start(&self, options: &[&str], image: &str, command: &[&str]) -> String {
        self.ok(&[&["run", "--detach", "--network=none"], options, &[image], command].concat()).trim().to_owned()
    }

    #[track_caller]
    pub fn assert_secret_kept(&self, run: &Run) {
        let told = run.stdout.contains(&self.canary.nonce) || run.stderr.contains(&self.canary.nonce);
        assert!(!told, "the secret was printed: {run}");
    }

    /// Ends the scene: removes the containers, then looks at the canary and for leftovers.
    #[track_caller]
    pub fn assert_safe(self) {
        let run = self.coracle(&["rm", "--force", "--all", "--time=0"]);
        assert_eq!(run.code, 0, "{run}");
        self.canary.assert_unchanged();
        assert_eq!(std::fs::read_dir(self.sandbox.data.join("coracle/containers")).map_or(0, Iterator::count), 0);
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").expect("read the mounts");
        let home = self.sandbox.home.parent().expect("the home has a parent").to_string_lossy().into_owned();
        assert!(!mounts.contains(&home), "a mount is left: {mounts}");
        // Under a runner that shares the process, the children of other tests are among them.
        if std::env::var_os("NEXTEST").is_some() {
            assert_no_children();
            let memory = getrusage(UsageWho::RUSAGE_CHILDREN).expect("getrusage").max_rss();
            assert!(memory < MEMORY_KIB_MAX, "a process took {memory} KiB");
        }
    }
}

/// Reaps what has ended, until no child is left.
#[track_caller]
fn assert_no_children() {
    let limit = Instant::now() + ENDING;
    loop {
        match waitpid(None::<Pid>, Some(WaitPidFlag::WNOHANG)) {
            Err(nix::errno::Errno::ECHILD) => return,
            Ok(nix::sys::wait::WaitStatus::StillAlive) => {
                let children = std::fs::read_to_string("/proc/thread-self/children").unwrap_or_default();
                assert!(Instant::now() < limit, "processes are left: {children}");
                std::thread::sleep(Duration::from_millis(10));
            }
            _ => {}
        }
    }
}

/// Repeats `attempt` until it is true, or the limit is reached.
#[track_caller]
pub fn eventually(what: &str, mut attempt: impl FnMut() -> bool) {
    let limit = Instant::now() + ENDING;
    while !attempt() {
        assert!(Instant::now() < limit, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The static program that attacks from within (see probe.c). None, and a skip, without a C compiler.
pub fn probe(scene: &Scene) -> Option<Vec<u8>> {
    compiled(&scene.sandbox, "probe")
}

/// A program of this directory as a static one. None, and a skip, without a C compiler.
pub fn compiled(sandbox: &Sandbox, name: &str) -> Option<Vec<u8>> {
    let program = sandbox.home.join(name);
    let code = source().join(format!("tests/it/attack/{name}.c"));
    let compiled =
        Command::new("cc").args(["-static", "-O1", "-Wall", "-Werror", "-o"]).arg(&program).arg(code).output();
    match compiled {
        Ok(output) if output.status.success() => Some(std::fs::read(&program).expect("read the program")),
        Ok(output) => panic!("compile {name}.c: {}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => {
            skip(&format!("no C compiler: {error}"));
            None
        }
    }
}

/// An image with the program `probe` in it, loaded. None, and a skip, without a C compiler.
pub fn probe_image(scene: &Scene) -> Option<String> {
    Some(scene.load(&Image::new("probe").program("probe", &probe(scene)?)))
}
