//! Which capabilities a container has: the default ones, what `--cap-add` and `--cap-drop` make of them, and what its
//! user gets.

use crate::container::config::Security;
use crate::error::Kind;
use crate::runtime::capabilities::{ALL, Set};
use anyhow::Result;
use oci_spec::runtime::{Capability, LinuxCapabilities, LinuxCapabilitiesBuilder};

/// What a container's root may do by default: own, read and signal the container's files and processes, change its
/// user, listen on low ports.
pub const DEFAULT: [Capability; 11] = [
    Capability::Chown,
    Capability::DacOverride,
    Capability::Fowner,
    Capability::Fsetid,
    Capability::Kill,
    Capability::NetBindService,
    Capability::Setfcap,
    Capability::Setgid,
    Capability::Setpcap,
    Capability::Setuid,
    Capability::SysChroot,
];

/// The capabilities of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Granted {
    /// All that it has.
    pub set: Set,
    /// Those of them that were asked for by name, or by `ALL`. Only these reach a user other than root.
    pub added: Set,
}

/// What a container starts from: all if it is privileged, else what the settings say, else [`DEFAULT`].
pub fn base(security: &Security, privileged: bool) -> Result<Set> {
    match &security.capabilities_default {
        _ if privileged => Ok(Set::FULL),
        Some(names) => Ok(resolve(Set::EMPTY, names, &[])?.set),
        None => Ok(DEFAULT.into_iter().collect()),
    }
}

/// Refuses names of no capability.
pub fn check(names: &[String]) -> Result<()> {
    resolve(Set::EMPTY, names, &[]).map(drop)
}

/// Applies `--cap-add` and `--cap-drop` to the capabilities of `base`: [`DEFAULT`], or all for a privileged container.
///
/// A name may be written with or without `CAP_`, in any case; one string may hold several, with commas. `ALL` in `add`
/// starts from all capabilities, in `drop` from none. Asking for both at once is an error, for `ALL` as for a name.
pub fn resolve(base: Set, add: &[String], drop: &[String]) -> Result<Granted> {
    let (add, drop) = (Change::parse(add)?, Change::parse(drop)?);
    if add.all && drop.all {
        return Err(Kind::BadInput.error("all capabilities are both added and dropped"));
    }
    if let Some(name) = add.named.intersection(drop.named).names().next() {
        return Err(Kind::BadInput.error(format!("capability {name} is both added and dropped")));
    }
    let added = if add.all { Set::FULL.without(drop.named) } else { add.named };
    let kept = if drop.all { Set::EMPTY } else { base.without(drop.named) };
    Ok(Granted { set: kept.union(added), added })
}

/// The capability sets of a process of a container.
///
/// Root has all of `granted` as effective and permitted. Another user has only what was added on request, and that as
/// ambient too, or it would be lost on exec. Nothing else is ever inheritable: an inheritable capability is one that
/// any file marked with it hands out (CVE-2022-24769 and its kin).
pub fn for_user(granted: Granted, uid: u32) -> LinuxCapabilities {
    let Granted { set, added } = granted;
    let (held, inherited) = if uid == 0 { (set, Set::EMPTY) } else { (added, added) };
    LinuxCapabilitiesBuilder::default()
        .bounding(set)
        .effective(held)
        .permitted(held)
        .inheritable(inherited)
        .ambient(inherited)
        .build()
        .expect("every field of the builder has a default")
}

/// The values of one of the two flags.
#[derive(Default)]
struct Change {
    all: bool,
    named: Set,
}

impl Change {
    fn parse(values: &[String]) -> Result<Self> {
        let mut change = Self::default();
        for value in values.iter().flat_map(|value| value.split(',')) {
            let name = value.trim().to_ascii_uppercase();
            if name == "ALL" {
                change.all = true;
            } else {
                change.named = change.named.union(parse(&name)?);
            }
        }
        Ok(change)
    }
}

fn parse(name: &str) -> Result<Set> {
    let full = if name.starts_with("CAP_") { name.to_owned() } else { format!("CAP_{name}") };
    Set::named(&full).ok_or_else(|| {
        let message = format!("unknown capability {name:?}");
        match closest(&full) {
            Some(known) => Kind::BadInput.hinted(message, format!("did you mean {known}?")),
            None => Kind::BadInput.error(message),
        }
    })
}

/// Typing errors further away than this are other words.
const DISTANCE_MAX: usize = 3;
/// Longer than any capability's name; what is longer is compared with none.
const NAME_LENGTH_MAX: usize = 64;

fn closest(name: &str) -> Option<&'static str> {
    if name.len() > NAME_LENGTH_MAX {
        return None;
    }
    let ranked = ALL.iter().map(|(known, _)| (distance(name.as_bytes(), known.as_bytes()), *known));
    ranked.filter(|(distance, _)| *distance <= DISTANCE_MAX).min().map(|(_, known)| known)
}

/// Levenshtein's: the fewest insertions, removals and replacements that make one of the other.
fn distance(from: &[u8], to: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (above, from) in from.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = above + 1;
        for (left, to) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[left + 1];
            row[left + 1] = replaced.min(diagonal + 1).min(row[left] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error;
    use crate::runtime::capabilities::Sets;

    fn resolved(add: &[&str], drop: &[&str]) -> Result<Granted> {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        resolve(Set::from_iter(DEFAULT), &owned(add), &owned(drop))
    }

    /// The bits that podman 5.8 shows in /proc/self/status: bounding, effective, ambient.
    #[track_caller]
    fn assert_bits(uid: u32, add: &[&str], drop: &[&str], bits: [u64; 3]) {
        let sets = Sets::from(&for_user(resolved(add, drop).unwrap(), uid));
        assert_eq!([sets.bounding, sets.effective, sets.ambient].map(Set::bits), bits);
        assert_eq!((sets.effective, sets.ambient), (sets.permitted, sets.inheritable));
    }

    #[test]
    fn root_has_what_podman_gives_it() {
        assert_bits(0, &[], &[], [0x8004_05fb, 0x8004_05fb, 0]);
        assert_bits(0, &["NET_ADMIN"], &[], [0x8004_15fb, 0x8004_15fb, 0]);
        assert_bits(0, &["cap_net_admin,cap_chown"], &[], [0x8004_15fb, 0x8004_15fb, 0]);
        assert_bits(0, &[], &["CHOWN"], [0x8004_05fa, 0x8004_05fa, 0]);
        assert_bits(0, &["all"], &[], [0x1ff_ffff_ffff, 0x1ff_ffff_ffff, 0]);
        assert_bits(0, &["ALL"], &["net_admin"], [0x1ff_ffff_efff, 0x1ff_ffff_efff, 0]);
        assert_bits(0, &["NET_ADMIN"], &["ALL"], [0x1000, 0x1000, 0]);
        assert_bits(0, &[], &["ALL"], [0, 0, 0]);
    }

    #[test]
    fn another_user_has_only_what_was_added() {
        assert_bits(1000, &[], &[], [0x8004_05fb, 0, 0]);
        assert_bits(1000, &["CHOWN"], &[], [0x8004_05fb, 1, 1]);
        assert_bits(1000, &["NET_ADMIN"], &["ALL"], [0x1000, 0x1000, 0x1000]);
        assert_bits(1000, &["ALL"], &[], [0x1ff_ffff_ffff; 3]);
        assert_bits(1000, &["ALL"], &["NET_ADMIN"], [0x1ff_ffff_efff; 3]);
        let privileged = for_user(resolve(Set::FULL, &[], &[]).unwrap(), 1000);
        assert!(Sets::from(&privileged).effective.is_empty());
    }

    #[test]
    fn contradictions_are_errors() {
        for (add, drop) in [("NET_ADMIN", "cap_net_admin"), ("ALL", "all")] {
            let error = resolved(&[add], &[drop]).unwrap_err();
            assert_eq!(error::kind(&error), Kind::BadInput);
        }
    }

    #[test]
    fn an_unknown_name_is_an_error_with_the_nearest() {
        let error = resolved(&["NET_ADMN"], &[]).unwrap_err();
        assert_eq!(error::line(&error), "unknown capability \"NET_ADMN\"");
        assert_eq!(error::hint(&error), Some("did you mean CAP_NET_ADMIN?"));
        assert_eq!(error::hint(&resolved(&["FROBNICATE"], &[]).unwrap_err()), None);
        assert!(resolved(&[""], &[]).is_err());
        assert!(resolved(&["CAP_ALL"], &[]).is_err());
    }
}
