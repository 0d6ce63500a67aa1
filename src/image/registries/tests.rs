//! What the files mean, and what may not stand in them.

use super::*;
use proptest::prelude::*;

fn of(texts: &[&str]) -> Result<Registries> {
    let mut registries = Registries::default();
    for text in texts {
        registries.add(Settings::parse(text.as_bytes())?);
    }
    Ok(registries)
}

fn sources(text: &str, name: &str) -> Result<Vec<String>> {
    let found = of(&[text])?.sources(&Reference::parse(name)?)?;
    let show = |source: &Source| format!("{}{}", source.reference, if source.insecure { " insecure" } else { "" });
    Ok(found.iter().map(show).collect())
}

fn names(registries: &Registries, text: &str) -> Vec<String> {
    registries.meant(text, false).unwrap().names.iter().map(Reference::to_string).collect()
}

#[test]
fn a_name_is_asked_for_where_the_longest_prefix_says() {
    let text = r#"
        of-tomorrow = [1]
        [[registry]]
        location = "example.com"
        blocked = true
        [[registry]]
        prefix = "example.com/foo"
        location = "inside.example/bar/"
        of-tomorrow = 1
        [[registry.mirror]]
        location = "mirror-0.example/for-foo"
        [[registry.mirror]]
        location = "mirror-1.example:5000"
        insecure = true
        [[registry]]
        prefix = "*.wild.example"
        insecure = true
        [[registry]]
        prefix = "*.a.wild.example"
        location = "elsewhere.example/a"
        [[registry]]
        location = "docker.io/library"
        [[registry.mirror]]
        location = "hub.example/library"
    "#;
    let digest = format!("@sha256:{}", "a".repeat(64));
    for (name, expected) in [
        (
            "example.com/foo/image:1",
            &[
                "mirror-0.example/for-foo/image:1",
                "mirror-1.example:5000/image:1 insecure",
                "inside.example/bar/image:1",
            ][..],
        ),
        ("other.example/x:1", &["other.example/x:1"]),
        ("example.community/foo/x:1", &["example.community/foo/x:1"]),
        ("x.wild.example/y:1", &["x.wild.example/y:1 insecure"]),
        ("x.a.wild.example/y:1", &["elsewhere.example/a/y:1"]),
        ("wild.example/y:1", &["wild.example/y:1"]),
        ("wild.example.evil.example/y:1", &["wild.example.evil.example/y:1"]),
        ("x.wild.example.evil.example/y:1", &["x.wild.example.evil.example/y:1"]),
        ("evil.example/x.wild.example/y:1", &["evil.example/x.wild.example/y:1"]),
        ("debian:12", &["hub.example/library/debian:12", "docker.io/library/debian:12"]),
    ] {
        assert_eq!(sources(text, name).unwrap(), expected, "{name}");
    }
    assert_eq!(
        sources(text, &format!("example.com/foo/x{digest}")).unwrap()[0],
        format!("mirror-0.example/for-foo/x{digest}")
    );
    for blocked in ["example.com/x", "example.com/foobar", "example.com:5000/x"] {
        assert!(sources(text, blocked).unwrap_err().to_string().contains("blocked"), "{blocked}");
    }
}

#[test]
fn a_mirror_may_be_for_digests_or_for_tags_alone() {
    let digest = format!("a.example/x@sha256:{}", "a".repeat(64));
    let table = |more: &str, mirror: &str| {
        format!("[[registry]]\nlocation=\"a.example\"\n{more}\n[[registry.mirror]]\nlocation=\"m.example\"\n{mirror}")
    };
    for (more, mirror, by_tag, by_digest) in [
        ("", "", 2, 2),
        ("", "pull-from-mirror=\"all\"", 2, 2),
        ("", "pull-from-mirror=\"digest-only\"", 1, 2),
        ("", "pull-from-mirror=\"tag-only\"", 2, 1),
        ("mirror-by-digest-only=true", "", 1, 2),
    ] {
        let text = table(more, mirror);
        let counts = (sources(&text, "a.example/x:1").unwrap().len(), sources(&text, &digest).unwrap().len());
        assert_eq!(counts, (by_tag, by_digest), "{text}");
    }
    for (more, mirror) in [
        ("mirror-by-digest-only=true", "pull-from-mirror=\"all\""),
        ("", "pull-from-mirror=\"never\""),
        ("pull-from-mirror=\"all\"", ""),
    ] {
        assert!(of(&[&table(more, mirror)]).is_err(), "{more} {mirror}");
    }
}

#[test]
fn a_short_name_is_an_alias_or_looked_for_in_order() {
    let none = of(&[]).unwrap();
    assert_eq!(names(&none, "x"), ["docker.io/library/x:latest"]);
    let text = r#"
        unqualified-search-registries = ["quay.io", "docker.io"]
        [aliases]
        "fedora" = "registry.fedoraproject.org/fedora"
        "team/app" = "quay.io/team/app"
    "#;
    let registries = of(&[text]).unwrap();
    assert_eq!(names(&registries, "fedora:41"), ["registry.fedoraproject.org/fedora:41"]);
    assert_eq!(names(&registries, "team/app"), ["quay.io/team/app:latest"]);
    assert_eq!(names(&registries, "x:1"), ["quay.io/x:1", "docker.io/library/x:1"]);
    assert_eq!(names(&registries, "a.io/x:1"), ["a.io/x:1"]);
    let docker = registries.meant("fedora", true).unwrap();
    assert_eq!(docker.names[0].to_string(), "docker.io/library/fedora:latest");
    // Later files take away and replace.
    let registries = of(&[text, "unqualified-search-registries=[\"a.io\"]\n[aliases]\nfedora = \"\""]).unwrap();
    assert_eq!(names(&registries, "fedora"), ["a.io/fedora:latest"]);
    let registries = of(&[text, "unqualified-search-registries=[]"]).unwrap();
    assert!(registries.meant("x", false).unwrap_err().to_string().contains("short name"));
    for (mode, ambiguity) in [
        ("", Ambiguity::Ask),
        ("permissive", Ambiguity::Ask),
        ("enforcing", Ambiguity::MustAsk),
        ("disabled", Ambiguity::None),
    ] {
        let registries = of(&[text, &format!("short-name-mode={mode:?}")]).unwrap();
        assert_eq!(registries.meant("x", false).unwrap().ambiguity, ambiguity);
        assert_eq!(registries.meant("fedora", false).unwrap().ambiguity, Ambiguity::None);
    }
}

#[test]
fn version_1_is_understood() {
    let text = "[registries.search]\nregistries=[\"a.io\"]\n[registries.insecure]\nregistries=[\"b.io\"]\n[registries.block]\nregistries=[\"c.io\"]";
    let registries = of(&[text]).unwrap();
    assert_eq!(names(&registries, "x"), ["a.io/x:latest"]);
    assert_eq!(sources(text, "b.io/x:1").unwrap(), ["b.io/x:1 insecure"]);
    assert!(sources(text, "c.io/x:1").is_err());
    assert!(of(&["unqualified-search-registries=[]\n[registries.search]\nregistries=[]"]).is_err());
}

#[test]
fn hostile_values_are_refused() {
    let many = format!("unqualified-search-registries=[{}]", "\"a.io\",".repeat(33));
    for text in [
        "[[registry]]\nlocation=\"http://a.io\"",
        "[[registry]]\nlocation=\"a.io/../b\"",
        "[[registry]]\nlocation=\"user@a.io\"",
        "[[registry]]\nlocation=\"a.io\\u001b[2J\"",
        "[[registry]]\nlocation=\"a.io/B\"",
        "[[registry]]\nlocation=\"0x7f.1\"",
        "[[registry]]\nprefix=\"a.io\"",
        "[[registry]]\nprefix=\"\"",
        "[[registry]]\nprefix=\"*.a.io\"\n[[registry.mirror]]\nlocation=\"\"",
        "[[registry]]\nlocation=\"a.io\"\n[[registry]]\nlocation=\"a.io\"\nblocked=true",
        "[[registry]]\nlocation=\"a.io\"\nblocked=\"no\"",
        "unqualified-search-registries=[\"\"]",
        "unqualified-search-registries=[\"https://a.io\"]",
        "unqualified-search-registries=\"a.io\"",
        &many,
        "short-name-mode=\"never\"",
        "[aliases]\nx=\"y\"",
        "[aliases]\nx=\"a.io/y:1\"",
        "[aliases]\n\"a.io/x\"=\"a.io/y\"",
        "[aliases]\n\"x:1\"=\"a.io/y\"",
        "[aliases]\n\"x\\\"y\"=\"a.io/y\"",
        "[[registry",
    ] {
        let error = of(&[text]).map(|_| ()).unwrap_err().to_string();
        assert!(!error.contains(['\n', '\u{1b}']), "{text:?}: {error}");
    }
    // A host without a dot is none in a name, and would be a part of docker.io.
    let registries = of(&["unqualified-search-registries=[\"myhost\"]"]).unwrap();
    assert!(registries.meant("x", false).is_err());
    assert!(sources("[[registry]]\nprefix=\"a.io\"\nlocation=\"myhost\"", "a.io/x").is_err());
}

proptest! {
    #[test]
    fn no_file_makes_the_reader_panic(
        text in "(\\[\\[registry\\]\\]\n)?(prefix|location|[a-z-]{0,9})=[\"\\[\\]*.a-z/:@\n]{0,60}",
        name in "[a-c.:/*]{1,20}",
    ) {
        property::holds(format!("# {name}\n{text}").as_bytes());
        let _ = fit(&text, &name);
    }
}
