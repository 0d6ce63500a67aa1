//! What only root can take away from an ordinary user: subordinate ids, their helpers, the room on the disk.
//!
//! Each is done in a mount namespace of the test's own, so that nothing else on the machine notices.

use crate::support::names_in;
use crate::support::ordinary::Ordinary;

const RUN: [&str; 6] = ["run", "--rm", "--network", "none", "localhost/busybox:latest", "cat"];

/// Puts a text over a file.
fn over(text: &str, file: &str) -> String {
    format!("f=$(mktemp); printf '{text}' > $f; chmod 644 $f; mount --bind $f {file}; rm $f")
}

#[test]
fn without_subordinate_ids_or_helpers_there_is_one_id_and_one_line_about_it() {
    let Some(engine) = Ordinary::with_image() else { return };
    let name = engine.user.name.clone();
    let usermod = format!("no subordinate ids for {name}: run: sudo usermod --add-subuids");
    for (root_does, words) in [
        (over("", "/etc/subuid"), usermod.as_str()),
        (over("", "/etc/subgid"), usermod.as_str()),
        (over("", "/usr/bin/newuidmap"), "newuidmap is not installed: install the package uidmap"),
        (over("", "/usr/bin/newgidmap"), "newuidmap is not installed: install the package uidmap"),
    ] {
        let run = engine.engine_after(&root_does, &[&RUN[..], &["/proc/self/uid_map"]].concat());
        let map: Vec<&str> = run.stdout.split_whitespace().collect();
        assert_eq!((run.code, map.as_slice()), (0, &["0", "0", "1"][..]), "{run}");
        assert_eq!(run.stderr.lines().count(), 1, "{run}");
        assert!(run.stderr.contains("only your own user id is available") && run.stderr.contains(words), "{run}");
    }
    let user = ["run", "--rm", "--network", "none", "--user", "1000", "localhost/busybox:latest", "true"];
    let run = engine.engine_after(&over("", "/etc/subuid"), &user);
    assert!(run.code == 125 && run.stderr.contains("user 1000:1000 has no id outside"), "{run}");
    let map = engine.run(&[&RUN[..], &["/proc/self/uid_map"]].concat());
    assert_eq!((map.stdout.lines().count(), map.stderr.as_str()), (2, ""), "the full map is back: {map}");
    engine.sandbox.assert_no_leaks();
}

#[test]
fn bad_ranges_are_errors_that_name_the_line() {
    let Some(engine) = Ordinary::with_image() else { return };
    let name = engine.user.name.clone();
    let uid = engine.user.uid;
    for (line, words) in [
        (format!("{name}:many:65536"), "no valid range"),
        (format!("{name}:100000:0"), "no valid range"),
        (format!("{name}:100000:-1"), "no valid range"),
        (format!("{name}:4294967295:65536"), "no valid range"),
        (format!("{uid}:100000:x"), "no valid range"),
        (format!("{name}:0:65536"), "no valid range"),
        (format!("{name}:{uid}:10"), "they overlap other ids"),
        (format!("{name}:100000:10\\n{name}:100005:10"), "they overlap other ids"),
    ] {
        for file in ["/etc/subuid", "/etc/subgid"] {
            let run = engine.engine_after(&over(&format!("{line}\\n"), file), &[&RUN[..], &["/dev/null"]].concat());
            run.fails(125, &["run: ", words]);
        }
    }
    engine.sandbox.assert_no_leaks();
}

#[test]
fn a_helper_without_its_privilege_is_an_error_that_names_the_fix() {
    let Some(engine) = Ordinary::with_image() else { return };
    let helper = "/usr/bin/newuidmap";
    let nosuid = format!("mount --bind {helper} {helper}; mount -o remount,bind,nosuid {helper}");
    let plain = format!("f=$(mktemp); cat {helper} > $f; chmod 755 $f; mount --bind $f {helper}; rm $f");
    for (root_does, words) in [(nosuid, "mount with nosuid"), (plain, "setcap cap_setuid")] {
        let run = engine.engine_after(&root_does, &[&RUN[..], &["/dev/null"]].concat());
        run.fails(125, &["run: ", "map subordinate ids with /usr/bin/newuidmap", words]);
    }
    engine.sandbox.assert_no_leaks();
}

/// A store of so many megabytes, or otherwise limited.
fn small_store(engine: &Ordinary, limit: &str) -> String {
    let (uid, gid, data) = (engine.user.uid, engine.user.gid, engine.sandbox.data.display());
    format!("mount -t tmpfs -o {limit},mode=700,uid={uid},gid={gid} none {data}")
}

#[test]
fn a_load_that_fills_the_disk_leaves_the_store_as_it_was() {
    let Some(engine) = Ordinary::new() else { return };
    let script = "\"$0\" load -q -i \"$1\"; echo code $?; find $XDG_DATA_HOME/coracle/{tmp,layers,images/blobs} -type f | wc -l; \
                  cat $XDG_DATA_HOME/coracle/images/index.json 2>/dev/null | grep -c busybox";
    let words = [engine.program.to_str().expect("ASCII"), engine.archive.to_str().expect("ASCII")];
    let run = engine.after(&small_store(&engine, "size=1m"), &["bash", "-c", script, words[0], words[1]]);
    assert_eq!(run.stdout, "code 125\n0\n0\n", "{run}");
    assert!(run.stderr.lines().count() == 1 && run.stderr.contains("no space left on device"), "{run}");
}

/// What fills a small store: bytes run out first on most disks, and file names where the bytes are many.
const FILLS: [(&str, &str); 2] = [
    ("head -c 40M /dev/zero", "size=9m"),
    ("n=0; while : >$XDG_DATA_HOME/fill-$n; do n=$((n + 1)); done", "size=99m,nr_inodes=2000"),
];

#[test]
fn an_image_can_be_removed_from_a_full_disk() {
    let Some(engine) = Ordinary::new() else { return };
    for (fill, limit) in FILLS {
        let script = format!(
            r#"
            "$0" load -q -i "$1" > /dev/null
            {{ {fill} > $XDG_DATA_HOME/fill; }} 2> /dev/null
            "$0" tag busybox localhost/more 2>&1 | grep -c 'no space left on device'
            "$0" rmi busybox | grep -c ^Deleted
            find $XDG_DATA_HOME/coracle/{{tmp,layers,images/blobs/sha256}} -mindepth 1
            rm $XDG_DATA_HOME/fill*
            "$0" load -q -i "$1" > /dev/null
            "$0" run --rm --network none busybox echo room again
            "$0" system check"#
        );
        let words = [engine.program.to_str().expect("ASCII"), engine.archive.to_str().expect("ASCII")];
        let run = engine.after(&small_store(&engine, limit), &["bash", "-c", &script, words[0], words[1]]);
        assert!(run.stdout == "1\n1\nroom again\nThe store is whole\n", "{fill}: {run}");
    }
}

#[test]
fn on_a_full_disk_containers_are_listed_stopped_and_removed() {
    let Some(engine) = Ordinary::new() else { return };
    for (fill, limit) in FILLS {
        let script = format!(
            r#"
            "$0" load -q -i "$1" > /dev/null
            "$0" run -d --network none --name runs busybox sleep 1000 > /dev/null
            "$0" run -d --network none --name obeys busybox sh -c 'trap "exit 3" TERM; sleep 1000 & wait' > /dev/null
            "$0" create --network none --name fresh busybox true > /dev/null
            printf old | "$0" secret create word - > /dev/null
            "$0" volume create some > /dev/null
            {{ {fill} > $XDG_DATA_HOME/fill; }} 2> /dev/null
            "$0" ps -a --format '{{{{.Names}}}}' | sort | xargs
            "$0" run --rm --network none busybox true 2>&1 | grep -c 'no space left on device'
            "$0" create --network none --name more busybox true 2>&1 | grep -c 'no space left on device'
            "$0" exec runs echo exec
            "$0" volume create more 2>&1 | grep -c 'no space left on device'
            head -c 9000 /dev/zero | "$0" secret create --replace word - 2>&1 | grep -c 'no space left on device'
            "$0" secret inspect --showsecret --format '{{{{.SecretData}}}}' word
            ls $XDG_DATA_HOME/coracle/tmp
            "$0" stop obeys
            "$0" wait obeys
            "$0" inspect --format '{{{{.State.Status}}}} {{{{.State.ExitCode}}}}' obeys
            "$0" volume rm some
            "$0" rm obeys
            "$0" rm fresh
            "$0" rm -f runs
            ls $XDG_DATA_HOME/coracle/{{tmp,containers,names}} | grep -v :
            rm $XDG_DATA_HOME/fill*
            "$0" run --rm --network none busybox echo room again
            "$0" system check"#
        );
        let words = [engine.program.to_str().expect("ASCII"), engine.archive.to_str().expect("ASCII")];
        let run = engine.after(&small_store(&engine, limit), &["bash", "-c", &script, words[0], words[1]]);
        let said = "fresh obeys runs\n1\n1\nexec\n1\n1\nold\nobeys\n3\nexited 3\nsome\nobeys\nfresh\nruns\n\n\nroom again\nThe store is whole\n";
        assert!(run.stdout == said, "{fill}: {run}");
    }
}

#[test]
fn a_commit_or_a_copy_that_fills_the_disk_is_one_error_and_leaves_nothing() {
    let Some(engine) = Ordinary::new() else { return };
    let script = r#"
        cd $HOME
        store() { find $XDG_DATA_HOME/coracle/{tmp,layers,images,names} | sort; }
        "$0" load -q -i "$1" > /dev/null
        "$0" run --network none --name ended busybox sh -c 'echo old > /old; head -c 3000000 /dev/zero > /big'
        "$0" run -d --network none --name runs busybox sh -c 'echo old > /old; sleep 1000 & wait' > /dev/null
        until [ "$("$0" exec runs cat /old)" = old ]; do :; done
        store > before
        "$0" commit ended localhost/committed 2>&1 >/dev/null | grep -c '^coracle: commit: .*no space left on device'
        head -c 20000000 /dev/zero > large
        for into in ended:/ runs:/ ended:/old runs:/old; do
            "$0" cp large $into > out 2>&1
            echo $? $(wc -l < out) $(grep -c '^coracle: cp: copy .*: no space left on device' out)
        done
        "$0" exec runs sh -c 'ls -a /large /.[0-9]* 2> /dev/null; cat /old'
        "$0" cp ended:/old -  | tar -xO
        "$0" diff ended
        store | diff before -
        "$0" cp before runs:/old
        "$0" exec runs cat /old | cmp - before
        "$0" rm -f -a > /dev/null
        "$0" system check"#;
    let words = [engine.program.to_str().expect("ASCII"), engine.archive.to_str().expect("ASCII")];
    let run = engine.after(&small_store(&engine, "size=9m"), &["bash", "-c", script, words[0], words[1]]);
    let copies = "125 1 1\n".repeat(4);
    assert_eq!(run.stdout, format!("1\n{copies}old\nold\nA /big\nA /old\nThe store is whole\n"), "{run}");
}

#[test]
fn a_disk_that_fills_up_stops_no_container() {
    let Some(engine) = Ordinary::new() else { return };
    // The container says more than there is room for; all of it reaches the caller, and its exit code too.
    let script = r#"
        "$0" load -q -i "$1" > /dev/null
        "$0" run --network none --name w busybox sh -c 'head -c 30000000 /dev/zero | tr "\0" x; echo end; exit 6' > $HOME/out
        echo code $?; wc -c < $HOME/out; tail -c 4 $HOME/out
        "$0" run --rm --network none busybox true 2>&1 | grep -c 'no space left on device'
        "$0" rm -f w
        "$0" run --rm --network none busybox echo room again
        ls $XDG_DATA_HOME/coracle/{tmp,containers,names}"#;
    let words = [engine.program.to_str().expect("ASCII"), engine.archive.to_str().expect("ASCII")];
    let run = engine.after(&small_store(&engine, "size=9m"), &["bash", "-c", script, words[0], words[1]]);
    let data = engine.sandbox.data.display();
    let empty: Vec<String> =
        ["containers", "names", "tmp"].iter().map(|name| format!("{data}/coracle/{name}:\n")).collect();
    assert!(run.stdout.starts_with("code 6\n30000004\nend\n1\nw\nroom again\n"), "{run}");
    assert!(empty.iter().all(|name| run.stdout.contains(name)), "{run}");
    assert!(names_in(&engine.sandbox.runtime.join("coracle/containers")).is_empty());
}

/// Fills the mount namespace to what fs.mount-max allows: trees of mounts that double, then smaller and smaller ones.
const MANY_MOUNTS: &str = r#"
    top=$(mktemp -d); mount -t tmpfs none $top; mkdir $top/0; mount -t tmpfs none $top/0
    for n in $(seq 1 20); do
        mkdir $top/$n; mount -t tmpfs none $top/$n; mkdir $top/$n/a $top/$n/b
        { mount --rbind $top/$((n - 1)) $top/$n/a && mount --rbind $top/$((n - 1)) $top/$n/b; } 2>/dev/null || break
    done
    for n in $(seq $n -1 0); do
        for copy in 1 2 3; do mkdir $top/$n-$copy; mount --rbind $top/$n $top/$n-$copy 2>/dev/null || break; done
    done
    "#;

#[test]
fn as_many_mounts_as_there_may_be_are_no_full_disk() {
    let Some(engine) = Ordinary::with_image() else { return };
    let run = engine.engine_after(MANY_MOUNTS, &[&RUN[..], &["/dev/null"]].concat());
    run.fails(125, &["as many mounts as fs.mount-max allows", "sudo sysctl fs.mount-max"]);
    assert!(!run.stderr.contains("free some space"), "{run}");
    engine.sandbox.assert_no_leaks();
}
