//! A seccomp profile as people keep it in files, in either of its two forms, and what it is for one container.
//!
//! The OCI form lists architectures and rules. The form of docker, podman and libseccomp's tools adds `archMap`, errors
//! by name, and rules that hold only with (or without) a capability, an architecture or a kernel: such a profile is a
//! recipe, from which [`Document::resolve`] makes the OCI form.

use crate::error::Kind;
use crate::runtime::capabilities::Set;
use anyhow::{Context, Result};
use oci_spec::runtime::{
    Arch, LinuxSeccomp, LinuxSeccompAction as Action, LinuxSeccompArg, LinuxSeccompFilterFlag, LinuxSyscall,
    LinuxSyscallBuilder,
};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The largest profile that is read.
pub const BYTES_MAX: usize = 1 << 20;

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    default_action: Action,
    #[serde(default)]
    default_errno_ret: Option<u32>,
    #[serde(default)]
    default_errno: Option<String>,
    /// Names and not [`Arch`]: those of machines that nobody has thought of yet are no mistake.
    #[serde(default)]
    architectures: Option<Vec<String>>,
    #[serde(default)]
    arch_map: Option<Vec<Architecture>>,
    #[serde(default)]
    flags: Option<Vec<LinuxSeccompFilterFlag>>,
    #[serde(default)]
    listener_path: Option<PathBuf>,
    #[serde(default)]
    listener_metadata: Option<String>,
    #[serde(default)]
    syscalls: Option<Vec<Rule>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Architecture {
    architecture: String,
    #[serde(default)]
    sub_architectures: Option<Vec<String>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    /// The older form has one name for each rule.
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    names: Option<Vec<String>>,
    action: Action,
    #[serde(default)]
    errno_ret: Option<u32>,
    #[serde(default)]
    errno: Option<String>,
    #[serde(default)]
    args: Option<Vec<LinuxSeccompArg>>,
    #[serde(default)]
    includes: Option<Conditions>,
    #[serde(default)]
    excludes: Option<Conditions>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Conditions {
    #[serde(default)]
    caps: Option<Vec<String>>,
    #[serde(default)]
    arches: Option<Vec<String>>,
    #[serde(default)]
    min_kernel: Option<String>,
}

/// The machine's own architecture, as profiles name it in `archMap` and, with Go's word, in `arches`.
const NATIVE: (&str, &str) =
    if cfg!(target_arch = "x86_64") { ("SCMP_ARCH_X86_64", "amd64") } else { ("SCMP_ARCH_AARCH64", "arm64") };

/// The architectures that matter on the machines this engine runs on.
const ARCHITECTURES: [(&str, Arch); 5] = [
    ("SCMP_ARCH_X86_64", Arch::ScmpArchX86_64),
    ("SCMP_ARCH_X86", Arch::ScmpArchX86),
    ("SCMP_ARCH_X32", Arch::ScmpArchX32),
    ("SCMP_ARCH_AARCH64", Arch::ScmpArchAarch64),
    ("SCMP_ARCH_ARM", Arch::ScmpArchArm),
];

impl Document {
    pub fn read(path: &Path) -> Result<Self> {
        let read = || Self::parse(&crate::fs::read(path, BYTES_MAX)?);
        read().with_context(|| format!("read the seccomp profile {}", path.display()))
    }

    pub fn parse(text: &[u8]) -> Result<Self> {
        serde_json::from_slice(text).map_err(|error| Kind::BadInput.error(error.to_string()))
    }

    /// The profile of a container that may have these capabilities.
    pub fn resolve(&self, capabilities: Set) -> Result<LinuxSeccomp> {
        let mut rules = Vec::new();
        for rule in self.syscalls.iter().flatten() {
            let included = rule.includes.as_ref().map_or(Ok(true), |wanted| wanted.all_hold(capabilities))?;
            let excluded = rule.excludes.as_ref().map_or(Ok(false), |unwanted| unwanted.any_holds(capabilities))?;
            // What is left out is checked all the same: a profile is right or wrong, whoever uses it.
            let resolved = rule.resolve()?;
            if included && !excluded {
                rules.push(resolved);
            }
        }
        let mut seccomp = LinuxSeccomp::default();
        seccomp.set_default_action(self.default_action);
        seccomp.set_default_errno_ret(errno(self.default_errno.as_deref(), self.default_errno_ret)?);
        seccomp.set_architectures(Some(self.architectures()?));
        seccomp.set_flags(self.flags.clone());
        seccomp.set_listener_path(self.listener_path.clone());
        seccomp.set_listener_metadata(self.listener_metadata.clone());
        seccomp.set_syscalls(Some(rules));
        Ok(seccomp)
    }

    fn architectures(&self) -> Result<Vec<Arch>> {
        let listed = self.architectures.iter().flatten();
        let mapped = self.arch_map.iter().flatten();
        if listed.clone().next().is_some() && mapped.clone().next().is_some() {
            return Err(Kind::BadInput.error("the profile has both architectures and archMap"));
        }
        let own = mapped.filter(|entry| entry.architecture == NATIVE.0);
        let own = own
            .flat_map(|entry| std::iter::once(&entry.architecture).chain(entry.sub_architectures.iter().flatten()));
        let mut found = Vec::new();
        for name in listed.chain(own) {
            if !name.starts_with("SCMP_ARCH_") {
                return Err(Kind::BadInput.error(format!("{name:?} is no architecture of a seccomp profile")));
            }
            found.extend(ARCHITECTURES.iter().filter(|(known, _)| known == name).map(|(_, arch)| *arch));
        }
        Ok(found)
    }
}

impl Rule {
    fn resolve(&self) -> Result<LinuxSyscall> {
        let names = match (&self.name, self.names.as_deref().unwrap_or_default()) {
            (Some(name), []) if !name.is_empty() => vec![name.clone()],
            (None, names) => names.to_vec(),
            (Some(name), names) if name.is_empty() => names.to_vec(),
            (Some(name), _) => {
                return Err(Kind::BadInput.error(format!("a seccomp rule has both name ({name:?}) and names")));
            }
        };
        let mut rule = LinuxSyscallBuilder::default().names(names).action(self.action).build()?;
        rule.set_errno_ret(errno(self.errno.as_deref(), self.errno_ret)?);
        rule.set_args(self.args.clone().filter(|args| !args.is_empty()));
        Ok(rule)
    }
}

impl Conditions {
    fn all_hold(&self, capabilities: Set) -> Result<bool> {
        let arches = self.arches.as_deref().unwrap_or_default();
        let has_all = self.caps.iter().flatten().all(|name| holds(capabilities, name));
        Ok(has_all && (arches.is_empty() || is_native(arches)) && self.kernel_is_new_enough()?.unwrap_or(true))
    }

    fn any_holds(&self, capabilities: Set) -> Result<bool> {
        let has_any = self.caps.iter().flatten().any(|name| holds(capabilities, name));
        let is_native = is_native(self.arches.as_deref().unwrap_or_default());
        Ok(has_any || is_native || self.kernel_is_new_enough()?.unwrap_or(false))
    }

    /// None if the rule does not depend on the kernel.
    fn kernel_is_new_enough(&self) -> Result<Option<bool>> {
        let Some(wanted) = self.min_kernel.as_deref().filter(|text| !text.is_empty()) else { return Ok(None) };
        let wanted = version(wanted)
            .ok_or_else(|| Kind::BadInput.error(format!("minKernel {wanted:?} is not MAJOR.MINOR")))?;
        let release = nix::sys::utsname::uname().context("uname")?.release().to_string_lossy().into_owned();
        Ok(Some(version(&release).is_none_or(|release| release >= wanted)))
    }
}

fn is_native(arches: &[String]) -> bool {
    arches.iter().any(|arch| arch == NATIVE.1)
}

fn holds(capabilities: Set, name: &str) -> bool {
    Set::named(name).is_some_and(|capability| !capabilities.intersection(capability).is_empty())
}

/// The first two numbers of `6.18.2-generic`.
fn version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split(|letter: char| !letter.is_ascii_digit()).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// An error number given as a number, by name, or as both, which must then agree.
fn errno(name: Option<&str>, number: Option<u32>) -> Result<Option<u32>> {
    let Some(name) = name.filter(|name| !name.is_empty()) else { return Ok(number) };
    let named = match name {
        "EWOULDBLOCK" => Some(libc::EAGAIN as u32),
        "EDEADLOCK" => Some(libc::EDEADLK as u32),
        "ENOTSUP" => Some(libc::EOPNOTSUPP as u32),
        _ => (1..=ERRNO_NAMED_MAX)
            .find(|number| format!("{:?}", nix::errno::Errno::from_raw(*number)) == name)
            .map(|number| number as u32)
            .or_else(|| name.parse().ok()),
    };
    match (named, number) {
        (None, _) => Err(Kind::BadInput.error(format!("{name:?} is no error number"))),
        (Some(named), Some(number)) if named != number => {
            Err(Kind::BadInput.error(format!("the error {name} is {named}, and the profile says {number} beside it")))
        }
        (named, _) => Ok(named),
    }
}

/// `EHWPOISON`, the last error with a name in asm-generic/errno.h.
const ERRNO_NAMED_MAX: i32 = 133;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::seccomp::interpreter::{Call, run};
    use crate::runtime::seccomp::syscalls::Abi;
    use crate::runtime::seccomp::{compile, compile_for, errno as refusal};
    use proptest::prelude::*;

    const RECIPE: &str = r#"{
        "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "defaultErrno": "ENOSYS",
        "archMap": [
            {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]},
            {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]},
            {"architecture": "SCMP_ARCH_S390X", "subArchitectures": ["SCMP_ARCH_S390"]}
        ],
        "syscalls": [
            {"names": ["read", "write", "no_such_call"], "action": "SCMP_ACT_ALLOW", "args": [], "includes": {}},
            {"names": ["mount"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
            {"names": ["mount"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1, "errno": "EPERM",
                "excludes": {"caps": ["CAP_SYS_ADMIN"]}},
            {"names": ["ptrace"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8"}},
            {"names": ["chroot"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "999.1"}},
            {"name": "close", "action": "SCMP_ACT_LOG", "includes": {"arches": ["amd64", "arm64"]}},
            {"names": ["dup"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["s390", "s390x"]}},
            {"names": ["socket"], "action": "SCMP_ACT_ERRNO", "errno": "EINVAL", "args": [
                {"index": 0, "value": 16, "valueTwo": 0, "op": "SCMP_CMP_EQ"}, {"index": 2, "value": 9, "op": "SCMP_CMP_EQ"}]}
        ]
    }"#;

    fn decide(capabilities: &str, name: &str, arguments: &[u64]) -> u32 {
        let set = Set::named(capabilities).unwrap_or(Set::EMPTY);
        let profile = Document::parse(RECIPE.as_bytes()).unwrap().resolve(set).unwrap();
        run(&compile(&profile).unwrap().program, &Call::named(Abi::NATIVE, name, arguments))
    }

    #[test]
    fn a_recipe_is_resolved_for_the_capabilities_the_machine_and_the_kernel() {
        assert_eq!(decide("", "read", &[]), libc::SECCOMP_RET_ALLOW);
        assert_eq!(decide("", "getpid", &[]), refusal(libc::ENOSYS));
        assert_eq!(decide("", "mount", &[]), refusal(libc::EPERM));
        assert_eq!(decide("CAP_SYS_ADMIN", "mount", &[]), libc::SECCOMP_RET_ALLOW);
        assert_eq!(decide("", "ptrace", &[]), libc::SECCOMP_RET_ALLOW);
        assert_eq!(decide("", "chroot", &[]), refusal(libc::ENOSYS));
        assert_eq!(decide("", "close", &[]), libc::SECCOMP_RET_LOG);
        assert_eq!(decide("", "dup", &[]), refusal(libc::ENOSYS));
        assert_eq!(decide("", "socket", &[16, 0, 9]), refusal(libc::EINVAL));
        assert_eq!(decide("", "socket", &[16, 0, 8]), refusal(libc::ENOSYS));
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn sub_architectures_are_judged_by_their_own_numbers() {
        let profile = Document::parse(RECIPE.as_bytes()).unwrap().resolve(Set::EMPTY).unwrap();
        let filter = compile_for(Abi::X86_64, &profile).unwrap();
        assert_eq!(run(&filter.program, &Call::named(Abi::X86, "read", &[])), libc::SECCOMP_RET_ALLOW);
        assert_eq!(run(&filter.program, &Call::named(Abi::Arm, "read", &[])), libc::SECCOMP_RET_KILL_PROCESS);
    }

    #[test]
    fn what_contradicts_itself_is_an_error() {
        for (json, said) in [
            (r#"{}"#, "defaultAction"),
            (r#"{"defaultAction": "SCMP_ACT_NOTHING"}"#, "SCMP_ACT_NOTHING"),
            (r#"{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrno": "ENOPE"}"#, "ENOPE"),
            (r#"{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrno": "EPERM", "defaultErrnoRet": 2}"#, "EPERM is 1"),
            (r#"{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["x86"]}"#, "\"x86\""),
            (
                r#"{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86"], "archMap": [{"architecture": "SCMP_ARCH_X86"}]}"#,
                "both architectures and archMap",
            ),
            (
                r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"name": "a", "names": ["b"], "action": "SCMP_ACT_LOG"}]}"#,
                "both name",
            ),
            (
                r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["b"], "action": "SCMP_ACT_LOG", "includes": {"minKernel": "new"}}]}"#,
                "minKernel",
            ),
        ] {
            let error =
                Document::parse(json.as_bytes()).and_then(|document| document.resolve(Set::EMPTY)).unwrap_err();
            assert!(crate::error::line(&error).contains(said), "{json}: {error:#}");
        }
    }

    /// JSON of the right keys with values of any kind.
    fn value() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<u64>().prop_map(Into::into),
            prop::sample::select(vec![
                "SCMP_ACT_ALLOW",
                "SCMP_ACT_ERRNO",
                "SCMP_ACT_NOTIFY",
                "SCMP_ARCH_X86",
                "SCMP_CMP_MASKED_EQ",
                "EPERM",
                "CAP_CHOWN",
                "read",
                "amd64",
                "4.8",
                "",
                "\u{0}",
                "/x"
            ])
            .prop_map(Into::into),
        ];
        let keys = [
            "defaultAction",
            "defaultErrnoRet",
            "defaultErrno",
            "architectures",
            "archMap",
            "architecture",
            "subArchitectures",
            "flags",
            "listenerPath",
            "listenerMetadata",
            "syscalls",
            "name",
            "names",
            "action",
            "errnoRet",
            "errno",
            "args",
            "index",
            "value",
            "valueTwo",
            "op",
            "includes",
            "excludes",
            "caps",
            "arches",
            "minKernel",
        ];
        leaf.prop_recursive(5, 64, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::Array),
                prop::collection::hash_map(prop::sample::select(keys.to_vec()), inner, 0..6)
                    .prop_map(|map| map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
            ]
        })
    }

    proptest! {
        /// A20: whatever a profile says, it becomes a filter or an error.
        #[test]
        fn no_profile_makes_the_reader_panic(rules in prop::collection::vec(value(), 0..4), rest in value()) {
            let mut json = rest;
            if let serde_json::Value::Object(map) = &mut json {
                map.insert("defaultAction".to_owned(), "SCMP_ACT_ERRNO".into());
                map.entry("syscalls").or_insert(rules.into());
            }
            if let Ok(profile) = Document::parse(json.to_string().as_bytes()).and_then(|read| read.resolve(Set::FULL)) {
                let _ = compile(&profile);
            }
        }
    }
}
