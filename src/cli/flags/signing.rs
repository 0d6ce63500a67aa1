//! The flags of whatever signs what it sends.

use crate::cli::login::{ask_secret, secret_of};
use crate::error::Kind;
use crate::fs;
use crate::image::signature::private_key::{KEY_BYTES_MAX, PrivateKey};
use crate::image::signature::sign::{Signer, Signing};
use anyhow::{Context, Result};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The largest file of a passphrase or of parameters that is read.
const FILE_BYTES_MAX: usize = 64 << 10;

/// By whom images are signed.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Signing")]
pub struct SigningFlags {
    /// Sign with this key of GnuPG, and put the signature where registries.d says
    #[arg(long, value_name = "KEY")]
    sign_by: Option<String>,
    /// Sign as this file says: containers-sigstore-signing-params.yaml(5)
    #[arg(long, value_name = "FILE", conflicts_with = "sign_by_sigstore_private_key")]
    sign_by_sigstore: Option<PathBuf>,
    /// Sign with this private key of sigstore, and attach the signature to the image in its registry
    #[arg(long, value_name = "FILE")]
    sign_by_sigstore_private_key: Option<PathBuf>,
    /// Take the key's passphrase from the first line of this file
    #[arg(long, value_name = "FILE")]
    sign_passphrase_file: Option<PathBuf>,
}

/// A file of parameters.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Parameters {
    private_key_file: Option<PathBuf>,
    private_key_passphrase_file: Option<PathBuf>,
    fulcio: Option<serde::de::IgnoredAny>,
    #[serde(rename = "rekorURL")]
    rekor: Option<String>,
}

impl SigningFlags {
    /// Whether anything is to be signed.
    pub fn is_given(&self) -> bool {
        self.sign_by.is_some() || self.sign_by_sigstore.is_some() || self.sign_by_sigstore_private_key.is_some()
    }

    /// Reads the keys, and asks for a passphrase that no file has.
    pub fn signing(&self, dir: Option<PathBuf>) -> Result<Signing> {
        let passphrase = self.sign_passphrase_file.clone();
        let mut signers = Vec::new();
        if let Some(key) = &self.sign_by {
            signers.push(Signer::OpenPgp { key: key.clone(), passphrase: passphrase.clone() });
        }
        if let Some(file) = &self.sign_by_sigstore_private_key {
            signers.push(Signer::Sigstore(private_key(file, passphrase.as_deref())?));
        }
        if let Some(file) = &self.sign_by_sigstore {
            let shown = || format!("read {}", file.display());
            let Parameters { private_key_file, private_key_passphrase_file, fulcio, rekor } =
                parameters(file).with_context(shown)?;
            let beyond = [(fulcio.is_some(), "fulcio"), (rekor.is_some(), "rekorURL")];
            if let Some((_, field)) = beyond.iter().find(|(is_there, _)| *is_there) {
                let message = format!("{field} is not supported: images are signed by keys alone");
                return Err(Kind::BadInput.error(message)).with_context(shown);
            }
            let missing = || Kind::BadInput.error("there is no privateKeyFile");
            let key = private_key_file.ok_or_else(missing).with_context(shown)?;
            let passphrase = private_key_passphrase_file.or(passphrase);
            signers.push(Signer::Sigstore(private_key(&key, passphrase.as_deref())?));
        }
        if signers.is_empty() && self.sign_passphrase_file.is_some() {
            let hint = "name the key with --sign-by or --sign-by-sigstore-private-key";
            return Err(Kind::BadInput.hinted("--sign-passphrase-file is the passphrase of no key", hint));
        }
        Ok(Signing { signers, dir })
    }
}

fn parameters(file: &Path) -> Result<Parameters> {
    let bytes = fs::read(file, FILE_BYTES_MAX)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| Kind::BadInput.error("not UTF-8"))?;
    serde_saphyr::from_str(text).map_err(|error| Kind::BadInput.error(error.to_string()))
}

fn private_key(file: &Path, passphrase: Option<&Path>) -> Result<PrivateKey> {
    let Some(bytes) = fs::read_optional(file, KEY_BYTES_MAX)? else {
        let hint = "make a pair of keys with cosign generate-key-pair or skopeo generate-sigstore-key";
        return Err(Kind::NotFound.hinted(format!("there is no private key {}", file.display()), hint));
    };
    let passphrase = match passphrase {
        Some(file) => {
            let bytes = fs::read(file, FILE_BYTES_MAX).context("read the passphrase")?;
            let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
            secret_of(line.to_vec()).with_context(|| format!("read {}", file.display()))?
        }
        None => ask_secret("Passphrase of the key: ", "use --sign-passphrase-file")?,
    };
    PrivateKey::read(&bytes, &passphrase).with_context(|| format!("open {}", file.display()))
}
