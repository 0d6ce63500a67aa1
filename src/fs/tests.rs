use super::*;

fn scratch() -> (Root, PathBuf) {
    let dir = staging_name(&std::env::temp_dir());
    create_dir_all(&dir).unwrap();
    (Root::open(&dir).unwrap(), dir)
}

#[test]
fn a_tree_is_removed_where_a_removal_was_killed_before() {
    let (root, dir) = scratch();
    for path in ["t/a/b/c/d", "t/.coracle-removing-1/x/y", "t/e/f/g", "t/.coracle-removing-3/x"] {
        std::fs::create_dir_all(dir.join(path)).unwrap();
    }
    std::fs::write(dir.join("t/.coracle-removing-2"), "").unwrap();
    std::fs::write(dir.join("t/a/b/c/file"), "").unwrap();
    for (path, mode) in [("t/a/b", 0o000), ("t/e", 0o500)] {
        rustix::fs::chmod(dir.join(path), Mode::from_raw_mode(mode)).unwrap();
    }
    remove_tree(root.as_fd(), "t").unwrap();
    assert_eq!(list(&dir).unwrap(), Vec::<String>::new());
    std::fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn what_is_made_through_a_link_that_leads_nowhere_stays_inside() {
    let (root, dir) = scratch();
    let outside = dir.with_extension("outside");
    for (name, target) in
        [("etc", outside.as_path()), ("run", Path::new("../../../var/run")), ("f", "etc/g".as_ref())]
    {
        rustix::fs::symlink(target, dir.join(name)).unwrap();
    }
    root.make_dir_all(Path::new("/etc/deep/../deeper"), 0o755).unwrap();
    root.make_file(Path::new("/run/lock/file"), 0o644).unwrap();
    root.make_file(Path::new("/f"), 0o644).unwrap();
    let inside = dir.join(outside.strip_prefix("/").unwrap());
    assert!(inside.join("deep").is_dir() && inside.join("deeper").is_dir() && inside.join("g").is_file());
    assert!(dir.join("var/run/lock/file").is_file());
    assert!(!outside.exists());
    rustix::fs::symlink("loop", dir.join("loop")).unwrap();
    assert!(root.make_dir_all(Path::new("/loop/x"), 0o755).is_err());
    rustix::fs::symlink("grow/x", dir.join("grow")).unwrap();
    assert!(root.make_file(Path::new("/grow/y"), 0o644).is_err());
    std::fs::remove_dir_all(&dir).unwrap();
}
