//! The processes of a container as the host's /proc shows them: nothing of the container is entered, executed or believed.

use crate::fs;
use anyhow::Result;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The largest file of /proc that is read about a process.
const FILE_BYTES_MAX: usize = 64 << 10;

/// What proc_pid_stat(5) says of a process.
#[derive(Clone, Debug)]
pub struct Stat {
    pub pid: i32,
    pub name: String,
    /// A letter: R, S, D, T, Z …
    pub state: char,
    pub parent: i32,
    pub group: i32,
    /// The controlling terminal's device number; 0 is none.
    pub terminal: i32,
    pub user_ticks: u64,
    pub system_ticks: u64,
    pub nice: i32,
    /// Clock ticks since boot.
    pub start_ticks: u64,
    pub virtual_bytes: u64,
    pub resident_pages: u64,
}

/// Reads about one process. None if it is gone.
pub fn stat(pid: i32) -> Option<Stat> {
    let text = fs::read(Path::new(&format!("/proc/{pid}/stat")), FILE_BYTES_MAX).ok()?;
    parse(pid, &String::from_utf8_lossy(&text))
}

fn parse(pid: i32, text: &str) -> Option<Stat> {
    // The second field is the program's name in parentheses and may hold anything.
    let (front, rest) = text.rsplit_once(") ")?;
    let name = front.split_once('(')?.1.to_owned();
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<i64>().ok();
    let counter = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some(Stat {
        pid,
        name,
        state: fields.first()?.chars().next()?,
        parent: number(1)? as i32,
        group: number(2)? as i32,
        terminal: number(4)? as i32,
        user_ticks: counter(11)?,
        system_ticks: counter(12)?,
        nice: number(16)? as i32,
        start_ticks: counter(19)?,
        virtual_bytes: counter(20)?,
        resident_pages: counter(21)?,
    })
}

/// The processes of a container whose monitor and pid 1 these are: what descends from pid 1, and from the children of
/// the monitor that are in a pid namespace below its own. By pid, pid 1 first.
pub fn of(monitor: i32, first: i32) -> Result<Vec<Stat>> {
    let mut all = BTreeMap::new();
    for name in fs::list(Path::new("/proc"))? {
        if let Some(stat) = name.parse().ok().and_then(stat) {
            all.insert(stat.pid, stat);
        }
    }
    let own_depth = status(monitor).map_or(1, |status| status.depth());
    let is_inside = |pid: i32| status(pid).is_some_and(|status| status.depth() > own_depth);
    let mut members: BTreeSet<i32> =
        all.values().filter(|stat| stat.parent == monitor && is_inside(stat.pid)).map(|stat| stat.pid).collect();
    if all.contains_key(&first) {
        members.insert(first);
    }
    loop {
        let more: Vec<i32> = all
            .values()
            .filter(|stat| members.contains(&stat.parent) && !members.contains(&stat.pid))
            .map(|stat| stat.pid)
            .collect();
        if more.is_empty() {
            break;
        }
        members.extend(more);
    }
    let mut found: Vec<Stat> = members.iter().filter_map(|pid| all.remove(pid)).collect();
    found.sort_by_key(|stat| (stat.pid != first, stat.pid));
    Ok(found)
}

/// The lines of proc_pid_status(5), by key.
pub struct StatusLines(BTreeMap<String, String>);

/// Reads the status of a process. None if it is gone.
pub fn status(pid: i32) -> Option<StatusLines> {
    let text = fs::read(Path::new(&format!("/proc/{pid}/status")), FILE_BYTES_MAX).ok()?;
    let text = String::from_utf8_lossy(&text).into_owned();
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    Some(StatusLines(lines.map(|(key, value)| (key.to_owned(), value.trim().to_owned())).collect()))
}

impl StatusLines {
    pub fn get(&self, key: &str) -> &str {
        self.0.get(key).map_or("", String::as_str)
    }

    /// In how many pid namespaces, one in another, the process has a number.
    fn depth(&self) -> usize {
        self.get("NSpid").split_whitespace().count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_anything() {
        let rest = "S 1 2 3 34816 5 6 7 8 9 10 11 12 13 14 20 -5 1 0 999 4096 2 18446744073709551615";
        let stat = parse(42, &format!("42 (a) b) ({}) {rest}", "x")).unwrap();
        assert_eq!((stat.name.as_str(), stat.state, stat.parent, stat.group), ("a) b) (x", 'S', 1, 2));
        assert_eq!((stat.user_ticks, stat.system_ticks, stat.nice, stat.start_ticks), (11, 12, -5, 999));
        assert_eq!((stat.terminal, stat.virtual_bytes, stat.resident_pages), (34816, 4096, 2));
        assert!(parse(1, "1 (x) S").is_none() && parse(1, "").is_none());
    }
}
