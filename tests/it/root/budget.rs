//! What a `run` of an image that is there may cost, counted in system calls and never in time, which a busy machine
//! stretches.
//!
//! The tracer is root and the traced an ordinary user: under a tracer without privilege newuidmap has none either.

use crate::support::ordinary::Ordinary;
use crate::support::{Run, Running};
use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

const IMAGE: &str = "localhost/busybox:latest";

/// The CLI, its two helpers, the monitor and the container's program: there is nothing else to execute.
const PROGRAMS: [&str; 5] = ["coracle", "coracle-monitor", "newgidmap", "newuidmap", "true"];

/// Calls of all five together, `(name, most)`. A dynamic program opens and maps its libraries, which is most of the
/// first two; the third is how the container's side reaches below its root.
const BUDGET: [(&str, usize); 3] = [("openat", 140), ("mmap", 120), ("openat2", 100)];

/// Private memory of a waiting monitor that it can write to. One buffer of the largest message would add 1 MiB. The
/// relocations of its program, which are read-only, grow with the program alone: some 700 KiB in a debug build.
const MONITOR_KIB_MAX: u32 = 300;

/// All that is read of the host besides libraries, the engine's own directories and the kernel's files. Whatever else
/// turns up here (CA certificates, time zones, locales, configuration that does not concern this container) is a cost
/// that a plain `run` must not have. What may settle something for every container is looked for once each, which costs
/// a failed call where it is not there.
const HOST_FILES: [&str; 13] = [
    "/dev/null",
    "/etc/containers/containers.conf",
    "/etc/containers/containers.conf.d",
    "/etc/containers/oci/hooks.d",
    "/etc/ld.so.cache",
    "/etc/login.defs",
    "/etc/machine-id",
    "/etc/nsswitch.conf",
    "/etc/passwd",
    "/etc/subgid",
    "/etc/subuid",
    "/usr/share/containers/containers.conf",
    "/usr/share/containers/oci/hooks.d",
];

#[test]
fn run_keeps_to_its_budget_of_system_calls() {
    let Some(engine) = Ordinary::with_image() else { return };
    let other = engine.run(&["create", IMAGE, "true"]).stdout.trim().to_owned();

    let (run, calls) = engine.trace(&["run", "--rm", "--network", "none", IMAGE, "true"]);
    assert_eq!(run.code, 0, "{run}");
    let mut programs: Vec<String> = calls.iter().filter_map(|call| executed(call)).collect();
    programs.sort();
    assert_eq!(programs, PROGRAMS);
    for (name, most) in BUDGET {
        let count = calls.iter().filter(|call| call.split('(').next() == Some(name)).count();
        assert!(count > 0 && count <= most, "{count} calls of {name}, allowed are {most}");
    }
    let strange: Vec<&str> =
        calls.iter().filter_map(|call| opened(call)).filter(|path| !engine.may_open(path)).collect();
    assert!(strange.is_empty(), "opened: {strange:?}");
    // What lies in the store besides costs nothing.
    let looked: Vec<&String> = calls.iter().filter(|call| call.contains(&other)).collect();
    assert!(looked.is_empty(), "another container was looked at: {looked:#?}");
}

/// Without it the budget would be that of a single-id container, which needs no helpers.
#[test]
fn a_traced_run_has_all_ids() {
    let Some(engine) = Ordinary::with_image() else { return };
    let (run, _) = engine.trace(&["run", "--rm", "--network", "none", IMAGE, "cat", "/proc/self/uid_map"]);
    let counts = run.stdout.lines().filter_map(|line| line.split_whitespace().last()?.parse::<u32>().ok());
    assert!(counts.sum::<u32>() > 65_536, "{run}");
}

/// What it was asked must not stay in its heap. The binary of a test carries much that a release does not.
#[test]
fn a_monitor_that_was_busy_is_small_again() {
    let Some(engine) = Ordinary::with_image() else { return };
    let id = engine.run(&["run", "--detach", "--network", "none", IMAGE, "sleep", "1000"]).stdout;
    for _ in 0..3 {
        engine.run(&["exec", id.trim(), "true"]);
        // Joins the user namespace that the monitor hands over.
        engine.run(&["unshare", "true"]);
    }
    let monitor = monitor_of(id.trim());
    let memory = std::fs::read_to_string(format!("/proc/{monitor}/smaps")).expect("read its memory");
    // Root's clean-up does not reach another user's containers.
    engine.run(&["rm", "--force", id.trim()]);
    let dirty = writable_dirty_kib(&memory);
    assert!(dirty > 0 && dirty <= MONITOR_KIB_MAX, "{dirty} KiB: {memory}");
}

/// The private memory of the mappings that proc_pid_smaps(5) lists as writable.
fn writable_dirty_kib(smaps: &str) -> u32 {
    let (mut is_writable, mut sum) = (false, 0);
    for line in smaps.lines() {
        let mut words = line.split_whitespace();
        match (words.next(), words.next()) {
            (Some("Private_Dirty:"), Some(kib)) if is_writable => sum += kib.parse::<u32>().expect("a number of kB"),
            // A heading: the addresses, then what may be done with them.
            (Some(first), Some(permissions)) if !first.ends_with(':') => is_writable = permissions.contains('w'),
            _ => {}
        }
    }
    sum
}

fn monitor_of(id: &str) -> String {
    let processes = std::fs::read_dir("/proc").expect("read /proc");
    let mut pids = processes.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let is_monitor = |pid: &String| {
        let line = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.starts_with("coracle-monitor\0") && line.contains(id)
    };
    pids.find(is_monitor).expect("the container has a monitor")
}

impl Ordinary {
    /// Runs `coracle ARGUMENTS` as the user under strace, with every call of every process, whether it succeeded or not.
    fn trace(&self, arguments: &[&str]) -> (Run, Vec<String>) {
        let trace = self.sandbox.home.join("trace");
        let mut command = self.prepared(Command::new("strace"));
        command.args(["-f", "-qq", "-s", "4096", "-u", &self.user.name, "-o"]).arg(&trace);
        command.args(["-e", "trace=openat,openat2,open_tree,mmap,execve,execveat"]);
        command.arg(&self.program).args(arguments);
        let run = Running::start(command).finish();
        (run, whole_calls(&std::fs::read_to_string(trace).expect("read the trace")))
    }

    fn may_open(&self, path: &str) -> bool {
        let is_library =
            |path: &str| path.contains(".so") && (path.starts_with("/lib") || path.starts_with("/usr/lib"));
        let own = self.sandbox.data.parent().expect("a sandbox has a top");
        // Every container in the store is below here; only the store's index of images is read as a whole.
        let is_scan = Path::new(path) == self.sandbox.data.join("coracle/containers");
        let in_kernel = path.starts_with("/proc/") || path.starts_with("/sys/");
        HOST_FILES.contains(&path) || is_library(path) || in_kernel || (Path::new(path).starts_with(own) && !is_scan)
    }
}

/// One string per system call: strace splits those during which another process had its say.
fn whole_calls(trace: &str) -> Vec<String> {
    let mut begun: HashMap<&str, &str> = HashMap::new();
    let mut calls = Vec::new();
    for line in trace.lines() {
        let Some((pid, text)) = line.split_once(' ') else { continue };
        let text = text.trim_start();
        if let Some(beginning) = text.strip_suffix(" <unfinished ...>") {
            begun.insert(pid, beginning);
        } else if let Some((_, end)) = text.split_once(" resumed>") {
            calls.push(format!("{}{end}", begun.remove(pid).unwrap_or_default()));
        } else {
            calls.push(text.to_owned());
        }
    }
    calls
}

/// The name under which a program was executed, if this call did.
fn executed(call: &str) -> Option<String> {
    let is_exec = call.starts_with("execve") && call.ends_with(" = 0");
    let name = call.split_once("[\"")?.1.split('"').next()?;
    is_exec.then(|| name.rsplit('/').next().unwrap_or(name).to_owned())
}

/// The absolute path that a call opened on the host.
fn opened(call: &str) -> Option<&str> {
    let rest = call.strip_prefix("openat(AT_FDCWD, \"")?;
    rest.split('"').next().filter(|path| path.starts_with('/') && !call.contains("O_PATH"))
}
