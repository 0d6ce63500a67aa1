//! `commit`, `diff` and `export`: exactly what a container has changed, and nothing of the engine's.

use crate::support::random_tree::{self, Random};
use crate::support::{Sandbox, is_alive, names_in, until};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

fn shell(sandbox: &Sandbox, name: &str, script: &str) {
    sandbox.ok(&["exec", "--user=0", name, "sh", "-c", script]);
}

/// What engines put into every container, or may.
const ENGINE: [&str; 10] =
    [".", "etc/hosts", "etc/hostname", "etc/resolv.conf", "run/.containerenv", "dev", "proc", "sys", "run", "etc"];

/// The members of an export but for what the engine makes, by their names and PAX records: all else that their headers
/// say, and what is in them.
fn members(sandbox: &Sandbox, name: &str) -> BTreeMap<Vec<u8>, String> {
    let file = sandbox.home.join(format!("{name}.tar"));
    sandbox.ok(&["export", "--output", file.to_str().unwrap(), name]);
    let archive = std::fs::read(&file).expect("read the export");
    std::fs::remove_file(&file).expect("remove");
    let (mut members, mut records, mut position) = (BTreeMap::new(), Vec::new(), 0);
    loop {
        let header = &archive[position..position + 512];
        if header.iter().all(|byte| *byte == 0) {
            return members;
        }
        let size = std::str::from_utf8(&header[124..135]).expect("digits");
        let size = usize::from_str_radix(size, 8).expect("a size");
        let data = &archive[position + 512..position + 512 + size];
        position += 512 + size.next_multiple_of(512);
        if header[156] == b'x' {
            records = data.to_vec();
            continue;
        }
        let name = header[..100].split(|byte| *byte == 0).next().unwrap_or_default().to_vec();
        let shown = String::from_utf8_lossy(&name).trim_end_matches('/').to_owned();
        if !ENGINE.contains(&shown.as_str()) {
            let key = [name, std::mem::take(&mut records)].concat();
            let digest = Sha256::digest(data);
            members.insert(key, format!("{:?} {:x?}", String::from_utf8_lossy(&header[100..345]), &digest[..8]));
        }
        records.clear();
    }
}

/// Says which members differ, and no more.
#[track_caller]
fn assert_same(found: &BTreeMap<Vec<u8>, String>, expected: &BTreeMap<Vec<u8>, String>, what: &str) {
    let keys: BTreeSet<&Vec<u8>> = found.keys().chain(expected.keys()).collect();
    assert!(keys.len() > 50, "{what}: hardly anything is there");
    for key in keys {
        assert_eq!(found.get(key), expected.get(key), "{what}: {}", String::from_utf8_lossy(key));
    }
}

#[test]
fn a_diff_tells_what_was_done() {
    let sandbox = Sandbox::with_busybox();
    let bind = format!("{}:/data/bind", sandbox.home.display());
    let arguments =
        ["run", "-d", "--name=c", "--network=none", "-v", "kept:/data", "-v", &bind, "busybox", "sleep", "99"];
    sandbox.ok(&arguments);
    // Starting it has changed nothing that is the container's own.
    let diff = || sandbox.ok(&["diff", "c"]);
    assert_eq!(diff(), "");
    let script = "rm /etc/os-release; touch /etc/passwd; mkdir -p /a/b; echo x > /a/b/c; chmod 711 /root; \
        rm -rf /home/app; mkdir /home/app; touch /home/app/new; echo x > /tmp/t; rm /tmp/t; echo x > /data/kept";
    shell(&sandbox, "c", script);
    let expected = "A /a\nA /a/b\nA /a/b/c\nC /etc\nD /etc/os-release\nC /etc/passwd\nC /home\nC /home/app\n\
        A /home/app/new\nC /root\nC /tmp\n";
    assert_eq!(diff(), expected);
    let json: serde_json::Value = serde_json::from_str(&sandbox.ok(&["diff", "--format=json", "c"])).expect("json");
    assert_eq!(json["deleted"], serde_json::json!(["/etc/os-release"]));
    assert_eq!(json["added"], serde_json::json!(["/a", "/a/b", "/a/b/c", "/home/app/new"]));
    sandbox.ok(&["stop", "--time=0", "c"]);
    assert_eq!(sandbox.ok(&["container", "diff", "--latest"]), expected);
    // An image's topmost layer is told alike.
    sandbox.ok(&["commit", "c", "image"]);
    assert_eq!(sandbox.ok(&["image", "diff", "image"]), expected);
    assert!(sandbox.ok(&["diff", "busybox"]).lines().all(|line| line.starts_with("A /")));
    sandbox.fails(125, &["only json"], &["diff", "--format={{.}}", "c"]);
}

#[test]
fn two_containers_or_images_are_compared() {
    let sandbox = Sandbox::with_busybox();
    for (name, script) in [
        ("one", "echo 1 >/both; mkdir -p /d/sub; echo 1 >/d/sub/new; chmod 711 /root; rm /etc/os-release"),
        (
            "two",
            "echo 22 >/both; mkdir -p /gone/sub; touch /gone/sub/x; echo 2 >/etc/only; touch -d @1000 /etc/passwd",
        ),
    ] {
        sandbox.ok(&["run", "-d", "--name", name, "--network=none", "-v=kept:/data", "busybox", "sleep", "99"]);
        shell(&sandbox, name, script);
    }
    let expected = "C /both\nA /d\nA /d/sub\nA /d/sub/new\nC /etc\nD /etc/only\nD /etc/os-release\nC /etc/passwd\n\
        D /gone\nC /root\n";
    assert_eq!(sandbox.ok(&["diff", "one", "two"]), expected);
    sandbox.ok(&["stop", "--time=0", "one"]);
    assert_eq!(sandbox.ok(&["container", "diff", "one", "two"]), expected, "at rest");
    // What the engine has made to mount on is no difference, and an image is as good as a container.
    sandbox.ok(&["run", "--name=three", "--network=none", "-v=kept:/data/deep/er", "busybox", "true"]);
    assert_eq!(sandbox.ok(&["diff", "three", "busybox"]), "");
    assert_eq!(sandbox.ok(&["diff", "busybox", "three"]), "");
    sandbox.ok(&["run", "--name=four", "--userns=keep-id", "--network=none", "busybox", "true"]);
    assert!(
        !sandbox.ok(&["diff", "four", "busybox"]).contains("bin/"),
        "owners are compared as the containers see them"
    );
    let reverse = sandbox.ok(&["diff", "busybox", "one"]);
    assert_eq!(reverse, "D /both\nD /d\nC /etc\nA /etc/os-release\nC /root\n");
    sandbox.ok(&["commit", "one", "one"]);
    assert_eq!(sandbox.ok(&["image", "diff", "busybox", "one"]), reverse);
    sandbox.fails(125, &["busybox"], &["container", "diff", "one", "busybox"]);
}

#[test]
fn what_an_opaque_directory_hides_is_deleted() {
    let sandbox = Sandbox::with_busybox();
    sandbox.ok(&[
        "run",
        "--name=one",
        "--network=none",
        "busybox",
        "sh",
        "-c",
        "mkdir -p /d/sub /d/two; touch /d/a /d/b /d/sub/x /d/two/y",
    ]);
    sandbox.ok(&["commit", "one", "one"]);
    sandbox.ok(&[
        "run",
        "--name=two",
        "--network=none",
        "one",
        "sh",
        "-c",
        "rm -rf /d; mkdir -p /d/sub; touch /d/b /d/sub/z",
    ]);
    let expected = "C /d\nD /d/a\nD /d/two\nC /d/b\nC /d/sub\nD /d/sub/x\nA /d/sub/z\n";
    assert_eq!(sandbox.ok(&["diff", "two"]), expected);
    sandbox.ok(&["commit", "two", "two"]);
    let shown = sandbox.ok(&["run", "--rm", "--network=none", "two", "find", "/d", "-type", "f"]);
    let mut shown: Vec<&str> = shown.lines().collect();
    shown.sort_unstable();
    assert_eq!(shown, ["/d/b", "/d/sub/z"]);
}

#[test]
fn a_random_tree_survives_commit_and_export_and_import() {
    let sandbox = Sandbox::with_busybox();
    for seed in 11..=13 {
        let top = sandbox.home.join("random");
        std::fs::create_dir(&top).expect("mkdir");
        random_tree::make(&top, 120, &mut Random(seed));
        sandbox.ok(&["create", "--name=first", "--network=none", "busybox", "sleep", "99"]);
        sandbox.ok(&["cp", "-a=false", "random", "first:/"]);
        sandbox.ok(&["commit", "first", "first"]);
        sandbox.ok(&["run", "-d", "--name=second", "--network=none", "first", "sleep", "99"]);
        assert_same(&members(&sandbox, "first"), &members(&sandbox, "second"), &format!("seed {seed}"));
        // Now what is in a layer is changed: whiteouts, and directories that hide others.
        let script = "cd /random; i=0; for f in *; do i=$((i+1)); case $((i%4)) in 0) rm -rf -- \"$f\";; \
            1) [ -d \"$f\" ] && rm -rf -- \"$f\" && mkdir -- \"$f\" && touch -- \"$f/new\";; \
            2) chmod 700 -- \"$f\" 2>/dev/null;; esac; done; chown 1000:1000 .; chmod 751 /; true";
        shell(&sandbox, "second", script);
        sandbox.ok(&["commit", "second", "second"]);
        sandbox.ok(&["commit", "--squash", "second", "squashed"]);
        let expected = members(&sandbox, "second");
        for image in ["second", "squashed"] {
            sandbox.ok(&["run", "--name=third", "--network=none", image, "true"]);
            assert_same(&members(&sandbox, "third"), &expected, &format!("{image}, seed {seed}"));
            assert_eq!(sandbox.ok(&["run", "--rm", "--network=none", image, "stat", "-c", "%a", "/"]), "751\n");
            sandbox.ok(&["export", "--output=third.tar", "third"]);
            sandbox.ok(&["import", "third.tar", "imported"]);
            sandbox.ok(&["create", "--name=fourth", "--network=none", "imported", "true"]);
            assert_same(&members(&sandbox, "fourth"), &expected, &format!("import of {image}, seed {seed}"));
            sandbox.ok(&["rm", "third", "fourth"]);
        }
        sandbox.ok(&["rm", "--force", "--time=0", "--all"]);
        std::fs::remove_dir_all(&top).expect("remove");
    }
    sandbox.assert_no_leaks();
}

#[test]
fn a_commit_has_what_was_asked_for() {
    let sandbox = Sandbox::with_busybox();
    let options = "--name=c -v kept:/data -e MINE=1 -p 8080:80 -l a=b -w /tmp";
    let options: Vec<&str> = options.split(' ').collect();
    sandbox.ok(&[&["create"], &options[..], &["busybox", "sh", "-c", "true"]].concat());
    let id = sandbox.ok(&["commit", "--iidfile=id", "--include-volumes", "-a", "me", "-m", "why", "c", "plain"]);
    assert_eq!(std::fs::read_to_string(sandbox.home.join("id")).expect("iidfile"), format!("sha256:{}", id.trim()));
    let inspect = |name: &str| -> serde_json::Value {
        let text = sandbox.ok(&["image", "inspect", name]);
        serde_json::from_str::<serde_json::Value>(&text).expect("json")[0].clone()
    };
    let plain = inspect("plain");
    let config = &plain["Config"];
    assert_eq!(config["Cmd"], serde_json::json!(["sh", "-c", "true"]));
    assert_eq!(config["WorkingDir"], "/tmp");
    assert_eq!(config["Labels"]["a"], "b");
    assert!(config["Volumes"].get("/data").is_some() && config["ExposedPorts"].get("80/tcp").is_some(), "{config}");
    assert!(config["Env"].as_array().expect("a list").contains(&"MINE=1".into()));
    let told = config["Env"].to_string();
    assert!(!told.contains("HOSTNAME") && !told.contains("container="), "{told}");
    assert_eq!((plain["Author"].as_str(), plain["Comment"].as_str()), (Some("me"), Some("why")));
    assert_eq!(plain["RootFS"]["Layers"].as_array().expect("layers").len(), 2);
    let changes =
        ["-c", "CMD [\"a\"]", "-c", "ENTRYPOINT [\"b\"]", "-c", "ENV X=y", "-c", "USER app", "-c", "LABEL c=d"];
    sandbox.ok(&[&["commit", "--format=docker", "--squash"], &changes[..], &["c", "changed"]].concat());
    let changed = inspect("changed");
    assert_eq!(changed["Config"]["Entrypoint"], serde_json::json!(["b"]));
    assert_eq!(changed["Config"]["User"], "app");
    assert_eq!(changed["RootFS"]["Layers"].as_array().expect("layers").len(), 1);
    assert_eq!(changed["ManifestType"], "application/vnd.docker.distribution.manifest.v2+json");
    // Without a name it is there all the same.
    let nameless = sandbox.ok(&["commit", "--quiet", "c"]);
    sandbox.ok(&["image", "inspect", nameless.trim()]);
    sandbox.fails(125, &["format"], &["commit", "--format=x", "c"]);
    sandbox.fails(125, &["RUN"], &["commit", "-c", "RUN x", "c"]);
    assert!(names_in(&sandbox.data.join("coracle/tmp")).is_empty());
}

#[test]
fn a_commit_takes_a_configuration_from_a_file() {
    let sandbox = Sandbox::with_busybox();
    sandbox.ok(&["create", "--name=c", "-e=A=1", "-e=B=1", "--label=l=1", "busybox", "sleep", "99"]);
    let text = r#"{"Env": ["B=2", "C=2"], "Cmd": ["echo", "hi"], "Labels": {"x": "y"}, "User": "1000",
        "ExposedPorts": {"80/tcp": {}}, "Volumes": {"/v": {}}, "StopSignal": "SIGINT", "Unknown": 1}"#;
    std::fs::write(sandbox.home.join("config.json"), text).expect("write");
    sandbox.ok(&["commit", "--config=config.json", "-c=ENV C=3", "c", "image"]);
    let config: serde_json::Value =
        serde_json::from_str(&sandbox.ok(&["inspect", "--format={{json .Config}}", "image"])).expect("json");
    assert_eq!(config["Cmd"], serde_json::json!(["echo", "hi"]));
    assert_eq!((&config["User"], &config["StopSignal"]), (&"1000".into(), &"SIGINT".into()));
    assert_eq!((&config["Labels"]["l"], &config["Labels"]["x"]), (&"1".into(), &"y".into()));
    assert!(config["Volumes"].get("/v").is_some() && config["ExposedPorts"].get("80/tcp").is_some(), "{config}");
    let environment = config["Env"].as_array().expect("a list");
    for entry in ["A=1", "B=2", "C=3"] {
        assert!(environment.contains(&entry.into()), "{entry}: {environment:?}");
    }
    assert!(!environment.contains(&"B=1".into()) && !environment.contains(&"C=2".into()), "{environment:?}");
    std::fs::write(sandbox.home.join("bad.json"), "not json").expect("write");
    sandbox.fails(125, &["bad.json"], &["commit", "--config=bad.json", "c"]);
    sandbox.fails(125, &["missing.json"], &["commit", "--config=missing.json", "c"]);
}

#[test]
fn a_commit_succeeds_though_somebody_unpauses_meanwhile() {
    let sandbox = Sandbox::with_busybox();
    let id = sandbox.ok(&["run", "-d", "--name=c", "--network=none", "busybox", "sleep", "99"]);
    shell(&sandbox, "c", "head -c 20000000 /dev/zero >/large");
    let status = || sandbox.ok(&["inspect", "--format={{.State.Status}}", id.trim()]);
    // Held still in the middle, unless it was done before.
    for _ in 0..20 {
        let commit = sandbox.spawn(&["commit", "--pause", "c", "image"]);
        until("it is paused, or over", || status() == "paused\n" || !is_alive(commit.pid().into()));
        let _ = nix::sys::signal::killpg(nix::unistd::Pid::from_raw(commit.pid()), nix::sys::signal::Signal::SIGSTOP);
        let unpaused = sandbox.coracle(&["unpause", "c"]).code == 0;
        let _ = nix::sys::signal::killpg(nix::unistd::Pid::from_raw(commit.pid()), nix::sys::signal::Signal::SIGCONT);
        let run = commit.finish();
        assert!(run.code == 0 && run.stderr.is_empty(), "{run}");
        if unpaused {
            assert_eq!(
                sandbox.ok(&["run", "--rm", "--network=none", "image", "wc", "-c", "/large"]),
                "20000000 /large\n"
            );
            return;
        }
    }
    panic!("no commit was caught in the middle");
}

#[test]
fn a_commit_pauses_where_it_is_told_to() {
    let sandbox = Sandbox::with_busybox();
    sandbox.ok(&["run", "-d", "--name=c", "--network=none", "busybox", "sleep", "99"]);
    let told = |sandbox: &Sandbox| {
        let events = sandbox.ok(&["events", "--stream=false", "--filter=container=c", "--format={{.Status}}"]);
        events.lines().filter(|line| line.contains("pause")).map(str::to_owned).collect::<Vec<_>>()
    };
    sandbox.ok(&["commit", "c", "plain"]);
    assert!(told(&sandbox).is_empty());
    sandbox.ok(&["commit", "--pause", "c", "paused"]);
    assert_eq!(told(&sandbox), ["pause", "unpause"]);
    // What ends badly leaves it running too, and one at rest is as still as can be.
    shell(&sandbox, "c", "touch /etc/.wh.passwd");
    sandbox.fails(125, &[".wh."], &["commit", "--pause", "c"]);
    assert_eq!(told(&sandbox), ["pause", "unpause", "pause", "unpause"]);
    assert_eq!(sandbox.ok(&["inspect", "--format={{.State.Status}}", "c"]), "running\n");
    shell(&sandbox, "c", "rm /etc/.wh.passwd");
    sandbox.ok(&["stop", "--time=0", "c"]);
    sandbox.ok(&["commit", "--pause", "c", "still"]);
}

#[test]
fn a_name_that_would_be_a_mark_is_refused() {
    let sandbox = Sandbox::with_busybox();
    sandbox.ok(&["run", "--name=c", "--network=none", "busybox", "touch", "/etc/.wh.passwd"]);
    for squash in ["--squash=false", "--squash"] {
        let arguments: Vec<&str> =
            ["commit", squash, "c", "x"].into_iter().filter(|word| *word != "--squash=false").collect();
        sandbox.fails(125, &[".wh."], &arguments);
    }
    assert!(!sandbox.ok(&["images"]).contains("localhost/x"));
    assert!(names_in(&sandbox.data.join("coracle/tmp")).is_empty());
}

#[test]
fn an_export_has_no_mounts_and_no_terminal() {
    let sandbox = Sandbox::with_busybox();
    std::fs::write(sandbox.home.join("outside"), "x").expect("write");
    let bind = format!("{}:/data", sandbox.home.display());
    sandbox.ok(&["run", "-d", "--name=c", "--network=none", "-v", &bind, "--tmpfs=/ram", "busybox", "sleep", "99"]);
    shell(&sandbox, "c", "touch /ram/x /mine; echo 'the engine' > /etc/hosts");
    let list = |sandbox: &Sandbox| {
        let output = sandbox.command(&["export", "c"]).output().expect("run export");
        assert!(output.status.success());
        let mut archive = tar::Archive::new(&output.stdout[..]);
        let path = |entry: std::io::Result<tar::Entry<'_, &[u8]>>| {
            let entry = entry.expect("an entry");
            (entry.path().expect("a path").display().to_string(), entry.size())
        };
        archive.entries().expect("entries").map(path).collect::<BTreeMap<_, _>>()
    };
    let live = list(&sandbox);
    assert!(live.contains_key("mine") && live.contains_key("data/") && live.contains_key("ram/"));
    assert!(!live.keys().any(|path| path.starts_with("data/o") || path == "ram/x" || path.starts_with("proc/1")));
    assert_eq!(live["etc/hosts"], 0);
    sandbox.ok(&["stop", "--time=0", "c"]);
    assert_eq!(list(&sandbox), live);
}
