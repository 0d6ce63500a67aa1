//! `system prune --blobs`: what a registry has is not kept twice, and nothing is lost that only this store has.

use crate::support::artifact::{Artifact, Packing};
use crate::support::registry::{Door, Registry};
use crate::support::{Run, Running, Sandbox, names_in};

struct Scene {
    sandbox: Sandbox,
    registry: Registry,
    image: Artifact,
    name: String,
}

impl Scene {
    /// An image that was pulled. None where there is no registry.
    fn new() -> Option<Self> {
        let sandbox = Sandbox::new();
        let registry = Registry::start(&sandbox.home.join("registry"), Door::default())?;
        let text = format!("[[registry]]\nlocation=\"{}\"\ninsecure=true\n", registry.host());
        std::fs::write(sandbox.home.join("registries.conf"), text).expect("write registries.conf");
        let image = Artifact::saying("pulled").packed(Packing::Gzip);
        registry.put("app", Some("v1"), &image);
        let name = format!("{}/app:v1", registry.host());
        let scene = Self { sandbox, registry, image, name };
        scene.ok(&["pull", "-q", &scene.name]);
        Some(scene)
    }

    fn run(&self, arguments: &[&str]) -> Run {
        let mut command = self.sandbox.command(arguments);
        command.env("CONTAINERS_REGISTRIES_CONF", self.sandbox.home.join("registries.conf"));
        Running::start(command).finish()
    }

    fn ok(&self, arguments: &[&str]) -> String {
        let run = self.run(arguments);
        assert_eq!(run.code, 0, "{run}");
        run.stdout
    }

    fn prune(&self) -> Run {
        let run = self.run(&["system", "prune", "-f", "--blobs"]);
        assert_eq!(run.code, 0, "{run}");
        run
    }

    /// How many blobs of the pulled image's layers are here, and how many it has.
    fn layers_here(&self) -> (usize, usize) {
        let here = names_in(&self.sandbox.data.join("coracle/images/blobs/sha256"));
        let layers = self.image.layer_blobs();
        (layers.iter().filter(|blob| here.contains(&blob.hex())).count(), layers.len())
    }
}

#[test]
fn what_a_registry_has_goes_and_comes_again() {
    let Some(scene) = Scene::new() else { return };
    let (_, all) = scene.layers_here();
    scene.ok(&["system", "prune", "-f"]);
    assert_eq!(scene.layers_here(), (all, all), "without --blobs");
    let bytes: usize = scene.image.layer_blobs().iter().map(|blob| blob.bytes.len()).sum();
    let run = scene.prune();
    assert!(bytes > 0 && !run.stdout.contains("space: 0B"), "{run}");
    assert_eq!((scene.layers_here(), run.stderr.as_str()), ((0, all), ""));
    // The image is whole for all that needs no blobs.
    assert_eq!(scene.ok(&["run", "--rm", "--pull=never", &scene.name]), "pulled");
    assert_eq!(scene.ok(&["system", "check"]), "The store is whole\n");
    // Its own registry has what is not here; others, and files, do not.
    scene.ok(&["push", "-q", &scene.name, &format!("{}/app:v2", scene.registry.host())]);
    let saved = scene.sandbox.home.join("saved.tar");
    let save = ["save", "-q", "-o", saved.to_str().expect("it is ASCII"), &scene.name];
    let hint = "pull or load the image that it is of again";
    scene.run(&save).fails(125, &["no blob sha256:", hint]);
    assert!(!saved.exists());
    scene.ok(&["pull", "-q", &scene.name]);
    assert_eq!(scene.layers_here(), (all, all));
    scene.ok(&save);
}

#[test]
fn what_only_this_store_has_stays() {
    let Some(scene) = Scene::new() else { return };
    let (_, all) = scene.layers_here();
    // Made here of the pulled one: its own registry has nothing of it, whatever it is called.
    for name in ["made", &format!("{}/made:v1", scene.registry.host())] {
        scene.ok(&["run", "--name", "box", "--pull=never", &scene.name, "true"]);
        scene.ok(&["commit", "-q", "box", name]);
        scene.prune();
        assert_eq!(scene.layers_here(), (all, all), "{name}");
        scene.ok(&["rmi", name]);
    }
    // Nobody answers.
    scene.ok(&["tag", &scene.name, "127.0.0.1:1/app:v1"]);
    scene.ok(&["untag", &scene.name, &scene.name]);
    let run = scene.prune();
    assert!(run.stderr.contains("the blobs of 127.0.0.1:1/app:v1 stay: "), "{run}");
    assert_eq!(scene.layers_here(), (all, all));
    // Of two names one is enough.
    scene.ok(&["tag", "127.0.0.1:1/app:v1", &scene.name]);
    scene.prune();
    assert_eq!(scene.layers_here(), (0, all));
}
