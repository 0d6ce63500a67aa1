//! How the large registries want to be signed in to, each played by a scripted server: login, then pull.
//!
//! What each does is from its documentation and the threads about it: where the realm is, what it is called, whether the
//! challenge has a service and a scope, what the answer calls the token, and who takes Basic alone.

use crate::login::basic;
use crate::pull::serve;
use crate::support::artifact::Artifact;
use crate::support::fake_registry::{Answer, FakeRegistry, Request};
use crate::support::{Run, Running, Sandbox};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const INSECURE: &str = "--tls-verify=false";

/// One registry's dance.
#[derive(Clone, Copy)]
struct Dance {
    name: &'static str,
    user: &'static str,
    password: &'static str,
    /// The challenge; HOST, SERVICE and SCOPE are filled in. At `/v2/` there is no scope.
    challenge: &'static str,
    /// The path of the token server; none where each request has the password.
    token_path: &'static str,
    /// What a request for a token must have in its query.
    service: Option<&'static str>,
    /// The answer; TOKEN is filled in.
    answer: &'static str,
}

const BEARER: &str = r#"Bearer realm="http://HOST/PATH",service="SERVICE",scope="SCOPE""#;

const DANCES: &[Dance] = &[
    Dance {
        name: "Docker Hub",
        user: "me",
        password: "dckr_pat_1",
        challenge: BEARER,
        token_path: "token",
        service: Some("registry.docker.io"),
        answer: r#"{"token":"TOKEN","access_token":"TOKEN","expires_in":300,"issued_at":"2026-01-01T00:00:00Z"}"#,
    },
    Dance {
        name: "ECR",
        user: "AWS",
        password: "eyJwYXlsb2FkIjoi+/=",
        challenge: r#"Basic realm="https://123456789012.dkr.ecr.eu-west-1.amazonaws.com/",service="ecr.amazonaws.com""#,
        token_path: "",
        service: None,
        answer: "",
    },
    Dance {
        name: "ACR with a password",
        user: "service-principal",
        password: "its password",
        challenge: BEARER,
        token_path: "oauth2/token",
        service: Some("contoso.azurecr.io"),
        // Only access_token.
        answer: r#"{"access_token":"TOKEN"}"#,
    },
    Dance {
        name: "GAR with a key file",
        user: "_json_key",
        password: "{\n  \"type\": \"service_account\",\n  \"private_key\": \"a:b\\n\"\n}",
        // No service and no scope in the challenge.
        challenge: r#"Bearer realm="http://HOST/PATH""#,
        token_path: "v2/token",
        service: None,
        answer: r#"{"token":"TOKEN","expires_in":43200}"#,
    },
    Dance {
        name: "GCR, which leaves the quotes out",
        user: "oauth2accesstoken",
        password: "ya29.token",
        challenge: r#"Bearer realm="http://HOST/PATH",service=SERVICE"#,
        token_path: "v2/token",
        service: Some("gcr.io"),
        answer: r#"{"token":"TOKEN"}"#,
    },
    Dance {
        name: "GHCR",
        user: "octocat",
        password: "ghp_1",
        challenge: BEARER,
        token_path: "token",
        service: Some("ghcr.io"),
        answer: r#"{"token":"TOKEN"}"#,
    },
    Dance {
        name: "GitLab",
        user: "gitlab-ci-token",
        password: "job token",
        challenge: BEARER,
        token_path: "jwt/auth",
        service: Some("container_registry"),
        answer: r#"{"token":"TOKEN"}"#,
    },
    Dance {
        name: "Harbor",
        user: "robot$team+ci",
        password: "s3cret: with a colon",
        challenge: BEARER,
        token_path: "service/token",
        service: Some("harbor-registry"),
        answer: r#"{"token":"TOKEN","access_token":"","expires_in":1800,"issued_at":"2026-01-01T00:00:00Z"}"#,
    },
    Dance {
        name: "Quay",
        user: "team+robot",
        password: "ABCDEF",
        challenge: r#"Bearer realm="http://HOST/PATH",service="SERVICE""#,
        token_path: "v2/auth",
        service: Some("quay.io"),
        answer: r#"{"token":"TOKEN"}"#,
    },
    Dance {
        name: "Nexus with Basic alone",
        user: "admin",
        password: "admin123",
        challenge: r#"BASIC realm="Sonatype Nexus Repository Manager""#,
        token_path: "",
        service: None,
        answer: "",
    },
    Dance {
        name: "Nexus with its token realm",
        user: "admin",
        password: "admin123",
        challenge: BEARER,
        token_path: "v2/token",
        service: Some("http://HOST/repository/docker/v2/token"),
        answer: r#"{"token":"TOKEN"}"#,
    },
];

const SCOPE: &str = "repository:team/app:pull";

impl Dance {
    fn token(&self, scope: Option<&str>) -> String {
        let name: String = self.name.chars().filter(char::is_ascii_alphanumeric).collect();
        format!("ticket.{name}.{}", if scope.is_some() { "pull" } else { "none" })
    }

    fn basic(&self) -> String {
        format!("Basic {}", basic(self.user, self.password))
    }

    /// Puts the dance before a registry; the first token is good for `uses` requests.
    fn plays(self, fake: &FakeRegistry, uses: usize) -> Arc<AtomicUsize> {
        let host = fake.host();
        let (used, issued) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&issued);
        let fill = move |text: &str, scope: &str| {
            let text = text.replace("SERVICE", self.service.unwrap_or_default()).replace("PATH", self.token_path);
            text.replace("HOST", &host).replace("SCOPE", scope)
        };
        let service = self.service.map(|service| fill(service, ""));
        fake.put("/v2/", "application/json", b"{}");
        fake.rule(move |request: &Request| {
            let path = request.target.split('?').next().unwrap_or_default();
            if !self.token_path.is_empty() && path == format!("/{}", self.token_path) {
                let number = count.fetch_add(1, Ordering::Relaxed);
                return Some(self.gives_token(request, service.as_deref(), number));
            }
            let is_whole = path == "/v2/";
            let good = match self.token_path {
                "" => request.header("authorization") == Some(&self.basic()),
                _ => {
                    let token = self.token((!is_whole).then_some(SCOPE));
                    let number = count.load(Ordering::Relaxed).saturating_sub(1);
                    let is_latest = request.header("authorization") == Some(&format!("Bearer {token}.{number}"));
                    is_latest && (number > 0 || used.fetch_add(1, Ordering::Relaxed) < uses)
                }
            };
            let challenge = fill(self.challenge, if is_whole { "" } else { SCOPE });
            let challenge = challenge.replace(",scope=\"\"", "");
            (!good).then(|| {
                let body = json!({"errors": [{"code": "UNAUTHORIZED", "message": "authentication required"}]});
                Answer { status: 401, ..Answer::ok(body.to_string()) }
                    .with("www-authenticate", challenge)
                    .with("docker-distribution-api-version", "registry/2.0")
            })
        });
        issued
    }

    /// A token for what is asked in the query by GET with the password, as all of them take it.
    fn gives_token(&self, request: &Request, service: Option<&str>, number: usize) -> Answer {
        let query = request.target.split_once('?').map_or("", |(_, query)| query);
        let parameter = |name: &str| {
            let found = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
            found.map(|value| value.replace("%3A", ":").replace("%2F", "/").replace("%2C", ","))
        };
        let refuse = |status, why: &str| Answer { status, ..Answer::ok(json!({"details": why}).to_string()) };
        if request.method != "GET" || request.header("authorization") != Some(&self.basic()) {
            return refuse(401, "incorrect username or password");
        }
        if parameter("service").as_deref() != service {
            return refuse(400, "another service");
        }
        let scope = parameter("scope");
        if scope.as_deref().is_some_and(|scope| scope != SCOPE) {
            return refuse(403, "more than was asked for");
        }
        let token = format!("{}.{number}", self.token(scope.as_deref()));
        Answer::ok(self.answer.replace("TOKEN", &token)).with("content-type", "application/json")
    }
}

fn login(sandbox: &Sandbox, host: &str, user: &str, password: &str) -> Run {
    let input = sandbox.home.join("password");
    std::fs::write(&input, password).expect("write the password");
    let mut command = sandbox.command(&["login", INSECURE, "-u", user, "--password-stdin", host]);
    command.stdin(std::fs::File::open(&input).expect("open it"));
    Running::start(command).finish()
}

#[test]
fn every_registry_is_signed_in_to_in_its_own_way() {
    for dance in DANCES {
        let (sandbox, fake) = (Sandbox::new(), FakeRegistry::start());
        serve(&fake, "team/app", "1", &Artifact::saying("danced"));
        let issued = dance.plays(&fake, usize::MAX);
        let host = fake.host();
        let pull = ["pull", "-q", INSECURE, &format!("{host}/team/app:1")];
        let run = sandbox.coracle(&pull);
        assert_eq!(run.code, 125, "{}: anonymously: {run}", dance.name);
        let run = login(&sandbox, &host, dance.user, "not the password");
        run.fails(125, &["invalid username/password"]);
        let run = login(&sandbox, &host, dance.user, dance.password);
        assert_eq!((run.code, run.stdout.as_str()), (0, "Login Succeeded!\n"), "{}: {run}", dance.name);
        let before = issued.load(Ordering::Relaxed);
        let run = sandbox.coracle(&pull);
        assert_eq!(run.code, 0, "{}: {run}", dance.name);
        let tokens = issued.load(Ordering::Relaxed) - before;
        assert_eq!(tokens, usize::from(!dance.token_path.is_empty()), "{}: one token for a pull", dance.name);
        assert_eq!(sandbox.ok(&["run", "--rm", "--pull=never", pull[3]]), "danced");
        assert_eq!(sandbox.ok(&["login", "--get-login", &host]), format!("{}\n", dance.user));
    }
}

#[test]
fn a_token_that_expires_in_the_middle_is_fetched_anew() {
    for dance in DANCES.iter().filter(|dance| !dance.token_path.is_empty()) {
        let (sandbox, fake) = (Sandbox::new(), FakeRegistry::start());
        serve(&fake, "team/app", "1", &Artifact::saying("lasting"));
        let issued = dance.plays(&fake, 1);
        let creds = format!("{}:{}", dance.user, dance.password);
        let name = format!("{}/team/app:1", fake.host());
        let run = sandbox.coracle(&["pull", "-q", INSECURE, "--creds", &creds, &name]);
        assert_eq!(run.code, 0, "{}: {run}", dance.name);
        assert_eq!(issued.load(Ordering::Relaxed), 2, "{}: the manifest's, and one for all else", dance.name);
    }
}

/// ACR after `az acr login`: docker's file has a refresh token, which is exchanged by POST (its AAD-OAuth document). The
/// user name beside it is all zeros. Docker Hub and Quay take such tokens in the same way.
#[test]
fn a_refresh_token_is_exchanged_by_a_form_and_goes_nowhere_else() {
    let (sandbox, fake) = (Sandbox::new(), FakeRegistry::start());
    let host = fake.host();
    serve(&fake, "team/app", "1", &Artifact::saying("refreshed"));
    let realm = format!(r#"Bearer realm="http://{host}/oauth2/token",service="contoso.azurecr.io",scope="{SCOPE}""#);
    fake.require("Bearer access", &realm);
    fake.rule(|request| {
        let is_it = request.target == "/oauth2/token" && request.method == "POST";
        let form = String::from_utf8_lossy(&request.body);
        let fields: Vec<&str> = form.split('&').collect();
        let wanted = [
            "grant_type=refresh_token",
            "refresh_token=long-lived",
            "service=contoso.azurecr.io",
            "scope=repository:team/app:pull",
        ];
        let is_form = request.header("content-type") == Some("application/x-www-form-urlencoded");
        let good = is_form && wanted.iter().all(|field| fields.contains(field));
        is_it.then(|| if good { Answer::ok(r#"{"access_token":"access"}"#) } else { Answer::status(401) })
    });
    let file = sandbox.home.join("config.json");
    let user = basic("00000000-0000-0000-0000-000000000000", "");
    let text = json!({"auths": {&host: {"auth": user, "identitytoken": "long-lived"}}});
    std::fs::write(&file, text.to_string()).expect("write the file");
    let file = file.to_str().expect("text");
    sandbox.ok(&["pull", "-q", INSECURE, "--authfile", file, &format!("{host}/team/app:1")]);
    let seen: Vec<Value> = fake
        .requests()
        .iter()
        .filter(|request| request.has("long-lived"))
        .map(|request| json!([request.method, request.target]))
        .collect();
    assert_eq!(seen, [json!(["POST", "/oauth2/token"])], "it is in one form and in no URL");
    // A helper may have it, too: its user is <token>.
    let dir = sandbox.home.join("bin");
    std::fs::create_dir(&dir).expect("make the directory");
    let program = dir.join("docker-credential-acr");
    let answer = r#"{"ServerURL":"x","Username":"<token>","Secret":"long-lived"}"#;
    std::fs::write(&program, format!("#!/bin/sh\ncat >/dev/null\necho '{answer}'\n")).expect("write the helper");
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("chmod");
    std::fs::write(file, json!({"credHelpers": {&host: "acr"}}).to_string()).expect("write the file");
    let mut command = sandbox.command(&["pull", "-q", INSECURE, "--authfile", file, &format!("{host}/team/app:1")]);
    let path = std::env::var("PATH").expect("there is a PATH");
    command.env("PATH", format!("{}:{path}", dir.display()));
    let run = Running::start(command).finish();
    assert_eq!(run.code, 0, "{run}");
}
