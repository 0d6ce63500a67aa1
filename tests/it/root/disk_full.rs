//! A disk that has room for a part of an image, from none of it to all of it.
//!
//! The store is a tmpfs whose size root changes between the commands of the user.

use crate::pull::serve;
use crate::support::artifact::{Artifact, Packing, noise};
use crate::support::evil_tar;
use crate::support::fake_registry::FakeRegistry;
use crate::support::ordinary::Ordinary;
use std::os::unix::fs::chown;
use std::path::PathBuf;

/// How many sizes are tried, and how far they lie apart.
const POINTS: usize = 50;
const STEP_KIB: usize = 9;
/// What an image of these layers needs lies between the last sizes.
const LAYER_BYTES: usize = 60_000;
const LAYERS: [&str; 3] = ["one", "two", "three"];

/// Tries `arrive` at each size. Says, one line for each: its exit code; lines of its error, and how many of them name
/// the disk; images; entries of staging; and what `system check` says; then of the disk without a byte left: KiB free,
/// exit codes of two prunes and of the removal of another image; then of a disk with room: the exit code of `arrive`, and
/// what `system check` says.
const SCRIPT: &str = r#"
user() { setpriv --reuid=UID --regid=GID --init-groups -- "$@"; }
engine() { user PROGRAM "$@"; }
arrive() { engine ARRIVE; }
code() { local code=0; "$@" > said 2> error || code=$?; echo -n "$code "; [ $code -le 125 ] || cat said error >&2; }
count() { wc -l < "$1"; }
mount -t tmpfs -o size=64m,mode=700,uid=UID,gid=GID none "$XDG_DATA_HOME"
engine load -q -i OTHER > /dev/null
used=$(df --output=used -k "$XDG_DATA_HOME" | tail -1)
for point in $(seq 0 $((POINTS - 1))); do
    mount -o remount,size=$((used + point * STEP))k "$XDG_DATA_HOME"
    code arrive
    echo -n "$(count error) $(grep -c 'no space left on device' error || true) "
    echo -n "$(engine images -q | wc -l) $(ls -A "$XDG_DATA_HOME/coracle/tmp" | wc -l) $(engine system check 2>&1), "
    user sh -c 'cat /dev/zero > "$XDG_DATA_HOME/fill"' 2> error || true
    echo -n "$(df --output=avail -k "$XDG_DATA_HOME" | tail -1 | xargs) "
    code engine image prune -f
    code engine system prune -f
    code engine rmi localhost/other:1
    mount -o remount,size=64m "$XDG_DATA_HOME"
    rm "$XDG_DATA_HOME/fill"
    code arrive
    engine system check 2>&1
    engine load -q -i OTHER > /dev/null
    engine rmi NEW > /dev/null
done
"#;

fn image(words: &[&str], bytes: usize) -> Artifact {
    let layers: Vec<_> = words.iter().map(|word| noise(word, bytes)).collect();
    Artifact::new(&layers).packed(Packing::Gzip)
}

/// An archive of the image that the user can read.
fn archive(engine: &Ordinary, image: &Artifact, name: &str) -> PathBuf {
    let path = engine.sandbox.home.join(format!("{}.tar", image.manifest_blob().hex()));
    std::fs::write(&path, evil_tar::archive(&image.layout(name))).expect("write an archive");
    chown(&path, Some(engine.user.uid.as_raw()), Some(engine.user.gid.as_raw())).expect("give it to the user");
    path
}

fn assert_every_size_is_survived(engine: &Ordinary, arrive: &str, name: &str) {
    let other = archive(engine, &image(&["other"], 1000), "localhost/other:1");
    let script = [
        ("ARRIVE", arrive),
        ("PROGRAM", &engine.program.display().to_string()),
        ("OTHER", &other.display().to_string()),
        ("NEW", name),
        ("UID", &engine.user.uid.to_string()),
        ("GID", &engine.user.gid.to_string()),
        ("POINTS", &POINTS.to_string()),
        ("STEP", &STEP_KIB.to_string()),
    ]
    .into_iter()
    .fold(SCRIPT.to_owned(), |script, (name, value)| script.replace(name, value));
    let run = engine.after(&script, &["true"]);
    assert_eq!(run.code, 0, "{run}");
    let whole = "The store is whole";
    let after = format!("0 0 0 0 0 {whole}");
    let (full, fits) = (format!("125 1 1 1 0 {whole}, {after}"), format!("0 0 0 2 0 {whole}, {after}"));
    let lines: Vec<&str> = run.stdout.lines().collect();
    let fails = lines.iter().take_while(|line| **line == full).count();
    assert!(lines.len() == POINTS && lines[fails..].iter().all(|line| *line == fits), "{run}");
    assert!((POINTS / 2..POINTS).contains(&fails), "it fits from point {fails} on: the sizes are no longer right");
    engine.sandbox.assert_no_leaks();
}

#[test]
fn a_load_survives_a_full_disk_of_every_size() {
    let Some(engine) = Ordinary::new() else { return };
    let path = archive(&engine, &image(&LAYERS, LAYER_BYTES), "localhost/new:1");
    assert_every_size_is_survived(&engine, &format!("load -q -i {}", path.display()), "localhost/new:1");
}

#[test]
fn a_pull_survives_a_full_disk_of_every_size() {
    let Some(engine) = Ordinary::new() else { return };
    let fake = FakeRegistry::start();
    serve(&fake, "new", "1", &image(&LAYERS, LAYER_BYTES));
    let name = format!("{}/new:1", fake.host());
    assert_every_size_is_survived(&engine, &format!("pull -q --tls-verify=false {name}"), &name);
}

#[test]
fn a_first_container_on_a_full_disk_leaves_nothing_in_staging() {
    let Some(engine) = Ordinary::new() else { return };
    const SCRIPT: &str = r#"
engine() { setpriv --reuid=UID --regid=GID --init-groups -- PROGRAM "$@"; }
mount -t tmpfs -o size=1m,mode=700,uid=UID,gid=GID none "$XDG_DATA_HOME"
# With a store there is a place for staging; without room left, an empty file is all that there can be.
engine images > /dev/null
cat /dev/zero > "$XDG_DATA_HOME/fill" 2> error || true
code=0
engine run --rm --network none hello > said 2> error || code=$?
echo "$code $(grep -c 'no space left on device' error) $(ls -A "$XDG_DATA_HOME/coracle/tmp" | wc -l)"
"#;
    let script = [
        ("PROGRAM", engine.program.display().to_string()),
        ("UID", engine.user.uid.to_string()),
        ("GID", engine.user.gid.to_string()),
    ];
    let script = script.iter().fold(SCRIPT.to_owned(), |script, (name, value)| script.replace(name, value));
    let run = engine.after(&script, &["true"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, "125 1 0\n"), "{run}");
}
