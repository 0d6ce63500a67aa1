//! Credential helpers: programs `docker-credential-NAME` that keep credentials where no file does.
//!
//! The protocol is that of docker-credential-helpers: the verb is the argument, the question is on standard input, the
//! answer on standard output; what is wrong is said there too, by an exit code and a text.

use super::{Credentials, Secret};
use crate::error::Kind;
use crate::image::origin::shown;
use crate::image::program;
use anyhow::Result;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// The longest name of a helper.
const NAME_BYTES_MAX: usize = 64;
/// The most that a helper may answer.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// The longest question: it fits into a pipe whether or not it is read.
const QUESTION_BYTES_MAX: usize = 48 << 10;
/// How long a helper may take; it may have to ask a person for a passphrase.
const TIMEOUT: Duration = Duration::from_secs(120);
/// What a helper says when it has nothing.
const NOT_FOUND: &str = "credentials not found in native keychain";
/// The user name that stands before a token which is no password.
const TOKEN_USER: &str = "<token>";

/// A helper that is installed.
#[derive(Debug)]
pub struct Helper {
    name: String,
    program: PathBuf,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    #[serde(rename = "ServerURL", default)]
    server: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    secret: String,
}

/// What a helper answered: its text, and whether it has done what was asked.
struct Answer {
    done: bool,
    text: Vec<u8>,
}

impl Helper {
    /// Finds a helper that must be there.
    pub fn require(name: &str) -> Result<Self> {
        Self::find(name)?.ok_or_else(|| {
            let message = format!("the credential helper docker-credential-{name} is not in PATH");
            Kind::NotFound.hinted(message, "install it, or give credentials with --creds USER:PASSWORD")
        })
    }

    /// Finds a helper in PATH. The name comes out of a file: it is one word, and no part of a path.
    pub fn find(name: &str) -> Result<Option<Self>> {
        let word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(word) {
            let message = format!("{:?} is not the name of a credential helper", shown(name, NAME_BYTES_MAX));
            return Err(Kind::BadInput.error(message));
        }
        let program = program::find(&format!("docker-credential-{name}"));
        Ok(program.map(|program| Self { name: name.to_owned(), program }))
    }

    /// The credentials that it keeps for a server, if any.
    pub fn get(&self, server: &str) -> Result<Option<Credentials>> {
        let answer = self.ask("get", server)?;
        if !answer.done {
            return if says_not_found(&answer.text) { Ok(None) } else { Err(self.refusal("get", &answer.text)) };
        }
        // The parser could quote the secret.
        let document: Document = serde_json::from_slice(&answer.text)
            .map_err(|_| Kind::BadInput.error(format!("{self} answers something else than credentials")))?;
        let secret = Secret::new(document.secret);
        Ok(match document.username.as_str() {
            "" if secret.reveal().is_empty() => None,
            TOKEN_USER => Some(Credentials::IdentityToken(secret)),
            user => Some(Credentials::Password { user: user.to_owned(), password: secret }),
        })
    }

    /// Keeps credentials for a server.
    pub fn store(&self, server: &str, user: &str, password: &Secret) -> Result<()> {
        let document =
            Document { server: server.to_owned(), username: user.to_owned(), secret: password.reveal().to_owned() };
        let answer = self.ask("store", &serde_json::to_string(&document)?)?;
        if answer.done {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&answer.text).replace(password.reveal(), "[secret]");
        Err(self.refusal("store", text.as_bytes()))
    }

    /// Forgets a server. False if it knew none.
    pub fn erase(&self, server: &str) -> Result<bool> {
        let answer = self.ask("erase", server)?;
        match answer.done {
            true => Ok(true),
            false if says_not_found(&answer.text) => Ok(false),
            false => Err(self.refusal("erase", &answer.text)),
        }
    }

    /// The servers that it keeps credentials for, with the users.
    pub fn list(&self) -> Result<BTreeMap<String, String>> {
        let answer = self.ask("list", "unused")?;
        if !answer.done {
            return Err(self.refusal("list", &answer.text));
        }
        serde_json::from_slice(&answer.text)
            .map_err(|_| Kind::BadInput.error(format!("{self} answers something else than a list")))
    }

    fn ask(&self, verb: &str, question: &str) -> Result<Answer> {
        if question.len() > QUESTION_BYTES_MAX {
            return Err(Kind::BadInput.error(format!("{self}: more than {QUESTION_BYTES_MAX} bytes to keep")));
        }
        let mut command = Command::new(&self.program);
        // A person may have to be asked, and what it says of that is theirs to see.
        command.arg(verb);
        let shown = format!("{self} {verb}");
        let (status, text) = program::ask(command, &shown, question.as_bytes(), ANSWER_BYTES_MAX, TIMEOUT)?;
        Ok(Answer { done: status.success(), text })
    }

    fn refusal(&self, verb: &str, text: &[u8]) -> anyhow::Error {
        let text = shown(&String::from_utf8_lossy(text), 200);
        let because = if text.is_empty() { "it does not say why".to_owned() } else { text };
        Kind::Denied.error(format!("{self} {verb}: {because}"))
    }
}

impl fmt::Display for Helper {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "docker-credential-{}", self.name)
    }
}

fn says_not_found(text: &[u8]) -> bool {
    text.trim_ascii() == NOT_FOUND.as_bytes()
}
