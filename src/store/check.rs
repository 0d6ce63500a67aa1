//! What is wrong in the store: damaged blobs, broken layers, and what killed commands have left in staging.

use super::digest::{Digest, Hashing};
use super::{blobs, layers, partial};
use crate::engine::Engine;
use crate::error;
use crate::fs;
use anyhow::{Context, Result};
use std::os::fd::AsFd;
use std::path::Path;

/// One line of numbers and a name of 16 bytes.
const STAT_BYTES_MAX: usize = 4 << 10;

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
    for name in abandoned(engine)? {
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

/// What lies in staging of processes that have ended. A pid that has been given again keeps its namesake's a while.
fn abandoned(engine: &Engine) -> Result<Vec<String>> {
    let mut names = fs::list(&engine.staging())?;
    names.retain(|name| owner(name).is_some_and(|pid| !is_alive(pid)));
    names.sort();
    Ok(names)
}

/// The pid in a name that [`fs::staging_name`] has made.
fn owner(name: &str) -> Option<rustix::process::Pid> {
    let mut parts = name.split('-');
    let (pid, counter, time) = (parts.next()?, parts.next()?, parts.next()?);
    let is_ours = parts.next().is_none() && counter.parse::<u32>().is_ok() && u128::from_str_radix(time, 16).is_ok();
    rustix::process::Pid::from_raw(pid.parse().ok()?).filter(|_| is_ours)
}

/// A zombie that its parent has not waited for yet writes nothing any more: proc_pid_stat(5).
fn is_alive(pid: rustix::process::Pid) -> bool {
    let status = fs::read(Path::new(&format!("/proc/{}/stat", pid.as_raw_nonzero())), STAT_BYTES_MAX);
    let status = status.unwrap_or_default();
    // The name before the state is in parentheses and may hold anything.
    let state = status.rsplit(|byte| *byte == b')').next().and_then(|rest| rest.get(1));
    match state {
        Some(state) => !matches!(state, b'Z' | b'X'),
        None => rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH),
    }
}

/// Removes what [`check`] called abandoned. Some of it belongs to subordinate ids: the caller has gone through the
/// door.
pub fn sweep_staging(engine: &Engine) -> Result<()> {
    let staging = fs::open_dir(&engine.staging())?;
    abandoned(engine)?.iter().try_for_each(|name| fs::remove_tree(staging.as_fd(), name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::Scratch;

    #[test]
    fn only_names_of_staging_have_an_owner() {
        assert_eq!(owner("12-0-18ab").map(|pid| pid.as_raw_nonzero().get()), Some(12));
        for name in ["", "12", "12-0", "12-0-xyz", "a-0-18ab", "-5-0-18ab", "12-0-18ab-1", "0-0-1", "12.tmp"] {
            assert_eq!(owner(name), None, "{name}");
        }
    }

    #[test]
    fn a_zombie_is_not_alive() {
        use nix::sys::wait::{Id, WaitPidFlag, waitid};
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let pid = rustix::process::Pid::from_child(&child);
        assert!(is_alive(pid));
        child.kill().unwrap();
        let id = nix::unistd::Pid::from_raw(pid.as_raw_nonzero().get());
        waitid(Id::Pid(id), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT).unwrap();
        assert!(!is_alive(pid));
        child.wait().unwrap();
        assert!(!is_alive(pid));
    }

    #[test]
    fn damage_is_found_and_only_leftovers_are_swept() {
        let scratch = Scratch::new();
        let engine = &scratch.engine;
        blobs::init(engine).unwrap();
        let digest = blobs::write(engine, b"whole").unwrap();
        assert_eq!(check(engine, true).unwrap(), []);
        fs::write_atomic(&blobs::path(engine, &digest), b"rotten", fs::Durability::Cached).unwrap();
        fs::create_dir(&engine.layers().join("ab".repeat(32))).unwrap();
        // No process has the highest pid that there can be.
        fs::create_dir(&engine.staging().join(format!("{}-0-1", 1 << 22))).unwrap();
        let ours = fs::staging_name(&engine.staging());
        fs::create_dir(&ours).unwrap();
        let findings = check(engine, true).unwrap();
        let leftovers = findings.iter().filter(|finding| finding.repaired.is_some()).count();
        assert_eq!((findings.len(), leftovers), (3, 1), "{findings:?}");
        assert_eq!(check(engine, false).unwrap().len(), 2);
        sweep_staging(engine).unwrap();
        assert_eq!(check(engine, true).unwrap().len(), 2);
        assert!(ours.is_dir());
    }
}
