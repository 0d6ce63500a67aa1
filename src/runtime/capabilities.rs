//! Puts capabilities on the process that becomes the container's, in the two steps between which it changes its user.

use anyhow::{Context, Result, bail};
use caps::{CapSet, CapsHashSet};
use oci_spec::runtime::{Capabilities, Capability, LinuxCapabilities};
use rustix::io::Errno;
use rustix::thread::{CapabilitySet, capability_is_in_bounding_set, remove_capability_from_bounding_set};

/// A set of capabilities, as the kernel keeps it: bit n is capability n.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Set(u64);

/// The capabilities in the order of their numbers in linux/capability.h, with their names there.
pub const ALL: &[(&str, Capability)] = &[
    ("CAP_CHOWN", Capability::Chown),
    ("CAP_DAC_OVERRIDE", Capability::DacOverride),
    ("CAP_DAC_READ_SEARCH", Capability::DacReadSearch),
    ("CAP_FOWNER", Capability::Fowner),
    ("CAP_FSETID", Capability::Fsetid),
    ("CAP_KILL", Capability::Kill),
    ("CAP_SETGID", Capability::Setgid),
    ("CAP_SETUID", Capability::Setuid),
    ("CAP_SETPCAP", Capability::Setpcap),
    ("CAP_LINUX_IMMUTABLE", Capability::LinuxImmutable),
    ("CAP_NET_BIND_SERVICE", Capability::NetBindService),
    ("CAP_NET_BROADCAST", Capability::NetBroadcast),
    ("CAP_NET_ADMIN", Capability::NetAdmin),
    ("CAP_NET_RAW", Capability::NetRaw),
    ("CAP_IPC_LOCK", Capability::IpcLock),
    ("CAP_IPC_OWNER", Capability::IpcOwner),
    ("CAP_SYS_MODULE", Capability::SysModule),
    ("CAP_SYS_RAWIO", Capability::SysRawio),
    ("CAP_SYS_CHROOT", Capability::SysChroot),
    ("CAP_SYS_PTRACE", Capability::SysPtrace),
    ("CAP_SYS_PACCT", Capability::SysPacct),
    ("CAP_SYS_ADMIN", Capability::SysAdmin),
    ("CAP_SYS_BOOT", Capability::SysBoot),
    ("CAP_SYS_NICE", Capability::SysNice),
    ("CAP_SYS_RESOURCE", Capability::SysResource),
    ("CAP_SYS_TIME", Capability::SysTime),
    ("CAP_SYS_TTY_CONFIG", Capability::SysTtyConfig),
    ("CAP_MKNOD", Capability::Mknod),
    ("CAP_LEASE", Capability::Lease),
    ("CAP_AUDIT_WRITE", Capability::AuditWrite),
    ("CAP_AUDIT_CONTROL", Capability::AuditControl),
    ("CAP_SETFCAP", Capability::Setfcap),
    ("CAP_MAC_OVERRIDE", Capability::MacOverride),
    ("CAP_MAC_ADMIN", Capability::MacAdmin),
    ("CAP_SYSLOG", Capability::Syslog),
    ("CAP_WAKE_ALARM", Capability::WakeAlarm),
    ("CAP_BLOCK_SUSPEND", Capability::BlockSuspend),
    ("CAP_AUDIT_READ", Capability::AuditRead),
    ("CAP_PERFMON", Capability::Perfmon),
    ("CAP_BPF", Capability::Bpf),
    ("CAP_CHECKPOINT_RESTORE", Capability::CheckpointRestore),
];

impl Set {
    pub const EMPTY: Self = Self(0);
    /// Every capability that has a name here.
    pub const FULL: Self = Self((1 << ALL.len()) - 1);

    /// The capability of this name, as linux/capability.h writes it.
    pub fn named(name: &str) -> Option<Self> {
        ALL.iter().position(|(known, _)| *known == name).map(|number| Self(1 << number))
    }

    pub fn contains(self, capability: Capability) -> bool {
        !self.intersection(Self::from(capability)).is_empty()
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The set as /proc/PID/status shows it.
    /// Those of the kernel's bits that have a name.
    pub fn from_bits(bits: u64) -> Self {
        Self(bits).intersection(Self::FULL)
    }

    pub fn bits(self) -> u64 {
        self.0
    }

    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The names, in the order of the numbers.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        self.entries().map(|(name, _)| *name)
    }

    fn entries(self) -> impl Iterator<Item = &'static (&'static str, Capability)> {
        ALL.iter().enumerate().filter(move |(number, _)| self.0 & 1 << number != 0).map(|(_, entry)| entry)
    }
}

impl From<Capability> for Set {
    fn from(capability: Capability) -> Self {
        let number = ALL.iter().position(|(_, known)| *known == capability);
        Self(1 << number.expect("the table has every capability of the OCI spec"))
    }
}

impl FromIterator<Capability> for Set {
    fn from_iter<I: IntoIterator<Item = Capability>>(capabilities: I) -> Self {
        capabilities.into_iter().map(Self::from).fold(Self::EMPTY, Self::union)
    }
}

impl From<Set> for Capabilities {
    fn from(set: Set) -> Self {
        set.entries().map(|(_, capability)| *capability).collect()
    }
}

impl std::fmt::Debug for Set {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_set().entries(self.names()).finish()
    }
}

/// The five sets of a process: capabilities(7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sets {
    pub bounding: Set,
    pub permitted: Set,
    pub effective: Set,
    pub inheritable: Set,
    pub ambient: Set,
}

impl From<&LinuxCapabilities> for Sets {
    /// A set that the spec leaves out is empty: the bounding set too, or leaving it out would keep everything.
    fn from(spec: &LinuxCapabilities) -> Self {
        let set = |listed: &Option<Capabilities>| listed.iter().flatten().copied().collect();
        Self {
            bounding: set(spec.bounding()),
            permitted: set(spec.permitted()),
            effective: set(spec.effective()),
            inheritable: set(spec.inheritable()),
            ambient: set(spec.ambient()),
        }
    }
}

impl Sets {
    /// What of these can be had when no more than `most` can.
    pub fn within(self, most: Set) -> Self {
        Self {
            bounding: self.bounding.intersection(most),
            permitted: self.permitted.intersection(most),
            effective: self.effective.intersection(most),
            inheritable: self.inheritable.intersection(most),
            ambient: self.ambient.intersection(most),
        }
    }
}

/// First step, with all capabilities still there: limits what any exec may give, and keeps the permitted set over the
/// change of user that follows. Needs CAP_SETPCAP.
///
/// Returns the sets that can be had, for the second step. They are smaller than those wanted where this process is
/// itself confined, as root in a container of another engine is; the OCI spec asks for a warning then and not for
/// a failure (config.md, "Linux Process").
pub fn before_user_change(wanted: &Sets) -> Result<Sets> {
    let permitted = caps::read(None, CapSet::Permitted).context("read permitted capabilities")?;
    let granted = wanted.within(Set(permitted.iter().map(caps::Capability::bitmask).sum()));
    limit_bounding(granted.bounding)?;
    crate::sys::process::set_keep_capabilities(true)?;
    Ok(granted)
}

/// Second step, as the container's user: makes the other four sets exactly these. Only ever takes permitted
/// capabilities away, so a parent-death signal stays set.
pub fn after_user_change(granted: &Sets) -> Result<()> {
    // Ambient goes first, for the kernel keeps it within the others, and is raised last, when those are there.
    // Effective goes before permitted, of which it must stay a part.
    caps::clear(None, CapSet::Ambient).context("clear ambient capabilities")?;
    for (which, set) in [
        (CapSet::Inheritable, granted.inheritable),
        (CapSet::Effective, granted.effective),
        (CapSet::Permitted, granted.permitted),
    ] {
        caps::set(None, which, &hash_set(set)).with_context(|| format!("set {which:?} capabilities {:#x}", set.0))?;
    }
    for capability in hash_set(granted.ambient) {
        caps::raise(None, CapSet::Ambient, capability)
            .with_context(|| format!("raise {capability} in the ambient set"))?;
    }
    crate::sys::process::set_keep_capabilities(false)
}

/// Drops all capabilities but these from the bounding set, in one pass that ends at the kernel's last one. By number and
/// not through `caps`: a newer kernel may have capabilities that it has no name for, and those must go too.
fn limit_bounding(keep: Set) -> Result<()> {
    for number in 0..u64::BITS {
        let bit = 1 << number;
        if keep.0 & bit != 0 {
            continue;
        }
        let capability = CapabilitySet::from_bits_retain(bit);
        match remove_capability_from_bounding_set(capability) {
            Ok(()) => {}
            Err(Errno::INVAL) => break,
            // Without CAP_SETPCAP it may be gone already.
            Err(Errno::PERM) if capability_is_in_bounding_set(capability) == Ok(false) => {}
            Err(errno) => bail!(anyhow::Error::new(errno).context(format!("prctl PR_CAPBSET_DROP {number}"))),
        }
    }
    Ok(())
}

fn hash_set(set: Set) -> CapsHashSet {
    caps::all().into_iter().filter(|capability| set.0 & capability.bitmask() != 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_numbered_as_the_kernel_does() {
        for (number, (name, capability)) in ALL.iter().enumerate() {
            let known: caps::Capability = name.parse().unwrap();
            assert_eq!(usize::from(known.index()), number, "{name}");
            assert_eq!(format!("\"{name}\""), serde_json::to_string(capability).unwrap());
        }
        assert_eq!(ALL.len(), caps::all().len());
    }

    #[test]
    fn sets_that_the_spec_leaves_out_are_empty() {
        let spec: LinuxCapabilities = serde_json::from_str(r#"{"effective": ["CAP_KILL"]}"#).unwrap();
        let effective = Set::from(Capability::Kill);
        assert_eq!(Sets::from(&spec), Sets { effective, ..Sets::default() });
    }

    /// Capabilities belong to a thread, so that one can be given up for the test.
    fn on_a_thread<T: Send + 'static>(test: impl FnOnce() -> T + Send + 'static) -> T {
        std::thread::spawn(test).join().unwrap()
    }

    fn status_lines() -> Vec<String> {
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        status.lines().filter(|line| line.starts_with("Cap")).map(|line| line.replace('\t', " ")).collect()
    }

    #[test]
    fn the_kernel_takes_the_sets() {
        let has_setpcap = caps::has_cap(None, CapSet::Effective, caps::Capability::CAP_SETPCAP).unwrap();
        if !has_setpcap {
            eprintln!("skipped: needs CAP_SETPCAP");
            return;
        }
        let lines = on_a_thread(|| {
            let kill = Set::from(Capability::Kill);
            let bounding = kill.union(Set::from(Capability::NetAdmin));
            let sets = Sets { bounding, permitted: kill, effective: kill, inheritable: kill, ambient: kill };
            let granted = before_user_change(&sets).unwrap();
            assert_eq!(granted, sets);
            after_user_change(&granted).unwrap();
            status_lines()
        });
        assert_eq!(
            lines,
            [
                "CapInh: 0000000000000020",
                "CapPrm: 0000000000000020",
                "CapEff: 0000000000000020",
                "CapBnd: 0000000000001020",
                "CapAmb: 0000000000000020",
            ]
        );
    }

    #[test]
    fn what_cannot_be_had_is_left_out_and_known() {
        let kill = Set::from(Capability::Kill);
        let wanted = Sets { bounding: Set::FULL, effective: kill, ..Sets::default() };
        let granted = wanted.within(Set::FULL.without(kill));
        assert_eq!(wanted.bounding.without(granted.bounding), kill);
        assert!(granted.effective.is_empty());
    }

    #[test]
    fn all_can_be_given_up_without_any_privilege() {
        let lines = on_a_thread(|| {
            after_user_change(&Sets::default()).unwrap();
            status_lines()
        });
        for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
            assert!(lines.contains(&format!("{set}: 0000000000000000")), "{lines:?}");
        }
    }
}
