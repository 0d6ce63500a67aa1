//! The processes of a container that shares its pid namespace: nothing but the monitor ends them with it.
//!
//! The monitor makes itself their reaper: whatever the container's process leaves behind becomes the monitor's child
//! (prctl(2), `PR_SET_CHILD_SUBREAPER`), however deep it was, and a child keeps its pid until it is reaped.

use super::Monitor;
use super::network::Connected;
use crate::container::config::Namespace;
use crate::fs;
use crate::sys::process;
use anyhow::Result;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long killed processes may take to end: one may be stuck in the kernel, on a disk or a network file system.
const END_TIMEOUT: Duration = Duration::from_secs(5);

const PAUSE: Duration = Duration::from_millis(2);

/// The largest list of children that is read: a million pids.
const CHILDREN_BYTES_MAX: usize = 8 << 20;

impl Monitor {
    fn shares_pids(&self) -> bool {
        self.config.users.pid != Namespace::Own
    }

    /// The container's process has ended, and all others of the container end with it.
    pub(super) fn end_stragglers(&self) -> Result<()> {
        if !self.shares_pids() {
            return Ok(());
        }
        self.end_strangers()?;
        // Those that exec has put there are waited for where they always are.
        for process in self.processes.iter().filter(|process| process.exit.is_none()) {
            process::kill_child(process.child.pid);
        }
        Ok(())
    }

    /// A failed exec may have left a child that nobody knows of: not reaped, it would keep the pid namespace from ending.
    /// Where that is shared, such a child ends by itself and is among those below.
    pub(super) fn end_lost_exec(&self) -> Result<()> {
        if self.shares_pids() { Ok(()) } else { self.end_strangers() }
    }

    /// Ends the children that have no pidfd here.
    fn end_strangers(&self) -> Result<()> {
        let until = Instant::now() + END_TIMEOUT;
        let known = self.known_children();
        while Instant::now() < until {
            let strangers: Vec<i32> = children()?.into_iter().filter(|pid| !known.contains(pid)).collect();
            if strangers.is_empty() {
                return Ok(());
            }
            for pid in strangers {
                // A child that has ended keeps its pid until it is reaped below: this hits nobody else.
                process::kill_child(pid);
                process::reap(pid);
            }
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// Lets go of children that nobody else waits for and that have ended.
    pub(super) fn reap_stragglers(&self) {
        if self.shares_pids()
            && let Ok(children) = children()
        {
            let known = self.known_children();
            children.iter().filter(|pid| !known.contains(pid)).for_each(|pid| process::reap(*pid));
        }
    }

    /// The children that have their own pidfd here.
    fn known_children(&self) -> Vec<i32> {
        let processes = self.processes.iter().map(|process| process.child.pid);
        processes.chain(self.network().map(Connected::pids).unwrap_or_default()).collect()
    }
}

/// The pids of this process's children: proc_pid_children(5). It has one thread.
fn children() -> Result<Vec<i32>> {
    let path = format!("/proc/self/task/{}/children", process::own_pid());
    let text = fs::read(Path::new(&path), CHILDREN_BYTES_MAX)?;
    Ok(String::from_utf8_lossy(&text).split_whitespace().filter_map(|pid| pid.parse().ok()).collect())
}
