//! `ps`, `inspect`, `images`, `info`, `version` and `system check`: what is shown, in podman's words.

use crate::support::{Run, Sandbox, names_in};
use serde_json::Value;
use std::io::Read;
use std::os::fd::AsFd;

/// One container that runs, one that has ended with 3, and one that was never started.
fn three() -> Sandbox {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    sandbox.ok(&[
        "run",
        "-d",
        "--network",
        "none",
        "--name",
        "runs",
        "--label",
        "tier=front",
        &image,
        "sleep",
        "1000",
    ]);
    let run = sandbox.coracle(&["run", "--network", "none", "--name", "ended", &image, "sh", "-c", "exit 3"]);
    assert_eq!(run.code, 3, "{run}");
    let volume = ["--volume", "data:/data", "--tmpfs", "/t:size=1m"];
    let rest = [
        "--name",
        "fresh",
        "--network",
        "none",
        "--label",
        "tier=back",
        &image,
        "echo",
        "a",
        "very",
        "long",
        "command",
    ];
    sandbox.ok(&[&["create"], &volume[..], &rest[..]].concat());
    sandbox
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// An error is one line on standard error, and the exit code of the engine's own failures.
fn fails(sandbox: &Sandbox, arguments: &[&str], says: &[&str]) -> Run {
    let run = sandbox.coracle(arguments);
    assert_eq!((run.code, run.stderr.lines().count()), (125, 1), "{run}");
    for text in says {
        assert!(run.stderr.contains(text), "{text:?} is missing: {run}");
    }
    run
}

#[test]
fn ps_shows_what_runs_and_with_all_the_rest() {
    let sandbox = three();
    let table = sandbox.ok(&["ps"]);
    let rows = lines(&table);
    assert_eq!(rows.len(), 2, "{table}");
    assert!(rows[0].starts_with("CONTAINER ID  IMAGE                     COMMAND     CREATED"), "{table}");
    assert!(rows[1].contains("localhost/busybox:latest  sleep 1000") && rows[1].ends_with("runs"), "{table}");
    let table = sandbox.ok(&["ps", "--all", "--noheading"]);
    let rows = lines(&table);
    assert_eq!(rows.len(), 3, "{table}");
    assert!(rows[0].contains("Up ") && rows[1].contains("Exited (3) "), "{table}");
    assert!(rows[2].contains("echo a very long ...") && rows[2].contains("Created"), "{table}");
    let quiet = sandbox.ok(&["container", "ls", "-aq"]);
    assert!(lines(&quiet).iter().all(|id| id.len() == 12) && lines(&quiet).len() == 3, "{quiet}");
    assert_eq!(lines(&sandbox.ok(&["ps", "-q", "--no-trunc"]))[0].len(), 64);
    assert_eq!(sandbox.ok(&["ps", "--latest", "--format", "{{.Names}}"]), "fresh\n");
    assert_eq!(sandbox.ok(&["ps", "-n", "2", "--format", "{{.Names}}"]), "ended\nfresh\n");
    assert_eq!(sandbox.ok(&["ps", "-a", "--sort", "names", "--format", "{{.Names}}"]), "ended\nfresh\nruns\n");
}

#[test]
fn ps_filters_as_documented() {
    let sandbox = three();
    let table = [
        (&["name=un"][..], "runs\n"),
        (&["name=^run", "name=^fresh$"], "runs\nfresh\n"),
        (&["name=^un"], ""),
        (&["label=tier"], "runs\nfresh\n"),
        (&["label=tier", "label=tier=back"], "fresh\n"),
        (&["label!=tier"], "ended\n"),
        (&["status=exited"], "ended\n"),
        (&["status=running", "status=created"], "runs\nfresh\n"),
        (&["status=paused"], ""),
        (&["exited=3"], "ended\n"),
        (&["exited=0"], ""),
        (&["ancestor=busybox"], "runs\nended\nfresh\n"),
        (&["ancestor=localhost/busybox:latest", "name=s$"], "runs\n"),
        (&["ancestor=other"], ""),
        (&["before=fresh"], "runs\nended\n"),
        (&["since=runs"], "ended\nfresh\n"),
        (&["volume=data"], "fresh\n"),
        (&["volume=/data"], "fresh\n"),
        (&["volume=data:/data"], "fresh\n"),
        (&["volume=data:/other"], ""),
        (&["name=^r.n"], "runs\n"),
        (&["name=/fresh"], "fresh\n"),
        (&["label=ti*=back"], "fresh\n"),
        (&["label=tier="], "runs\nfresh\n"),
        (&["ancestor=^localhost/bus"], "runs\nended\nfresh\n"),
        (&["command=^ech"], "fresh\n"),
        (&["command=very"], ""),
        (&["id=.*", "name=runs"], "runs\n"),
        (&["until=1h"], ""),
        (&["until=2090-01-01"], "runs\nended\nfresh\n"),
        (&["restart-policy=always"], ""),
        (&["restart-policy=no"], "runs\nended\nfresh\n"),
        (&["pod=x"], ""),
        (&["annotation=x"], ""),
        (&["network=none", "exited=3"], "ended\n"),
        (&["network=host"], ""),
    ];
    for (filters, expected) in table {
        let filters = filters.iter().flat_map(|filter| ["--filter", filter]);
        let arguments: Vec<&str> = ["ps", "-a", "--format", "{{.Names}}"].into_iter().chain(filters).collect();
        assert_eq!(sandbox.ok(&arguments), expected, "{arguments:?}");
    }
    // A status asks for all, whether they run or not.
    assert_eq!(sandbox.ok(&["ps", "-f", "status=exited", "--format", "{{.Names}}"]), "ended\n");
    fails(&sandbox, &["ps", "--filter", "colour=red"], &["unknown filter \"colour\"", "ancestor", "volume"]);
    fails(&sandbox, &["ps", "--filter", "staus=running"], &["did you mean status?"]);
    fails(&sandbox, &["ps", "--filter", "name"], &["KEY=VALUE"]);
    fails(&sandbox, &["ps", "--filter", "status=asleep"], &["running"]);
    fails(&sandbox, &["ps", "--filter", "name=a["], &["regular expression", "a["]);
    fails(&sandbox, &["ps", "--sort", "colour"], &["names"]);
    fails(&sandbox, &["ps", "more"], &["unexpected argument"]);
}

#[test]
fn ps_prints_by_templates_and_as_json() {
    let sandbox = three();
    let list = json(&sandbox.ok(&["ps", "-a", "--format", "json"]));
    let container = &list[1];
    assert_eq!(
        (&container["Names"][0], &container["State"], &container["ExitCode"]),
        (&"ended".into(), &"exited".into(), &3.into())
    );
    assert_eq!((&container["Exited"], &container["Pid"]), (&true.into(), &0.into()));
    assert_eq!(container["Id"].as_str().map(str::len), Some(64));
    assert!(list[0]["Pid"].as_i64().is_some_and(|pid| pid > 1), "{list}");
    let text =
        sandbox.ok(&["ps", "--format", r#"{{.ID}} {{.State}} {{.Label "tier"}} {{.Command}} {{len .ImageID}}"#]);
    assert!(text.ends_with(" running front sleep 1000 12\n"), "{text}");
    let text = sandbox.ok(&["ps", "-a", "--format", "table {{.Names}} {{.ExitCode}}"]);
    assert_eq!(text, "NAMES       EXIT CODE\nruns        0\nended       3\nfresh       0\n");
    fails(&sandbox, &["ps", "--format", "{{.Nmaes}}"], &["Nmaes", "write .Names"]);
    fails(&sandbox, &["ps", "--format", "{{.Names"], &["template"]);
}

#[test]
fn ps_shows_sizes_namespaces_and_pods() {
    let sandbox = three();
    sandbox.ok(&["exec", "runs", "sh", "-c", "head -c 5000 /dev/zero >/made"]);
    let table = sandbox.ok(&["ps", "--size"]);
    assert!(lines(&table)[0].ends_with("NAMES       SIZE"), "{table}");
    assert!(table.contains("5kB (virtual "), "{table}");
    let list = json(&sandbox.ok(&["ps", "-s", "--format", "json"]));
    assert_eq!(list[0]["Size"]["rwSize"], 5000);
    assert_eq!(sandbox.ok(&["ps", "-a", "--sort", "size", "--format", "{{.Names}}"]).lines().last(), Some("runs"));
    let inspected = json(&sandbox.ok(&["inspect", "--size", "runs"]));
    assert_eq!(inspected[0]["SizeRw"], 5000);

    let pid = sandbox.ok(&["inspect", "-f", "{{.State.Pid}}", "runs"]);
    let link = std::fs::read_link(format!("/proc/{}/ns/net", pid.trim())).expect("read the namespace");
    let inode = link.to_string_lossy().trim_start_matches("net:[").trim_end_matches(']').to_owned();
    let table = sandbox.ok(&["ps", "--ns"]);
    assert!(table.contains("CGROUPNS") && table.contains(&inode), "{inode}: {table}");
    assert_eq!(sandbox.ok(&["ps", "--ns", "--format", "{{.NET}}"]).trim(), inode);
    let table = sandbox.ok(&["ps", "-a", "--pod", "--sync", "--external"]);
    assert!(lines(&table)[0].ends_with("POD ID      PODNAME"), "{table}");
    assert_eq!(lines(&sandbox.ok(&["ps", "-a", "-n", "0"])).len(), 4);
    fails(&sandbox, &["ps", "-q", "--size"], &["cannot be used with"]);
}

#[test]
fn docker_lists_in_its_own_words() {
    let sandbox = three();
    let docker = |arguments: &[&str]| sandbox.docker(arguments);
    let table = docker(&["ps", "-a"]);
    assert!(lines(&table)[0].starts_with("CONTAINER ID   IMAGE               COMMAND"), "{table}");
    assert!(table.contains("\"echo a very long co…\""), "{table}");
    let row = json(lines(&docker(&["ps", "-a", "--format", "json"]))[0]);
    assert_eq!((&row["Names"], &row["Command"]), (&"runs".into(), &"\"sleep 1000\"".into()));
    assert!(row["Labels"].as_str().is_some_and(|labels| labels.contains("tier=front")), "{row}");
    assert_eq!(docker(&["ps", "--format", "{{.Label \"tier\"}} {{.LocalVolumes}}"]), "front 0\n");
}

#[test]
fn inspect_shows_containers_and_images() {
    let sandbox = three();
    let all = json(&sandbox.ok(&["inspect", "ended", "fresh", "busybox"]));
    let (ended, fresh, image) = (&all[0], &all[1], &all[2]);
    assert_eq!(ended["Name"], "ended");
    assert_eq!((&ended["Path"], &ended["Args"][1]), (&"sh".into(), &"exit 3".into()));
    assert_eq!((&ended["State"]["Status"], &ended["State"]["ExitCode"]), (&"exited".into(), &3.into()));
    assert_eq!(ended["Image"], image["Id"]);
    assert_eq!(ended["ImageName"], "localhost/busybox:latest");
    assert_eq!(ended["Config"]["StopSignal"], "SIGTERM");
    assert!(ended["EffectiveCaps"].as_array().is_some_and(|caps| caps.contains(&"CAP_CHOWN".into())), "{ended}");
    assert_eq!(fresh["State"]["StartedAt"], "0001-01-01T00:00:00Z");
    assert_eq!((&fresh["Mounts"][0]["Name"], &fresh["Mounts"][0]["RW"]), (&"data".into(), &true.into()));
    assert!(
        fresh["HostConfig"]["Tmpfs"]["/t"].as_str().is_some_and(|options| options.contains("size=1048576")),
        "{fresh}"
    );
    assert_eq!(fresh["Config"]["Labels"]["tier"], "back");
    assert_eq!(image["RepoTags"][0], "localhost/busybox:latest");
    assert_eq!((&image["Os"], &image["RootFS"]["Type"]), (&"linux".into(), &"layers".into()));
    assert!(image["Size"].as_u64().is_some_and(|size| size > 1 << 20), "{image}");

    let text = sandbox.ok(&["inspect", "-f", "{{.Name}} {{.State.Running}} {{json .Config.Cmd}}", "runs", "ended"]);
    assert_eq!(text, "runs true [\"sleep\",\"1000\"]\nended false [\"sh\",\"-c\",\"exit 3\"]\n");
    assert_eq!(sandbox.ok(&["inspect", "--latest", "--format", "{{.Name}}"]), "fresh\n");
    assert_eq!(sandbox.ok(&["container", "inspect", "-f", "{{.HostConfig.NetworkMode}}", "runs"]), "none\n");
    assert_eq!(sandbox.ok(&["image", "inspect", "-f", "{{.Config.Entrypoint}}", "busybox"]), "[]\n");
    let id = sandbox.ok(&["inspect", "-f", "{{.Id}}", "runs"]);
    assert_eq!(sandbox.ok(&["inspect", "-f", "{{.Name}}", &id[..8]]), "runs\n");
}

#[test]
fn inspect_shows_what_it_finds_before_it_fails() {
    let sandbox = three();
    let run =
        fails(&sandbox, &["inspect", "-f", "{{.Name}}", "ended", "nobody", "runs"], &["no such object: \"nobody\""]);
    assert_eq!(run.stdout, "ended\nruns\n", "{run}");
    let run = fails(&sandbox, &["inspect", "nobody"], &["no such object"]);
    assert_eq!(json(&run.stdout), Value::Array(Vec::new()));
    let run = sandbox.coracle(&["inspect", "one", "two"]);
    assert_eq!((run.code, run.stderr.lines().count()), (125, 2), "{run}");
    // So many that they are divided: they come in the order asked for.
    let many: Vec<&str> = ["ended", "runs", "runs"].into_iter().cycle().take(300).collect();
    let run = fails(&sandbox, &[&["inspect"], &many[..], &["nobody"]].concat(), &["no such object: \"nobody\""]);
    let found = json(&run.stdout);
    let names: Vec<&str> =
        found.as_array().expect("an array").iter().filter_map(|one| one["Name"].as_str()).collect();
    assert_eq!(names, many);
    fails(&sandbox, &["container", "inspect", "busybox"], &["no such container"]);
    fails(&sandbox, &["inspect", "--type", "image", "runs"], &["no such image"]);
    fails(&sandbox, &["inspect", "--type", "planet", "runs"], &["volume or network"]);
    fails(&sandbox, &["inspect", "-f", "{{.Stat}}", "runs"], &["write .State"]);
}

#[test]
fn images_lists_every_name() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.ok(&["images"]), "REPOSITORY  TAG         IMAGE ID    CREATED     SIZE\n");
    let image = sandbox.image("busybox");
    sandbox.ok(&["tag", &image, "quay.io/team/box:2"]);
    let table = sandbox.ok(&["images"]);
    let rows = lines(&table);
    assert!(rows[0].starts_with("REPOSITORY         TAG         IMAGE ID      CREATED"), "{table}");
    assert_eq!(rows.len(), 3, "{table}");
    assert!(rows[1].starts_with("quay.io/team/box   2 ") && rows[1].ends_with(" MB"), "{table}");
    let names = |arguments: &[&str]| {
        let all = [&["images", "--format", "{{.Repository}}:{{.Tag}}"], arguments].concat();
        sandbox.ok(&all)
    };
    assert_eq!(names(&["--sort", "repository"]), "localhost/busybox:latest\nquay.io/team/box:2\n");
    assert_eq!(names(&["busybox"]), "localhost/busybox:latest\n");
    assert_eq!(names(&["--filter", "reference=quay.io/*/*", "--sort", "tag"]).lines().count(), 2);
    assert_eq!(names(&["--filter", "dangling=true"]), "");
    assert_eq!(names(&["--filter", "label=test.image=busybox", "--filter", "label!=other"]).lines().count(), 2);
    assert_eq!(names(&["--filter", "since=busybox"]), "");
    assert_eq!(names(&["nothing"]), "");
    let quiet = sandbox.ok(&["image", "ls", "-q"]);
    assert_eq!(lines(&quiet).len(), 1, "{quiet}");
    assert!(sandbox.ok(&["images", "-q", "--no-trunc"]).starts_with("sha256:"));
    assert!(sandbox.ok(&["images", "--digests", "-n"]).contains(" sha256:"));
    let list = json(&sandbox.ok(&["images", "--format", "json"]));
    assert_eq!((list[0]["Names"].as_array().map(Vec::len), &list[0]["Containers"]), (Some(2), &0.into()));
    fails(&sandbox, &["images", "--filter", "colour=red"], &["unknown filter \"colour\"", "reference"]);

    sandbox.ok(&["rmi", "quay.io/team/box:2"]);
    assert_eq!(names(&[]), "localhost/busybox:latest\n");
    // The names that it had are shown, also when it has none.
    let history = |arguments: &[&str]| sandbox.ok(&[&["images", "--format", "{{.History}}"], arguments].concat());
    assert_eq!(history(&[]), "localhost/busybox:latest, quay.io/team/box:2\n");
    sandbox.ok(&["untag", "busybox"]);
    let table = sandbox.ok(&["images", "--history"]);
    assert!(lines(&table)[0].ends_with("  HISTORY"), "{table}");
    assert!(lines(&table)[1].ends_with("  localhost/busybox:latest, quay.io/team/box:2"), "{table}");
    let inspected = sandbox.ok(&["inspect", "--format", "{{.NamesHistory}}", sandbox.ok(&["images", "-q"]).trim()]);
    assert_eq!(inspected, "[localhost/busybox:latest quay.io/team/box:2]\n");
}

#[test]
fn info_and_version_tell_of_the_engine() {
    let sandbox = three();
    let info = json(&sandbox.ok(&["info", "--format", "json"]));
    assert_eq!(
        (&info["store"]["containerStore"]["number"], &info["store"]["containerStore"]["running"]),
        (&3.into(), &1.into())
    );
    assert_eq!(info["store"]["imageStore"]["number"], 1);
    assert_eq!(info["host"]["os"], "linux");
    assert!(info["store"]["graphRoot"].as_str().is_some_and(|root| root.ends_with("/coracle")), "{info}");
    let template =
        "{{.Host.OCIRuntime.Name}} {{.Host.CgroupsVersion}} {{.Store.GraphDriverName}} {{.Version.Version}}";
    let text = sandbox.ok(&["system", "info", "-f", template]);
    assert!(
        text.starts_with("coracle v") && text.ends_with(&format!(" overlay {}\n", env!("CARGO_PKG_VERSION"))),
        "{text}"
    );
    let text = sandbox.ok(&["info"]);
    assert!(text.contains("\nstore:\n") && text.contains("\n  graphDriverName: overlay\n"), "{text}");

    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(sandbox.ok(&["--version"]), format!("coracle version {version}\n"));
    assert_eq!(sandbox.ok(&["-v"]), format!("coracle version {version}\n"));
    let text = sandbox.ok(&["version", "-f", "{{.Client.Version}} {{.Server.Version}} {{.Version}}"]);
    assert_eq!(text, format!("{version} {version} {version}\n"));
    assert_eq!(json(&sandbox.ok(&["version", "-f", "json"]))["Client"]["Version"], version);
    assert!(sandbox.ok(&["version"]).contains(&format!("Version:       {version}\n")));
    fails(&sandbox, &["version", "-f", "{{.Verson}}"], &["write .Version"]);
}

#[test]
fn a_store_that_was_never_used_is_empty_and_whole() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.ok(&["ps", "-aq"]), "");
    assert_eq!(json(&sandbox.ok(&["ps", "--format", "json"])), Value::Array(Vec::new()));
    assert_eq!(json(&sandbox.ok(&["images", "--format", "json"])), Value::Array(Vec::new()));
    assert_eq!(sandbox.ok(&["system", "check"]), "The store is whole\n");
    fails(&sandbox, &["inspect", "--latest"], &["no containers"]);
}

#[test]
fn system_check_finds_damage_and_removes_only_leftovers() {
    let sandbox = three();
    let data = sandbox.data.join("coracle");
    assert_eq!(sandbox.ok(&["system", "check"]), "The store is whole\n");

    // No process has the highest pid that there can be.
    std::fs::create_dir(data.join("tmp").join(format!("{}-0-1", 1 << 22))).expect("leave something in staging");
    let gone = "ab".repeat(32);
    std::os::unix::fs::symlink(format!("../containers/{gone}"), data.join("names/ghost")).expect("leave a name");
    std::fs::create_dir(sandbox.runtime.join("coracle/containers").join(&gone)).expect("leave a directory");
    std::fs::create_dir_all(data.join("layers").join(&gone).join("fs")).expect("leave a layer");
    let info =
        format!(r#"{{"diff_id":"sha256:{gone}","size_bytes":0,"entries":0,"devices_skipped":0,"is_opaque":false}}"#);
    std::fs::write(data.join("layers").join(&gone).join("info.json"), info).expect("describe the layer");
    // As a kill in the middle of `create` or `rm` leaves it.
    std::fs::remove_file(data.join("names/ended")).expect("take a name away");
    let run = sandbox.coracle(&["system", "check"]);
    assert_eq!((run.code, run.stdout.lines().count()), (125, 5), "{run}");
    assert!(run.stdout.lines().all(|line| line.ends_with("--repair")), "{run}");
    let run = sandbox.coracle(&["system", "check", "--repair"]);
    assert_eq!((run.code, run.stdout.lines().count()), (0, 5), "{run}");
    assert!(run.stdout.contains("has lost its name ended; named again\n"), "{run}");
    assert_eq!(sandbox.ok(&["system", "check"]), "The store is whole\n");
    assert_eq!(sandbox.ok(&["ps", "-a", "--format", "{{.Names}}"]), "runs\nended\nfresh\n");

    let manifest = sandbox.ok(&["inspect", "-f", "{{.Digest}}", "busybox"]);
    let blob = data.join("images/blobs/sha256").join(manifest.trim().trim_start_matches("sha256:"));
    std::fs::write(&blob, "rotten").expect("damage a blob");
    let run = sandbox.coracle(&["system", "check", "--repair"]);
    assert_eq!(run.code, 125, "{run}");
    for text in ["is damaged", "image localhost/busybox:latest: "] {
        assert!(run.stdout.contains(text), "{text:?} is missing: {run}");
    }
    assert!(blob.exists());
    let quick = sandbox.coracle(&["system", "check", "--quick"]);
    assert!(quick.code == 125 && quick.stdout.lines().count() < run.stdout.lines().count(), "{quick}");
}

#[test]
fn a_lost_container_is_called_lost() {
    let sandbox = three();
    let monitor = sandbox.ok(&["inspect", "-f", "{{.State.ConmonPid}}", "runs"]);
    kill_and_wait(monitor.trim().parse().expect("a pid"));
    let lost = ["ps", "-a", "--filter", "status=lost", "--format", "{{.Names}}"];
    assert_eq!(sandbox.ok(&lost), "runs\n");
    let table = sandbox.ok(&["ps", "-a", "--filter", "name=runs"]);
    assert!(table.contains("  Lost (started ") && table.contains(" ago)"), "{table}");
    assert_eq!(sandbox.ok(&["inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "runs"]), "stopped 255\n");
    let run = sandbox.coracle(&["system", "check"]);
    assert_eq!(run.code, 125, "{run}");
    assert!(run.stdout.contains("container runs was lost") && run.stdout.contains("coracle start runs"), "{run}");
}

#[test]
fn a_container_whose_monitor_died_while_it_removed_it_is_removed_by_a_repair() {
    let sandbox = three();
    let image = sandbox.image("busybox");
    let run =
        ["run", "-d", "--rm", "--name", "passing", "-v", "/anonymous", "--network", "none", &image, "sleep", "1000"];
    sandbox.ok(&run);
    let monitor = sandbox.ok(&["inspect", "-f", "{{.State.ConmonPid}}", "passing"]);
    kill_and_wait(monitor.trim().parse().expect("a pid"));
    // With its name, it is a lost one like others.
    let run = sandbox.coracle(&["system", "check", "--repair"]);
    assert!(run.code == 125 && run.stdout.contains("container passing was lost"), "{run}");
    std::fs::remove_file(sandbox.data.join("coracle/names/passing"))
        .expect("take the name away, as its monitor does first");
    let run = sandbox.coracle(&["system", "check", "--repair"]);
    assert!(run.code == 0 && run.stdout.contains(" was to be removed at its end; removed\n"), "{run}");
    assert_eq!(sandbox.ok(&["ps", "-a", "--format", "{{.Names}}"]), "runs\nended\nfresh\n");
    assert_eq!(sandbox.ok(&["volume", "ls", "-q"]), "data\n");
    assert_eq!(sandbox.ok(&["system", "check"]), "The store is whole\n");
}

#[test]
fn one_broken_container_does_not_hide_the_others() {
    let sandbox = three();
    let id = sandbox.ok(&["inspect", "-f", "{{.Id}}", "ended"]);
    let config = sandbox.data.join("coracle/containers").join(id.trim()).join("config.json");
    std::fs::write(&config, "{").expect("damage a description");
    let run = sandbox.coracle(&["ps", "-a", "--format", "{{.Names}}"]);
    assert_eq!((run.code, run.stdout.as_str(), run.stderr.lines().count()), (0, "runs\nfresh\n", 1), "{run}");
    let run = sandbox.coracle(&["system", "check"]);
    assert!(run.code == 125 && run.stdout.contains("cannot be read"), "{run}");
    // Nothing that it may use is taken for a leftover.
    assert!(!run.stdout.contains("--repair"), "{run}");
    // The remedy works.
    let (_, remedy) = run.stdout.split_once("coracle unshare ").expect("a remedy is named");
    let words: Vec<&str> = std::iter::once("unshare").chain(remedy.split_whitespace().take(3)).collect();
    sandbox.ok(&words);
    assert!(sandbox.ok(&["system", "check", "--repair"]).contains("the name ended"));
    assert_eq!(sandbox.ok(&["system", "check"]), "The store is whole\n");
}

#[test]
fn a_terminal_is_not_controlled_by_what_is_shown() {
    let sandbox = Sandbox::new();
    let image = sandbox.image("busybox");
    let evil = "\u{1b}]0;title\u{7}\u{202e}";
    let label = format!("evil={evil}");
    sandbox.ok(&["create", "--network", "none", "--name", "evil", "--label", &label, &image, "echo", evil]);
    for arguments in [
        &["ps", "-a", "--no-trunc"][..],
        &["ps", "-a", "--format", "{{.Labels}}"],
        &["inspect", "evil"],
        &["inspect", "-f", "{{.Config.Labels}}", "evil"],
    ] {
        let shown = at_terminal(&sandbox, arguments);
        assert!(
            shown.contains("title") && !shown.contains(['\u{1b}', '\u{7}', '\u{202e}']),
            "{arguments:?}: {shown:?}"
        );
    }
    let text = sandbox.ok(&["inspect", "-f", "{{.Config.Labels.evil}}", "evil"]);
    assert_eq!(text, format!("{evil}\n"), "a program gets it as it is");
}

/// What a command shows at a terminal.
fn at_terminal(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let ends = nix::pty::openpty(None, None).expect("openpty");
    let mut child = sandbox.command(arguments).stdout(ends.slave).spawn().expect("start at a terminal");
    let mut shown = Vec::new();
    // It fails with EIO, and keeps what came before, when the command has closed the other end.
    let _ = std::fs::File::from(ends.master).read_to_end(&mut shown);
    assert!(child.wait().expect("wait").success(), "{arguments:?}");
    String::from_utf8_lossy(&shown).into_owned()
}

/// Kills a process that is not a child, and waits until the kernel has closed its files.
fn kill_and_wait(pid: i32) {
    use nix::poll::{PollFd, PollFlags, poll};
    let pid = rustix::process::Pid::from_raw(pid).expect("a pid is not 0");
    let process = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).expect("open a pidfd");
    rustix::process::pidfd_send_signal(&process, rustix::process::Signal::KILL).expect("kill");
    let ended = poll(&mut [PollFd::new(process.as_fd(), PollFlags::POLLIN)], 10_000_u16).expect("poll");
    assert_eq!(ended, 1, "{pid:?} lives on");
}

#[test]
fn mistakes_are_told_with_what_was_meant() {
    let sandbox = Sandbox::new();
    fails(&sandbox, &["imgaes"], &["did you mean", "images"]);
    fails(&sandbox, &["ps", "--filtr", "a=b"], &["did you mean", "--filter"]);
    fails(&sandbox, &["container", "inspct", "x"], &["did you mean", "inspect"]);
    let help = sandbox.ok(&["--help"]);
    for text in [
        "Containers:\n",
        "Images:\n",
        "  ps          List containers\n",
        "  system      info, events, check, df, prune, reset\n",
    ] {
        assert!(help.contains(text), "{help}");
    }
    assert!(sandbox.ok(&["run", "--help"]).contains("Usage: coracle run [OPTIONS] <IMAGE [COMMAND]>..."));
}

#[test]
fn the_files_of_images_are_shown_behind_the_door() {
    let sandbox = Sandbox::new();
    sandbox.image("busybox");
    sandbox.ok(&[
        "run",
        "--name=c",
        "--network=none",
        "busybox",
        "sh",
        "-c",
        "rm /etc/os-release; echo more > /more",
    ]);
    sandbox.ok(&["commit", "c", "two"]);
    sandbox.fails(125, &["coracle unshare"], &["image", "mount", "busybox"]);
    let coracle = env!("CARGO_BIN_EXE_coracle");
    let inside = |script: &str| sandbox.ok(&["unshare", "sh", "-ec", &script.replace("coracle", coracle)]);
    // Its files are all there, owners included, and are not to be written to; one layer is no other than two.
    let script = "one=$(coracle image mount busybox); two=$(coracle image mount localhost/two); \
        ls $one/etc/os-release $two/bin/busybox; stat -c %u-%a $one/bin/busybox $one; cat $two/more; \
        ! ls $two/etc/os-release 2>/dev/null; ! touch $one/new 2>/dev/null; \
        coracle image mount | grep -c $one; coracle image unmount two; coracle image mount | wc -l; \
        ! coracle image unmount two 2>/dev/null; coracle image unmount --force two; coracle image umount --all; ls $one";
    let id = sandbox.ok(&["images", "--quiet", "--no-trunc", "two"]).trim().replace("sha256:", "");
    let one = sandbox.ok(&["images", "--quiet", "--no-trunc", "busybox"]).trim().replace("sha256:", "");
    let said = inside(script);
    let said: Vec<&str> = said.lines().skip(2).collect();
    assert_eq!(said, ["0-755", "0-755", "more", "1", &id, "1", &id, &one]);
    assert_eq!(names_in(&sandbox.runtime.join("coracle/images")).len(), 2);
    let json: serde_json::Value =
        serde_json::from_str(&inside("coracle image mount two >/dev/null; coracle image mount --format=json"))
            .expect("json");
    assert_eq!(json[0]["id"], id.as_str());
    assert_eq!(json[0]["Repositories"], serde_json::json!(["localhost/two:latest"]));
    assert!(json[0]["mountpoint"].as_str().is_some_and(|place| place.ends_with("/merged")), "{json}");
    // So is a container that was never started, whose root is that of its image.
    sandbox.ok(&["create", "--name=fresh", "--network=none", "busybox"]);
    assert_eq!(inside("cd $(coracle mount fresh); stat -c %u-%a . bin/busybox"), "0-755\n0-755\n");
    // An image that is gone leaves no place where it was shown.
    sandbox.ok(&["rmi", "two"]);
    assert_eq!(names_in(&sandbox.runtime.join("coracle/images")), [one]);
}
