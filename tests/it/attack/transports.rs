//! Families C11, C13 and C19 for images in directories, and for directories that images are written to: names that lead
//! elsewhere, files of other kinds, and bytes that are not the named ones.

use crate::support::Sandbox;
use crate::support::artifact::{Artifact, write_directory};
use crate::support::evil_tar::{self, Entry};
use crate::support::witness::{Watched, assert_same, refusal, store};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// An image whose layer has the very bytes of a file: who knows them can name their digest.
fn image_of(bytes: &[u8]) -> Artifact {
    Artifact::new(&[bytes.to_vec()])
}

/// The members of skopeo's `dir:`.
fn directory_members(image: &Artifact) -> Vec<Entry> {
    let blobs = image.layer_blobs().into_iter().chain([image.config_blob()]);
    let mut members: Vec<Entry> = blobs.map(|blob| Entry::file(blob.hex(), &blob.bytes)).collect();
    members.push(Entry::file("manifest.json", &image.manifest_blob().bytes));
    members
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path made here is ASCII")
}

#[test]
fn c11_c19_no_file_of_a_directory_leads_out_of_it() {
    let sandbox = Sandbox::new();
    let top = sandbox.home.join("image");
    std::fs::create_dir(&top).expect("make a directory");
    let watched = Watched::new(&sandbox);
    let secret = watched.canary.path.join("secret");
    let image = image_of(&std::fs::read(&secret).expect("read the secret"));
    let hex = image.layer_blobs()[0].hex();
    for (format, members, blobs) in
        [("dir", directory_members(&image), ""), ("oci", image.layout("x"), "blobs/sha256/")]
    {
        let source = format!("{format}:{}", text(&top));
        let fresh = |blob: Option<PathBuf>| {
            std::fs::remove_dir_all(&top).expect("remove it");
            write_directory(&members, &top);
            let layer = top.join(blobs).join(&hex);
            if let Some(target) = blob {
                std::fs::remove_file(&layer).expect("remove the layer");
                symlink(target, &layer).expect("link to something else");
            }
            layer
        };
        let copy = || sandbox.coracle(&["image", "copy", &source, "oci-archive:/dev/null:x"]);
        // The control: bytes that are really there are copied, whatever they are.
        fresh(None);
        assert_eq!(copy().code, 0, "{}", copy());
        let relative = watched.canary.relative();
        for target in [secret.clone(), relative.into(), "/proc/self/environ".into(), "../canary/secret".into()] {
            fresh(Some(target));
            let run = copy();
            refusal(&run);
            watched.assert_untouched(&sandbox, &[&run], "a link for a layer");
        }
        let layer = fresh(None);
        std::fs::remove_file(&layer).expect("remove the layer");
        nix::unistd::mkfifo(&layer, nix::sys::stat::Mode::S_IRWXU).expect("make a FIFO");
        assert!(refusal(&copy()).contains("is not a regular file"));
        std::fs::remove_file(&layer).expect("remove it");
        std::fs::write(&layer, "x").expect("write other bytes");
        refusal(&copy());
    }
}

#[test]
fn c13_c14_a_directory_that_is_no_image_is_refused() {
    let sandbox = Sandbox::new();
    let top = sandbox.home.join("image");
    let source = format!("dir:{}", text(&top));
    let image = Artifact::saying("good");
    let good = String::from_utf8(image.manifest_blob().bytes).expect("it is text");
    let pull = |manifest: &[u8]| {
        write_directory(&directory_members(&image), &top);
        std::fs::write(top.join("manifest.json"), manifest).expect("write a manifest");
        sandbox.coracle(&["pull", &source])
    };
    let before = store(&sandbox);
    let long = format!("{good}{}", " ".repeat(5 << 20));
    let deep = format!("{{\"schemaVersion\":2,\"layers\":{}", "[".repeat(1000));
    let hex = image.config_blob().hex();
    let bad = [
        long,
        deep,
        String::new(),
        "{".to_owned(),
        "{}".to_owned(),
        good.replace(&hex, "../../../../etc/passwd"),
        good.replace(&hex, &"0".repeat(64)),
        good.replacen("\"size\":", "\"size\":1", 1),
        good.replace("\"schemaVersion\":2", "\"schemaVersion\":2,\"manifests\":[]"),
        good.replace("\"schemaVersion\":2", "\"schemaVersion\":2,\"schemaVersion\":2"),
    ];
    for manifest in bad {
        let run = pull(manifest.as_bytes());
        refusal(&run);
        assert!(sandbox.ok(&["images", "--quiet"]).is_empty(), "{run}");
    }
    // Nothing of them came into the store, but its own first files.
    let blobs = |listing: crate::support::witness::Listing| {
        let mut listing = listing;
        listing.retain(|path, _| text(path).contains("/sha256/") || text(path).contains("/layers/"));
        listing
    };
    assert_same(&blobs(store(&sandbox)), &blobs(before), "the store");
    let run = pull(good.as_bytes());
    assert_eq!(run.code, 0, "{run}");
}

#[test]
fn c19_nothing_is_written_through_the_links_of_a_directory() {
    let sandbox = Sandbox::new();
    std::fs::write(sandbox.home.join("a.tar"), evil_tar::archive(&Artifact::saying("x").layout("localhost/x:1")))
        .expect("write an archive");
    sandbox.ok(&["load", "--quiet", "--input", "a.tar"]);
    let top = sandbox.home.join("layout");
    std::fs::create_dir(&top).expect("make a directory");
    let watched = Watched::new(&sandbox);
    let (secret, inside) = (watched.canary.path.join("secret"), watched.canary.path.join("dir"));
    let save = || sandbox.coracle(&["save", "--format", "oci-dir", "--output", text(&top), "x:1"]);
    let fresh = || {
        std::fs::remove_dir_all(&top).expect("remove it");
        std::fs::create_dir_all(top.join("blobs/sha256")).expect("make the directories");
        std::fs::write(top.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).expect("write the mark");
    };
    // The control: the same directory without links takes the image.
    fresh();
    assert_eq!(save().code, 0, "{}", save());
    let names: Vec<String> = crate::support::names_in(&top.join("blobs/sha256"))
        .iter()
        .map(|name| format!("blobs/sha256/{name}"))
        .collect();
    for name in names.iter().map(String::as_str).chain(["oci-layout", "index.json"]) {
        fresh();
        let _ = std::fs::remove_file(top.join(name));
        symlink(&secret, top.join(name)).expect("link to the secret");
        let run = save();
        watched.assert_untouched(&sandbox, &[&run], name);
        assert!(run.code != 0 || !top.join(name).is_symlink(), "{name}: {run}");
    }
    for name in ["blobs", "blobs/sha256"] {
        fresh();
        std::fs::remove_dir_all(top.join(name)).expect("remove it");
        symlink(&inside, top.join(name)).expect("link to a directory");
        let run = save();
        refusal(&run);
        watched.assert_untouched(&sandbox, &[&run], name);
    }
}
