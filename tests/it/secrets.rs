//! `secret`, and `run --secret`: values that containers get and nobody else sees.

use crate::support::{Run, Running, Sandbox};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const VALUE: &str = "the-value-of-the-secret";

fn with_secret() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.image("busybox");
    std::fs::write(sandbox.home.join("value"), VALUE).expect("write");
    sandbox.ok(&["secret", "create", "--label", "a=b", "s", "value"]);
    sandbox
}

fn given(sandbox: &Sandbox, arguments: &[&str], input: &[u8]) -> Run {
    let file = sandbox.home.join("input");
    std::fs::write(&file, input).expect("write");
    let mut command = sandbox.command(arguments);
    command.stdin(std::fs::File::open(&file).expect("open"));
    Running::start(command).finish()
}

#[test]
fn a_secret_is_kept_listed_described_and_removed() {
    let sandbox = with_secret();
    let id = sandbox.ok(&["secret", "ls", "-q"]);
    assert!(id.trim().len() == 25 && id.trim().bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    let value = sandbox.data.join("coracle/secrets").join(id.trim()).join("value");
    assert_eq!(std::fs::metadata(&value).expect("the value").permissions().mode() & 0o777, 0o600);
    let described: Value = serde_json::from_str(&sandbox.ok(&["secret", "inspect", "s"])).expect("JSON");
    assert_eq!(described[0]["Spec"]["Name"], "s");
    assert_eq!(described[0]["Spec"]["Driver"]["Name"], "file");
    assert_eq!(described[0]["Spec"]["Labels"], serde_json::json!({"a": "b"}));
    assert!(described[0]["SecretData"].is_null());
    assert_eq!(
        sandbox.ok(&["secret", "inspect", "--showsecret", "-f", "{{.SecretData}}", id.trim()]),
        format!("{VALUE}\n")
    );
    let pretty = sandbox.ok(&["secret", "inspect", "--pretty", "s"]);
    assert!(pretty.starts_with(&format!("ID:                {id}Name:              s\n")), "{pretty}");
    sandbox.fails(125, &["named \"s\" exists", "--replace"], &["secret", "create", "s", "value"]);
    assert_eq!(sandbox.ok(&["secret", "create", "--ignore", "s", "value"]), id);
    assert_eq!(given(&sandbox, &["secret", "create", "--replace", "s", "-"], b"new").code, 0);
    assert_eq!(sandbox.ok(&["secret", "inspect", "--showsecret", "-f", "{{.SecretData}}", "s"]), "new\n");
    assert_eq!(sandbox.ok(&["secret", "create", "--env", "path", "PATH"]).trim().len(), 25);
    assert_eq!(sandbox.ok(&["secret", "ls", "--format", "{{.Name}} {{.Driver}}", "-f", "name=pat"]), "path file\n");
    assert_eq!(sandbox.ok(&["secret", "ls", "--noheading", "--filter", "name=none"]), "");
    sandbox.ok(&["secret", "exists", "s"]);
    assert_eq!(sandbox.coracle(&["secret", "exists", "t"]).code, 1);
    sandbox.fails(125, &["no secret", "\"t\""], &["secret", "rm", "t"]);
    sandbox.ok(&["secret", "rm", "--ignore", "t"]);
    assert_eq!(sandbox.ok(&["secret", "rm", "--all"]).lines().count(), 2);
    assert_eq!(sandbox.ok(&["secret", "ls", "-q"]), "");
}

#[test]
fn a_replacement_that_was_cut_short_leaves_the_new_value() {
    let sandbox = with_secret();
    let secrets = sandbox.data.join("coracle/secrets");
    let id = sandbox.ok(&["secret", "ls", "-q"]);
    let (old, aside) = (secrets.join(id.trim()), sandbox.home.join("aside"));
    copy_files(&old, &aside);
    assert_eq!(given(&sandbox, &["secret", "create", "--replace", "s", "-"], b"new").code, 0);
    // As it is before the older one goes.
    copy_files(&aside, &old);
    assert_eq!(sandbox.ok(&["secret", "ls", "--format", "{{.Name}}"]), "s\n");
    assert_eq!(sandbox.ok(&["secret", "inspect", "--showsecret", "-f", "{{.SecretData}}", "s"]), "new\n");
    sandbox.ok(&["secret", "rm", "s"]);
    assert_eq!(sandbox.ok(&["secret", "ls", "-q"]), "");
    assert!(!old.exists(), "the older one stays");
}

fn copy_files(from: &Path, into: &Path) {
    std::fs::create_dir(into).expect("make a directory");
    for entry in std::fs::read_dir(from).expect("list") {
        let entry = entry.expect("list");
        std::fs::copy(entry.path(), into.join(entry.file_name())).expect("copy");
    }
}

#[test]
fn a_secret_has_bounds() {
    let sandbox = with_secret();
    for (arguments, words) in [
        (&["a/b", "value"][..], &["a/b", "characters"][..]),
        (&["a,b", "value"], &["a,b"]),
        (&["", "value"], &["characters"]),
        (&["big", "missing"], &["missing", "no such file"]),
        (&["--env", "x", "NO_SUCH"], &["NO_SUCH"]),
        (&["--driver", "pass", "x", "value"], &["pass", "file"]),
        (&["--driver-opts", "a=b", "x", "value"], &["no options"]),
    ] {
        sandbox.fails(125, words, &[&["secret", "create"], arguments].concat());
    }
    let create = |bytes: usize| given(&sandbox, &["secret", "create", "--replace", "big", "-"], &vec![b'x'; bytes]);
    assert_eq!(create(512_000).code, 0);
    create(512_001).fails(125, &["512000 bytes"]);
    create(0).fails(125, &["not 0"]);
    sandbox.fails(125, &["no secret", "\"none\""], &["run", "--rm", "--secret", "none", "busybox", "true"]);
}

#[test]
fn a_container_gets_its_secrets_as_files_and_variables() {
    let sandbox = with_secret();
    let script = "stat -c '%a %u %g' /run/secrets/s /etc/mine && cat /run/secrets/s /etc/mine && echo $KEY; touch /run/secrets/x";
    let options = [
        "--secret",
        "s",
        "--secret",
        "s,target=/etc/mine,uid=5,gid=6,mode=0400",
        "--secret",
        "s,type=env,target=KEY",
    ];
    let run = [&["run", "--rm", "--network", "none"], &options[..], &["busybox", "sh", "-c", script]].concat();
    assert_eq!(sandbox.ok(&run), format!("444 0 0\n400 5 6\n{VALUE}{VALUE}{VALUE}\n"));
    let read_only =
        [&["run", "--rm", "--read-only", "--network", "none"], &options[..2], &["busybox", "cat", "/run/secrets/s"]];
    assert_eq!(sandbox.ok(&read_only.concat()), VALUE);
    // It keeps what it was created with.
    sandbox.detached(&[&options[..], &["--name", "c", "busybox", "sleep", "1000"]].concat());
    sandbox.ok(&["secret", "rm", "s"]);
    sandbox.ok(&["stop", "-t", "0", "c"]);
    sandbox.ok(&["start", "c"]);
    assert_eq!(sandbox.ok(&["exec", "c", "sh", "-c", "cat /run/secrets/s; echo $KEY"]), format!("{VALUE}{VALUE}\n"));
    sandbox.ok(&["rm", "-f", "c"]);
    sandbox.assert_no_leaks();
    given(&sandbox, &["secret", "create", "binary", "-"], b"a\0b");
    let fails = ["run", "--rm", "--network", "none", "--secret", "binary,type=env", "busybox", "true"];
    sandbox.fails(125, &["secret binary", "type=mount"], &fails);
}
