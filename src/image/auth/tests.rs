//! Whose credentials are whose, and what the files may look like.

use super::file::lookup;
use super::*;
use base64::Engine as _;

fn entry_of(user_and_password: &str) -> String {
    format!(r#"{{"auth":"{}"}}"#, base64::engine::general_purpose::STANDARD.encode(user_and_password))
}

fn found(json: &str, name: &str) -> Option<String> {
    let (host, repository) = name.split_once('/').unwrap();
    lookup(json.as_bytes(), host, repository).unwrap().map(|credentials| match credentials {
        Credentials::Password { user, password } => format!("{user}:{}", password.reveal()),
        Credentials::IdentityToken(token) => format!("token {}", token.reveal()),
    })
}

#[test]
fn d04_the_longest_prefix_gets_the_credentials_and_no_other_host_does() {
    let keys = ["quay.io", "quay.io/team", "quay.io/team/app", "localhost:5000", "https://index.docker.io/v1/"];
    let entries: Vec<String> =
        keys.iter().map(|key| format!("{key:?}:{}", entry_of(&format!("{key}:p:q")))).collect();
    let json = format!(r#"{{"auths":{{{}}}}}"#, entries.join(","));
    for (name, key) in [
        ("quay.io/other/app", Some("quay.io")),
        ("quay.io/team/tool", Some("quay.io/team")),
        ("quay.io/team/app", Some("quay.io/team/app")),
        ("quay.io/team/app/deep", Some("quay.io/team/app")),
        ("quay.io/teammate/app", Some("quay.io")),
        ("localhost:5000/x", Some("localhost:5000")),
        ("localhost:5001/x", None),
        ("localhost/x", None),
        ("evil.quay.io/team/app", None),
        ("quay.io.evil.com/team/app", None),
        ("docker.io/library/alpine", Some("https://index.docker.io/v1/")),
        ("index.docker.io/library/alpine", Some("https://index.docker.io/v1/")),
    ] {
        assert_eq!(found(&json, name), key.map(|key| format!("{key}:p:q")), "{name}");
    }
}

#[test]
fn d04_a_namespace_key_never_serves_its_whole_host() {
    let json = format!(r#"{{"auths":{{"quay.io/team":{}}}}}"#, entry_of("a:b"));
    assert_eq!(found(&json, "quay.io/other"), None);
}

#[test]
fn identity_tokens_and_odd_files_are_understood() {
    assert_eq!(found(r#"{"auths":{"h":{"auth":"dTo=","identitytoken":"abc"}}}"#, "h/x").unwrap(), "token abc");
    for json in ["", "\n", "{}", r#"{"auths":null}"#, r#"{"auths":{"h":{}}}"#, r#"{"auths":{"h":null}}"#] {
        assert_eq!(found(json, "h/x"), None, "{json}");
    }
}

#[test]
fn d04_a_helper_that_is_missing_is_an_error_only_for_the_host_it_serves() {
    let json = r#"{"auths":{"a.io":{}},"credsStore":"no-such-1","credHelpers":{"gcr.io":"no-such-2"}}"#;
    assert_eq!(found(json, "b.io/x"), None);
    for (host, helper) in [("a.io", "docker-credential-no-such-1"), ("gcr.io", "docker-credential-no-such-2")] {
        let error = lookup(json.as_bytes(), host, "x").unwrap_err();
        assert!(error.to_string().contains(helper), "{error}");
    }
}

#[test]
fn a_key_is_a_host_and_perhaps_a_namespace() {
    for (text, key) in [
        ("quay.io", "quay.io"),
        ("quay.io/team", "quay.io/team"),
        ("quay.io/team/", "quay.io/team"),
        ("localhost:5000/a/b", "localhost:5000/a/b"),
        ("https://quay.io/v2/", "quay.io"),
        ("https://index.docker.io/v1/", "docker.io"),
        ("https://me:secret@quay.io/", "quay.io"),
        ("registry", "registry"),
        ("[::1]:5000", "[::1]:5000"),
    ] {
        assert_eq!(Key::parse(text).unwrap().to_string(), key, "{text}");
    }
    for bad in ["", "/x", "a b", "quay.io/team:1", "quay.io/../x", "quay.io/Team", "h:x", "é.io", "a\nb", "127.1"] {
        assert!(Key::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn d10_no_message_shows_a_secret() {
    assert_eq!(format!("{:?}", Credentials::parse("me:hunter2").unwrap()).matches("hunter2").count(), 0);
    let broken = r#"{"auths":{"h":{"auth":"aHVudGVyMg=="}}}"#;
    for json in [broken, r#"{"auths":{"h":{"auth":["hunter2"]}}}"#, r#"{"auths":"hunter2"}"#] {
        let error = lookup(json.as_bytes(), "h", "x").unwrap_err();
        let text = format!("{error:#}");
        assert!(!text.contains("hunter2") && !text.contains("aHVud"), "{text}");
    }
}

#[test]
fn files_are_read_in_podmans_order() {
    let environment = |set: &'static [(&str, &str)]| {
        let paths = files(|name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| PathBuf::from(value)));
        paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>()
    };
    let usual = environment(&[("XDG_RUNTIME_DIR", "/run/user/7"), ("HOME", "/h")]);
    assert_eq!(
        usual,
        ["/run/user/7/containers/auth.json", "/h/.config/containers/auth.json", "/h/.docker/config.json"]
    );
    assert_eq!(environment(&[("REGISTRY_AUTH_FILE", "/a"), ("DOCKER_CONFIG", "/d"), ("HOME", "/h")]), ["/a"]);
    assert_eq!(environment(&[("DOCKER_CONFIG", "/d"), ("HOME", "/h")]), ["/d/config.json"]);
}
