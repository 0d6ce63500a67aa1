use super::build::{METACOPY, Plan, REDIRECT, build};
use super::probe::Method;
use super::*;
use crate::store::tests::Scratch;
use crate::store::unpack::{make_whiteout, set_opaque};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

/// Two layers, of which the upper hides something of the lower.
fn layers(dir: &Path) -> Vec<PathBuf> {
    let write = |path: &str, text: &str| {
        let path = dir.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let long = "low/usr/share/a/directory/with/a/long/name";
    for (path, text) in [
        ("low/usr/bin/tool", "tool"),
        ("low/usr/removed", "x"),
        ("low/usr/opaque/old", "x"),
        ("low/usr/half/old", "old"),
        ("low/root-file", "at the top"),
        ("low/etc/cron.d/a-job-with-a-long-name", "job"),
        ("low/z/1", "like a link"),
        (&format!("{long}/one"), "linked"),
        (&format!("{long}/alone"), "alone"),
        ("up/usr/opaque/new", "new"),
        ("up/usr/half/new", "new"),
        ("up/empty", ""),
    ] {
        write(path, text);
    }
    std::fs::hard_link(dir.join(format!("{long}/one")), dir.join("low/usr/two")).unwrap();
    std::os::unix::fs::symlink("../root-file", dir.join("up/usr/link")).unwrap();
    std::fs::set_permissions(dir.join("low/usr/bin/tool"), std::fs::Permissions::from_mode(0o4751)).unwrap();
    let usr = std::fs::File::open(dir.join("up/usr")).unwrap();
    make_whiteout(&usr, b"removed").unwrap();
    set_opaque(&std::fs::File::open(dir.join("up/usr/opaque")).unwrap().into()).unwrap();
    vec![dir.join("low"), dir.join("up")]
}

fn built(scratch: &Scratch, method: Method) -> PathBuf {
    let dir = scratch.engine.staging();
    let layers = layers(&dir);
    let own = |id: u32| vec![Extent { inside: id, outside: id, count: 1 }];
    let (uids, gids) = (own(rustix::process::getuid().as_raw()), own(rustix::process::getgid().as_raw()));
    for number in 0..LINK_DIRS {
        fs::create_dir_all(&dir.join("links").join(number.to_string())).unwrap();
    }
    let tree = dir.join("tree");
    fs::create_dir(&tree).unwrap();
    let owners = Owners { uids: &uids, gids: &gids };
    let links = dir.join("links");
    let copied = std::sync::atomic::AtomicU64::new(0);
    let count = |bytes| {
        copied.fetch_add(bytes, std::sync::atomic::Ordering::Relaxed);
    };
    build(&Plan { layers: &layers, attributes: true, tree: &tree, links: &links, owners, method, copied: &count })
        .unwrap();
    // Who waits is told of what is copied, and of nothing where nothing is.
    assert_eq!(copied.into_inner() > 0, method == Method::Copy);
    tree
}

fn names(dir: &Path) -> Vec<String> {
    let mut names = fs::list(dir).unwrap();
    names.sort();
    names
}

#[test]
fn layers_are_merged_as_overlayfs_merges_them() {
    let scratch = Scratch::new();
    let tree = built(&scratch, Method::Copy);
    assert_eq!(names(&tree.join("usr")), ["bin", "half", "link", "opaque", "share", "two"]);
    assert_eq!(names(&tree.join("usr/opaque")), ["new"]);
    assert_eq!(names(&tree.join("usr/half")), ["new", "old"]);
    assert_eq!(std::fs::read(tree.join("usr/half/old")).unwrap(), b"old");
    assert_eq!(std::fs::read_link(tree.join("usr/link")).unwrap(), Path::new("../root-file"));
    let (tool, from) = (tree.join("usr/bin/tool"), scratch.engine.staging().join("low/usr/bin/tool"));
    let (tool, from) = (tool.metadata().unwrap(), from.metadata().unwrap());
    assert_eq!((tool.mode() & 0o7777, tool.mtime(), tool.mtime_nsec()), (0o4751, from.mtime(), from.mtime_nsec()));
    let one = tree.join("usr/share/a/directory/with/a/long/name/one").metadata().unwrap();
    assert_eq!(one.ino(), tree.join("usr/two").metadata().unwrap().ino());
    for dir in ["usr", "usr/half", "usr/share/a/directory/with/a/long/name"] {
        let layer = if dir == "usr/half" || dir == "usr" { "up" } else { "low" };
        let from = scratch.engine.staging().join(layer).join(dir).metadata().unwrap();
        let to = tree.join(dir).metadata().unwrap();
        assert_eq!((to.mtime(), to.mtime_nsec()), (from.mtime(), from.mtime_nsec()), "{dir}");
    }
}

#[test]
fn files_without_data_say_where_it_is() {
    let scratch = Scratch::new();
    let tree = built(&scratch, Method::Redirect);
    let redirect = |path: &str| {
        let mut value = [0; 256];
        let length = rustix::fs::getxattr(tree.join(path), REDIRECT, &mut value).unwrap();
        String::from_utf8(value[..length].to_vec()).unwrap()
    };
    assert_eq!(redirect("usr/bin/tool"), "/usr/bin/tool");
    // No link for these, since their number of links shows.
    assert_eq!(redirect("etc/cron.d/a-job-with-a-long-name"), "/etc/cron.d/a-job-with-a-long-name");
    // Names at the top, and below directories of one letter, could be those of links.
    for path in ["root-file", "z/1", "usr/share/a/directory/with/a/long/name/alone"] {
        let link = redirect(path);
        assert!(link.len() <= 24, "{path}: {link}");
        let (link, file) = (scratch.engine.staging().join("links").join(&link[1..]), tree.join(path));
        assert_eq!(link.metadata().unwrap().len(), file.metadata().unwrap().len(), "{path}");
    }
    assert_eq!(std::fs::read(tree.join("root-file")).unwrap(), [0; 10]);
    // An empty file needs no data.
    assert!(rustix::fs::getxattr(tree.join("empty"), METACOPY, &mut [0; 8]).is_err());
}

#[test]
fn only_stacks_that_nobody_has_are_unused() {
    let scratch = Scratch::new();
    let engine = &scratch.engine;
    let (one, two) = (Digest::of(b"1"), Digest::of(b"2"));
    fs::create_dir(&engine.shifted()).unwrap();
    for layers in [&[one][..], &[one, two], &[two, one]] {
        Stack::of(engine, layers).ensure(engine, layers).unwrap();
    }
    let left = unused(engine, &[vec![one, two]]).unwrap();
    assert_eq!(left.len(), 2);
    remove_all_but(engine, &[vec![one, two]]).unwrap();
    assert_eq!(names(&engine.shifted()), [stack_name(&[one, two]), MAKING.to_owned()]);
    assert_eq!(names(&Stack::of(engine, &[one, two]).dir.join("of")).len(), 2);
    assert!(names(&engine.staging()).is_empty());
}
