//! `rename`: one name goes and another comes, whatever else happens to either.

use crate::support::{Sandbox, names_in};

fn names(sandbox: &Sandbox) -> Vec<String> {
    let mut names = names_in(&sandbox.data.join("coracle/names"));
    names.sort();
    names
}

#[test]
fn a_container_is_known_by_its_new_name_alone() {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    sandbox.ok(&["create", "--name=still", "--network=none", &image, "true"]);
    let id = sandbox.detached(&["--name=lively", &image, "sleep", "1000"]);
    for (old, new) in [("still", "still-2"), ("lively", "lively-2"), ("lively-2", "lively")] {
        sandbox.ok(&["rename", old, new]);
        sandbox.fails(125, &["no such object", old], &["inspect", old]);
        assert_eq!(sandbox.ok(&["inspect", "--format={{.Name}}", new]), format!("{new}\n"));
    }
    assert_eq!(names(&sandbox), ["lively", "still-2"]);
    sandbox.fails(125, &["rename: ", "taken"], &["rename", "lively", "still-2"]);
    sandbox.fails(125, &["rename: ", "already"], &["rename", "lively", "lively"]);
    sandbox.fails(125, &["rename: ", "does not match"], &["rename", "lively", "../x"]);
    // What its monitor writes down from now on is under the new name.
    sandbox.ok(&["rename", &id, "other"]);
    sandbox.ok(&["rm", "--force", "other", "still-2"]);
    sandbox.assert_no_leaks();
}

/// A rename that was killed between two steps has left a name to nothing, or to a container that is called otherwise.
#[test]
fn names_that_a_crash_has_left_are_free() {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    let id = sandbox.ok(&["create", "--name=c", "--network=none", &image, "true"]);
    let link = |name: &str, id: &str| {
        let link = sandbox.data.join("coracle/names").join(name);
        std::os::unix::fs::symlink(format!("../containers/{id}"), link).expect("make a name");
    };
    // Claimed, and not yet in the description.
    link("claimed", id.trim());
    link("orphan", &"0".repeat(64));
    for name in ["claimed", "orphan"] {
        sandbox.fails(125, &["no container"], &["start", name]);
        sandbox.fails(1, &["no container"], &["rm", name]);
    }
    sandbox.ok(&["rename", "c", "claimed"]);
    assert_eq!(sandbox.ok(&["ps", "--all", "--format={{.Names}}"]), "claimed\n");
    sandbox.ok(&["create", "--name=orphan", "--network=none", &image, "true"]);
    sandbox.ok(&["rm", "claimed", "orphan"]);
    sandbox.assert_no_leaks();
}

/// Of many who want one name, one has it, and each container has one name.
#[test]
fn of_many_renames_to_one_name_one_wins() {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    let made = |number: usize| {
        let name = format!("c{number}");
        if number.is_multiple_of(2) {
            sandbox.detached(&["--name", &name, &image, "sleep", "1000"]);
        } else {
            sandbox.ok(&["create", "--name", &name, "--network=none", &image, "true"]);
        }
        name
    };
    let old: Vec<String> = (0..8).map(made).collect();
    let renames: Vec<_> = old.iter().map(|name| sandbox.spawn(&["rename", name, "wanted"])).collect();
    let winners = renames.into_iter().map(|rename| rename.finish()).filter(|run| run.code == 0).count();
    assert_eq!(winners, 1);
    let now = names(&sandbox);
    assert_eq!(now.len(), old.len(), "{now:?}");
    assert!(now.contains(&"wanted".to_owned()));
    sandbox.ok(&["rm", "--force", "--all"]);
    sandbox.assert_no_leaks();
}
