//! Who a container's processes and files are: maps of ids, accounts, groups, and namespaces of others.

use crate::support::artifact::{self, Artifact};
use crate::support::evil_tar::{self, Entry};
use crate::support::{Running, Sandbox, is_alive, names_in, until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::Read;
use std::os::unix::fs::MetadataExt;

/// What `run --rm` of a shell script prints.
#[track_caller]
fn script(sandbox: &Sandbox, options: &[&str], image: &str, script: &str) -> String {
    sandbox.ok(&[&["run", "--rm", "--network=none"], options, &[image, "sh", "-c", script]].concat())
}

/// The lines of a map, neighbours joined: how many lines there are depends on the caller's own ranges.
fn joined(text: &str) -> Vec<[u64; 3]> {
    let mut lines: Vec<[u64; 3]> = Vec::new();
    for line in text.lines() {
        let numbers: Vec<u64> = line.split_whitespace().map(|word| word.parse().expect("a number")).collect();
        let line = [numbers[0], numbers[1], numbers[2]];
        match lines.last_mut() {
            Some(last) if last[0] + last[2] == line[0] && last[1] + last[2] == line[1] => last[2] += line[2],
            _ => lines.push(line),
        }
    }
    lines
}

#[track_caller]
fn maps(sandbox: &Sandbox, options: &[&str], image: &str) -> (Vec<[u64; 3]>, Vec<[u64; 3]>) {
    let text = script(sandbox, options, image, "cat /proc/self/uid_map; echo --; cat /proc/self/gid_map");
    let (uids, gids) = text.split_once("--\n").expect("two maps");
    (joined(uids), joined(gids))
}

/// What podman 5.8 makes of the same.
#[test]
fn every_mode_has_its_map() {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    let own = u64::from(nix::unistd::geteuid().as_raw());
    let (engine, _) = maps(&sandbox, &[], &image);
    assert_eq!(engine.len(), 1, "the engine has its ids from 0 on");
    let total = engine[0][2];
    assert!(total > 60_000, "this test needs subordinate ids");
    let keep = vec![[0, 1, own], [own, 0, 1], [own + 1, own + 1, total - own - 1]];
    let extend = format!("--uidmap=+5:@{own}:1");
    let at_5 = vec![[0, 1, 5], [5, 0, 1], [6, 6, total - 6]];
    for (options, expected) in [
        (&["--userns=host"][..], engine.clone()),
        (&["--userns="], engine.clone()),
        (&["--userns=keep-id"], keep.clone()),
        (&["--userns=keep-id:uid=0,gid=0"], engine.clone()),
        (&["--userns=keep-id:uid=5,gid=5"], at_5.clone()),
        (&["--userns=keep-id:size=100"], vec![[0, 1, 99], [own, 0, 1]]),
        (&["--userns=nomap"], vec![[0, 1, total - 1]]),
        (&["--userns=auto"], vec![[0, 1, 2001]]),
        (&["--userns=auto:size=300"], vec![[0, 1, 300]]),
        (&["--userns=auto:size=300,uidmapping=0:0:1,gidmapping=0:0:1"], vec![[0, 0, 300]]),
        (&["--uidmap=0:1:500"], vec![[0, 1, 500]]),
        (&["--gidmap=0:0:1000"], vec![[0, 0, 1000]]),
        (&[&extend], at_5.clone()),
    ] {
        let (uids, gids) = maps(&sandbox, options, &image);
        assert_eq!(uids, expected, "{options:?}");
        if !extend.contains(options[0]) {
            assert_eq!(gids, expected, "{options:?}");
        }
    }
    let (uids, gids) = maps(&sandbox, &["--uidmap=u0:1:100", "--uidmap=g0:200:300"], &image);
    assert_eq!((uids, gids), (vec![[0, 1, 100]], vec![[0, 200, 300]]));
    for (option, words) in [
        ("--userns=bogus", &["\"bogus\"", "does not exist"][..]),
        ("--userns=keep-id:foo=1", &["no option \"foo\""]),
        ("--uidmap=0:0:90000000", &["engine's, which has no such id"]),
        ("--uidmap=5:1:1", &["no id 0 inside"]),
        ("--uidmap=x", &["is not [+][u][g]INSIDE"]),
        ("--userns=auto:size=90000000", &["not enough unused ids"]),
    ] {
        let option = option.to_owned();
        sandbox.fails(125, words, &["run", "--rm", "--network=none", &option, &image, "true"]);
    }
    // What is set for podman holds, and the command line over it.
    let with_default = |arguments: &[&str]| {
        let mut command = sandbox.command(&[&["run", "--rm", "--network=none"], arguments].concat());
        command.env("PODMAN_USERNS", "keep-id");
        joined(&Running::start(command).finish().stdout)
    };
    assert_eq!(with_default(&[&image, "cat", "/proc/self/uid_map"]), keep);
    assert_eq!(with_default(&["--userns=host", &image, "cat", "/proc/self/uid_map"]), engine);
    sandbox.assert_no_leaks();
}

/// Files of every kind and many owners in three layers, some of them hidden by those above.
fn colourful() -> Vec<u8> {
    let busybox = artifact::busybox();
    let mut program = Vec::new();
    for entry in tar::Archive::new(&busybox[..]).entries().expect("an archive has entries") {
        let mut entry = entry.expect("read an entry");
        if entry.path().expect("an entry has a name").ends_with("bin/busybox") {
            entry.read_to_end(&mut program).expect("read the program");
        }
    }
    assert!(!program.is_empty(), "the image has no bin/busybox");
    // struct vfs_cap_data, version 2, effective: CAP_CHOWN.
    let capability = [&[1u8, 0, 0, 2, 1, 0, 0, 0][..], &[0; 12]].concat();
    let owned = |entry: Entry, uid, gid| Entry { uid, gid, ..entry };
    let long = format!("usr/lib/{}/file-with-a-long-name", "d".repeat(200));
    let lower = evil_tar::archive(&[
        Entry::dir("opt/"),
        Entry::dir("opt/gone/"),
        Entry::file("opt/gone/a", "a"),
        Entry::dir("opt/half/"),
        Entry::file("opt/half/old", "old"),
        Entry::file("opt/removed", "removed"),
        Entry::file("opt/replaced", "the old one"),
        Entry::file("opt/was-a-file", "file"),
        owned(Entry::file(&long, "long"), 33, 34),
        owned(Entry::file("etc/cron.d/a-job-with-a-long-name", "* * * * *\n"), 0, 0),
        owned(Entry::dir("srv/"), 1000, 2000).mode(0o3775),
        owned(Entry::file("srv/mine", "mine"), 1000, 1000).mode(0o600),
        owned(Entry::file("srv/setuid", "s"), 1000, 2000).mode(0o6711),
        owned(Entry::file("srv/far", "far"), 60_000, 60_000),
        owned(Entry::symlink("srv/link", "mine"), 5, 6),
        owned(Entry::fifo("srv/fifo"), 7, 8).mode(0o622),
        owned(Entry::file("srv/one", "linked"), 9, 10),
        Entry::hard_link("usr/lib/two", "srv/one"),
        Entry::hard_link("srv/three", "srv/one"),
        Entry::file("srv/empty", "").mode(0),
        Entry::file("srv/attributed", "x").pax("SCHILY.xattr.user.note", "kept"),
        Entry::file("caps/cat", program).mode(0o755).pax("SCHILY.xattr.security.capability", capability),
    ]);
    let upper = evil_tar::archive(&[
        Entry::file("opt/.wh.removed", ""),
        Entry::file("opt/gone/.wh..wh..opq", ""),
        Entry::file("opt/gone/b", "b"),
        owned(Entry::file("opt/replaced", "the new one"), 11, 12),
        owned(Entry::dir("opt/half/"), 13, 14).mode(0o700),
        Entry::file("opt/half/new", "new"),
        Entry::dir("opt/was-a-file/"),
        Entry::file("opt/was-a-file/inside", "inside"),
    ]);
    Artifact::new(&[busybox, lower, upper]).docker_archive("localhost/colourful:latest")
}

fn load_colourful(sandbox: &Sandbox) -> String {
    let file = sandbox.home.join("colourful.tar");
    std::fs::write(&file, colourful()).expect("write the image's archive");
    sandbox.ok(&["load", "--quiet", "--input", file.to_str().expect("a UTF-8 path")]);
    "localhost/colourful:latest".to_owned()
}

/// All that a process sees of an image's files but what the engine puts there. The links that coracle adds to a layer's
/// files count in a default run only, so their number is looked at for pairs.
const LISTING: &str = r#"
    find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /run \) -prune -o ! -path / ! -path /etc ! -path /etc/hosts \
        ! -path /etc/hostname ! -path /etc/passwd ! -path /etc/group -print | sort | while read -r name; do
        stat -c '%n %F %a %u %g %Y %N' "$name"
        [ -f "$name" ] && [ ! -h "$name" ] && stat -c %s "$name" && md5sum "$name"
    done
    for pair in "/srv/one /usr/lib/two" "/srv/one /srv/three" "/usr/lib/two /srv/three"; do
        [ ${pair% *} -ef ${pair#* } ] && echo "one file: $pair"
    done"#;

#[test]
fn an_image_looks_the_same_under_every_map() {
    let sandbox = Sandbox::new();
    let image = load_colourful(&sandbox);
    let expected = script(&sandbox, &["--user=0"], &image, LISTING);
    // The controls: it is all there, and what is hidden is hidden.
    for there in ["/srv/setuid regular file 6711 1000 2000 1", "/srv/far regular file 644 60000 60000 1", "one file"]
    {
        assert!(expected.contains(there), "no {there} in:\n{expected}");
    }
    assert!(!expected.contains("/opt/removed") && !expected.contains("/opt/gone/a"), "{expected}");
    for options in
        [&["--userns=keep-id"][..], &["--userns=nomap"], &["--userns=auto:size=61000"], &["--uidmap=+5:0:1"]]
    {
        let seen = script(&sandbox, &[options, &["--user=0"]].concat(), &image, LISTING);
        assert_same_lines(&seen, &expected, options);
        // Twice: with the files made before.
        let seen = script(&sandbox, &[options, &["--user=0"]].concat(), &image, LISTING);
        assert_same_lines(&seen, &expected, options);
    }
    // An owner that the container does not have is nobody, never somebody else.
    let stranger = script(&sandbox, &["--userns=auto:size=3000"], &image, "stat -c '%u %g' /srv/far; cat /srv/far");
    assert_eq!(stranger, "65534 65534\nfar");
    let capabilities = "/caps/cat /proc/self/status | grep CapEff";
    for options in [&[][..], &["--userns=keep-id"], &["--userns=nomap"], &["--userns=auto"]] {
        let options = [options, &["--user=1000"]].concat();
        assert_eq!(script(&sandbox, &options, &image, capabilities), "CapEff:\t0000000000000001\n", "{options:?}");
    }
    sandbox.assert_no_leaks();
}

#[track_caller]
fn assert_same_lines(seen: &str, expected: &str, options: &[&str]) {
    let differ: Vec<_> =
        seen.lines().zip(expected.lines()).filter(|(seen, expected)| seen != expected).take(5).collect();
    assert!(differ.is_empty(), "{options:?}: {differ:#?}");
    assert_eq!(seen.lines().count(), expected.lines().count(), "{options:?}");
}

#[test]
fn files_can_be_written_and_have_the_right_owners_outside() {
    let sandbox = Sandbox::new();
    let image = load_colourful(&sandbox);
    let own = nix::unistd::geteuid().as_raw();
    let home = sandbox.home.join("shared");
    std::fs::create_dir(&home).expect("make a directory");
    std::fs::write(home.join("mine"), "of the caller\n").expect("write a file");
    let volume = format!("--volume={}:/work", home.display());
    let text = script(
        &sandbox,
        &["--userns=keep-id", &volume],
        &image,
        "id -u; stat -c %u /work/mine; cat /work/mine; echo new > /work/new; stat -c %u /work/new; touch /srv/x 2>&1; echo $?",
    );
    assert_eq!(
        text.lines().take(4).collect::<Vec<_>>(),
        [&own.to_string(), &own.to_string(), "of the caller", &own.to_string()]
    );
    let new = home.join("new").metadata().expect("the file is there");
    assert_eq!(new.uid(), own);
    // Root of the container is root over all that is in the image: changing a file copies it up, data and all.
    let change = "cat /opt/replaced; echo more >> /opt/replaced; cat /opt/replaced; stat -c '%u %g' /opt/replaced; rm -r /opt/half; \
        ls /opt; chown 0:0 /srv/mine; cat /srv/mine; mv /srv/one /srv/moved; cat /srv/moved; ln /srv/far /srv/far2; cat /srv/far2";
    let expected = script(&sandbox, &["--user=0"], &image, change);
    for mode in ["--userns=keep-id", "--userns=nomap", "--userns=auto:size=61000"] {
        assert_eq!(script(&sandbox, &["--user=0", mode], &image, change), expected, "{mode}");
    }
    // A container that stays keeps what it has written, and starts with the same ids again.
    let id = sandbox.detached(&[
        "--userns=auto",
        &image,
        "sh",
        "-c",
        "cat /proc/self/uid_map /kept; echo x >> /kept; sleep 1000",
    ]);
    until("the file is written", || sandbox.coracle(&["exec", &id, "test", "-e", "/kept"]).code == 0);
    let first = sandbox.ok(&["exec", &id, "cat", "/proc/self/uid_map"]);
    sandbox.ok(&["stop", "--time=0", &id]);
    sandbox.ok(&["start", &id]);
    until("it has written again", || sandbox.ok(&["exec", &id, "cat", "/kept"]) == "x\nx\n");
    assert_eq!(sandbox.ok(&["exec", &id, "cat", "/proc/self/uid_map"]), first);
    sandbox.ok(&["rm", "--force", "--time=0", &id]);
    sandbox.assert_no_leaks();
}

#[test]
fn shifted_files_go_with_their_image_and_only_then() {
    let sandbox = Sandbox::new();
    let shifted = sandbox.data.join("coracle/shifted");
    let stacks = || names_in(&shifted).into_iter().filter(|name| name.len() == 64).count();
    let image = load_colourful(&sandbox);
    let busybox = sandbox.image("busybox");
    // An image has them when it comes in where they have no data, which method.json tells.
    let method = std::fs::read_to_string(shifted.join("method.json")).expect("what the kernel can is written down");
    let ahead = if method.contains("Redirect") { 2 } else { 0 };
    assert_eq!(stacks(), ahead, "{method}");
    assert_eq!(script(&sandbox, &["--userns=keep-id:uid=0,gid=0"], &image, "true"), "");
    assert_eq!(stacks(), ahead, "the same ids need no other files");
    for image in [&image, &busybox] {
        script(&sandbox, &["--userns=keep-id"], image, "true");
    }
    assert_eq!(stacks(), 2);
    sandbox.ok(&["system", "check"]);
    sandbox.ok(&["rmi", &image]);
    assert_eq!(stacks(), 1);
    script(&sandbox, &["--userns=keep-id"], &busybox, "true");
    // It is known now that images are run so: they have them when they come in, whatever the kernel can.
    load_colourful(&sandbox);
    assert_eq!(stacks(), 2);
    sandbox.ok(&["rmi", "--all"]);
    assert_eq!(stacks(), 0);
    sandbox.ok(&["system", "check"]);
    // One that lost its image in a crash is found.
    std::fs::create_dir(shifted.join("ab".repeat(32))).expect("make a directory");
    let run = sandbox.coracle(&["system", "check"]);
    assert!(run.code == 125 && run.stdout.contains("files with other owners (abababababab)"), "{run}");
    sandbox.ok(&["system", "check", "--repair"]);
    assert_eq!(stacks(), 0);
    sandbox.assert_no_leaks();
}

/// Killed anywhere while the files are made, nothing half made is ever used.
#[test]
fn a_kill_while_files_are_made_leaves_nothing_visible() {
    let sandbox = Sandbox::new();
    let image = load_colourful(&sandbox);
    let expected = script(&sandbox, &["--user=0"], &image, LISTING);
    let staging = sandbox.data.join("coracle/tmp");
    let mut killed = 0;
    for round in 0..12 {
        let map = format!("--uidmap=0:{}:61000", round + 1);
        let run = sandbox.spawn(&["run", "--rm", "--network=none", "--user=0", &map, &image, "sh", "-c", LISTING]);
        // The maker's pid is in the name of what it makes.
        let mut maker = None;
        until("the files are being made, or are made", || {
            let makes = |name: &String| staging.join(name).join("tree").is_dir();
            maker = names_in(&staging).into_iter().find(makes).and_then(|name| name.split('-').next()?.parse().ok());
            maker.is_some() || !is_alive(run.pid().into())
        });
        if let Some(maker) = maker
            && kill(Pid::from_raw(maker), Signal::SIGKILL).is_ok()
        {
            killed += 1;
        }
        let run = run.finish();
        // It may have been done by then; whatever ran saw all there is.
        if run.code == 0 {
            assert_same_lines(&run.stdout, &expected, &[&map]);
        }
        let seen = script(&sandbox, &["--user=0", &map], &image, LISTING);
        assert_same_lines(&seen, &expected, &[&map]);
    }
    assert!(killed > 0, "nothing was killed");
    sandbox.coracle(&["system", "check", "--repair"]);
    sandbox.ok(&["system", "check"]);
    assert_eq!(names_in(&staging), Vec::<String>::new());
}

/// Several at once that need the same files: one makes them, all run.
#[test]
fn makers_of_the_same_files_do_not_disturb_each_other() {
    let sandbox = Sandbox::new();
    let image = load_colourful(&sandbox);
    let expected = script(&sandbox, &["--user=0"], &image, LISTING);
    let command = ["run", "--rm", "--network=none", "--user=0", "--userns=nomap", &image, "sh", "-c", LISTING];
    let runs: Vec<Running> = (0..4).map(|_| sandbox.spawn(&command)).collect();
    for run in runs {
        let run = run.finish();
        assert_eq!(run.code, 0, "{run}");
        assert_same_lines(&run.stdout, &expected, &["at once"]);
    }
    sandbox.assert_no_leaks();
}

#[test]
fn auto_gives_no_id_to_two_containers() {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    let command = ["create", "--network=none", "--userns=auto", &image, "true"];
    let runs: Vec<Running> = (0..6).map(|_| sandbox.spawn(&command)).collect();
    let ids: Vec<String> = runs.into_iter().map(|run| run.finish().stdout.trim().to_owned()).collect();
    let range = |id: &String| {
        let config = std::fs::read(sandbox.container(id).join("config.json")).expect("read config.json");
        let config: serde_json::Value = serde_json::from_slice(&config).expect("config.json is JSON");
        let line = &config["users"]["uids"][0];
        (line["outside"].as_u64().expect("a number"), line["count"].as_u64().expect("a number"))
    };
    let mut ranges: Vec<(u64, u64)> = ids.iter().map(range).collect();
    ranges.sort_unstable();
    let expected: Vec<(u64, u64)> = (0..6).map(|number| (1 + number * 2001, 2001)).collect();
    assert_eq!(ranges, expected);
    // One that is gone gives its ids back.
    let second = ids.iter().find(|id| range(id).0 == 2002).expect("one has them");
    sandbox.ok(&["rm", second]);
    let again = sandbox.ok(&command);
    assert_eq!(range(&again.trim().to_owned()), (2002, 2001));
    sandbox.ok(&["rm", "--all"]);
    sandbox.assert_no_leaks();
}

#[test]
fn accounts_are_added_where_they_are_missing() {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    let own = nix::unistd::geteuid().as_raw();
    let name = nix::unistd::User::from_uid(own.into()).expect("read the accounts").expect("the caller has one").name;
    let group =
        nix::unistd::Group::from_gid(nix::unistd::getegid()).expect("read the groups").expect("there is one").name;
    let gid = nix::unistd::getegid().as_raw();
    let show = "id -u; pwd; echo $HOME; tail -n 1 /etc/passwd; tail -n 1 /etc/group; stat -c '%u %g %h' /etc/passwd";
    let nobody = "nobody:x:65534:65534:nobody:/:/bin/sh";
    let nogroup = "nogroup:x:65534:";
    let entry = "--passwd-entry=$USERNAME:*:$UID:$GID:$NAME:$HOME:/bin/zsh";
    for (options, lines) in [
        (
            &["--userns=keep-id"][..],
            [
                own.to_string(),
                "/".into(),
                "/".into(),
                format!("{name}:*:{own}:{gid}::/:/bin/sh"),
                format!("{group}:x:{gid}:{name}"),
            ],
        ),
        (
            &["--userns=keep-id", "--workdir=/usr"],
            [
                own.to_string(),
                "/usr".into(),
                "/usr".into(),
                format!("{name}:*:{own}:{gid}::/usr:/bin/sh"),
                format!("{group}:x:{gid}:{name}"),
            ],
        ),
        (
            &["--user=1234:55", "--workdir=/usr"],
            [
                "1234".into(),
                "/usr".into(),
                "/usr".into(),
                "1234:*:1234:55:container user:/usr:/bin/sh".into(),
                "55:x:55:1234".into(),
            ],
        ),
        (
            &["--user=1234"],
            ["1234".into(), "/".into(), "/".into(), "1234:*:1234:0:container user:/:/bin/sh".into(), nogroup.into()],
        ),
        (&["--user=1234", "--passwd=false"], ["1234".into(), "/".into(), "/".into(), nobody.into(), nogroup.into()]),
        (&["--user=1000"], ["1000".into(), "/".into(), "/home/app".into(), nobody.into(), nogroup.into()]),
        (&[], ["0".into(), "/".into(), "/root".into(), nobody.into(), nogroup.into()]),
        (
            &["--user=1234", entry, "--group-entry=$GROUPNAME:x:$GID:$USERLIST"],
            ["1234".into(), "/".into(), "/".into(), "1234:*:1234:0:container user:/:/bin/zsh".into(), nogroup.into()],
        ),
        (
            &["--hostuser=daemon", "--user=daemon"],
            ["1".into(), "/".into(), "/".into(), "daemon:*:1:1::/:/bin/sh".into(), nogroup.into()],
        ),
    ] {
        let text = script(&sandbox, options, &image, show);
        assert_eq!(text.lines().take(5).collect::<Vec<_>>(), lines, "{options:?}");
        assert_eq!(text.lines().last(), Some("0 0 1"), "{options:?}: whose the file is");
    }
    sandbox.fails(
        125,
        &["no user \"nobody-here\" on the host"],
        &["run", "--rm", "--hostuser=nobody-here", &image, "true"],
    );
    // Once and not at every start; the container may change the file itself.
    let id = sandbox.detached(&["--user=1234", &image, "sleep", "1000"]);
    sandbox.ok(&["stop", "--time=0", &id]);
    sandbox.ok(&["start", &id]);
    assert_eq!(sandbox.ok(&["exec", &id, "grep", "-c", "1234", "/etc/passwd"]), "1\n");
    sandbox.ok(&[
        "exec",
        "--user=0",
        &id,
        "sh",
        "-c",
        "cp /etc/passwd /etc/p && echo new:x:5:5::/: >> /etc/p && mv /etc/p /etc/passwd",
    ]);
    sandbox.ok(&["rm", "--force", "--time=0", &id]);
    sandbox.assert_no_leaks();
}

#[test]
fn groups_mask_and_time_zone_are_those_asked_for() {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    assert_eq!(script(&sandbox, &["--group-add=55", "--group-add=crew"], &image, "id -G"), "0 55 2000\n");
    assert_eq!(script(&sandbox, &["--userns=keep-id", "--group-add=55"], &image, "id -G | wc -w"), "2\n");
    sandbox.fails(
        125,
        &["no group \"none-such\""],
        &["run", "--rm", "--network=none", "--group-add=none-such", &image, "true"],
    );
    // The groups of whoever ran it stay, as far as the kernel lets one see them; without it they are dropped.
    let groups = "grep ^Groups: /proc/self/status | wc -w";
    assert_eq!(script(&sandbox, &[], &image, groups), "1\n");
    assert_ne!(script(&sandbox, &["--group-add=keep-groups"], &image, groups), "1\n");
    sandbox.fails(
        125,
        &["keep-groups does not go with others"],
        &["run", "--group-add=keep-groups", "--group-add=5", &image],
    );
    for (mask, shown) in [("077", "0077\n"), ("0", "0000\n"), ("0022", "0022\n")] {
        let option = format!("--umask={mask}");
        assert_eq!(script(&sandbox, &[&option], &image, "umask"), shown);
    }
    sandbox.fails(125, &["umask \"9\" is not octal"], &["run", "--umask=9", &image, "true"]);
    let id = sandbox.detached(&["--umask=027", &image, "sleep", "1000"]);
    assert_eq!(sandbox.ok(&["exec", &id, "sh", "-c", "umask"]), "0027\n");
    sandbox.ok(&["rm", "--force", "--time=0", &id]);
    if std::path::Path::new("/usr/share/zoneinfo/Asia/Kolkata").exists() {
        assert_eq!(script(&sandbox, &["--tz=Asia/Kolkata"], &image, "date +%z"), "+0530\n");
    }
    sandbox.fails(
        125,
        &["no time zone \"../../../etc/passwd\""],
        &["run", "--tz=../../../etc/passwd", &image, "true"],
    );
    let chrooted = script(&sandbox, &["--chrootdirs=/inner"], &image, "cat /inner/etc/hosts");
    assert!(chrooted.contains("localhost"), "{chrooted}");
    sandbox.assert_no_leaks();
}

#[test]
fn namespaces_can_be_shared_with_the_host_and_with_others() {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    let link = |kind: &str| {
        let target = std::fs::read_link(format!("/proc/self/ns/{kind}")).expect("read the link");
        target.display().to_string()
    };
    let show = |options: &[&str], kind: &str| {
        let command = format!("ls -l /proc/self/ns/{kind} | sed 's/.*-> //'");
        script(&sandbox, options, &image, &command).trim().to_owned()
    };
    for (option, kind) in [("--pid", "pid"), ("--ipc", "ipc"), ("--uts", "uts"), ("--cgroupns", "cgroup")] {
        assert_eq!(show(&[&format!("{option}=host")], kind), link(kind), "{option}");
        assert_ne!(show(&[&format!("{option}=private")], kind), link(kind), "{option}");
    }
    let shared = std::path::PathBuf::from(format!("/dev/shm/coracle-test-{}", std::process::id()));
    std::fs::write(&shared, "shared").expect("write into shared memory");
    let read = format!("cat {} 2>&1", shared.display());
    let seen = [&["--ipc=host"][..], &[]].map(|options| {
        sandbox.coracle(&[&["run", "--rm", "--network=none"], options, &[&image, "sh", "-c", &read]].concat())
    });
    std::fs::remove_file(&shared).expect("remove it again");
    assert!(seen[0].stdout == "shared" && seen[1].code != 0, "{} {}", seen[0], seen[1]);
    let hostname = nix::unistd::gethostname().expect("the host has a name");
    assert_eq!(script(&sandbox, &["--uts=host"], &image, "hostname").trim(), hostname.to_string_lossy());
    let web = sandbox.detached(&["--name=web", "--userns=keep-id", &image, "sleep", "1000"]);
    let theirs = |kind: &str| {
        let command = format!("ls -l /proc/self/ns/{kind} | sed 's/.*-> //'");
        sandbox.ok(&["exec", "web", "sh", "-c", &command]).trim().to_owned()
    };
    for (option, kind) in
        [("--pid", "pid"), ("--ipc", "ipc"), ("--uts", "uts"), ("--cgroupns", "cgroup"), ("--userns", "user")]
    {
        let option = format!("{option}=container:web");
        assert_eq!(show(&[&option], kind), theirs(kind), "{option}");
        // Only there has it any right over them.
        assert_eq!(show(&[&option], "user"), theirs("user"), "{option}");
        assert_ne!(show(&[&option], "mnt"), theirs("mnt"), "{option}");
    }
    let run = sandbox.ok(&[
        "run",
        "--rm",
        "--network=container:web",
        &image,
        "sh",
        "-c",
        "ls -l /proc/self/ns/net; ls /sys/class/net",
    ]);
    assert!(run.contains(&theirs("net")) && run.ends_with("lo\n"), "{run}");
    // POSIX shared memory goes with the IPC namespace, both ways, unless something else is asked for at its place.
    assert_memory_is_shared(&sandbox, &image);
    // It sees the other's processes and no one else's, and ends without them.
    let seen = script(&sandbox, &["--pid=container:web"], &image, "ps -o pid,args");
    assert!(seen.contains("sleep 1000") && seen.lines().count() <= 6, "{seen}");
    let own = nix::unistd::geteuid().to_string();
    assert_eq!(
        script(&sandbox, &["--userns=container:web"], &image, "stat -c %u /bin; cat /proc/self/uid_map | wc -l"),
        "0\n3\n",
        "{own}"
    );
    sandbox.ok(&["exec", &web, "true"]);
    sandbox.fails(
        125,
        &["is joined, and with it its user namespace"],
        &["run", "--rm", "--userns=nomap", "--pid=container:web", &image, "true"],
    );
    sandbox.ok(&["stop", "--time=0", "web"]);
    sandbox.fails(
        125,
        &["web: it is not running", "coracle start web"],
        &["run", "--rm", "--network=none", "--pid=container:web", &image, "true"],
    );
    sandbox.fails(
        125,
        &["no container \"none-such\""],
        &["run", "--rm", "--network=container:none-such", &image, "true"],
    );
    sandbox.ok(&["rm", "--all"]);
    sandbox.assert_no_leaks();
}

#[test]
fn a_user_namespace_is_joined_by_its_path() {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    sandbox.detached(&["--name=web", "--userns=keep-id", "--network=none", &image, "sleep", "1000"]);
    let pid = sandbox.ok(&["inspect", "--format={{.State.Pid}}", "web"]);
    let path = format!("--userns=ns:/proc/{}/ns/user", pid.trim());
    let show = "readlink /proc/self/ns/user; cat /proc/self/uid_map; stat -c '%u %g' /bin /; id -u";
    let theirs = sandbox.ok(&["exec", "--user=0", "web", "sh", "-c", show]);
    assert_eq!(script(&sandbox, &["--user=0", &path], &image, show), theirs);
    assert!(theirs.ends_with("0 0\n0 0\n0\n"), "{theirs}");
    // With a network of its own too, which then belongs to that namespace.
    assert_eq!(script(&sandbox, &[&path], &image, "test -d /sys/class/net/lo && echo there"), "there\n");
    for (path, message) in
        [("/nowhere", "/nowhere"), ("/etc/passwd", "/etc/passwd"), ("/proc/self/ns/user", "container:NAME")]
    {
        let option = format!("--userns=ns:{path}");
        sandbox.fails(125, &[message], &["run", "--rm", "--network=none", &option, &image, "true"]);
    }
    sandbox.ok(&["rm", "--force", "--time=0", "web"]);
}

#[test]
fn the_ids_of_a_name_are_mapped() {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    let show = "cat /proc/self/uid_map /proc/self/gid_map | tr -s ' '; stat -c '%u %g' /bin";
    let name = std::process::Command::new("id").arg("-un").output().expect("run id").stdout;
    let name = String::from_utf8(name).expect("ASCII").trim().to_owned();
    let (engine, _) = maps(&sandbox, &[], &image);
    let map = format!(" 0 1 {}\n", engine[0][2] - 1);
    let option = format!("--subuidname={name}");
    assert_eq!(script(&sandbox, &[&option], &image, show), format!("{map}{map}0 0\n"));
    assert_eq!(
        script(&sandbox, &[&option.replace("subuid", "subgid"), "--user=5:6"], &image, "id -u; id -g"),
        "5\n6\n"
    );
    let own = script(&sandbox, &[&option, "--volume=/etc:/v:ro"], &image, "stat -c %u /v");
    assert_eq!(own, "65534\n", "what is not theirs is nobody's");
    sandbox.fails(125, &["\"none-such\"", "/etc/subuid"], &["run", "--rm", "--subuidname=none-such", &image, "true"]);
    sandbox.fails(125, &["--uidmap"], &["run", "--rm", &option, "--uidmap=0:0:1", &image, "true"]);
}

#[track_caller]
fn assert_memory_is_shared(sandbox: &Sandbox, image: &str) {
    sandbox.ok(&["exec", "web", "sh", "-c", "echo web > /dev/shm/web"]);
    let both = "cat /dev/shm/web; echo guest > /dev/shm/guest; grep -c ' /dev/shm .*nosuid,nodev,noexec.* tmpfs' \
        /proc/self/mountinfo";
    assert_eq!(script(sandbox, &["--ipc=container:web"], image, both), "web\n1\n");
    assert_eq!(sandbox.ok(&["exec", "web", "cat", "/dev/shm/guest"]), "guest\n");
    for options in [&["--ipc=container:web", "--tmpfs=/dev/shm"][..], &["--uts=container:web"]] {
        assert_eq!(script(sandbox, options, image, "ls /dev/shm"), "", "{options:?}");
    }
}

/// Without a pid namespace of its own there is nothing that ends with pid 1 but what the monitor ends.
#[test]
fn all_processes_end_with_a_container_that_shares_the_hosts_pids() {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    let deep = "setsid sh -c 'setsid sleep 4321 & setsid sleep 4322 & exit' & sleep 4323 & echo $$; exec sleep 4324";
    let id = sandbox.detached(&["--pid=host", &image, "sh", "-c", deep]);
    let running = || -> Vec<i64> {
        let line = |pid: &String| std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let is_ours = |pid: &String| String::from_utf8_lossy(&line(pid)).starts_with("sleep\x00432");
        names_in(std::path::Path::new("/proc"))
            .iter()
            .filter(|pid| is_ours(pid))
            .filter_map(|pid| pid.parse().ok())
            .collect()
    };
    until("all of them run", || running().len() == 4);
    sandbox.ok(&["exec", "--detach", &id, "sleep", "4325"]);
    until("the exec runs too", || running().len() == 5);
    sandbox.ok(&["stop", "--time=0", &id]);
    assert_eq!(running(), Vec::<i64>::new());
    sandbox.ok(&["rm", &id]);
    sandbox.assert_no_leaks();
}
