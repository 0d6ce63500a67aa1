//! `--device`, by path and by CDI name, and the hooks of the operator.

use super::{refused, shell};
use crate::support::image_builder::Image;
use crate::support::{Sandbox, names_in};
use serde_json::json;
use std::path::Path;

#[test]
fn devices_of_the_host_are_there_under_their_names() {
    let sandbox = Sandbox::new();
    sandbox.image("busybox");
    let script = "test -c /dev/named && echo node; head -c 3 /dev/named | wc -c; test -c /dev/zero && echo own";
    assert_eq!(shell(&sandbox, &["--device=/dev/zero:/dev/named:r"], script), "node\n3\nown\n");
    // A directory stands for the nodes in it, a link for what it leads to.
    let nodes = sandbox.home.join("nodes");
    std::fs::create_dir(&nodes).expect("mkdir");
    std::os::unix::fs::symlink("/dev/full", nodes.join("link")).expect("link");
    let link = format!("--device={}:/dev/linked", nodes.join("link").display());
    assert_eq!(shell(&sandbox, &[&link], "test -c /dev/linked && echo node"), "node\n");
    let directory = format!("--device={}", nodes.display());
    refused(&sandbox, &[&directory], &["no device is in"]);
    refused(&sandbox, &["--device=/dev/missing"], &["/dev/missing", "no such file", "ls -l /dev"]);
    refused(&sandbox, &["--device=/etc/passwd"], &["/etc/passwd is not a device", "--volume"]);
    refused(&sandbox, &["--device=/dev/null:/dev/x:q"], &["HOST[:CONTAINER][:rwm]"]);
    refused(&sandbox, &["--device-cgroup-rule=c 1:3 rwm"], &["device rule", "--device"]);
    refused(&sandbox, &["--device-cgroup-rule=nonsense"], &["TYPE MAJOR:MINOR MODE"]);
    // Neither a mount of one's own nor the container's root makes a node.
    assert_eq!(shell(&sandbox, &[], "mknod /n c 1 5 2>/dev/null || echo refused"), "refused\n");
}

/// A directory of specifications, and `run` with it.
fn specified(sandbox: &Sandbox, files: &[(&str, String)], options: &[&str], script: &str) -> crate::support::Run {
    let directory = sandbox.home.join("cdi");
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir(&directory).expect("mkdir");
    for (name, text) in files {
        std::fs::write(directory.join(name), text).expect("write a specification");
    }
    let directory = format!("--cdi-spec-dir={}", directory.display());
    let words = [&[&directory, "run", "--rm", "--network=none"], options, &["busybox", "sh", "-c", script]].concat();
    sandbox.coracle(&words)
}

#[test]
fn a_cdi_name_brings_what_its_specification_says() {
    let sandbox = Sandbox::new();
    sandbox.image("busybox");
    let library = sandbox.home.join("library");
    std::fs::write(&library, "of the vendor\n").expect("write");
    let marker = sandbox.home.join("marker");
    let yaml = format!(
        "cdiVersion: 0.6.0\nkind: acme.com/gpu\ndevices:\n- name: \"0\"\n  containerEdits:\n    env: [GPU=yes, KEPT=vendor]\n    \
         deviceNodes: [{{path: /dev/gpu0, hostPath: /dev/zero, permissions: rw}}]\n- name: all\ncontainerEdits:\n  mounts:\n  \
         - {{hostPath: {}, containerPath: /usr/lib/vendor, options: [ro, nosuid, bind]}}\n  hooks:\n  - hookName: createContainer\n    \
         path: /bin/sh\n    args: [sh, -c, \"cat > {}\"]\n",
        library.display(),
        marker.display(),
    );
    let files = [("acme.yaml", yaml)];
    let script =
        "echo $GPU $KEPT; cat /usr/lib/vendor; echo > /usr/lib/vendor || echo read-only; head -c 2 /dev/gpu0 | wc -c";
    let run = specified(&sandbox, &files, &["--device=acme.com/gpu=0", "--env=KEPT=mine"], script);
    assert_eq!(run.stdout, "yes vendor\nof the vendor\nread-only\n2\n", "{run}");
    let state: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&marker).expect("the hook ran")).expect("JSON");
    assert_eq!((&state["status"], &state["pid"]), (&json!("creating"), &json!(1)));
    specified(&sandbox, &files, &["--device=acme.com/gpu=7"], "true").fails(125, &["no device acme.com/gpu=7"]);
    let twice = [
        files[0].clone(),
        ("b.json", json!({"cdiVersion": "0.6.0", "kind": "acme.com/gpu", "devices": [{"name": "0"}]}).to_string()),
    ];
    specified(&sandbox, &twice, &["--device=acme.com/gpu=0"], "true").fails(125, &["more than one"]);
    let broken = [("c.json", "{".to_owned())];
    specified(&sandbox, &broken, &["--gpus=all"], "true").fails(125, &["nvidia.com/gpu=all", "c.json"]);
    // One that is broken is nobody's business who asks for another.
    let beside = [files[0].clone(), broken[0].clone()];
    assert_eq!(specified(&sandbox, &beside, &["--device=acme.com/gpu=all"], "true").code, 0);
}

/// A hook file that appends to a log which stage it was, what its environment is, where it is, and what it was told.
fn hook(directory: &Path, log: &Path, stages: &[&str], when: &serde_json::Value) {
    for stage in stages {
        let script = format!(
            "{{ echo {stage} $PWD $(/usr/bin/env | /bin/grep -vE '^(PWD|OLDPWD|SHLVL|_)='); /bin/cat; echo; }} >> {}",
            log.display()
        );
        let document = json!({
            "version": "1.0.0", "when": when, "stages": [stage],
            "hook": {"path": "/bin/sh", "args": ["sh", "-c", script], "env": ["OWN=1"], "timeout": 20}
        });
        std::fs::write(directory.join(format!("{stage}.json")), document.to_string()).expect("write a hook");
    }
}

#[test]
fn hooks_run_at_their_stages_with_an_environment_of_their_own() {
    let sandbox = Sandbox::new();
    // A19: what an image says reaches no program of the host.
    let image = Image::new("evil")
        .config("Env", json!(["PATH=/evil:/bin", "LD_PRELOAD=/evil.so", "LD_LIBRARY_PATH=/evil", "OWN=evil"]))
        .config("Labels", json!({"com.example.hook": "yes"}))
        .load(&sandbox);
    let (directory, log) = (sandbox.home.join("hooks"), sandbox.home.join("log"));
    std::fs::create_dir(&directory).expect("mkdir");
    let stages = ["prestart", "createRuntime", "createContainer", "poststart", "poststop"];
    hook(&directory, &log, &stages, &json!({"always": true}));
    let option = format!("--hooks-dir={}", directory.display());
    let run = |options: &[&str]| {
        let words = [&[&option, "run", "--rm", "--network=none"], options, &[&image, "/bin/true"]].concat();
        sandbox.coracle(&words)
    };
    assert_eq!(run(&[]).code, 0);
    let text = std::fs::read_to_string(&log).expect("the hooks ran");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2 * stages.len(), "{text}");
    for (stage, pair) in stages.iter().zip(lines.chunks(2)) {
        assert_eq!(pair[0].trim_end(), format!("{stage} / OWN=1"), "{text}");
        let state: serde_json::Value = serde_json::from_str(pair[1]).expect("the state is JSON");
        assert_eq!(state["id"].as_str().map(str::len), Some(64), "{state}");
        let status = match *stage {
            "poststart" => "running",
            "poststop" => "stopped",
            _ => "creating",
        };
        assert_eq!(state["status"], status);
    }
    // The condition of a hook looks at the user's annotations, not at the image's labels.
    std::fs::remove_file(&log).expect("remove");
    hook(&directory, &log, &stages, &json!({"annotations": {"^com\\.example\\.hook$": "^yes$"}}));
    assert_eq!(run(&[]).code, 0);
    assert!(!log.exists());
    hook(&directory, &log, &stages, &json!({"commands": ["^/bin/true$"]}));
    assert_eq!(run(&[]).code, 0);
    assert!(log.exists());
    // A hook that fails stops the start, and says what it said; one in the container has the container's own confinement.
    for name in names_in(&directory) {
        std::fs::remove_file(directory.join(name)).expect("remove");
    }
    let failing = json!({"version": "1.0.0", "when": {"always": true}, "stages": ["createRuntime"],
        "hook": {"path": "/bin/sh", "args": ["sh", "-c", "echo no more tea >&2; exit 3"]}});
    std::fs::write(directory.join("a.json"), failing.to_string()).expect("write");
    run(&[]).fails(125, &["hook /bin/sh", "exit code 3", "no more tea"]);
    let slow = failing.to_string().replace("exit 3", "sleep 100").replace("\"path\"", "\"timeout\": 1, \"path\"");
    std::fs::write(directory.join("a.json"), slow).expect("write");
    run(&[]).fails(125, &["not done after 1 second"]);
    let inside = json!({"version": "1.0.0", "when": {"always": true}, "stages": ["startContainer"],
        "hook": {"path": "/bin/sh", "args": ["sh", "-c", "umount /proc/kcore 2>/dev/null && echo > /escaped; echo > /inside"]}});
    std::fs::write(directory.join("a.json"), inside.to_string()).expect("write");
    let words = [&option, "run", "--rm", "--network=none", &image, "/bin/sh", "-c", "ls /inside /escaped"];
    assert_eq!(sandbox.coracle(&words).stdout, "/inside\n");
    std::fs::write(directory.join("a.json"), "{}").expect("write");
    run(&[]).fails(125, &["read hook", "a.json"]);
}
