//! What a command that dies has staged goes with the next one, and what a living one has staged stays.

use crate::support::artifact::{Artifact, Packing, busybox, noise, noise_bytes};
use crate::support::evil_tar::{Entry, archive};
use crate::support::witness::staged;
use crate::support::{Running, Sandbox, until};
use std::io::Write;
use std::path::PathBuf;
use std::process::{ChildStdin, Command, Stdio};

/// The size of a file at which the kernel kills whoever writes it.
const FILE_BYTES_MAX: usize = 1 << 20;

/// Loads an image by a process that dies of one of its files, and gives what it leaves in staging.
fn dies_of(sandbox: &Sandbox, name: &str, image: &Artifact) -> Vec<PathBuf> {
    let before = staged(sandbox);
    let path = sandbox.home.join(name);
    std::fs::write(&path, image.docker_archive(&format!("localhost/{name}"))).expect("write an archive");
    let load = sandbox.command(&["load", "-i", path.to_str().expect("a path made here is ASCII")]);
    let mut limited = Command::new("prlimit");
    limited
        .args([&format!("--fsize={FILE_BYTES_MAX}"), "--core=0", "--"])
        .arg(load.get_program())
        .args(load.get_args());
    limited.env_clear().stdin(Stdio::null());
    for (name, value) in load.get_envs().filter_map(|(name, value)| Some((name, value?))) {
        limited.env(name, value);
    }
    let run = Running::start(limited).finish();
    assert_ne!(run.code, 0, "{run}");
    staged(sandbox).into_iter().filter(|path| !before.contains(path)).collect()
}

/// An image whose blob is too large, and whose files are not.
fn large_blob() -> Artifact {
    let file = |number: u64| Entry::file(format!("{number}"), noise_bytes(number, FILE_BYTES_MAX / 4));
    Artifact::new(&[archive(&(0..8).map(file).collect::<Vec<_>>())])
}

/// An image with a file that is too large, in a blob that is not.
fn large_file() -> Artifact {
    Artifact::new(&[archive(&[Entry::file("zeros", vec![0; 2 * FILE_BYTES_MAX])])]).packed(Packing::Gzip)
}

/// An import that has staged some bytes and waits for more.
fn waiting(sandbox: &Sandbox, bytes: &[u8]) -> (Running, ChildStdin, PathBuf) {
    let before = staged(sandbox);
    let mut cat = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("start cat");
    let mut command = sandbox.command(&["import", "-q", "-", "localhost/slow"]);
    command.stdin(cat.stdout.take().expect("its stdout is a pipe"));
    let import = Running::start(command);
    let mut stdin = cat.stdin.take().expect("its stdin is a pipe");
    stdin.write_all(bytes).expect("feed the import");
    let mut its = None;
    until("the import stages", || {
        its = staged(sandbox).into_iter().find(|path| !before.contains(path));
        its.is_some()
    });
    // It ends with its stdin.
    std::thread::spawn(move || cat.wait());
    (import, stdin, its.expect("it stages"))
}

#[test]
fn the_next_load_or_prune_sweeps_what_dead_commands_have_staged() {
    let sandbox = Sandbox::new();
    let layer = noise("random", FILE_BYTES_MAX);
    let (import, mut stdin, living) = waiting(&sandbox, &layer[..layer.len() / 2]);
    let next = sandbox.home.join("next");
    std::fs::write(&next, Artifact::saying("next").docker_archive("localhost/next")).expect("write an archive");
    let sweepers =
        [vec!["load", "-q", "-i", next.to_str().expect("a path made here is ASCII")], vec!["image", "prune", "-f"]];
    for sweeper in sweepers {
        let blob = dies_of(&sandbox, "blob", &large_blob());
        assert!(blob.iter().any(|path| path.is_file()), "{blob:?}");
        let check = sandbox.coracle(&["system", "check", "--quick"]);
        assert!(check.code == 125 && check.stdout.contains("was left by a command that has ended"), "{check}");
        assert!(!check.stdout.contains(&living.file_name().expect("it has a name").to_string_lossy()[..]), "{check}");
        // The unpacker, which lives on, removes what it had.
        sandbox.ok(&sweeper);
        until("only what lives is left", || staged(&sandbox) == [living.clone()]);
        let tree = dies_of(&sandbox, "file", &large_file());
        assert!(tree.iter().any(|path| path.is_dir()), "{tree:?}");
        // Also where its layers are here already, and none is unpacked.
        sandbox.ok(&sweeper);
        assert_eq!(staged(&sandbox), std::slice::from_ref(&living));
    }
    stdin.write_all(&layer[layer.len() / 2..]).expect("feed the import");
    drop(stdin);
    let run = import.finish();
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(staged(&sandbox), Vec::<PathBuf>::new());
}

#[test]
fn a_killed_import_is_swept_by_the_next() {
    let sandbox = Sandbox::new();
    let (import, stdin, dead) = waiting(&sandbox, &noise("random", FILE_BYTES_MAX));
    import.signal(nix::sys::signal::Signal::SIGKILL);
    import.finish();
    drop(stdin);
    assert!(dead.exists());
    std::fs::write(sandbox.home.join("layer.tar"), busybox()).expect("write a layer");
    sandbox.ok(&["import", "-q", &sandbox.home.join("layer.tar").display().to_string(), "localhost/next"]);
    assert_eq!(staged(&sandbox), Vec::<PathBuf>::new());
}
