//! Credential helpers: programs `docker-credential-NAME` that keep credentials where no file does.
//!
//! The protocol is that of docker-credential-helpers: the verb is the argument, the question is on standard input, the
//! answer on standard output; what is wrong is said there too, by an exit code and a text.

use super::{Credentials, Secret};
use crate::error::Kind;
use crate::fs;
use crate::image::origin::shown;
use anyhow::{Context, Result};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::{ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

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
        let path = std::env::var_os("PATH").unwrap_or_default();
        // What PATH says relative to the current directory is anybody's.
        let mut programs = std::env::split_paths(&path).filter(|dir| dir.is_absolute());
        let program = programs.find_map(|dir| {
            let program = dir.join(format!("docker-credential-{name}"));
            (program.is_file() && rustix::fs::access(&program, rustix::fs::Access::EXEC_OK).is_ok())
                .then_some(program)
        });
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
        command.arg(verb).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("start {}", self.program.display()))?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        // One that does not read its question, as for list, has closed the pipe.
        let _ = stdin.context("its input is a pipe")?.write_all(question.as_bytes());
        let stdout = Patient { stdout: stdout.context("its output is a pipe")?, deadline: Instant::now() + TIMEOUT };
        let text = fs::read_all(stdout, ANSWER_BYTES_MAX);
        if text.is_err() {
            // It may have ended already.
            let _ = child.kill();
        }
        let status = child.wait().with_context(|| format!("wait for {self}"))?;
        let text = text.with_context(|| format!("{self} {verb}"))?;
        Ok(Answer { done: status.success(), text })
    }

    fn refusal(&self, verb: &str, text: &[u8]) -> anyhow::Error {
        let text = shown(&String::from_utf8_lossy(text), 200);
        let because = if text.is_empty() { "it does not say why".to_owned() } else { text };
        Kind::Denied.error(format!("{self} {verb}: {because}"))
    }
}

/// A helper's output, which is not waited for longer than until the deadline. (Not by a thread: a pull forks after this.)
struct Patient {
    stdout: ChildStdout,
    deadline: Instant,
}

impl Read for Patient {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let left = PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO);
        match poll(&mut [PollFd::new(self.stdout.as_fd(), PollFlags::POLLIN)], left) {
            Ok(0) => Err(std::io::Error::other(format!("no answer within {} s", TIMEOUT.as_secs()))),
            Ok(_) => self.stdout.read(buffer),
            Err(errno) => Err(errno.into()),
        }
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
