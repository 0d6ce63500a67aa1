//! OpenPGP by the programs of GnuPG: `gpgv` verifies with the given keys and no others, `gpg` signs with the user's.

use super::{SIGNATURE_BYTES_MAX, armor, user_ids};
use crate::engine::Engine;
use crate::error::Kind;
use crate::fs::{self, Staged};
use crate::image::program;
use anyhow::Result;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// How long a verification may take.
const VERIFY_TIMEOUT: Duration = Duration::from_secs(30);
/// How long signing may take; a person may have to be asked for a passphrase.
const SIGN_TIMEOUT: Duration = Duration::from_secs(300);
const STATUS_BYTES_MAX: usize = 64 << 10;
/// What a status line begins with (GnuPG, doc/DETAILS).
const STATUS: &str = "[GNUPG:] ";
/// SHA-256, SHA-384 and SHA-512 (RFC 4880, section 9.4).
const HASHES: [&str; 3] = ["8", "9", "10"];
/// A signature of bytes as they are (RFC 4880, section 5.2.1).
const BINARY: &str = "00";

/// A keyring that verifies, in a directory of its own that goes with it.
pub struct Keyring {
    gpgv: PathBuf,
    dir: Staged,
}

impl Keyring {
    /// Takes the keys of files, each in the form of `gpg --export`, with or without `--armor`.
    pub fn new(engine: &Engine, files: &[Vec<u8>]) -> Result<Self> {
        let gpgv = program::find("gpgv").ok_or_else(|| {
            let hint = "install it: the package is called gpgv or gnupg2";
            Kind::NotFound.hinted("gpgv, which verifies signatures of OpenPGP, is not in PATH", hint)
        })?;
        let dir = Staged::dir(&engine.staging())?;
        let keys: Vec<Vec<u8>> = files.iter().map(|file| binary(file)).collect::<Result<_>>()?;
        fs::write_plain(&dir.path().join("keys"), &keys.concat(), 0o600)?;
        Ok(Self { gpgv, dir })
    }

    /// What a message says that one of the keys has signed.
    pub fn signed(&self, message: &[u8]) -> Result<Vec<u8>> {
        let file = fs::staging_name(self.dir.path());
        fs::write_plain(&file, message, 0o600)?;
        // Only of a message by one of the keys its content is unpacked: it could have no end.
        let (_, status) = self.run(&file, &["--status-fd", "1", "--output", "/dev/null"], STATUS_BYTES_MAX)?;
        check(&String::from_utf8_lossy(&status))?;
        let (is_done, content) = self.run(&file, &["--output", "-"], SIGNATURE_BYTES_MAX)?;
        match is_done {
            true => Ok(content),
            false => Err(Kind::Denied.error("gpgv accepts it and then does not")),
        }
    }

    fn run(&self, file: &Path, options: &[&str], answer_bytes_max: usize) -> Result<(bool, Vec<u8>)> {
        let mut command = Command::new(&self.gpgv);
        // Not the user's keys and options, only what is here.
        command.env("GNUPGHOME", self.dir.path()).env("LC_ALL", "C").arg("--homedir").arg(self.dir.path());
        command
            .args(["--weak-digest", "SHA1", "--keyring"])
            .arg(self.dir.path().join("keys"))
            .args(options)
            .arg(file);
        command.stderr(Stdio::null());
        let (status, answer) = program::ask(command, "gpgv", b"", answer_bytes_max, VERIFY_TIMEOUT)?;
        Ok((status.success(), answer))
    }
}

/// Refuses a signature by what gpgv says of it: there is one, it is good, and its key is neither expired nor revoked.
fn check(status: &str) -> Result<()> {
    let refuse = |why: &str| Err(Kind::Denied.error(why));
    let (mut contents, mut good, mut valid) = (0, 0, 0);
    for line in status.lines() {
        let line: Vec<&str> = line.strip_prefix(STATUS).unwrap_or_default().split(' ').collect();
        match line[0] {
            "PLAINTEXT" => contents += 1,
            "GOODSIG" => good += 1,
            "VALIDSIG" => match (line.get(8), line.get(9)) {
                (Some(hash), Some(&BINARY)) if HASHES.contains(hash) => valid += 1,
                (Some(_), Some(&BINARY)) => return refuse("it is made with a hash that is too weak"),
                _ => return refuse("it is not one of a whole message"),
            },
            "NEWSIG" | "KEY_CONSIDERED" | "SIG_ID" | "PLAINTEXT_LENGTH" | "VERIFICATION_COMPLIANCE_MODE" => {}
            "NO_PUBKEY" | "ERRSIG" => return refuse("it is by none of the keys"),
            "BADSIG" => return refuse("it is not of what it is with"),
            "EXPSIG" => return refuse("it has expired"),
            "KEYEXPIRED" | "EXPKEYSIG" => return refuse("its key has expired"),
            "REVKEYSIG" | "KEYREVOKED" => return refuse("its key is revoked"),
            "NODATA" | "UNEXPECTED" => return refuse("it is no signed message of OpenPGP"),
            other => return refuse(&format!("gpgv says {:?} of it", fs::shown(other.as_bytes()))),
        }
    }
    match (contents, good, valid) {
        (1, 1, 1) => Ok(()),
        _ => refuse("it is not a message with one good signature"),
    }
}

/// Whose keys are in a file, as they say themselves.
pub fn owners(file: &[u8]) -> Result<Vec<String>> {
    Ok(user_ids::user_ids(&binary(file)?))
}

/// Keys without their armor, of which gpgv knows nothing.
fn binary(file: &[u8]) -> Result<Vec<u8>> {
    let bad = || Kind::BadInput.error("a key is neither what gpg --export writes nor that with --armor");
    // A packet begins with a byte whose highest bit is set.
    if file.first().is_some_and(|first| first & 0x80 != 0) {
        return Ok(file.to_vec());
    }
    let blocks = std::str::from_utf8(file).ok().and_then(|text| armor::blocks(text, "PGP PUBLIC KEY BLOCK"));
    blocks.map(|blocks| blocks.concat()).ok_or_else(bad)
}

/// Signs a claim with a key of the user's.
pub fn sign(claim: &[u8], key: &str, passphrase: Option<&Path>) -> Result<Vec<u8>> {
    let gpg = program::find("gpg").ok_or_else(|| {
        let hint = "install it: the package is called gpg or gnupg2";
        Kind::NotFound.hinted("gpg, which makes signatures of OpenPGP, is not in PATH", hint)
    })?;
    let mut command = Command::new(gpg);
    command.args(["--quiet", "--digest-algo", "SHA256", "--local-user", key, "--sign", "--output", "-"]);
    if let Some(file) = passphrase {
        command.args(["--batch", "--pinentry-mode", "loopback", "--passphrase-file"]).arg(file);
    }
    // What it says takes several lines.
    command.stderr(Stdio::null());
    let (status, message) = program::ask(command, "gpg", claim, SIGNATURE_BYTES_MAX, SIGN_TIMEOUT)?;
    match status.success() {
        true => Ok(message),
        false => {
            let key = fs::shown(key.as_bytes());
            let message =
                format!("gpg does not sign with key {key:?}: it is not there, or the passphrase is another");
            Err(Kind::Denied.hinted(message, "see gpg --list-secret-keys"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[GNUPG:] NEWSIG\n[GNUPG:] PLAINTEXT 62 0 p\n[GNUPG:] GOODSIG A a\n";
    const VALID: &str = "[GNUPG:] VALIDSIG F 2026-01-01 1 0 4 0 22 8 00 F\n";

    #[test]
    fn only_one_good_signature_of_one_message_will_do() {
        check(&format!("{GOOD}{VALID}")).expect("the control");
        for status in [
            String::new(),
            GOOD.to_owned(),
            VALID.to_owned(),
            format!("{GOOD}{GOOD}{VALID}"),
            format!("{GOOD}{VALID}{VALID}"),
            format!("{GOOD}{VALID}[GNUPG:] PLAINTEXT 62 0 q\n"),
            format!("{GOOD}{VALID}[GNUPG:] KEYREVOKED\n"),
            format!("{GOOD}{VALID}[GNUPG:] EXPKEYSIG A a\n"),
            format!("{GOOD}{VALID}[GNUPG:] BADSIG A a\n"),
            format!("{GOOD}{VALID}[GNUPG:] SOMETHING_NEW\n"),
            format!("{GOOD}{}", VALID.replace(" 8 00", " 2 00")),
            format!("{GOOD}{}", VALID.replace(" 8 00", " 8 01")),
            format!("{GOOD}[GNUPG:] VALIDSIG F\n"),
            format!("{GOOD}{VALID}something\n"),
            format!("{GOOD}{}", &VALID[9..]),
        ] {
            assert!(check(&status).is_err(), "{status}");
        }
    }

    #[test]
    fn keys_come_with_and_without_armor() {
        let (begin, end) = ("-----BEGIN PGP PUBLIC KEY BLOCK-----", "-----END PGP PUBLIC KEY BLOCK-----");
        let armored = format!("A comment\n{begin}\nVersion: 1\n\nmFg=\n=abcd\n{end}\n{begin}\n\nmQ==\n{end}\n");
        assert_eq!(binary(armored.as_bytes()).expect("it is one"), b"\x98\x58\x99");
        assert_eq!(binary(b"\x98\x58").expect("it is one"), b"\x98\x58");
        for bad in [&b""[..], b"mFg=", begin.as_bytes(), armored.replace("mQ==", "!").as_bytes()] {
            assert!(binary(bad).is_err());
        }
    }
}
