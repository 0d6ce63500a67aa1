//! Family D of the catalogue by `push`: what a registry that is sent something may try.

use crate::push::{accept, load};
use crate::support::Sandbox;
use crate::support::artifact::{Artifact, Packing};
use crate::support::fake_registry::{Answer, FakeRegistry};

const PASSWORD: &str = "bound-to-one-origin";

#[test]
fn d01_the_place_of_an_upload_gets_no_credentials_of_another() {
    let basic = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, format!("me:{PASSWORD}"));
    let authorization = format!("Basic {basic}");
    let (sandbox, fake, elsewhere) = (Sandbox::new(), FakeRegistry::start(), FakeRegistry::start());
    load(&sandbox, &Artifact::saying("sent").packed(Packing::Gzip), "localhost/app:1");
    accept(&elsewhere);
    accept(&fake);
    // By another port, and by another name of the same address.
    for (times, host) in
        [elsewhere.host(), elsewhere.host().replace("127.0.0.1", "localhost")].into_iter().enumerate()
    {
        let location = format!("http://{host}/stolen?n={times}");
        fake.rule(move |request| {
            (request.method == "POST").then(|| Answer::status(202).with("location", location.clone()))
        });
        fake.require(&authorization, "Basic realm=\"x\"");
        let name = format!("{}/app:{times}", fake.host());
        let creds = format!("me:{PASSWORD}");
        let run = sandbox.coracle(&["push", "--tls-verify=false", "--creds", &creds, "localhost/app:1", &name]);
        assert!(fake.has_seen(&authorization), "the control: it was given where it belongs: {run}");
        assert!(elsewhere.count(&format!("/stolen?n={times}")) > 0, "the control: the upload went there: {run}");
        for secret in [PASSWORD, &basic] {
            assert!(!elsewhere.has_seen(secret) && !run.stderr.contains(secret), "{secret}: {run}");
        }
    }
}
