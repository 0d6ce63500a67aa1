//! registries.conf: where a pull goes, what a short name means, and what its files cannot do.

use crate::login::basic;
use crate::pull::serve;
use crate::support::artifact::Artifact;
use crate::support::fake_registry::{Answer, FakeRegistry};
use crate::support::{Run, Running, Sandbox};
use std::path::PathBuf;

/// A sandbox with one file of settings, instead of what the machine has.
struct Scene {
    sandbox: Sandbox,
    file: PathBuf,
}

impl Scene {
    fn new(text: &str) -> Self {
        let sandbox = Sandbox::new();
        let scene = Self { file: sandbox.home.join("registries.conf"), sandbox };
        scene.write(text);
        scene
    }

    fn write(&self, text: &str) {
        std::fs::write(&self.file, text).expect("write the file");
    }

    fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = self.sandbox.command(arguments);
        command.env("CONTAINERS_REGISTRIES_CONF", &self.file);
        command
    }

    fn run(&self, arguments: &[&str]) -> Run {
        Running::start(self.command(arguments)).finish()
    }

    fn ok(&self, arguments: &[&str]) -> String {
        let run = self.run(arguments);
        assert_eq!(run.code, 0, "{run}");
        run.stdout
    }
}

fn insecure(fake: &FakeRegistry) -> String {
    format!("[[registry]]\nlocation=\"{}\"\ninsecure=true\n", fake.host())
}

#[test]
fn a_registry_is_insecure_only_where_the_file_says_so() {
    let fake = FakeRegistry::start();
    serve(&fake, "app", "1", &Artifact::saying("insecure"));
    let scene = Scene::new(&insecure(&fake));
    let name = format!("{}/app:1", fake.host());
    scene.ok(&["pull", "-q", &name]);
    scene.run(&["pull", "-q", "--tls-verify", &name]).fails(125, &["TLS"]);
    scene.write("");
    scene.run(&["pull", "-q", &name]).fails(125, &["TLS"]);
    scene.write(&format!("[[registry]]\nlocation=\"{}\"\nblocked=true\n", fake.host()));
    let before = fake.requests().len();
    scene.run(&["login", "-u", "x", "-p", "y", &fake.host()]).fails(125, &["is blocked in registries.conf"]);
    for verify in [&[][..], &["--tls-verify=false"]] {
        scene.run(&[&["pull", "-q"], verify, &[&name]].concat()).fails(125, &["is blocked in registries.conf"]);
    }
    assert_eq!(fake.requests().len(), before, "what is blocked is not spoken to");
}

#[test]
fn mirrors_are_tried_first_and_each_that_fails_is_named() {
    let (first, second, own) = (FakeRegistry::start(), FakeRegistry::start(), FakeRegistry::start());
    let image = Artifact::saying("from somewhere");
    let text = format!(
        "[[registry]]\nprefix=\"far.example/team\"\nlocation=\"{}/moved\"\ninsecure=true\n\
         [[registry.mirror]]\nlocation=\"{}/one\"\ninsecure=true\n\
         [[registry.mirror]]\nlocation=\"{}\"\ninsecure=true\n",
        own.host(),
        first.host(),
        second.host()
    );
    let scene = Scene::new(&text);
    let pull = ["pull", "-q", "--retry=0", "far.example/team/app:1"];
    let run = scene.run(&pull);
    let places = [
        format!("{}/one/app:1", first.host()),
        format!("{}/app:1", second.host()),
        format!("{}/moved/app:1", own.host()),
    ];
    run.fails(125, &[&places[0], &places[1], &places[2], "(404)"]);
    serve(&own, "moved/app", "1", &image);
    scene.ok(&pull);
    assert_eq!(scene.ok(&["run", "--rm", "--pull=never", "far.example/team/app:1"]), "from somewhere");
    assert!(scene.ok(&["images", "--format", "{{.Repository}}"]).contains("far.example/team/app"));
    // The mirror's layer is broken: the next place has it.
    scene.ok(&["rmi", "far.example/team/app:1"]);
    serve(&second, "app", "1", &image);
    second.fail("/blobs/", usize::MAX, Answer::ok("lies"));
    scene.ok(&pull);
    scene.ok(&["rmi", "far.example/team/app:1"]);
    serve(&first, "one/app", "1", &image);
    let before = (second.requests().len(), own.requests().len());
    scene.ok(&pull);
    assert_eq!((second.requests().len(), own.requests().len()), before, "the first mirror has it all");
}

#[test]
fn d01_a_mirror_gets_its_own_credentials_and_no_others() {
    let (mirror, own) = (FakeRegistry::start(), FakeRegistry::start());
    serve(&own, "app", "1", &Artifact::saying("private"));
    let [for_own, for_mirror] = ["own", "mirror"].map(|name| basic(name, &format!("secret-of-{name}")));
    own.require(&format!("Basic {for_own}"), "Basic realm=\"x\"");
    mirror.require(&format!("Basic {for_mirror}"), "Basic realm=\"x\"");
    let text = format!(
        "[[registry]]\nlocation=\"{}\"\ninsecure=true\n[[registry.mirror]]\nlocation=\"{}\"\ninsecure=true\n",
        own.host(),
        mirror.host()
    );
    let scene = Scene::new(&text);
    let name = format!("{}/app:1", own.host());
    scene.ok(&["pull", "-q", "--creds", "own:secret-of-own", &name]);
    assert!(own.has_seen(&for_own) && !mirror.has_seen(&for_own), "--creds are for the registry that is named");
    let file = scene.sandbox.home.join("auth.json");
    let entry = |host: String, auth: &str| format!(r#""{host}":{{"auth":"{auth}"}}"#);
    let entries = [entry(own.host(), &for_own), entry(mirror.host(), &for_mirror)].join(",");
    std::fs::write(&file, format!(r#"{{"auths":{{{entries}}}}}"#)).expect("write the file");
    scene.ok(&["pull", "-q", "--authfile", file.to_str().expect("text"), &name]);
    assert!(mirror.has_seen(&for_mirror), "the control: its own it gets");
    assert!(!mirror.has_seen(&for_own) && !own.has_seen(&for_mirror));
}

#[test]
fn a_short_name_is_an_alias_or_one_of_those_searched() {
    let (first, second) = (FakeRegistry::start(), FakeRegistry::start());
    let both = format!("{}{}", insecure(&first), insecure(&second));
    let search = format!("unqualified-search-registries=[\"{}\",\"{}\"]\n", first.host(), second.host());
    serve(&second, "app", "latest", &Artifact::saying("second"));
    serve(&second, "team/other", "3", &Artifact::saying("other"));
    let aliases = format!("[aliases]\nthing=\"{}/team/other\"\n", second.host());
    let scene = Scene::new(&format!("{search}{both}{aliases}"));
    scene.ok(&["pull", "-q", "app"]);
    assert_eq!(scene.ok(&["run", "--rm", "--pull=never", "app"]), "second", "it is found again by the short name");
    scene.ok(&["pull", "-q", "thing:3"]);
    assert_eq!(scene.ok(&["run", "--rm", "--pull=never", "thing:3"]), "other");
    let run = scene.run(&["pull", "-q", "nothing"]);
    run.fails(125, &[&format!("{}/nothing:latest", first.host()), &format!("{}/nothing:latest", second.host())]);
    // What was made here is meant first.
    scene.ok(&["tag", "thing:3", "localhost/app"]);
    assert_eq!(scene.ok(&["run", "--rm", "--pull=never", "app"]), "other");
    scene.ok(&["untag", "localhost/app:latest", "localhost/app:latest"]);

    // The user's own file and its drop-ins; a later one takes the place of an earlier.
    let dir = scene.sandbox.home.join(".config/containers");
    std::fs::create_dir_all(dir.join("registries.conf.d")).expect("make the directory");
    std::fs::write(dir.join("registries.conf"), "unqualified-search-registries=[\"127.0.0.1:1\"]\n").expect("write");
    std::fs::write(dir.join("registries.conf.d/10.conf"), &both).expect("write");
    std::fs::write(dir.join("registries.conf.d/20.conf"), &search).expect("write");
    std::fs::write(dir.join("registries.conf.d/30.off"), "this is [no TOML").expect("write");
    scene.sandbox.ok(&["pull", "-q", "app"]);
    std::fs::write(dir.join("registries.conf.d/30.conf"), "this is [no TOML").expect("write");
    scene.sandbox.fails(125, &["30.conf", "line 1"], &["pull", "-q", "app"]);
}

#[test]
fn d11_a_short_name_becomes_nobody_elses() {
    let (first, second) = (FakeRegistry::start(), FakeRegistry::start());
    serve(&first, "app", "latest", &Artifact::saying("squatted"));
    serve(&second, "app", "latest", &Artifact::saying("meant"));
    let text = format!(
        "short-name-mode=\"enforcing\"\nunqualified-search-registries=[\"{}\",\"{}\"]\n{}{}",
        first.host(),
        second.host(),
        insecure(&first),
        insecure(&second)
    );
    let scene = Scene::new(&text);
    scene.run(&["pull", "-q", "app"]).fails(125, &["is short for", &first.host(), &second.host()]);
    assert_eq!(first.requests().len() + second.requests().len(), 0, "nobody is asked before it is clear who");
    // The control: where all are to be tried, the first wins.
    scene.write(&text.replace("enforcing", "disabled"));
    scene.ok(&["pull", "-q", "app"]);
    assert_eq!(scene.ok(&["run", "--rm", "--pull=never", "app"]), "squatted");
    scene.write("unqualified-search-registries=[]\n");
    scene.run(&["pull", "-q", "other"]).fails(125, &["short name", "docker.io/library/other"]);
    // docker knows of none but its own, which is not there.
    scene.write(&text);
    let mut command = scene.command(&["pull", "-q", "--retry=0", "app"]);
    std::os::unix::process::CommandExt::arg0(&mut command, "/usr/bin/docker");
    command.env("https_proxy", "http://127.0.0.1:1");
    Running::start(command).finish().fails(125, &["registry-1.docker.io"]);
}

#[test]
fn a_registries_conf_that_is_wrong_names_its_mistake() {
    let scene = Scene::new("");
    let long = format!("unqualified-search-registries=[{}]", "\"a.example\",".repeat(100));
    for (text, said) in [
        ("[[registry]]\nlocation=\"http://a.example\"", "URL"),
        ("[[registry]]\nprefix=\"a.example\"", "no location"),
        ("[[registry]]\nlocation=\"a.example/../../etc\"", "no name"),
        ("[[registry]]\nlocation=\"169.254.169.254@a.example\"", "does not begin with a host"),
        ("short-name-mode=\"all\"", "use enforcing"),
        ("[aliases]\nx=\"y\"", "without a registry"),
        ("[aliases]\nx=1", "line 2"),
        ("credential-helpers=[\"../evil\"]", "not the name of a credential helper"),
        (&long, "at most"),
    ] {
        scene.write(text);
        scene.run(&["pull", "-q", "a.example/x"]).fails(125, &[said]);
    }
    scene.write(&"#".repeat(2 << 20));
    scene.run(&["pull", "-q", "a.example/x"]).fails(125, &["more than"]);
    std::fs::remove_file(&scene.file).expect("remove it");
    scene.run(&["pull", "-q", "a.example/x"]).fails(125, &["registries.conf", "no such file"]);
}

#[test]
fn helpers_of_registries_conf_are_asked_in_their_order() {
    let fake = FakeRegistry::start();
    serve(&fake, "app", "1", &Artifact::saying("helped"));
    fake.put("/v2/", "application/json", b"{}");
    fake.require(&format!("Basic {}", basic("me", "pass")), "Basic realm=\"x\"");
    let scene = Scene::new(&format!("credential-helpers=[\"mine\",\"containers-auth.json\"]\n{}", insecure(&fake)));
    let name = format!("{}/app:1", fake.host());
    let with_path = |arguments: &[&str]| {
        let mut command = scene.command(arguments);
        let path = std::env::var("PATH").expect("there is a PATH");
        command.env("PATH", format!("{}:{path}", crate::login::helpers(&scene.sandbox, &["mine"]).display()));
        Running::start(command).finish()
    };
    with_path(&["pull", "-q", &name]).fails(125, &["(401)"]);
    let run = with_path(&["login", "-v", "-u", "me", "-p", "pass", &fake.host()]);
    assert!(run.stdout.contains("credential helper: docker-credential-mine"), "{run}");
    assert_eq!(with_path(&["pull", "-q", &name]).code, 0);
    assert_eq!(with_path(&["logout", "--all"]).code, 0);
    with_path(&["pull", "-q", &name]).fails(125, &["(401)"]);
    // One that is missing is an error only where nobody else knows.
    scene.run(&["pull", "-q", &name]).fails(125, &["docker-credential-mine is not in PATH"]);
    let file = scene.sandbox.runtime.join("containers/auth.json");
    let entry = format!(r#"{{"auths":{{"{}":{{"auth":"{}"}}}}}}"#, fake.host(), basic("me", "pass"));
    std::fs::create_dir_all(file.parent().expect("it has one")).expect("make the directory");
    std::fs::write(&file, entry).expect("write the file");
    scene.ok(&["pull", "-q", &name]);
}
