//! `login` and `logout`: what is kept where, by whom, and that nobody else gets to see it.

use crate::pull::serve;
use crate::support::artifact::Artifact;
use crate::support::fake_registry::{Answer, FakeRegistry};
use crate::support::registry::{Door, PASSWORD, Registry, USER};
use crate::support::{Run, Running, Sandbox};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

const INSECURE: &str = "--tls-verify=false";

/// What a helper of the protocol does, with a file for each server; it notes its verbs, and its environment.
const HELPER: &str = r#"#!/bin/sh
dir=$(dirname "$0")
echo "$(basename "$0") $1 $MARK" >>"$dir/log"
question=$(cat)
case $1 in
store) server=$(printf %s "$question" | sed 's/.*"ServerURL":"\([^"]*\)".*/\1/'); printf %s "$question" >"$dir/kept.$(printf %s "$server" | tr /: __)" ;;
get) cat "$dir/kept.$(printf %s "$question" | tr /: __)" 2>/dev/null || { echo 'credentials not found in native keychain'; exit 1; } ;;
erase) rm "$dir/kept.$(printf %s "$question" | tr /: __)" 2>/dev/null || { echo 'credentials not found in native keychain'; exit 1; } ;;
list) printf '{'; for file in "$dir"/kept.*; do [ -e "$file" ] && sed 's/.*"ServerURL":"\([^"]*\)".*/"\1":"me"/' "$file"; done; printf '}' ;;
esac
"#;

pub fn basic(user: &str, password: &str) -> String {
    base64::Engine::encode(&base64::engine::general_purpose::STANDARD, format!("{user}:{password}"))
}

/// A registry that takes this user's password and nothing else.
fn locked() -> FakeRegistry {
    let fake = FakeRegistry::start();
    fake.put("/v2/", "application/json", b"{}");
    fake.require(&format!("Basic {}", basic(USER, PASSWORD)), "Basic realm=\"x\"");
    fake
}

/// Runs with this on standard input.
fn with_input(mut command: std::process::Command, input: &str) -> Run {
    let file = std::env::temp_dir().join(format!("input-{}-{:?}", std::process::id(), std::thread::current().id()));
    std::fs::write(&file, input).expect("write the input");
    command.stdin(std::fs::File::open(&file).expect("open the input"));
    std::fs::remove_file(&file).expect("remove the input");
    Running::start(command).finish()
}

fn sign_in(sandbox: &Sandbox, host: &str, more: &[&str]) -> Run {
    let arguments = [&["login", INSECURE, "-u", USER, "--password-stdin"], more, &[host]].concat();
    with_input(sandbox.command(&arguments), &format!("{PASSWORD}\n"))
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).expect("read the file")).expect("it is JSON")
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("stat the file").permissions().mode() & 0o7777
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path made here is ASCII")
}

fn auth_file(sandbox: &Sandbox) -> PathBuf {
    sandbox.runtime.join("containers/auth.json")
}

#[test]
fn a_login_is_verified_kept_used_and_forgotten() {
    let sandbox = Sandbox::new();
    let Some(registry) = Registry::start(&sandbox.home.join("registry"), Door { tls: true, password: true }) else {
        return;
    };
    let image = Artifact::saying("private");
    registry.put("team/app", Some("v1"), &image);
    let (host, certificates) = (registry.host(), registry.authority());
    let login = |password: &str| {
        let arguments = ["login", "--cert-dir", text(&certificates), "-u", USER, "--password-stdin", &host];
        with_input(sandbox.command(&arguments), password)
    };
    let run = login("wrong");
    run.fails(125, &["invalid username/password", &host]);
    assert!(!auth_file(&sandbox).exists(), "nothing is written before the registry agrees");

    let run = login(PASSWORD);
    assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (0, "Login Succeeded!\n", ""), "{run}");
    assert_eq!(read(&auth_file(&sandbox)), json!({"auths": {&host: {"auth": basic(USER, PASSWORD)}}}));
    assert_eq!(mode(&auth_file(&sandbox)), 0o600);
    assert_eq!(sandbox.ok(&["login", "--get-login", &host]), format!("{USER}\n"));
    let pull = ["pull", "-q", "--cert-dir", text(&certificates), &format!("{host}/team/app:v1")];
    sandbox.ok(&pull);
    let again = sandbox.ok(&["login", "--cert-dir", text(&certificates), &host]);
    assert!(again.contains("Existing credentials are valid. Already logged in to"), "{again}");

    assert_eq!(sandbox.ok(&["logout", &host]), format!("Removed login credentials for {host}\n"));
    assert_eq!(read(&auth_file(&sandbox)), json!({"auths": {}}));
    sandbox.fails(125, &["not logged into", &host], &["logout", &host]);
    sandbox.fails(125, &["not logged into", &host], &["login", "--get-login", &host]);
    sandbox.fails(125, &["(401)"], &pull);
}

#[test]
fn a_namespace_has_credentials_of_its_own_and_other_keys_stay() {
    let (sandbox, fake) = (Sandbox::new(), locked());
    let host = fake.host();
    let file = sandbox.home.join("new/auth.json");
    let other = json!({"auths": {"quay.io": {"auth": "YTpi", "of": "tomorrow"}}, "HttpHeaders": {"X": ["1"]}, "psFormat": "x"});
    std::fs::create_dir(file.parent().expect("it has one")).expect("make the directory");
    std::fs::write(&file, other.to_string()).expect("write the file");
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).expect("chmod");
    let file = text(&file);
    for key in [format!("{host}/team"), host.clone()] {
        let run = sign_in(&sandbox, &key, &["--authfile", file, "-v"]);
        assert_eq!(run.stdout, format!("Used:  {file}\nLogin Succeeded!\n"), "{run}");
    }
    let mut expected = other.clone();
    for key in [format!("{host}/team"), host.clone()] {
        expected["auths"][key] = json!({"auth": basic(USER, PASSWORD)});
    }
    assert_eq!(read(Path::new(file)), expected);
    assert_eq!(mode(Path::new(file)), 0o600, "what was open to others is closed");
    sandbox.ok(&["logout", "--authfile", file, &format!("{host}/team")]);
    assert_eq!(sandbox.ok(&["login", "--get-login", "--authfile", file, &host]), format!("{USER}\n"));
    sandbox.ok(&["logout", "--authfile", file, "--all"]);
    assert_eq!(read(Path::new(file)), json!({"auths": {}, "HttpHeaders": {"X": ["1"]}, "psFormat": "x"}));
    sandbox.fails(125, &["tag or a digest"], &["login", "-u", "x", "-p", "y", &format!("{host}/team:1")]);
}

#[test]
fn dockers_file_is_written_as_docker_writes_it() {
    let (sandbox, fake) = (Sandbox::new(), locked());
    let host = fake.host();
    let docker_file = sandbox.home.join(".docker/config.json");
    let mut command =
        sandbox.command(&["login", "-u", USER, "-p", PASSWORD, INSECURE, &format!("http://{host}/v1/")]);
    command.arg0("/usr/bin/docker");
    let run = Running::start(command).finish();
    assert_eq!((run.code, run.stdout.as_str()), (0, "Login Succeeded\n"), "{run}");
    assert_eq!(read(&docker_file), json!({"auths": {&host: {"auth": basic(USER, PASSWORD)}}}));
    assert!(!auth_file(&sandbox).exists());
    assert_eq!(sandbox.ok(&["login", "--get-login", &host]), format!("{USER}\n"), "podman's way of looking finds it");
    sandbox.fails(125, &["another file has credentials"], &["logout", &host]);
    assert_eq!(sandbox.docker(&["logout", &host]), format!("Removing login credentials for {host}\n"));
    assert_eq!(sandbox.docker(&["logout", &host]), format!("Not logged in to {host}\n"));

    let compatible = sandbox.home.join("compatible.json");
    std::fs::write(&compatible, r#"{"auths":{"https://index.docker.io/v1/":{"auth":"YTpi"}}}"#).expect("write it");
    let compatible = text(&compatible);
    sign_in(&sandbox, &format!("{host}/team"), &["--compat-auth-file", compatible])
        .fails(125, &["part of a registry"]);
    assert_eq!(sign_in(&sandbox, &host, &["--compat-auth-file", compatible]).code, 0);
    assert_eq!(
        sandbox.ok(&["logout", "--compat-auth-file", compatible, "docker.io"]),
        "Removed login credentials for docker.io\n"
    );
    assert_eq!(read(Path::new(compatible))["auths"], json!({&host: {"auth": basic(USER, PASSWORD)}}));
}

#[test]
fn a_password_comes_from_a_secret_too() {
    let (sandbox, fake) = (Sandbox::new(), locked());
    let run = with_input(sandbox.command(&["secret", "create", USER, "-"]), PASSWORD);
    assert_eq!(run.code, 0, "{run}");
    let host = fake.host();
    assert_eq!(sandbox.ok(&["login", INSECURE, "--secret", USER, &host]), "Login Succeeded!\n");
    sandbox.fails(125, &["no user", "--username"], &["login", INSECURE, "--password-stdin", &host]);
    sandbox.ok(&["logout", &host]);
    sandbox.fails(125, &["no terminal", "--password-stdin"], &["login", INSECURE, "-u", USER, &host]);
}

/// A directory on PATH with helpers.
pub fn helpers(sandbox: &Sandbox, names: &[&str]) -> PathBuf {
    let dir = sandbox.home.join("bin");
    std::fs::create_dir_all(&dir).expect("make the directory");
    for name in names {
        let program = dir.join(format!("docker-credential-{name}"));
        std::fs::write(&program, HELPER).expect("write the helper");
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).expect("chmod");
    }
    dir
}

fn with_helpers(sandbox: &Sandbox, arguments: &[&str]) -> std::process::Command {
    let mut command = sandbox.command(arguments);
    let path = std::env::var("PATH").expect("there is a PATH");
    command.env("PATH", format!("{}:{path}", text(&sandbox.home.join("bin")))).env("MARK", "of-the-user");
    command
}

#[test]
fn helpers_keep_what_the_file_says_that_they_keep() {
    let (sandbox, fake) = (Sandbox::new(), locked());
    let host = fake.host();
    serve(&fake, "app", "1", &Artifact::saying("kept by a helper"));
    let dir = helpers(&sandbox, &["one", "all"]);
    let log = || std::fs::read_to_string(dir.join("log")).unwrap_or_default();
    std::fs::create_dir_all(sandbox.home.join(".docker")).expect("make the directory");
    let file = sandbox.home.join(".docker/config.json");
    for (settings, name, after) in [
        (json!({"credHelpers": {&host: "one"}}), "one", json!({})),
        (json!({"credsStore": "all"}), "all", json!({"auths": {&host: {}}})),
    ] {
        std::fs::write(&file, settings.to_string()).expect("write the file");
        std::fs::remove_file(dir.join("log")).unwrap_or_default();
        let file = text(&file);
        let arguments = ["login", INSECURE, "--compat-auth-file", file, "-v", "-u", USER, "--password-stdin", &host];
        let run = with_input(with_helpers(&sandbox, &arguments), PASSWORD);
        assert_eq!(
            run.stdout,
            format!("Used:  credential helper: docker-credential-{name}\nLogin Succeeded!\n"),
            "{run}"
        );
        let mut expected = settings.clone();
        expected.as_object_mut().expect("an object").extend(after.as_object().expect("an object").clone());
        assert_eq!(read(Path::new(file)), expected, "no password in the file");
        let pull = ["pull", "-q", INSECURE, &format!("{host}/app:1")];
        let run = Running::start(with_helpers(&sandbox, &pull)).finish();
        assert_eq!(run.code, 0, "{run}");
        let run = Running::start(with_helpers(&sandbox, &["logout", "--compat-auth-file", file, &host])).finish();
        assert_eq!(run.code, 0, "{run}");
        assert!(!dir.join(format!("kept.{}", host.replace(':', "_"))).exists());
        for verb in ["store", "get", "erase"] {
            assert!(log().contains(&format!("docker-credential-{name} {verb} of-the-user\n")), "{verb}: {}", log());
        }
        let run = Running::start(with_helpers(&sandbox, &pull)).finish();
        run.fails(125, &["(401)"]);
        let arguments = ["logout", "--all", "--compat-auth-file", file];
        assert_eq!(Running::start(with_helpers(&sandbox, &arguments)).finish().code, 0);
    }
    // Without the helper the host that it serves is an error, and no other.
    std::fs::write(&file, json!({"credHelpers": {&host: "absent"}}).to_string()).expect("write the file");
    sandbox.fails(125, &["docker-credential-absent", "not in PATH"], &["pull", INSECURE, &format!("{host}/app:1")]);
}

#[test]
fn d04_a_helper_is_a_name_in_path_and_its_failure_is_no_way_to_another() {
    let (sandbox, fake) = (Sandbox::new(), locked());
    let host = fake.host();
    helpers(&sandbox, &["good"]);
    let canary = sandbox.home.join("canary");
    let evil = format!("#!/bin/sh\ntouch {}\n", text(&canary));
    for place in ["docker-credential-evil", "bin/sub/docker-credential-evil", "docker-credential-"] {
        let program = sandbox.home.join(place);
        std::fs::create_dir_all(program.parent().expect("it has one")).expect("make the directory");
        std::fs::write(&program, &evil).expect("write the program");
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).expect("chmod");
    }
    let file = sandbox.home.join("auth.json");
    let absolute = format!("x/../../{}/docker-credential-evil", text(&sandbox.home));
    for name in [
        "evil",
        "sub/evil",
        "../docker-credential-evil",
        "../../evil",
        &absolute,
        ".",
        "a b",
        "good\n",
        "$(touch canary)",
    ] {
        for settings in [json!({"credHelpers": {&host: name}}), json!({"credsStore": name, "auths": {&host: {}}})] {
            // The file has a password for another host, which must not be tried here.
            let mut settings = settings;
            settings["auths"]["other.example"] = json!({"auth": basic("other", "hosts-password")});
            std::fs::write(&file, settings.to_string()).expect("write the file");
            let mut command =
                with_helpers(&sandbox, &["pull", INSECURE, "--authfile", text(&file), &format!("{host}/app:1")]);
            // Neither the current directory nor an empty part of PATH counts.
            let path = command
                .get_envs()
                .find(|(key, _)| *key == "PATH")
                .and_then(|(_, value)| value)
                .expect("set")
                .to_owned();
            command.env("PATH", format!(":.:{}", path.to_str().expect("text")));
            let run = Running::start(command).finish();
            run.fails(125, &["credential helper"]);
            assert!(!canary.exists(), "{name:?} was run");
        }
    }
    assert!(!fake.has_seen("hosts-password") && !fake.has_seen(&basic("other", "hosts-password")));
    // The control: the canary is what such a program does where it is asked for by right.
    std::fs::rename(sandbox.home.join("docker-credential-evil"), sandbox.home.join("bin/docker-credential-evil"))
        .expect("move");
    std::fs::write(&file, json!({"credHelpers": {&host: "evil"}}).to_string()).expect("write the file");
    let command = with_helpers(&sandbox, &["pull", INSECURE, "--authfile", text(&file), &format!("{host}/app:1")]);
    Running::start(command).finish().fails(125, &["docker-credential-evil"]);
    assert!(canary.exists());
}

#[test]
fn d10_a_file_of_credentials_is_replaced_only_where_it_is_the_users_own() {
    let (sandbox, fake) = (Sandbox::new(), locked());
    let host = fake.host();
    let (target, link) = (sandbox.home.join("dotfiles.json"), sandbox.home.join("link.json"));
    std::fs::write(&target, "{}").expect("write the file");
    std::os::unix::fs::symlink(&target, &link).expect("link");
    assert_eq!(sign_in(&sandbox, &host, &["--authfile", text(&link)]).code, 0);
    assert!(
        link.is_symlink() && read(&target)["auths"][&host]["auth"] == basic(USER, PASSWORD),
        "a link is followed"
    );
    assert_eq!(mode(&target), 0o600);
    let dangling = sandbox.home.join("dangling.json");
    std::os::unix::fs::symlink("/var/tmp/not-there/x", &dangling).expect("link");
    sign_in(&sandbox, &host, &["--authfile", text(&dangling)]).fails(125, &["a link to nothing"]);
    let foreign = sandbox.home.join("foreign.json");
    std::os::unix::fs::symlink("/etc/hostname", &foreign).expect("link");
    let hostname = std::fs::read("/etc/hostname").expect("read it");
    assert_eq!(sign_in(&sandbox, &host, &["--authfile", text(&foreign)]).code, 125);
    assert_eq!(std::fs::read("/etc/hostname").expect("read it"), hostname);
    sign_in(&sandbox, &host, &["--authfile", "/dev/null"]).fails(125, &["no plain file"]);
    for broken in ["[]", r#"{"auths":[]}"#, r#"{"auths":{"#, "null"] {
        let file = sandbox.home.join("broken.json");
        std::fs::write(&file, broken).expect("write the file");
        let run = sign_in(&sandbox, &host, &["--authfile", text(&file)]);
        assert_eq!(run.code, 125, "{broken}: {run}");
        assert_eq!(
            std::fs::read_to_string(&file).expect("read it"),
            broken,
            "what is not understood is not replaced"
        );
        assert!(!run.stderr.contains(PASSWORD), "{run}");
    }
}

#[test]
fn two_logins_at_a_time_are_both_kept() {
    let sandbox = Sandbox::new();
    let registries: Vec<FakeRegistry> = (0..6).map(|_| locked()).collect();
    let running: Vec<Running> = registries
        .iter()
        .map(|fake| Running::start(sandbox.command(&["login", INSECURE, "-u", USER, "-p", PASSWORD, &fake.host()])))
        .collect();
    for running in running {
        let run = running.finish();
        assert_eq!(run.code, 0, "{run}");
    }
    let kept = read(&auth_file(&sandbox));
    assert!(registries.iter().all(|fake| kept["auths"].get(fake.host()).is_some()), "{kept}");
    let dir = auth_file(&sandbox).parent().map(Path::to_owned).expect("it has one");
    assert_eq!(crate::support::names_in(&dir), ["auth.json"], "nothing half written is left");
}

#[test]
fn d02_a_password_that_is_signed_in_with_goes_to_no_foreign_realm() {
    let (sandbox, fake, elsewhere) = (Sandbox::new(), FakeRegistry::start(), FakeRegistry::start());
    elsewhere.rule(|_| Some(Answer::ok(r#"{"token":"x"}"#)));
    let port = elsewhere.host().replace("127.0.0.1:", "");
    fake.require("Bearer x", &format!(r#"Bearer realm="http://localhost:{port}/token",service="s""#));
    let run = sign_in(&sandbox, &fake.host(), &[]);
    assert_eq!(run.code, 125, "{run}");
    for secret in [PASSWORD, &basic(USER, PASSWORD)] {
        assert!(!elsewhere.has_seen(secret) && !run.stderr.contains(secret) && !run.stdout.contains(secret), "{run}");
    }
    assert!(!auth_file(&sandbox).exists());
    // The control: where the realm is the registry's own, it is asked with the password.
    let own = FakeRegistry::start();
    own.put("/v2/", "application/json", b"{}");
    let token = format!("/token?service=s&account={USER}");
    own.put(&token, "application/json", br#"{"token":"ticket"}"#);
    own.require("Bearer ticket", &format!(r#"Bearer realm="http://{}/token",service="s""#, own.host()));
    let run = sign_in(&sandbox, &own.host(), &[]);
    assert_eq!(run.code, 0, "{run}");
    assert!(own.has_seen(&basic(USER, PASSWORD)));
}

#[test]
fn d10_no_password_is_in_the_command_line_of_a_helper() {
    let (sandbox, fake) = (Sandbox::new(), locked());
    let dir = helpers(&sandbox, &[]);
    let program = dir.join("docker-credential-spy");
    let spy = "#!/bin/sh\ntr '\\0' ' ' </proc/$$/cmdline >\"$(dirname \"$0\")/spied\"\nenv >>\"$(dirname \"$0\")/spied\"\n[ \"$1\" = store ] || echo 'credentials not found in native keychain'\ncat >/dev/null\n[ \"$1\" = store ]\n";
    std::fs::write(&program, spy).expect("write the helper");
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).expect("chmod");
    let file = sandbox.home.join("auth.json");
    std::fs::write(&file, json!({"credsStore": "spy"}).to_string()).expect("write the file");
    let host = fake.host();
    let arguments = ["login", INSECURE, "--authfile", text(&file), "-u", USER, "--password-stdin", &host];
    let mut command = with_helpers(&sandbox, &arguments);
    command.stderr(Stdio::null());
    let run = with_input(command, PASSWORD);
    assert_eq!(run.code, 0, "{run}");
    let spied = std::fs::read_to_string(dir.join("spied")).expect("it was run");
    assert!(spied.contains("store") && spied.contains("MARK=of-the-user") && !spied.contains(PASSWORD), "{spied}");
}
