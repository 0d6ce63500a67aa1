//! `image sync`: many images between registries and directories.

use crate::support::artifact::{Artifact, index};
use crate::support::registry::{Door, PASSWORD, Registry, USER};
use crate::support::witness::{assert_staging_empties, refusal};
use crate::support::{Sandbox, names_in};
use std::path::Path;

fn sorted(directory: &Path) -> Vec<String> {
    let mut names = names_in(directory);
    names.sort();
    names
}

fn manifest(sandbox: &Sandbox, directory: &str) -> Vec<u8> {
    std::fs::read(sandbox.home.join(directory).join("manifest.json")).expect("read the manifest")
}

#[test]
fn a_repository_goes_into_directories_and_back_into_a_registry() {
    let sandbox = Sandbox::new();
    let start = |name: &str| Registry::start(&sandbox.home.join(name), Door::default());
    let (Some(registry), Some(target)) = (start("registry"), start("target")) else { return };
    let (one, two, other) =
        (Artifact::saying("1"), Artifact::saying("2"), Artifact::saying("o").for_architecture("s390x"));
    registry.put("team/app", Some("1"), &one);
    registry.put("team/app", Some("2"), &two);
    registry.put("team/app", None, &other);
    let list = index(&[&one, &other]);
    registry.put_manifest("team/app", Some("all"), &list);
    let source = format!("{}/team/app", registry.host());
    let sync = |options: &[&str]| sandbox.coracle(&[&["image", "sync", "--tls-verify=false"], options].concat());
    let succeeds = |options: &[&str]| {
        let run = sync(options);
        assert_eq!(run.code, 0, "{run}");
    };
    let to_dir = ["--src", "docker", "--dest", "dir"];

    let dry = sync(&[&to_dir[..], &["--dry-run", &source, "out"]].concat());
    assert_eq!(dry.stdout.lines().next(), Some(format!("docker://{source}:1 dir:out/app:1").as_str()), "{dry}");
    assert!(!sandbox.home.join("out").exists());
    succeeds(&[&to_dir[..], &["--all", &source, "out"]].concat());
    assert_eq!(sorted(&sandbox.home.join("out")), ["app:1", "app:2", "app:all"]);
    assert_eq!(manifest(&sandbox, "out/app:2"), two.manifest_blob().bytes);
    assert_eq!(manifest(&sandbox, "out/app:all"), list.bytes);
    // Again, over what is there, and over what a killed command has left.
    std::fs::remove_file(sandbox.home.join("out/app:1/manifest.json")).expect("remove it");
    succeeds(&[&to_dir[..], &["--all", &source, "out"]].concat());
    assert_eq!(manifest(&sandbox, "out/app:1"), one.manifest_blob().bytes);
    succeeds(&[&to_dir[..], &["--scoped", &format!("{source}:1"), "whole"]].concat());
    assert_eq!(manifest(&sandbox, &format!("whole/{source}:1")), one.manifest_blob().bytes);
    // Without --all it is the image for this machine.
    succeeds(&[&to_dir[..], &[&format!("{source}:all"), "own"]].concat());
    assert_eq!(manifest(&sandbox, "own/app:all"), one.manifest_blob().bytes);

    let back = ["--src", "dir", "--dest", "docker", "--all"];
    let to = format!("{}/mirror", target.host());
    succeeds(&[&back[..], &["--digestfile", "digests", "out", &to]].concat());
    let digests = std::fs::read_to_string(sandbox.home.join("digests")).expect("read the digests");
    let copied = [("1", one.manifest_blob()), ("2", two.manifest_blob()), ("all", list.clone())];
    let wanted: Vec<String> =
        copied.iter().map(|(tag, blob)| format!("{} docker://{to}/app:{tag}", blob.digest())).collect();
    assert_eq!(digests.lines().collect::<Vec<_>>(), wanted);
    let mut tags = target.tags("mirror/app");
    tags.sort();
    assert_eq!(tags, ["1", "2", "all"]);
    assert_eq!(target.tagged("mirror/app", "all"), list.bytes);
    succeeds(&[&back[..], &["--append-suffix", "-x", "out/app:1", &to]].concat());
    assert_eq!(target.tagged("mirror/app", "1-x"), one.manifest_blob().bytes);
    // Without words for the transports: by how the places begin.
    for (number, (source, begin)) in [("./out/app:1", ""), ("dir:out/app:1", "docker://")].into_iter().enumerate() {
        succeeds(&[source, &format!("{begin}{}/short{number}", target.host())]);
        assert_eq!(target.tagged(&format!("short{number}/app"), "1"), one.manifest_blob().bytes);
    }
    for place in [format!("{}/short", sandbox.home.display()), "dir:short".into(), "./short".into()] {
        succeeds(&[&format!("{source}:2"), &place]);
        assert_eq!(manifest(&sandbox, "short/app:2"), two.manifest_blob().bytes);
        std::fs::remove_dir_all(sandbox.home.join("short")).expect("remove it");
    }
    std::fs::write(sandbox.home.join("list.yaml"), format!("{}:\n  images:\n    team/app: ['2']\n", registry.host()))
        .expect("write the list");
    for list in ["./list.yaml", "yaml:list.yaml"] {
        let dry = sync(&["--dry-run", list, "./short"]);
        assert_eq!(dry.stdout, format!("docker://{source}:2 dir:./short/app:2\n"), "{dry}");
    }
    let both = sync(&["--src", "dir", "--dest", "dir", "out", "other"]);
    assert!(refusal(&both).contains("directories are copied to a registry"), "{both}");
    assert_staging_empties(&sandbox);
}

#[test]
fn one_that_fails_ends_it_unless_the_others_are_to_go_on() {
    let sandbox = Sandbox::new();
    let Some(registry) = Registry::start(&sandbox.home.join("registry"), Door::default()) else { return };
    let (good, bad) = (Artifact::saying("good"), Artifact::saying("bad").for_architecture("s390x"));
    registry.put("app", Some("3"), &good);
    // An index without an image for this machine.
    registry.put("app", None, &bad);
    registry.put_manifest("app", Some("2"), &index(&[&bad]));
    let source = format!("{}/app", registry.host());
    let sync = |options: &[&str]| {
        let all = ["image", "sync", "--tls-verify=false", "--src", "docker", "--dest", "dir"];
        sandbox.coracle(&[&all[..], options, &[&source, "out"]].concat())
    };
    let ended = sync(&[]);
    assert!(refusal(&ended).contains("app:2"), "{ended}");
    assert!(!sandbox.home.join("out/app:3").exists());
    let went_on = sync(&["--keep-going"]);
    assert_eq!(went_on.code, 125);
    assert!(went_on.stderr.contains("1 of 2 images were not copied"), "{went_on}");
    assert_eq!(manifest(&sandbox, "out/app:3"), good.manifest_blob().bytes);
}

#[test]
fn a_list_in_yaml_says_what_comes_from_where() {
    let sandbox = Sandbox::new();
    let door = Door { tls: false, password: true };
    let Some(registry) = Registry::start(&sandbox.home.join("registry"), door) else { return };
    let image = Artifact::saying("listed");
    for (repository, tag) in [("a", "1"), ("a", "2"), ("b", "1"), ("c", "v1"), ("c", "w1")] {
        registry.put(repository, Some(tag), &image);
    }
    let digest = image.manifest_blob().digest();
    let list = |password: &str| {
        let text = format!(
            "{}:\n  tls-verify: false\n  credentials: {{username: {USER}, password: {password:?}}}\n  images:\n    \
             a: ['2']\n    b: []\n    c: ['{digest}']\n  images-by-tag-regex:\n    c: ^v\n",
            registry.host()
        );
        std::fs::write(sandbox.home.join("list.yaml"), text).expect("write the list");
        sandbox.coracle(&["image", "sync", "--src", "yaml", "--dest", "dir", "list.yaml", "out"])
    };
    let wrong = list("wrong");
    assert!(refusal(&wrong).contains("401") && !wrong.stderr.contains("wrong"), "{wrong}");
    let run = list(PASSWORD);
    assert_eq!(run.code, 0, "{run}");
    let names = ["a:2".to_owned(), "b:1".to_owned(), "c:v1".to_owned(), format!("c@{digest}")];
    assert_eq!(sorted(&sandbox.home.join("out")), names);
    assert_eq!(manifest(&sandbox, "out/c:v1"), image.manifest_blob().bytes);
}
