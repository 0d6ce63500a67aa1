use super::change::changed;
use super::*;

const ACCEPT: &str = r#"[{"type":"insecureAcceptAnything"}]"#;
const REJECT: &str = r#"[{"type":"reject"}]"#;

fn policy(text: &str) -> Result<Policy> {
    Document::parse(text.as_bytes()).map(|document| Policy(Some(("policy.json".into(), document))))
}

fn with(scopes: &[(&str, &str)]) -> Policy {
    let scopes: Vec<String> = scopes.iter().map(|(scope, list)| format!("{scope:?}:{list}")).collect();
    let text = format!(r#"{{"default":{ACCEPT},"transports":{{"docker":{{{}}}}}}}"#, scopes.join(","));
    policy(&text).expect("it can be read")
}

fn accepts(policy: &Policy, name: &str) -> bool {
    policy.check(&Identity::docker(&Reference::parse(name).expect("a name"))).is_ok()
}

#[test]
fn the_most_specific_scope_holds() {
    let digest = format!("sha256:{}", "a".repeat(64));
    let by_digest = format!("reg.sub.example.com:5000/a/b@{digest}");
    let tagged = "reg.sub.example.com:5000/a/b:1";
    let other = "reg.sub.example.com:5000/a/c:1";
    for scope in ["reg.sub.example.com:5000", "*.sub.example.com", "*.example.com", "*.com", ""] {
        let policy = with(&[(scope, REJECT)]);
        for name in [tagged, other, by_digest.as_str()] {
            assert!(!accepts(&policy, name), "{scope} {name}");
        }
        assert!(accepts(&policy, "example.org/a/b:1") != scope.is_empty(), "{scope}");
    }
    let table = [
        ("reg.sub.example.com:5000/a/b:1", [false, true, true]),
        (&by_digest, [true, true, false]),
        ("reg.sub.example.com:5000/a/b", [false, true, false]),
        ("reg.sub.example.com:5000/a", [false, false, false]),
        ("reg.sub.example.com", [true, true, true]),
        ("*.reg.sub.example.com", [true, true, true]),
        ("reg.sub.example.com:5000/a/", [true, true, true]),
        ("reg.sub.example.com:5000/a/b:1x", [true, true, true]),
    ];
    for (scope, wanted) in table {
        let policy = with(&[(scope, REJECT)]);
        assert_eq!([tagged, other, &by_digest].map(|name| accepts(&policy, name)), wanted, "{scope}");
        // The longest match wins over all that is above it.
        let policy = with(&[(scope, ACCEPT), ("*.com", REJECT), ("", REJECT)]);
        assert_eq!([tagged, other, &by_digest].map(|name| accepts(&policy, name)), wanted.map(|it| !it), "{scope}");
    }
}

#[test]
fn all_spellings_of_a_host_are_one() {
    let policy = with(&[("Quay.io/team", REJECT), ("quay.io:443/team", ACCEPT), ("local.example:05000", REJECT)]);
    for name in ["quay.io/team/x", "QUAY.io/team/x", "quay.io:443/team/x:1", "local.example:5000/x"] {
        assert!(!accepts(&policy, name), "{name}");
    }
    for name in ["quay.io/teams/x", "quay.io/other", "quay.io:444/team/x", "local.example/x"] {
        assert!(accepts(&policy, name), "{name}");
    }
    let policy = with(&[("docker.io/library/busybox", REJECT)]);
    for name in ["busybox", "library/busybox:2", "docker.io/busybox", "index.docker.io/library/busybox"] {
        assert!(!accepts(&policy, name), "{name}");
    }
}

#[test]
fn all_requirements_hold_and_signatures_are_refused() {
    let both = r#"[{"type":"insecureAcceptAnything"},{"type":"reject"}]"#;
    assert!(!accepts(&with(&[("a.example", both)]), "a.example/x"));
    for (list, said) in [
        (r#"[{"type":"signedBy","keyType":"X509Certificates","keyPath":"/k"}]"#, "another keyType is not supported"),
        (r#"[{"type":"sigstoreSigned","fulcio":{}},{"type":"insecureAcceptAnything"}]"#, "fulcio is not supported"),
        (r#"[{"type":"signedBaseLayer","baseLayerIdentity":{"type":"matchExact"}}]"#, "nobody can verify"),
    ] {
        let policy = with(&[("a.example", list)]);
        let error = policy.check(&Identity::docker(&Reference::parse("a.example/x").unwrap())).unwrap_err();
        let text = crate::error::line(&error);
        assert!(text.contains(said), "{text}");
    }
}

#[test]
fn a_file_with_a_mistake_is_none() {
    let table = [
        "",
        "{}",
        "[]",
        r#"{"default":[]}"#,
        r#"{"default":null}"#,
        r#"{"default":[{}]}"#,
        r#"{"default":[{"type":"Reject"}]}"#,
        r#"{"default":[{"type":"accept"}]}"#,
        r#"{"default":[{"type":"reject","why":"x"}]}"#,
        r#"{"default":[{"type":"insecureAcceptAnything"}],"default":[{"type":"reject"}]}"#,
        r#"{"default":[{"type":"reject","type":"insecureAcceptAnything"}]}"#,
        r#"{"default":[{"type":"signedBy","keypath":"x"}]}"#,
        r#"{"default":[{"type":"reject"}],"transport":{}}"#,
        r#"{"default":[{"type":"reject"}],"transports":{"docker":{"x":{}}}}"#,
        r#"{"default":[{"type":"reject"}],"transports":{"docker":{"x":[{"type":"reject"}],"x":[{"type":"reject"}]}}}"#,
        r#"{"default":[{"type":"reject"}],"transports":{"docker-archive":{"/x":[{"type":"reject"}]}}}"#,
        r#"{"default":[{"type":"reject"}],"transports":{"oci":{"x":[{"type":"reject"}]}}}"#,
        r#"{"default":[{"type":"reject"}],"transports":{"dir":{"/":[{"type":"reject"}]}}}"#,
        r#"{"default":[{"type":"reject"}],"transports":{"dir":{"/a/../b":[{"type":"reject"}]}}}"#,
        r#"{"default":[{"type":"reject"}],"transports":{"dir":{"/a//b/":[{"type":"reject"}]}}}"#,
        r#"{"default":[{"type":"reject"}],"transports":{"containers-storage":{"x":[{"type":"reject"}]}}}"#,
    ];
    for text in table {
        // `..` is a component of its own, so that the form is plain; no path of an image has it.
        assert_eq!(policy(text).is_err(), !text.contains(".."), "{text}");
    }
    let whole = r#"{"default":[{"type":"reject"}],"transports":{"docker":{"":[{"type":"reject"}]},"oci":{"/a/b":[{"type":
        "insecureAcceptAnything"}]},"docker-daemon":{"":[{"type":"reject"}]},"unknown":{"/":[{"type":"reject"}]}}}"#;
    assert_eq!(policy(whole).unwrap().rules().len(), 5);
}

#[test]
fn a_rule_is_set_where_it_was_or_for_registries() {
    let text = |bytes: Option<&[u8]>, scope: &str, trust| {
        changed(bytes, scope, &trust).map(|bytes| String::from_utf8(bytes).expect("text"))
    };
    let first = text(None, "quay.io", Trust::Reject).unwrap();
    let check = policy(&first).unwrap();
    assert!(!accepts(&check, "quay.io/x") && accepts(&check, "docker.io/x"));
    let second = text(Some(first.as_bytes()), "default", Trust::Reject).unwrap();
    let second = text(Some(second.as_bytes()), "quay.io", Trust::Accept).unwrap();
    let check = policy(&second).unwrap();
    assert!(accepts(&check, "quay.io/x") && !accepts(&check, "docker.io/x"));
    let of_dir = br#"{"default":[{"type":"reject"}],"transports":{"dir":{"/a":[{"type":"reject"}]}}}"#;
    let changed = text(Some(of_dir), "/a", Trust::Accept).unwrap();
    assert_eq!(policy(&changed).unwrap().rules()[1].requirement, &Requirement::Accept);
    for scope in ["busybox", "/b", "docker://quay.io", "quay.io/UP", "*.", "*.a_b", "", "quay.io/", "*.a.example/x"] {
        assert!(text(None, scope, Trust::Reject).is_err(), "{scope}");
    }
    for scope in ["*.example.com", "localhost", "localhost:5000/x:1", "quay.io:443", "[::1]:5000", "a.example/b/c"] {
        assert!(text(None, scope, Trust::Reject).is_ok(), "{scope}");
    }
    assert!(text(Some(b"{}"), "quay.io", Trust::Reject).is_err());
}
