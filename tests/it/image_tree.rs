//! `image tree`, and what is asked for by platform.

use crate::support::artifact::{Artifact, file, index};
use crate::support::evil_tar::{self, Entry};
use crate::support::{Run, Sandbox};
use serde_json::json;

fn load(sandbox: &Sandbox, layers: &[Vec<u8>], name: &str) {
    let archive = evil_tar::archive(&Artifact::new(layers).layout(name));
    std::fs::write(sandbox.home.join("a.tar"), archive).expect("write an archive");
    sandbox.ok(&["load", "--quiet", "--input", "a.tar"]);
}

#[test]
fn a_tree_shows_what_an_image_is_built_of_and_what_is_built_on_it() {
    let sandbox = Sandbox::new();
    let layers: Vec<Vec<u8>> = ["a", "b", "c", "d"].iter().map(|name| file(name, name)).collect();
    for (name, numbers) in [("base", &[0][..]), ("one", &[0, 1]), ("two", &[0, 1, 2]), ("other", &[0, 3])] {
        let own: Vec<Vec<u8>> = numbers.iter().map(|number| layers[*number].clone()).collect();
        load(&sandbox, &own, &format!("localhost/{name}:1"));
    }
    // Only what a line is about and how it is marked: digests are of no order that a reader could see.
    let shape = |arguments: &[&str]| -> Vec<String> {
        let text = sandbox.ok(&[&["image", "tree"], arguments].concat());
        let (head, lines) = text.split_once("Image Layers\n").expect("there are layers");
        assert!(head.starts_with("Image ID: ") && head.contains("\nTags:     [localhost/"), "{head}");
        let of_line = |line: &str| {
            let (mark, rest) = line.split_once("ID: ").expect("a line has an id");
            format!("{mark}{}", rest.split_once(" Top Layer of: ").map_or("", |(_, names)| names))
        };
        lines.lines().map(of_line).collect()
    };
    assert_eq!(shape(&["two:1"]), ["├── [localhost/base:1]", "├── [localhost/one:1]", "└── [localhost/two:1]"]);
    assert_eq!(shape(&["--whatrequires", "one:1"]), ["├── [localhost/one:1]", "└── [localhost/two:1]"]);
    let all = shape(&["--whatrequires", "base:1"]);
    let one = [
        "└── [localhost/base:1]",
        "    ├── [localhost/one:1]",
        "    │   └── [localhost/two:1]",
        "    └── [localhost/other:1]",
    ];
    let two = [
        "└── [localhost/base:1]",
        "    ├── [localhost/other:1]",
        "    └── [localhost/one:1]",
        "        └── [localhost/two:1]",
    ];
    assert!(all == one || all == two, "{all:#?}");
    sandbox.fails(125, &["no image nothing"], &["image", "tree", "nothing"]);
}

#[test]
fn an_image_for_another_system_is_asked_for_in_vain() {
    let sandbox = Sandbox::new();
    let (here, other) = (Artifact::saying("here"), Artifact::saying("there").for_architecture("s390x"));
    let list = index(&[&here, &other]);
    let mut members: Vec<Entry> = Vec::new();
    for image in [&here, &other] {
        let blobs = image.layer_blobs().into_iter().chain([image.config_blob(), image.manifest_blob()]);
        members.extend(blobs.map(|blob| Entry::file(format!("blobs/sha256/{}", blob.hex()), &blob.bytes)));
    }
    members.dedup_by(|one, two| one.path == two.path);
    let mut seen = std::collections::BTreeSet::new();
    members.retain(|member| seen.insert(member.path.clone()));
    let mut entry = list.descriptor();
    entry["annotations"] = json!({"org.opencontainers.image.ref.name": "localhost/both:1"});
    members.push(Entry::file(format!("blobs/sha256/{}", list.hex()), &list.bytes));
    members.push(Entry::file("index.json", json!({"schemaVersion": 2, "manifests": [entry]}).to_string()));
    std::fs::write(sandbox.home.join("a.tar"), evil_tar::archive(&members)).expect("write an archive");
    let load = |platform: &str| -> Run { sandbox.coracle(&["load", "--platform", platform, "--input", "a.tar"]) };
    load("linux/riscv64").fails(125, &["no image for linux/riscv64"]);
    assert_eq!(load("linux/s390x").code, 0);
    let commands: [(i32, &[&str]); 4] = [
        (125, &["history"]),
        (125, &["image", "inspect"]),
        (125, &["save", "--output", "saved.tar"]),
        // As where the image does not exist.
        (1, &["rmi", "--no-prune"]),
    ];
    for (code, command) in commands {
        let ask = |platform: &str| sandbox.coracle(&[command, &["--platform", platform, "both:1"]].concat());
        ask("linux/arm64").fails(code, &["the image is for linux/s390x, not for linux/arm64"]);
        let run = ask("linux/s390x");
        assert_eq!(run.code, 0, "{run}");
    }
    assert!(sandbox.ok(&["images", "--quiet"]).is_empty());
}

#[test]
fn images_are_listed_with_what_they_have_for_which_platform() {
    let sandbox = Sandbox::new();
    for (name, image) in [
        ("localhost/here:1", Artifact::saying("here")),
        ("localhost/there:1", Artifact::saying("there").for_architecture("s390x")),
    ] {
        std::fs::write(sandbox.home.join("image.tar"), image.docker_archive(name)).expect("write an archive");
        sandbox.ok(&["load", "-q", "-i", "image.tar"]);
    }
    sandbox.ok(&["tag", "here:1", "quay.io/team/here:2"]);
    sandbox.ok(&["manifest", "create", "many", "here:1", "there:1"]);
    sandbox.ok(&["create", "--network=none", "here:1"]);
    let tree = sandbox.ok(&["images", "--tree"]);
    let lines: Vec<&str> = tree.lines().map(str::trim_end).collect();
    let heading: Vec<&str> = lines[0].split("  ").filter(|word| !word.is_empty()).map(str::trim).collect();
    assert_eq!(heading, ["IMAGE", "ID", "DISK USAGE", "CONTENT SIZE", "EXTRA"], "{tree}");
    let after = |name: &str| {
        let at = lines.iter().position(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {tree}"));
        &lines[at..]
    };
    let host = format!("linux/{}", crate::support::artifact::host_architecture());
    let many = after("localhost/many:latest");
    assert!(many[0].ends_with(" U"), "{tree}");
    assert!(many[1].starts_with(&format!("├─ {host}")) && many[1].ends_with(" U"), "{tree}");
    assert!(many[2].starts_with("└─ linux/s390x") && many[2].ends_with('B'), "{tree}");
    // Several names of one image are one below the other, and then what it has.
    let (last, long) = (after("localhost/here:1"), after("quay.io/team/here:2"));
    assert_eq!((long[0], long.len()), ("quay.io/team/here:2", last.len() + 1), "{tree}");
    assert!(last[1].starts_with(&format!("└─ {host}")), "{tree}");
    let words: Vec<&str> = last[0].split_whitespace().collect();
    assert_eq!((words[1].len(), words.last()), (12, Some(&"U")), "{tree}");
    let one = sandbox.docker(&["image", "ls", "--tree", "there:1"]);
    assert_eq!(one.lines().count(), 3, "{one}");
    sandbox.fails(125, &["--tree"], &["images", "--tree", "-q"]);
}
