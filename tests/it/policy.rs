//! policy.json: no way in for an image that it does not let in, and `image trust`.

use crate::pull::serve;
use crate::support::artifact::{Artifact, write_directory};
use crate::support::fake_registry::FakeRegistry;
use crate::support::{Run, Running, Sandbox, skip};
use serde_json::{Value, json};

/// A sandbox whose user has a policy: everything comes in but what these scopes say.
struct Scene {
    sandbox: Sandbox,
    registries: String,
}

fn policy(transport: &str, scope: &str, kind: &str) -> Value {
    json!({"default": [{"type": "insecureAcceptAnything"}], "transports": {transport: {scope: [{"type": kind}]}}})
}

impl Scene {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        std::fs::create_dir_all(sandbox.home.join(".config/containers")).expect("make the directory");
        Self { sandbox, registries: String::new() }
    }

    fn write(&self, policy: &Value) {
        let path = self.sandbox.home.join(".config/containers/policy.json");
        std::fs::write(path, policy.to_string()).expect("write the policy");
    }

    fn run(&self, arguments: &[&str]) -> Run {
        let conf = self.sandbox.home.join("registries.conf");
        std::fs::write(&conf, &self.registries).expect("write registries.conf");
        let mut command = self.sandbox.command(arguments);
        command.env("CONTAINERS_REGISTRIES_CONF", conf);
        Running::start(command).finish()
    }

    /// The command is refused because of the policy, and with another works.
    fn refused_only_by(&self, refusing: &Value, said: &str, arguments: &[&str]) {
        self.write(refusing);
        self.run(arguments).fails(125, &["policy.json", said]);
        assert_eq!(self.sandbox.ok(&["images", "-q"]), "", "{arguments:?}");
        self.write(&policy("docker", "unrelated.example", "reject"));
        let run = self.run(arguments);
        assert_eq!(run.code, 0, "the control: {run}");
        self.sandbox.ok(&["rmi", "--all", "--force"]);
    }
}

#[test]
fn d11_a_rejected_scope_is_pulled_by_no_other_way() {
    let (fake, mut scene) = (FakeRegistry::start(), Scene::new());
    let (host, image) = (fake.host(), Artifact::saying("rejected"));
    serve(&fake, "team/app", "1", &image);
    serve(&fake, "team/app", "latest", &image);
    let place = format!("location=\"{host}\"\ninsecure=true\n");
    scene.registries = format!(
        "unqualified-search-registries=[\"{host}\"]\n\
         [[registry]]\n{place}\
         [[registry]]\nprefix=\"moved.example\"\n{place}\
         [[registry]]\nprefix=\"*.wild.example\"\n{place}\
         [[registry]]\nlocation=\"mirrored.example\"\n[[registry.mirror]]\n{place}\
         [aliases]\nthing=\"moved.example/team/app\"\n"
    );
    let digest = format!("{host}/team/app@{}", image.manifest_blob().digest());
    let own = format!("{host}/team/app:1");
    let upper = "MOVED.example/team/app:1";
    let before = fake.requests().len();
    let ways: [(&str, &str); 12] = [
        (&host, &own),
        (&format!("{host}/team"), &own),
        (&format!("{host}/team/app:1"), &own),
        (&format!("{host}/team/app"), &digest),
        (&digest, &digest),
        (&format!("{host}/team"), "team/app:1"),
        ("moved.example", "moved.example/team/app:1"),
        ("Moved.Example:443/team", "moved.example/team/app:1"),
        ("moved.example", "thing"),
        ("moved.example", upper),
        ("*.example", "a.wild.example/team/app:1"),
        ("mirrored.example/team/app", "mirrored.example/team/app:1"),
    ];
    for (scope, name) in ways {
        scene.write(&policy("docker", scope, "reject"));
        for arguments in [&["pull", "-q", name][..], &["create", name], &["run", "--rm", name]] {
            scene.run(arguments).fails(125, &["policy.json rejects it", "scope"]);
        }
        let copy = ["image", "copy", "-q", &format!("docker://{name}"), "containers-storage:x"];
        if name.contains('.') {
            scene.run(&copy).fails(125, &["policy.json rejects it"]);
        }
        assert_eq!(fake.requests().len(), before, "nobody is asked for {name}");
    }
    assert_eq!(scene.sandbox.ok(&["images", "-q"]), "");
    // The control: the scope beside it rejects nothing.
    scene.write(&policy("docker", &format!("{host}/team/ap"), "reject"));
    for (_, name) in ways.into_iter().filter(|(_, name)| *name != upper) {
        let run = scene.run(&["pull", "-q", name]);
        assert_eq!(run.code, 0, "{name}: {run}");
    }
    // What is here already runs.
    scene.write(&policy("docker", "", "reject"));
    assert_eq!(scene.run(&["run", "--rm", "moved.example/team/app:1"]).stdout, "rejected");
    scene.run(&["pull", "-q", &own]).fails(125, &["the default of docker"]);
}

#[test]
fn what_needs_a_signature_is_refused() {
    let (fake, mut scene) = (FakeRegistry::start(), Scene::new());
    serve(&fake, "app", "1", &Artifact::saying("unsigned"));
    let name = format!("{}/app:1", fake.host());
    scene.registries = format!("[[registry]]\nlocation=\"{}\"\ninsecure=true\n", fake.host());
    for (kind, said) in [
        ("signedBy", "no keyType"),
        ("sigstoreSigned", "exactly one of keyPath"),
        ("signedBaseLayer", "nobody can verify"),
    ] {
        scene.refused_only_by(&policy("docker", &fake.host(), kind), said, &["pull", "-q", &name]);
    }
    let mistake = json!({"default": [{"type": "insecureAcceptAnything", "but": 1}]});
    scene.refused_only_by(&mistake, "has no \"but\"", &["pull", "-q", &name]);
    // A file that cannot be read is not one that is not there.
    let path = scene.sandbox.home.join(".config/containers/policy.json");
    std::fs::remove_file(&path).expect("remove the file");
    std::os::unix::fs::symlink("policy.json", &path).expect("make a link to itself");
    scene.run(&["pull", "-q", &name]).fails(125, &["policy.json"]);
    std::fs::remove_file(&path).expect("remove the link");
    // The command line's own file goes over the user's, and must be there.
    scene.write(&policy("docker", "", "reject"));
    let other = scene.sandbox.home.join("other.json");
    let with = format!("--signature-policy={}", other.display());
    scene.run(&["pull", "-q", &with, &name]).fails(125, &["other.json"]);
    std::fs::write(&other, policy("docker", "", "insecureAcceptAnything").to_string()).expect("write the policy");
    assert_eq!(scene.run(&["run", "--rm", &with, &name]).stdout, "unsigned");
}

#[test]
fn archives_and_directories_are_let_in_by_their_transport_and_place() {
    let scene = Scene::new();
    let home = std::fs::canonicalize(&scene.sandbox.home).expect("it is there");
    let image = Artifact::saying("archived");
    std::fs::write(home.join("docker.tar"), image.docker_archive("rejected.example/app:1")).expect("write");
    write_directory(&image.layout("one"), &home.join("below/layout"));
    std::os::unix::fs::symlink("below", home.join("link")).expect("make a link");
    scene.write(&policy("docker", "unrelated.example", "reject"));
    let oci_archive = "oci-archive:oci.tar";
    scene.sandbox.ok(&["image", "copy", "-q", "docker-archive:docker.tar", oci_archive]);
    scene.sandbox.ok(&["image", "copy", "-q", "docker-archive:docker.tar", "dir:below/dir"]);
    let below = home.join("below").display().to_string();
    let file = home.join("oci.tar").display().to_string();
    for (transport, scope, source) in [
        ("docker-archive", "", "docker.tar"),
        ("oci-archive", "", "oci.tar"),
        ("oci-archive", &file, "oci.tar"),
        ("oci", "", "below/layout"),
        ("oci", &below, "below/layout"),
        ("oci", &below, "link/layout"),
        ("dir", "", "below/dir"),
        ("dir", &format!("{below}/dir"), "link/../below/dir"),
    ] {
        scene.refused_only_by(&policy(transport, scope, "reject"), "rejects it", &["load", "-q", "-i", source]);
    }
    // What a place is said to be does not help.
    let refusing = policy("oci-archive", &home.display().to_string(), "reject");
    scene.refused_only_by(&refusing, "rejects it", &["pull", "-q", "docker-archive:oci.tar"]);
    let copy = ["image", "copy", "-q", "docker-archive:oci.tar", "containers-storage:x"];
    scene.refused_only_by(&refusing, "rejects it", &copy);
    // An archive cannot bring what a registry may not give, or not without a signature.
    let mut signed = policy("docker", "rejected.example/app:1", "sigstoreSigned");
    signed["transports"]["docker"]["rejected.example/app:1"][0]["keyData"] = json!("eA==");
    for (policy, said) in [
        (policy("docker", "rejected.example", "reject"), "take the name rejected.example/app:1"),
        (signed, "an archive brings none"),
    ] {
        scene.refused_only_by(&policy, said, &["load", "-q", "-i", "docker.tar"]);
        scene.refused_only_by(&policy, said, &["pull", "-q", "docker-archive:docker.tar"]);
    }
    // The default of registries is for those alone.
    scene.write(&policy("docker", "", "reject"));
    scene.sandbox.ok(&["load", "-q", "-i", "docker.tar"]);
    // What is here may go out.
    scene.write(&json!({"default": [{"type": "reject"}]}));
    scene.sandbox.ok(&["image", "copy", "-q", "containers-storage:rejected.example/app:1", "oci:out"]);
    // A root file system is an image of the transport tarball.
    scene.sandbox.ok(&["rmi", "--all", "--force"]);
    std::fs::write(home.join("root.tar"), &image.layers[0]).expect("write");
    scene.refused_only_by(&policy("tarball", "", "reject"), "rejects it", &["import", "root.tar"]);
    // The image that the program carries comes from nowhere.
    scene.write(&json!({"default": [{"type": "reject"}]}));
    assert!(scene.sandbox.ok(&["run", "--rm", "hello"]).contains("Hello"));
}

#[test]
fn trust_is_set_and_shown_as_podman_does() {
    let sandbox = Sandbox::new();
    let own = sandbox.home.join("policy.json");
    let file = format!("--policypath={}", own.display());
    let set = |kind: &str, scope: &str| sandbox.ok(&["image", "trust", "set", &file, "-t", kind, scope]);
    set("reject", "quay.io/team");
    set("accept", "*.example.com");
    set("reject", "default");
    let shown = sandbox.ok(&["image", "trust", "show", &file]);
    let lines: Vec<Vec<&str>> = shown.lines().map(|line| line.split_whitespace().collect()).collect();
    let wanted: [&[&str]; 4] = [
        &["TRANSPORT", "NAME", "TYPE", "ID", "STORE"],
        &["all", "default", "reject"],
        &["repository", "*.example.com", "accept"],
        &["repository", "quay.io/team", "reject"],
    ];
    assert_eq!(lines, wanted);
    let rows: Value = serde_json::from_str(&sandbox.ok(&["image", "trust", "show", "--json", &file])).expect("JSON");
    assert_eq!(
        rows,
        json!([
            {"transport": "all", "name": "* (default)", "repo_name": "default", "type": "reject"},
            {"transport": "repository", "name": "*.example.com", "repo_name": "*.example.com", "type": "accept"},
            {"transport": "repository", "name": "quay.io/team", "repo_name": "quay.io/team", "type": "reject"},
        ])
    );
    let raw = sandbox.ok(&["image", "trust", "show", "--raw", &file]);
    assert_eq!(raw.trim_end(), std::fs::read_to_string(&own).expect("it is there").trim_end());
    set("accept", "quay.io/team");
    let third =
        sandbox.ok(&["image", "trust", "show", "-n", &file]).lines().nth(2).map(|line| line.trim().to_owned());
    assert!(third.expect("a line").ends_with("accept"));
    sandbox.fails(125, &["begin it with its registry"], &["image", "trust", "set", &file, "-t", "reject", "busybox"]);
    for (arguments, said) in [
        (&["quay.io"][..], "signedBy needs a key"),
        (&["-t", "sigstoreSigned", "quay.io"], "sigstoreSigned needs a key"),
        (&["-t", "accept", "-f", "key", "quay.io"], "accept has no keys"),
        (&["-t", "x", "quay.io"], "use accept, reject"),
        (&["-f", "nosuch.key", "quay.io"], "take key nosuch.key"),
        (&["-f", "policy.json", "quay.io"], "a key is neither"),
        (&["-t", "sigstoreSigned", "-f", "policy.json", "quay.io"], "not one PUBLIC KEY"),
    ] {
        sandbox.fails(125, &[said], &[&["image", "trust", "set", &file], arguments].concat());
    }
    std::fs::write(&own, "{}").expect("write");
    sandbox.fails(125, &["policy.json", "default"], &["image", "trust", "set", &file, "-t", "reject", "quay.io"]);
    assert_eq!(std::fs::read_to_string(&own).expect("it is there"), "{}", "a file with a mistake is left as it is");
}

#[test]
fn a_user_sets_the_policy_of_their_own() {
    if rustix::process::geteuid().is_root() {
        return skip("root's policy is the machine's");
    }
    let scene = Scene::new();
    std::fs::write(scene.sandbox.home.join("x.tar"), Artifact::saying("x").docker_archive("x:1")).expect("write");
    scene.sandbox.ok(&["image", "trust", "set", "-t", "reject", "default"]);
    scene.sandbox.fails(125, &["rejects it (the default)"], &["load", "-i", "x.tar"]);
    scene.sandbox.ok(&["image", "trust", "set", "-t", "accept", "default"]);
    scene.sandbox.ok(&["load", "-i", "x.tar"]);
}
