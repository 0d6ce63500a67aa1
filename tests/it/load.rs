//! `load`: archives of every tool that writes them, and what is said about those that are none.

use crate::support::artifact::{Artifact, Packing, pack, write_directory};
use crate::support::evil_tar::{self, Entry};
use crate::support::witness::{assert_same, assert_staging_empties, refusal, store};
use crate::support::{Run, Running, Sandbox};
use serde_json::json;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// The members that docker wrote before version 25 and podman still writes: with a link in place of a second copy of
/// each layer, and documents of the first image format that nobody reads any more.
fn old_members(image: &Artifact, name: &str) -> Vec<Entry> {
    let mut members = image.docker_members(&[name]);
    let (repository, tag) = name.rsplit_once(':').expect("a name with a tag");
    members.push(Entry::file("repositories", json!({repository: {tag: "0".repeat(64)}}).to_string()));
    let layers: Vec<String> = image.layer_blobs().iter().map(|layer| layer.hex()).collect();
    for (number, layer) in layers.iter().enumerate() {
        let old = format!("{number:064}");
        members.push(Entry::dir(format!("{old}/")));
        members.push(Entry::file(format!("{old}/VERSION"), "1.0"));
        members.push(Entry::file(format!("{old}/json"), json!({"id": old}).to_string()));
        members.push(Entry::symlink(format!("{old}/layer.tar"), format!("../{layer}/layer.tar")));
    }
    let by_link: Vec<String> = (0..layers.len()).map(|number| format!("{number:064}/layer.tar")).collect();
    let config = format!("{}.json", image.config_blob().hex());
    let manifest = json!([{"Config": config, "RepoTags": [name], "Layers": by_link}]);
    members[0] = Entry::file("manifest.json", manifest.to_string());
    members
}

/// What docker writes since version 25: a layout and, over the same blobs, a `manifest.json`.
fn new_members(image: &Artifact, name: &str) -> Vec<Entry> {
    let mut members = image.layout("latest");
    let blob = |hex: String| format!("blobs/sha256/{hex}");
    let layers: Vec<String> = image.layer_blobs().iter().map(|layer| blob(layer.hex())).collect();
    let manifest = json!([{"Config": blob(image.config_blob().hex()), "RepoTags": [name], "Layers": layers}]);
    members.push(Entry::file("manifest.json", manifest.to_string()));
    let index = members.iter_mut().find(|member| member.path == b"index.json").expect("a layout has an index");
    let mut document: serde_json::Value = serde_json::from_slice(&index.data).expect("it is JSON");
    document["manifests"][0]["annotations"]["io.containerd.image.name"] = name.into();
    index.data = document.to_string().into_bytes();
    members
}

fn write(sandbox: &Sandbox, name: &str, bytes: &[u8]) -> PathBuf {
    let path = sandbox.home.join(name);
    std::fs::write(&path, bytes).expect("write an archive");
    path
}

fn load(sandbox: &Sandbox, path: &Path) -> Run {
    sandbox.coracle(&["load", "--input", path.to_str().expect("a path made here is ASCII")])
}

fn load_bytes(sandbox: &Sandbox, bytes: &[u8]) -> Run {
    load(sandbox, &write(sandbox, "archive.tar", bytes))
}

fn assert_loaded_and_runs(sandbox: &Sandbox, run: &Run, name: &str, text: &str) {
    assert_eq!((run.code, run.stdout.as_str()), (0, format!("Loaded image: {name}\n").as_str()), "{run}");
    assert_eq!(sandbox.ok(&["run", "--rm", "--pull=never", name]), text, "{name}");
}

#[test]
fn archives_of_every_kind_are_loaded_and_run() {
    let sandbox = Sandbox::new();
    type Form = fn(&Artifact, &str) -> Vec<u8>;
    let forms: [(&str, Form); 6] = [
        ("docker", |image, name| image.docker_archive(name)),
        ("old", |image, name| evil_tar::archive(&old_members(image, name))),
        ("new", |image, name| evil_tar::archive(&new_members(image, name))),
        ("oci", |image, name| evil_tar::archive(&image.layout(name))),
        ("gzip", |image, name| pack(&image.docker_archive(name), Packing::Gzip)),
        ("zstd", |image, name| pack(&evil_tar::archive(&image.layout(name)), Packing::Zstd)),
    ];
    for (form, archive) in forms {
        let name = format!("localhost/{form}:one");
        let bytes = archive(&Artifact::saying(form), &name);
        assert_loaded_and_runs(&sandbox, &load_bytes(&sandbox, &bytes), &name, form);
    }
    assert_staging_empties(&sandbox);
}

#[test]
fn layers_of_every_compression_are_loaded_and_run() {
    let sandbox = Sandbox::new();
    for packing in [Packing::Plain, Packing::Gzip, Packing::Zstd] {
        let text = format!("{packing:?}");
        let image = Artifact::saying(&text).packed(packing);
        for (form, members) in [
            ("oci", image.layout(&format!("localhost/oci:{packing:?}"))),
            ("docker", image.docker_members(&[&format!("localhost/docker:{packing:?}")])),
        ] {
            let run = load_bytes(&sandbox, &evil_tar::archive(&members));
            assert_loaded_and_runs(&sandbox, &run, &format!("localhost/{form}:{packing:?}"), &text);
        }
    }
}

#[test]
fn a_directory_is_loaded_and_runs() {
    let sandbox = Sandbox::new();
    let directory = sandbox.home.join("layout");
    write_directory(&Artifact::saying("dir").packed(Packing::Gzip).layout("localhost/dir:one"), &directory);
    assert_loaded_and_runs(&sandbox, &load(&sandbox, &directory), "localhost/dir:one", "dir");
}

#[test]
fn standard_input_may_be_a_file_or_a_pipe() {
    let sandbox = Sandbox::new();
    let path = write(&sandbox, "archive.tar", &Artifact::saying("file").docker_archive("localhost/in:file"));
    let mut command = sandbox.command(&["load"]);
    command.stdin(File::open(&path).expect("open the archive"));
    assert_loaded_and_runs(&sandbox, &Running::start(command).finish(), "localhost/in:file", "file");

    let bytes = pack(&Artifact::saying("pipe").docker_archive("localhost/in:pipe"), Packing::Gzip);
    write(&sandbox, "archive.tar.gz", &bytes);
    let mut cat = std::process::Command::new("cat")
        .arg(sandbox.home.join("archive.tar.gz"))
        .stdout(Stdio::piped())
        .spawn()
        .expect("start cat");
    let mut command = sandbox.command(&["load"]);
    command.stdin(cat.stdout.take().expect("its stdout is a pipe"));
    assert_loaded_and_runs(&sandbox, &Running::start(command).finish(), "localhost/in:pipe", "pipe");
    cat.wait().expect("wait for cat");
    assert_staging_empties(&sandbox);
}

#[test]
fn an_image_may_have_many_names_or_none() {
    let sandbox = Sandbox::new();
    let image = Artifact::saying("names");
    let run = load_bytes(&sandbox, &evil_tar::archive(&image.docker_members(&["a/b:1", "localhost/c:2"])));
    assert_eq!(run.stdout, "Loaded image: docker.io/a/b:1\nLoaded image: localhost/c:2\n", "{run}");
    let run = load_bytes(&sandbox, &evil_tar::archive(&Artifact::saying("none").docker_members(&[])));
    let id = Artifact::saying("none").id();
    assert_eq!(run.stdout, format!("Loaded image: {id}\n"), "{run}");
    let hex = id.strip_prefix("sha256:").expect("an id is a digest");
    assert_eq!(sandbox.ok(&["run", "--rm", &hex[..12]]), "none");
    assert_eq!(sandbox.ok(&["run", "--rm", "c:2"]), "names");
}

#[test]
fn what_is_here_already_is_not_stored_again() {
    let sandbox = Sandbox::new();
    let archive = Artifact::saying("twice").docker_archive("localhost/twice:one");
    load_bytes(&sandbox, &archive);
    let before = store(&sandbox);
    let run = load_bytes(&sandbox, &archive);
    assert_eq!(run.code, 0, "{run}");
    let changed: Vec<_> =
        store(&sandbox).into_iter().filter(|(path, facts)| before.get(path) != Some(facts)).collect();
    // The configuration, the manifest and the list are written anew, with the same content.
    assert!(
        changed.len() <= 3 && changed.iter().all(|(path, _)| path.starts_with(sandbox.data.join("coracle/images")))
    );
    assert_eq!(before.len(), store(&sandbox).len());
}

#[test]
fn what_is_no_archive_is_refused_in_one_line() {
    let sandbox = Sandbox::new();
    let good = Artifact::saying("good").docker_archive("localhost/good:one");
    load_bytes(&sandbox, &good);
    let before = store(&sandbox);
    let other = Artifact::saying("other").docker_archive("localhost/other:one");
    for (name, bytes, expected) in [
        ("empty file", vec![], "neither an index.json nor a manifest.json"),
        ("text", b"this is no archive\n".repeat(100), "archive: it is no tar"),
        ("xz", b"\xfd7zXZ\0\0\x04".to_vec(), "compressed with xz"),
        ("gzip that ends early", pack(&other, Packing::Gzip)[..100_000].to_vec(), "spool the archive"),
        ("tar that ends early", other[..other.len() / 2].to_vec(), "it ends within"),
        ("root file system", Artifact::saying("x").layers[0].clone(), "a root file system is for import"),
    ] {
        let run = load_bytes(&sandbox, &bytes);
        let line = refusal(&run);
        assert!(line.starts_with("coracle: load: ") && line.contains(expected), "{name}: {line}");
        assert_same(&store(&sandbox), &before, name);
    }
    for (path, expected) in [("/nonexistent/x.tar", "no such file or directory"), ("/proc", "neither an index.json")]
    {
        let run = load(&sandbox, Path::new(path));
        assert!(refusal(&run).contains(expected), "{run}");
    }
    assert_same(&store(&sandbox), &before, "the store");
}

#[test]
fn a_name_that_is_none_is_refused_before_anything_is_stored() {
    let sandbox = Sandbox::new();
    load_bytes(&sandbox, &Artifact::saying("good").docker_archive("localhost/good:one"));
    let before = store(&sandbox);
    for name in ["UPPER:one", "a b", "../../x", "a/../b:one", "localhost/x:", "", "-x", "a@sha256:0", "http://x/y"] {
        let run = load_bytes(&sandbox, &Artifact::saying("bad").docker_archive(name));
        refusal(&run);
        assert_same(&store(&sandbox), &before, &format!("{name:?}"));
    }
}

/// Runs a script inside the engine's user namespace, with a store of its own on a small tmpfs.
fn on_small_disk(sandbox: &Sandbox, script: &str) -> Run {
    let store = sandbox.data.join("coracle");
    std::fs::create_dir_all(&store).expect("make the store's directory");
    let binary = crate::support::binary();
    let script = format!(
        "set -e; cd {}; mount -t tmpfs -o size=8m,mode=700 small {store}; store={store}; coracle={}; {script}",
        sandbox.home.display(),
        binary.display(),
        store = store.display(),
    );
    sandbox.coracle(&["unshare", "sh", "-c", &script])
}

#[test]
fn a_full_disk_leaves_the_store_as_it_was() {
    let sandbox = Sandbox::new();
    let big = Artifact::new(&[crate::support::artifact::busybox(), crate::support::artifact::noise("big", 12 << 20)]);
    write(
        &sandbox,
        "small.tar",
        &Artifact::new(&[evil_tar::archive(&[Entry::file("a", "b")])]).docker_archive("s:1"),
    );
    write(&sandbox, "big.tar", &big.docker_archive("localhost/big:1"));
    write(&sandbox, "big.tar.gz", &pack(&big.docker_archive("localhost/big:1"), Packing::Gzip));
    let run = on_small_disk(
        &sandbox,
        "$coracle load -q -i small.tar; find $store | sort >before
         for file in big.tar big.tar.gz; do
             code=0; $coracle load -i $file 2>error || code=$?
             find $store | sort | diff before - || echo changed; echo $code; cat error
         done
         mount -o remount,size=200m $store; $coracle load -i big.tar",
    );
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(
        (lines.len(), lines[0], lines[2], lines[4]),
        (5, "125", "125", "Loaded image: localhost/big:1"),
        "{run}"
    );
    for line in [lines[1], lines[3]] {
        assert!(line.starts_with("coracle: load: ") && line.contains("no space left on device"), "{run}");
        assert!(line.ends_with("coracle system prune"), "{run}");
    }
}
