use super::*;
use serde_json::json;

fn fits(identity: &Value, signed: &str, image: &str) -> bool {
    let image = Reference::parse(image).expect("a name");
    SignedIdentity::read(identity).expect("an identity").fits(signed, Some(&image))
}

#[test]
fn a_signature_is_for_the_name_that_is_meant() {
    let digest = format!("a.example/x@sha256:{}", "a".repeat(64));
    let other_digest = format!("a.example/x@sha256:{}", "b".repeat(64));
    let exact = json!({"type": "matchExact"});
    let by_digest = json!({"type": "matchRepoDigestOrExact"});
    let repository = json!({"type": "matchRepository"});
    let reference = json!({"type": "exactReference", "dockerReference": "b.example/y:1"});
    let of_repository = json!({"type": "exactRepository", "dockerRepository": "b.example/y"});
    let remap = json!({"type": "remapIdentity", "prefix": "a.example/x", "signedPrefix": "c.example"});
    let remap_all = json!({"type": "remapIdentity", "prefix": "a.example", "signedPrefix": "c.example/old"});
    let table = [
        (&exact, "a.example/x:1", "a.example/x:1", true),
        (&exact, "a.example/x:2", "a.example/x:1", false),
        (&exact, "a.example/x", "a.example/x:latest", false),
        (&exact, "a.example/x:1", &digest, false),
        (&exact, &digest, &digest, true),
        (&by_digest, "a.example/x:1", "a.example/x:1", true),
        (&by_digest, "a.example/x:2", "a.example/x:1", false),
        (&by_digest, "a.example/x", "a.example/x:1", false),
        (&by_digest, "a.example/x:1", &digest, true),
        (&by_digest, &other_digest, &digest, true),
        (&by_digest, "a.example/y:1", &digest, false),
        (&repository, "a.example/x:2", "a.example/x:1", true),
        (&repository, "a.example/x", "a.example/x:1", true),
        (&repository, "a.example/x/y:1", "a.example/x:1", false),
        (&repository, "busybox", "docker.io/library/busybox:2", true),
        (&reference, "b.example/y:1", "a.example/x:1", true),
        (&reference, "b.example/y:2", "a.example/x:1", false),
        (&of_repository, "b.example/y:2", "a.example/x:1", true),
        (&of_repository, "b.example/z:2", "a.example/x:1", false),
        (&remap, "c.example:1", "a.example/x:1", false),
        (&remap, "c.example/y:1", "a.example/x/y:1", true),
        (&remap, "c.example/z:1", "a.example/x/y:1", false),
        (&remap, "a.example/xy:1", "a.example/xy:1", true),
        (&remap_all, "c.example/old/x:1", "a.example/x:1", true),
        (&remap_all, "a.example/x:1", "a.example/x:1", false),
        (&remap_all, "c.example/old/x:2", &digest, true),
        (&exact, "not a name", "a.example/x:1", false),
    ];
    for (identity, signed, image, wanted) in table {
        assert_eq!(fits(identity, signed, image), wanted, "{identity} {signed} {image}");
    }
    // What has no name of its own has only those that are given.
    for (identity, wanted) in [(&exact, false), (&by_digest, false), (&repository, false), (&reference, true)] {
        let identity = SignedIdentity::read(identity).expect("an identity");
        assert_eq!(identity.fits("b.example/y:1", None), wanted, "{identity:?}");
    }
}

#[test]
fn a_requirement_with_a_mistake_is_none() {
    let read = |system, text: Value| Signed::read(text.as_object().expect("an object"), system);
    for good in [
        json!({"keyType": "GPGKeys", "keyPath": "/k"}),
        json!({"keyType": "GPGKeys", "keyPaths": ["/k", "/l"], "signedIdentity": {"type": "matchExact"}}),
        json!({"keyType": "GPGKeys", "keyData": "eA=="}),
    ] {
        assert!(read(System::OpenPgp, good.clone()).is_ok(), "{good}");
    }
    for bad in [
        json!({}),
        json!({"keyPath": "/k"}),
        json!({"keyType": "gpgkeys", "keyPath": "/k"}),
        json!({"keyType": "GPGKeys"}),
        json!({"keyType": "GPGKeys", "keyPath": "/k", "keyData": "eA=="}),
        json!({"keyType": "GPGKeys", "keyPath": ""}),
        json!({"keyType": "GPGKeys", "keyPath": ["/k"]}),
        json!({"keyType": "GPGKeys", "keyPaths": []}),
        json!({"keyType": "GPGKeys", "keyPaths": "/k"}),
        json!({"keyType": "GPGKeys", "keyData": "!"}),
    ] {
        assert!(read(System::OpenPgp, bad.clone()).is_err(), "{bad}");
    }
    for identity in [
        json!({}),
        json!({"type": "matchexact"}),
        json!({"type": "matchExact", "x": 1}),
        json!({"type": "matchRepoDigestOrExact", "x": 1}),
        json!({"type": "exactReference"}),
        json!({"type": "exactReference", "dockerReference": "a.example/x"}),
        json!({"type": "exactRepository", "dockerRepository": "a.example/x:1"}),
        json!({"type": "remapIdentity", "prefix": "a.example"}),
        json!({"type": "remapIdentity", "prefix": "", "signedPrefix": "a.example"}),
        json!({"type": "remapIdentity", "prefix": "a b", "signedPrefix": "a.example"}),
    ] {
        let bad = json!({"keyPath": "/k", "signedIdentity": identity});
        assert!(read(System::Sigstore, bad.clone()).is_err(), "{bad}");
    }
}

#[test]
fn what_no_key_verifies_is_refused_by_its_name() {
    for (field, more) in [("fulcio", json!({})), ("pki", json!({})), ("rekorPublicKeyPath", json!({"keyPath": "/k"}))]
    {
        let mut fields = more.as_object().expect("an object").clone();
        fields.insert(field.to_owned(), json!("x"));
        let error = Signed::read(&fields, System::Sigstore).expect("it can be read").check_possible().unwrap_err();
        assert!(error::line(&error).contains(field), "{error:?}");
    }
}
