//! `search`, its list of tags, and `pull --all-tags`, against scripted registries.

use crate::login::basic;
use crate::pull::serve;
use crate::support::Sandbox;
use crate::support::artifact::Artifact;
use crate::support::fake_registry::{Answer, FakeRegistry};
use serde_json::{Value, json};

const INSECURE: &str = "--tls-verify=false";

/// Answers every request that begins with `path` by this document.
fn answer(fake: &FakeRegistry, path: &str, document: &Value) {
    let (path, body) = (path.to_owned(), document.to_string());
    fake.rule(move |request| request.target.starts_with(&path).then(|| Answer::ok(body.clone())));
}

fn with_search() -> FakeRegistry {
    let fake = FakeRegistry::start();
    let found = json!({"results": [
        {"name": "library/alpine", "description": format!("long {}", "x".repeat(60)), "star_count": 10000, "is_official": true},
        {"name": "me/alpine", "description": "two\nlines \u{1b}[31m", "star_count": 3, "is_automated": true},
    ]});
    answer(&fake, "/v1/search?q=alpine", &found);
    fake
}

#[test]
fn what_a_search_finds_is_shown_as_podman_and_docker_show_it() {
    let (sandbox, fake) = (Sandbox::new(), with_search());
    let host = fake.host();
    let term = format!("{host}/alpine");
    let search = |more: &[&str]| sandbox.ok(&[&["search", INSECURE], more, &[term.as_str()]].concat());
    let plain = search(&[]);
    let lines: Vec<&str> = plain.lines().collect();
    assert!(lines[0].starts_with("NAME ") && lines[0].trim_end().ends_with(" DESCRIPTION"), "{plain}");
    assert_eq!(lines[1], format!("{host}/library/alpine  long {}...", "x".repeat(39)), "{plain}");
    assert_eq!(lines.len(), 3, "{plain}");
    assert!(search(&["--no-trunc"]).contains(&"x".repeat(60)));
    assert!(search(&["--compatible"]).contains("OFFICIAL"));
    let row = "{{.Index}} {{.Name}} {{.Stars}} {{.Official}}{{.Automated}}{{.Tag}}";
    assert_eq!(
        search(&["--format", row]),
        format!("{host} {host}/library/alpine 10000 [OK]\n{host} {host}/me/alpine 3 [OK]\n")
    );
    let json: Value = serde_json::from_str(&search(&["--format", "json", "--filter", "stars=5"])).expect("JSON");
    assert_eq!(json[0]["Stars"], 10000);
    assert_eq!(json.as_array().map(Vec::len), Some(1));
    for (filter, name) in
        [("is-official", "library/alpine"), ("is-automated=true", "me/alpine"), ("is-official=false", "me/alpine")]
    {
        assert_eq!(search(&["--filter", filter, "--format", "{{.Name}}"]), format!("{host}/{name}\n"));
    }
    assert_eq!(search(&["--limit", "1", "--format", "{{.Name}}"]).lines().count(), 1);
    assert!(fake.requests().last().expect("it was asked").target.ends_with("&n=1"));
    sandbox.fails(125, &["invalid filter", "stars=COUNT"], &["search", INSECURE, "--filter", "x=1", &term]);
    let docker = sandbox.docker(&["search", INSECURE, "--format", "{{.Name}} {{.StarCount}} {{.IsOfficial}}", &term]);
    assert_eq!(docker, "library/alpine 10000 true\nme/alpine 3 false\n");
}

#[test]
fn a_registry_without_a_search_is_asked_for_all_it_has() {
    let (sandbox, fake) = (Sandbox::new(), FakeRegistry::start());
    let host = fake.host();
    fake.rule(|request| {
        let page =
            |names: Value, next: &str| Answer::ok(json!({"repositories": names}).to_string()).with("link", next);
        match request.target.as_str() {
            "/v2/_catalog?n=1000" => {
                Some(page(json!(["alpine", "other"]), "</v2/_catalog?n=1000&last=other>; rel=\"next\""))
            }
            "/v2/_catalog?n=1000&last=other" => Some(page(json!(["team/alpine"]), "")),
            _ => None,
        }
    });
    fake.require(&format!("Basic {}", basic("me", "pass")), "Basic realm=\"x\"");
    let search = |term: &str| {
        let term = format!("{host}/{term}");
        sandbox.ok(&["search", INSECURE, "--creds", "me:pass", "--format", "{{.Name}}", &term])
    };
    assert_eq!(search("alpine"), format!("{host}/alpine\n{host}/team/alpine\n"));
    assert_eq!(search("").lines().count(), 3);
    assert_eq!(search("nothing"), "");
    sandbox.fails(125, &["search 127.0.0.1", "(401)"], &["search", INSECURE, &format!("{host}/alpine")]);
}

#[test]
fn all_tags_are_listed_and_pulled_page_by_page() {
    let (sandbox, fake) = (Sandbox::new(), FakeRegistry::start());
    let host = fake.host();
    let name = format!("{host}/team/app");
    for tag in ["1", "2", "3"] {
        serve(&fake, "team/app", tag, &Artifact::saying(tag));
    }
    fake.rule(|request| {
        let page = |tags: Value, next: &str| Answer::ok(json!({"tags": tags}).to_string()).with("link", next);
        let (path, query) = request.target.split_once('?')?;
        (path == "/v2/team/app/tags/list").then(|| match query.contains("last=2") {
            false => page(json!(["1", "2"]), "<list?last=2&n=2>; rel=\"next\""),
            true => page(json!(["3"]), ""),
        })
    });
    let listed = sandbox.ok(&["search", INSECURE, "--list-tags", &name]);
    assert_eq!(listed.split_whitespace().collect::<Vec<_>>(), ["NAME", "TAG", &name, "1", &name, "2", &name, "3"]);
    let json: Value =
        serde_json::from_str(&sandbox.ok(&["search", INSECURE, "--list-tags", "--limit=2", "--format=json", &name]))
            .expect("JSON");
    assert_eq!(json, json!([{"Name": name, "Tags": ["1", "2"]}]));
    let ids = sandbox.ok(&["pull", "-q", INSECURE, "--all-tags", &name]);
    assert_eq!(ids.lines().count(), 3);
    for tag in ["1", "2", "3"] {
        assert_eq!(sandbox.ok(&["run", "--rm", "--pull=never", &format!("{name}:{tag}")]), tag);
    }
    sandbox.fails(125, &["has a tag"], &["pull", INSECURE, "--all-tags", &format!("{name}:1")]);
    sandbox.fails(125, &["not applicable"], &["search", INSECURE, "--list-tags", "--filter=stars=1", &name]);
}

#[test]
fn d09_pages_lead_neither_elsewhere_nor_in_circles() {
    let (sandbox, fake, elsewhere) = (Sandbox::new(), FakeRegistry::start(), FakeRegistry::start());
    let name = format!("{}/app", fake.host());
    let paged = |next: String| {
        let body = json!({"tags": ["1"]}).to_string();
        fake.rule(move |request| {
            let link = format!("<{next}>; rel=\"next\"");
            request.target.starts_with("/v2/app/tags/list").then(|| Answer::ok(body.clone()).with("link", link))
        });
    };
    let list =
        || sandbox.coracle(&["search", INSECURE, "--creds", "me:to-be-kept", "--list-tags", "--limit=9000", &name]);
    for (next, said) in [
        (format!("http://{}/v2/app/tags/list", elsewhere.host()), "next page at"),
        ("http://169.254.169.254/latest/meta-data/".to_owned(), "next page at"),
        ("file:///etc/passwd".to_owned(), "next page"),
        ("/v2/app/tags/list?n=1000".to_owned(), "lead back"),
        ("?n=1000".to_owned(), "next page"),
    ] {
        paged(next.clone());
        let run = list();
        assert_eq!(run.code, 125, "{next}: {run}");
        assert!(next == "?n=1000" || run.stderr.contains(said), "{next}: {run}");
    }
    assert!(elsewhere.requests().is_empty());
    // Without an end there are as many pages as are allowed, and names that are none are passed over.
    let asked = fake.requests().len();
    fake.rule(|request| {
        let number = request.target.rsplit_once("page=").map_or(0, |(_, number)| number.parse::<u64>().unwrap_or(0));
        let body = json!({"tags": ["a\u{1b}[2J", "x".repeat(1000)]}).to_string();
        let link = format!("</v2/app/tags/list?page={}>; rel=\"next\"", number + 1);
        request.target.starts_with("/v2/app/tags/list").then(|| Answer::ok(body).with("link", link))
    });
    list().fails(125, &["more than 1000 pages"]);
    assert_eq!(fake.requests().len() - asked, 1000, "one for each page");
}
