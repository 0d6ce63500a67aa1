//! `login`: give credentials for a registry to keep, once the registry has taken them.

use super::{Context, Verb, say};
use crate::error::{self, Kind};
use crate::fs;
use crate::image::auth::{self, Credentials, Key, Place, Secret};
use crate::image::reference::DEFAULT_REGISTRY;
use crate::image::registries::{AUTH_FILES, Registries};
use crate::image::registry::{Access, Registry};
use crate::secret;
use crate::sys::terminal::Raw;
use anyhow::{Context as _, Result};
use std::io::{BufRead, IsTerminal, Read, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

/// The longest name and the longest password; some registries take a whole key file for one.
const USER_BYTES_MAX: u64 = 4 << 10;
const PASSWORD_BYTES_MAX: usize = 32 << 10;

/// Sign in to a registry, and keep the credentials for later commands
#[derive(clap::Args)]
pub struct Login {
    #[command(flatten)]
    file: FileFlags,
    /// Trust the certificates (*.crt) in this directory
    #[arg(long, value_name = "DIR")]
    cert_dir: Option<PathBuf>,
    /// Print the user that is signed in, and do nothing else
    #[arg(long, conflicts_with_all = ["username", "password", "password_stdin", "secret"])]
    get_login: bool,
    /// The password; other users may see it while the command runs, so better use --password-stdin
    #[arg(short, long, value_name = "PASSWORD", conflicts_with_all = ["password_stdin", "secret"])]
    password: Option<String>,
    /// Read the password from standard input
    #[arg(long, conflicts_with = "secret")]
    password_stdin: bool,
    /// Take the password from a secret; without --username, the user is called like it
    #[arg(long, value_name = "SECRET")]
    secret: Option<String>,
    /// Require a valid certificate of the registry, whatever registries.conf says; with false, plain http is tried too
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    tls_verify: Option<bool>,
    /// The user
    #[arg(short, long, value_name = "USER")]
    username: Option<String>,
    /// Say where the credentials are kept
    #[arg(short, long)]
    verbose: bool,
    /// The registry, as HOST[:PORT], or a part of it, as HOST/NAMESPACE
    #[arg(value_name = "REGISTRY")]
    registry: Option<String>,
}

/// Where credentials are kept.
#[derive(clap::Args)]
pub struct FileFlags {
    /// Keep credentials in this file [default: $REGISTRY_AUTH_FILE, or containers/auth.json in $XDG_RUNTIME_DIR]
    #[arg(long, value_name = "FILE")]
    pub authfile: Option<PathBuf>,
    /// Keep credentials in this file, as docker reads it
    #[arg(long, value_name = "FILE", conflicts_with = "authfile")]
    pub compat_auth_file: Option<PathBuf>,
}

impl FileFlags {
    pub fn place(&self, context: &Context) -> Result<Place> {
        let docker = self.compat_auth_file.is_some() || (context.docker && self.authfile.is_none());
        // docker knows nothing of registries.conf.
        let helpers = if docker { vec![AUTH_FILES.to_owned()] } else { Registries::load()?.helpers() };
        match self.authfile.as_ref().or(self.compat_auth_file.as_ref()) {
            Some(file) => Ok(Place { helpers, file: file.clone(), docker }),
            None => Place::usual(docker, helpers),
        }
    }

    /// What is known of a key: of the file that was named, or of all that count.
    pub fn known(&self, place: &Place, key: &Key) -> Result<Option<Credentials>> {
        let named = self.authfile.is_some() || self.compat_auth_file.is_some() || place.docker;
        // The first login makes the file.
        let file = match named && !place.file.exists() {
            true => Some(Path::new("/dev/null")),
            false => named.then_some(place.file.as_path()),
        };
        auth::find(&key.host, key.namespace.as_deref().unwrap_or_default(), file, &place.helpers)
    }
}

/// The registry that was named, or the one that is meant without a name.
pub fn key(registry: Option<&str>, docker: bool) -> Result<Key> {
    let first = match registry {
        Some(_) => None,
        None if docker => Some(DEFAULT_REGISTRY.to_owned()),
        None => Registries::load()?.search().into_iter().next(),
    };
    let named = registry.or(first.as_deref());
    let named =
        named.ok_or_else(|| Kind::BadInput.error("no registry is named, and registries.conf has none to search"))?;
    let mut key = Key::parse(named)?;
    if docker {
        // It has never looked at what comes behind the host.
        key.namespace = None;
    }
    Ok(key)
}

impl Verb for Login {
    fn run(mut self, context: &Context) -> Result<u8> {
        let key = key(self.registry.as_deref(), context.docker)?;
        let place = self.file.place(context)?;
        let known = self.file.known(&place, &key)?;
        if self.get_login {
            return match known {
                Some(Credentials::Password { user, .. }) => {
                    say(&user);
                    Ok(0)
                }
                Some(Credentials::IdentityToken(_)) => {
                    Err(Kind::NotFound.error(format!("a token is kept for {key}, and no user")))
                }
                None => {
                    Err(Kind::NotFound.hinted(format!("not logged into {key}"), format!("use coracle login {key}")))
                }
            };
        }
        let given = self.given_password(context)?;
        if self.username.is_none()
            && given.is_none()
            && let Some(known @ Credentials::Password { .. }) = &known
        {
            say(&format!("Authenticating with existing credentials for {key}"));
            match self.check(&key, known.clone()) {
                Ok(()) => {
                    say(&format!("Existing credentials are valid. Already logged in to {}", key.host));
                    return Ok(0);
                }
                Err(error) if error::kind(&error) == Kind::Denied && std::io::stdin().is_terminal() => {
                    say("Existing credentials are invalid, please enter valid username and password");
                }
                Err(error) => return Err(error),
            }
        }
        let before = known.and_then(|known| match known {
            Credentials::Password { user, .. } => Some(user),
            Credentials::IdentityToken(_) => None,
        });
        let user = match self.username.take().filter(|user| !user.is_empty()) {
            Some(user) => user,
            None => ask_user(before)?,
        };
        let password = given.map_or_else(ask_password, Ok)?;
        if password.reveal().is_empty() {
            return Err(Kind::BadInput.error("the password is empty"));
        }
        self.check(&key, Credentials::Password { user: user.clone(), password: password.clone() })?;
        let kept = auth::keep(&place, &key, &user, &password)?;
        if self.verbose {
            say(&format!("Used:  {kept}"));
        }
        say(if context.docker { "Login Succeeded" } else { "Login Succeeded!" });
        Ok(0)
    }
}

impl Login {
    /// The password, if it is to be had without asking a person.
    fn given_password(&mut self, context: &Context) -> Result<Option<Secret>> {
        if let Some(name) = &self.secret {
            let found = secret::find(&context.engine, name)?;
            let value = secret::value(&context.engine, &found)?;
            self.username.get_or_insert_with(|| found.name.clone());
            return secret_of(value).with_context(|| format!("secret {name}")).map(Some);
        }
        if self.password_stdin {
            if self.username.is_none() {
                return Err(Kind::BadInput.hinted("no user for the password", "give one with --username"));
            }
            let bytes = fs::read_all(std::io::stdin().lock(), PASSWORD_BYTES_MAX);
            return secret_of(bytes.context("read the password from standard input")?).map(Some);
        }
        Ok(self.password.take().filter(|password| !password.is_empty()).map(Secret::new))
    }

    fn check(&self, key: &Key, credentials: Credentials) -> Result<()> {
        let access = Access { tls_verify: self.tls_verify, cert_dir: self.cert_dir.clone(), ..Access::default() };
        Registry::check(&key.host, credentials, &access).with_context(|| format!("log in to {key}"))
    }
}

/// Files end with an end of line, passwords do not.
pub fn secret_of(bytes: Vec<u8>) -> Result<Secret> {
    // What is no text is not shown in an error either.
    let text = String::from_utf8(bytes).map_err(|_| Kind::BadInput.error("the password is no text in UTF-8"))?;
    if text.len() > PASSWORD_BYTES_MAX {
        return Err(Kind::BadInput.error(format!("a password has at most {PASSWORD_BYTES_MAX} bytes")));
    }
    Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
}

fn prompt(text: &str) {
    let mut stdout = std::io::stdout().lock();
    // Who cannot see it can answer all the same.
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

fn ask_user(before: Option<String>) -> Result<String> {
    match &before {
        Some(before) => prompt(&format!("Username ({before}): ")),
        None => prompt("Username: "),
    }
    let mut line = String::new();
    let length = std::io::stdin().lock().take(USER_BYTES_MAX).read_line(&mut line).context("read the user name")?;
    let user = line.trim();
    match before {
        Some(before) if user.is_empty() && length > 0 => Ok(before),
        _ if user.is_empty() => Err(Kind::BadInput.hinted("no user", "give one with --username")),
        _ => Ok(user.to_owned()),
    }
}

fn ask_password() -> Result<Secret> {
    ask_secret("Password: ", "use --password-stdin")
}

/// Asks at the terminal for what it does not show. The hint is for those who have none.
pub fn ask_secret(text: &str, hint: &str) -> Result<Secret> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        let what = text.trim_end_matches([' ', ':']).to_lowercase();
        return Err(Kind::BadInput.hinted(format!("there is no terminal to ask for the {what} at"), hint));
    }
    prompt(text);
    let raw = Raw::enter(stdin.as_fd().try_clone_to_owned()?)?;
    let password = type_password(&mut stdin.lock());
    drop(raw);
    prompt("\n");
    password
}

/// Takes keys one by one: the terminal shows and edits nothing, so that an interrupt leaves it as it was.
fn type_password(keys: &mut impl Read) -> Result<Secret> {
    let mut typed = Vec::new();
    let mut key = [0];
    loop {
        let is_end = keys.read(&mut key).context("read the password")? == 0;
        match key[0] {
            b'\r' | b'\n' => return secret_of(typed),
            0x03 | 0x04 => return Err(Kind::BadInput.error("no password: interrupted")),
            _ if is_end => return Err(Kind::BadInput.error("no password: the terminal is closed")),
            // Backspace takes a whole character away, Ctrl-U all of them.
            0x08 | 0x7f => while typed.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {},
            0x15 => typed.clear(),
            byte if typed.len() < PASSWORD_BYTES_MAX => typed.push(byte),
            _ => return Err(Kind::BadInput.error(format!("a password has at most {PASSWORD_BYTES_MAX} bytes"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_can_be_corrected_while_it_is_typed() {
        let typed = |keys: &str| type_password(&mut keys.as_bytes()).map(|password| password.reveal().to_owned());
        assert_eq!(typed("hunter3\u{7f}2\r").unwrap(), "hunter2");
        assert_eq!(typed("wrong\u{15}pé\u{8}ä\n").unwrap(), "pä");
        for keys in ["abc\u{3}", "abc\u{4}", "abc"] {
            assert!(!format!("{:#}", typed(keys).unwrap_err()).contains("abc"));
        }
    }
}
