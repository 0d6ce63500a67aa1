//! What is wrong in the store: damaged blobs, broken layers, and what killed commands have left in staging.

use super::digest::{Digest, Hashing};
use super::{blobs, layers, partial};
use crate::engine::Engine;
use crate::error;
use crate::fs::{self, staging};
use anyhow::{Context, Result};

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong, as a clause.
    pub what: String,
    /// What to do about it, as an imperative clause.
    pub fix: String,
    /// What a repair does about it, as a participle; None if it does nothing.
    pub repaired: Option<&'static str>,
}

impl Finding {
    pub fn new(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { what: what.into(), fix: fix.into(), repaired: None }
    }

    /// Something that this engine made and nobody uses: a repair takes it away.
    pub fn leftover(what: impl Into<String>) -> Self {
        let fix = "remove it with coracle system check --repair".to_owned();
        Self { what: what.into(), fix, repaired: Some("removed") }
    }

    /// Something that a killed command has left half done, and a repair completes.
    pub fn unfinished(what: impl Into<String>, repaired: &'static str) -> Self {
        let fix = "complete it with coracle system check --repair".to_owned();
        Self { what: what.into(), fix, repaired: Some(repaired) }
    }
}

/// Hashes every blob again, if `thorough`, and looks at every layer.
pub fn check(engine: &Engine, thorough: bool) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    if thorough {
        for digest in blobs::list(engine)? {
            findings.extend(check_blob(engine, &digest));
        }
    }
    for name in fs::list(&engine.layers())? {
        findings.extend(check_layer(engine, &name));
    }
    for name in partial::outdated(engine)? {
        let what = format!("a part of blob {name} was left by a pull that was not taken up again");
        findings.push(Finding::leftover(what));
    }
    for name in staging::abandoned(&engine.staging())? {
        findings.push(Finding::leftover(format!("staging {name} was left by a command that has ended")));
    }
    Ok(findings)
}

fn check_blob(engine: &Engine, digest: &Digest) -> Option<Finding> {
    let hash = || -> Result<Digest> {
        let mut blob = Hashing::new(blobs::open(engine, digest)?);
        std::io::copy(&mut blob, &mut std::io::sink()).context("read")?;
        Ok(blob.finish().1)
    };
    let fix = "remove the image that has it and pull or load it again";
    match hash() {
        Ok(found) if found == *digest => None,
        Ok(found) => Some(Finding::new(format!("blob {digest} is damaged: its bytes are those of {found}"), fix)),
        // It has been removed while this looked on.
        Err(error) if error::kind(&error) == error::Kind::NotFound => None,
        Err(error) => Some(Finding::new(format!("blob {digest}: {}", error::line(&error)), fix)),
    }
}

fn check_layer(engine: &Engine, name: &str) -> Option<Finding> {
    let fix = "remove the image that has it and pull or load it again";
    let Some(digest) = Digest::parse_hex(name) else {
        let path = engine.layers().join(name);
        return Some(Finding::new(
            format!("{} is not a layer", path.display()),
            format!("look at it, and remove it with coracle unshare rm -rf {}", path.display()),
        ));
    };
    let wrong = |what: String| Some(Finding::new(format!("layer {digest} {what}"), fix));
    if layers::is_doubtful(engine, &digest) {
        let what = format!("layer {digest} may not have been on the disk when the machine stopped");
        return Some(Finding::new(what, "run its image, which unpacks it again"));
    }
    if !layers::has(engine, &digest) {
        return wrong("has no files".to_owned());
    }
    match layers::info(engine, &digest) {
        Ok(Some(info)) if info.diff_id == digest => None,
        Ok(Some(info)) => wrong(format!("says that it is {}", info.diff_id)),
        Ok(None) => wrong("does not say what it is: info.json is missing".to_owned()),
        Err(error) => wrong(format!("does not say what it is: {}", error::line(&error))),
    }
}

/// Removes what dead processes have left in staging, here and in the store of artifacts. Some of it belongs to
/// subordinate ids: the caller has gone through the door.
pub fn sweep_staging(engine: &Engine) -> Result<()> {
    staging::sweep(&engine.staging())?;
    staging::sweep(&engine.artifacts().staging())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::Staged;
    use crate::store::tests::Scratch;

    #[test]
    fn damage_is_found_and_only_leftovers_are_swept() {
        let scratch = Scratch::new();
        let engine = &scratch.engine;
        blobs::init(engine).unwrap();
        let digest = blobs::write(engine, b"whole").unwrap();
        assert_eq!(check(engine, true).unwrap(), []);
        fs::write_atomic(&blobs::path(engine, &digest), b"rotten", fs::Durability::Cached).unwrap();
        fs::create_dir(&engine.layers().join("ab".repeat(32))).unwrap();
        // A process of another pid namespace may have our pid, and be dead.
        fs::create_dir(&fs::staging_name(&engine.staging())).unwrap();
        let ours = Staged::dir(&engine.staging()).unwrap();
        let findings = check(engine, true).unwrap();
        let leftovers = findings.iter().filter(|finding| finding.repaired.is_some()).count();
        assert_eq!((findings.len(), leftovers), (3, 1), "{findings:?}");
        assert_eq!(check(engine, false).unwrap().len(), 2);
        sweep_staging(engine).unwrap();
        assert_eq!(check(engine, true).unwrap().len(), 2);
        assert!(ours.path().is_dir());
    }
}
