//! `image trust`: see and change which images may come in.

use super::{Context, Verb, listing};
use crate::error::Kind;
use crate::fs;
use crate::image::policy::{self, Policy, Requirement, Rule, Trust};
use crate::image::signature::System;
use crate::image::signature::lookaside::Lookaside;
use anyhow::Result;
use serde_json::json;
use std::path::PathBuf;

/// The largest file that is shown as it is.
const FILE_BYTES_MAX: usize = 1 << 20;

/// See and change which images may come in
#[derive(clap::Args)]
#[command(arg_required_else_help = true)]
pub struct ImageTrust {
    #[command(subcommand)]
    verb: TrustVerb,
}

#[derive(clap::Subcommand)]
enum TrustVerb {
    Show(Show),
    Set(Set),
}

/// Show which images may come in, by ~/.config/containers/policy.json or, if there is none, /etc/containers/policy.json
///
/// The files are those of podman and skopeo: containers-policy.json(5). Without either, every image is accepted. Where a
/// rule asks for a signature (signedBy, sigstoreSigned), the image comes in only if its registry or the place that
/// registries.d names for it has one by the rule's key.
#[derive(clap::Args)]
struct Show {
    /// Print as JSON
    #[arg(short, long)]
    json: bool,
    /// Print no headings
    #[arg(short, long)]
    noheading: bool,
    /// Show this file instead
    #[arg(long, value_name = "FILE", hide = true)]
    policypath: Option<PathBuf>,
    /// Print the file as it is
    #[arg(long, conflicts_with = "json")]
    raw: bool,
}

/// Set which images may come in: those of a registry, a part of it, or one
///
/// The rule is written to ~/.config/containers/policy.json, which begins as a copy of the system's, and for root to
/// /etc/containers/policy.json. The rule with the longest scope that an image is in holds.
#[derive(clap::Args)]
struct Set {
    /// Change this file instead
    #[arg(long, value_name = "FILE", hide = true)]
    policypath: Option<PathBuf>,
    /// A file with a public key that the images must be signed by; several for signatures by each of them
    #[arg(short = 'f', long, value_name = "FILE")]
    pubkeysfile: Vec<PathBuf>,
    /// What becomes of the images: accept, reject, signedBy (a key of GnuPG) or sigstoreSigned
    #[arg(short = 't', long = "type", value_name = "TYPE", default_value = "signedBy")]
    kind: String,
    /// Which images: HOST[:PORT][/NAMESPACE][/NAME][:TAG|@DIGEST], *.DOMAIN, or default for all that have no rule
    #[arg(value_name = "SCOPE")]
    scope: String,
}

impl Verb for ImageTrust {
    fn run(self, _: &Context) -> Result<u8> {
        match self.verb {
            TrustVerb::Show(show) => show.run(),
            TrustVerb::Set(set) => set.run(),
        }
    }
}

impl Show {
    fn run(self) -> Result<u8> {
        if self.raw {
            let file = self.policypath.unwrap_or_else(policy::usual_file);
            let text = fs::read(&file, FILE_BYTES_MAX)?;
            listing::put(&String::from_utf8_lossy(&text));
            listing::put("\n");
            return Ok(0);
        }
        let policy = Policy::load(self.policypath.as_deref())?;
        let rules = policy.rules();
        let lookaside = Lookaside::load()?;
        if self.json {
            let rows: Vec<_> = rules.iter().map(|rule| object(rule, &lookaside)).collect();
            listing::put(&format!("{}\n", serde_json::to_string_pretty(&rows)?));
            return Ok(0);
        }
        let row = |rule: &Rule| {
            let (transport, name) = place(rule);
            let (name, store) = (name.unwrap_or("default"), lookaside.shown(scope(rule)).unwrap_or_default());
            [transport, name, word(rule.requirement), &id(rule.requirement), store].map(str::to_owned)
        };
        let headings = ["TRANSPORT", "NAME", "TYPE", "ID", "STORE"];
        listing::columns(&headings, !self.noheading, rules.iter().map(row));
        Ok(0)
    }
}

impl Set {
    fn run(self) -> Result<u8> {
        let (has_keys, keys) = (!self.pubkeysfile.is_empty(), self.pubkeysfile);
        let trust = match self.kind.as_str() {
            "accept" if !has_keys => Trust::Accept,
            "reject" if !has_keys => Trust::Reject,
            "signedBy" if has_keys => Trust::Signed { system: System::OpenPgp, keys },
            "sigstoreSigned" if has_keys => Trust::Signed { system: System::Sigstore, keys },
            "accept" | "reject" => {
                return Err(Kind::BadInput.error(format!("trust of type {} has no keys", self.kind)));
            }
            "signedBy" | "sigstoreSigned" => {
                let message = format!("trust of type {} needs a key", self.kind);
                return Err(
                    Kind::BadInput.hinted(message, "name it with --pubkeysfile, or use --type accept or reject")
                );
            }
            other => {
                let hint = "use accept, reject, signedBy or sigstoreSigned";
                return Err(Kind::BadInput.hinted(format!("there is no type {other:?}"), hint));
            }
        };
        policy::set(self.policypath.as_deref(), &self.scope, &trust)?;
        Ok(0)
    }
}

/// The transport as podman shows it, and the scope unless it is the default of everything.
fn place<'a>(rule: &Rule<'a>) -> (&'a str, Option<&'a str>) {
    match rule.place {
        None => ("all", None),
        Some(("docker", scope)) => ("repository", Some(scope)),
        Some((transport, scope)) => (transport, Some(scope)),
    }
}

/// The scope of registries that a rule is for, if it is for one.
fn scope<'a>(rule: &Rule<'a>) -> Option<&'a str> {
    rule.place.map(|(_, scope)| scope)
}

/// A rule in podman's words. What is empty is left out.
fn object(rule: &Rule, lookaside: &Lookaside) -> serde_json::Value {
    let (transport, name) = place(rule);
    let (name, repository) = name.map_or(("* (default)", "default"), |name| (name, name));
    let pairs = [
        ("transport", transport),
        ("name", name),
        ("repo_name", repository),
        ("type", word(rule.requirement)),
        ("gpg_id", &id(rule.requirement)),
        ("sigstore", lookaside.shown(scope(rule)).unwrap_or_default()),
    ];
    let mut object = json!({});
    for (key, value) in pairs.into_iter().filter(|(_, value)| !value.is_empty()) {
        object[key] = value.into();
    }
    object
}

fn word(requirement: &Requirement) -> &'static str {
    match requirement {
        Requirement::Accept => "accept",
        Requirement::Reject => "reject",
        Requirement::Signed(signed) if signed.system() == System::OpenPgp => "signed",
        Requirement::Signed(_) => "sigstoreSigned",
        Requirement::SignedBaseLayer => "unknown",
    }
}

/// Whose signature. Keys of sigstore do not say whose they are.
fn id(requirement: &Requirement) -> String {
    match requirement {
        Requirement::Signed(signed) if signed.system() == System::Sigstore => "N/A".to_owned(),
        Requirement::Signed(signed) => signed.owners().join(", "),
        Requirement::Accept | Requirement::Reject | Requirement::SignedBaseLayer => String::new(),
    }
}
