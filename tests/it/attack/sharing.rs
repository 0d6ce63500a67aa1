//! Attacks of a container on those that share its namespaces.

use super::Scene;
use crate::support::image_builder::Image;

/// G07: who shares a container's IPC namespace gets the file system in memory that is mounted at its /dev/shm, and
/// nothing that the container has put in its place.
#[test]
fn g07_shared_memory_is_memory_whatever_lies_in_its_place() {
    let scene = Scene::new();
    let image = scene.load(&Image::new("memory"));
    let canary = scene.canary.text().to_owned();
    let memory = |options: &[&str], script: &str| {
        let script = format!("{script} && echo ready && exec sleep 1000");
        let id = scene.start(&[&["--name=x"], options].concat(), &image, &["sh", "-c", &script]);
        super::eventually("the container is ready", || scene.ok(&["logs", &id]).contains("ready"));
        let pid = scene.ok(&["inspect", "--format={{.State.Pid}}", "x"]).trim().to_owned();
        // Whoever follows the path from outside, by its name.
        let naive = std::fs::read_to_string(format!("/proc/{pid}/root/dev/shm/secret")).unwrap_or_default();
        let show = "cat /dev/shm/secret; echo caught > /dev/shm/caught; ls /dev/shm/dir /dev/shm/passwd";
        let run = scene.script(&["--ipc=container:x"], &image, show);
        scene.ok(&["rm", "--force", "--time=0", "x"]);
        (naive, run)
    };
    let refused = ["share /dev/shm of container x", "no tmpfs is mounted there"];
    let linked = ["share /dev/shm of container x", "ymbolic link"];
    let mounting = ["--cap-add=SYS_ADMIN"];
    // The control: memory that is what it should be, and is the container's to fill.
    let (_, run) = memory(&[], "echo mine > /dev/shm/secret");
    assert!(run.stdout.starts_with("mine\n"), "{run}");
    for (options, make) in [
        (&mounting[..], format!("umount /dev/shm && rmdir /dev/shm && ln -s {canary} /dev/shm")),
        (&["--volume=dev:/dev"], format!("rm -rf /dev/shm; ln -s {canary} /dev/shm")),
    ] {
        let (naive, run) = memory(options, &make);
        // The control: the name leads astray.
        assert_eq!(naive, scene.canary.nonce, "{make}");
        assert_eq!(run.code, 125, "{run}");
        assert!(linked.iter().all(|word| run.stderr.contains(word)), "{run}");
    }
    for (options, make) in [
        (&mounting[..], "umount /dev/shm"),
        (&mounting, "umount /dev/shm && mount -o bind /etc /dev/shm"),
        (&mounting, "mount -o bind /etc /dev/shm"),
        (&mounting, "mount -t proc proc /dev/shm"),
        (&["--volume=dev:/dev"], "rm -rf /dev/shm; mkdir /dev/shm"),
        (&["--volume=dev:/dev/shm"], "true"),
    ] {
        let (_, run) = memory(options, make);
        assert_eq!(run.code, 125, "{make}: {run}");
        assert!(refused.iter().all(|word| run.stderr.contains(word)), "{make}: {run}");
    }
    scene.assert_safe();
}
