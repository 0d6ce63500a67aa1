//! Compiles the seccomp section of an OCI spec into the program that the kernel runs on every system call.
//!
//! What a profile means, where the OCI spec leaves it open:
//! - Of the rules for one call, those with conditions are asked first, in the order they are listed; the first whose
//!   conditions all hold decides. Then comes the first rule without conditions, then the default action.
//! - A rule that names one argument twice is as many rules with one condition each: they are alternatives, as in runc
//!   and crun.
//! - Names that the table does not know are skipped: profiles list the calls of all architectures and of newer kernels.
//! - Calls of an architecture that the profile does not list kill the process. The machine's own is always listed.
//! - x32 is never available: its calls give ENOSYS, as on a kernel built without it, listed or not. They would be
//!   a second set of numbers that profiles forget.

#[cfg(test)]
pub mod interpreter;
mod program;
pub mod syscalls;

use crate::error::Kind;
use anyhow::{Result, ensure};
use oci_spec::runtime::{
    Arch, LinuxSeccomp, LinuxSeccompAction as Action, LinuxSeccompArg, LinuxSeccompFilterFlag as Flag, LinuxSyscall,
};
use program::{Decision, Program, Range, Verdict};
use seccompiler::sock_filter;
use std::os::fd::OwnedFd;
use syscalls::Abi;

/// `BPF_MAXINSNS`: the longest program that the kernel takes.
const INSTRUCTIONS_MAX: usize = 4096;
/// System calls have six arguments.
const ARGUMENTS_MAX: usize = 6;
/// The kernel's `MAX_ERRNO`; it cuts larger values down to this.
const ERRNO_MAX: u32 = 4095;

/// A compiled profile.
#[derive(Clone, Debug)]
pub struct Filter {
    pub program: Vec<sock_filter>,
    /// `SECCOMP_FILTER_FLAG_*` for seccomp(2).
    pub flags: u32,
}

impl Filter {
    /// Puts this thread and all it will execute under the filter.
    ///
    /// Needs no_new_privs, or else CAP_SYS_ADMIN in the user namespace: so without the former it comes before the change
    /// of user and the giving up of capabilities, whose calls the profile must then allow (the default one does).
    ///
    /// Gives the descriptor by which an agent answers calls, if the filter asks one.
    pub fn install(&self) -> Result<Option<OwnedFd>> {
        crate::sys::seccomp::install(&self.program, self.flags)
    }
}

/// Compiles a profile for this machine. An action, flag or argument that cannot be had is an error.
pub fn compile(seccomp: &LinuxSeccomp) -> Result<Filter> {
    compile_for(Abi::NATIVE, seccomp)
}

/// `SECCOMP_RET_ERRNO` with this error.
pub fn errno(errno: i32) -> Verdict {
    libc::SECCOMP_RET_ERRNO | errno as u32
}

/// Compiles for a machine of another architecture than this program's; else as [`compile`].
pub fn compile_for(native: Abi, seccomp: &LinuxSeccomp) -> Result<Filter> {
    let unknown = verdict(seccomp.default_action(), seccomp.default_errno_ret())?;
    let rules = rules(seccomp.syscalls().as_deref().unwrap_or_default())?;
    let mut program = Program::new();
    for abi in architectures(native, seccomp.architectures().as_deref().unwrap_or_default()) {
        program.section(abi, &ranges(&rules, abi, unknown), unknown);
    }
    let program = program.finish(libc::SECCOMP_RET_KILL_PROCESS);
    if program.len() > INSTRUCTIONS_MAX {
        return Err(Kind::BadInput.error(format!(
            "seccomp profile needs {} instructions, and the kernel takes {INSTRUCTIONS_MAX}",
            program.len()
        )));
    }
    let listens = if notifies(seccomp) { libc::SECCOMP_FILTER_FLAG_NEW_LISTENER as u32 } else { 0 };
    check_listener(seccomp)?;
    Ok(Filter { program, flags: flags(seccomp.flags().as_deref().unwrap_or_default(), listens)? })
}

/// Whether an agent is asked about any call.
pub fn notifies(seccomp: &LinuxSeccomp) -> bool {
    seccomp.default_action() == Action::ScmpActNotify
        || seccomp.syscalls().iter().flatten().any(|line| line.action() == Action::ScmpActNotify)
}

/// An agent needs an address, and a call by which it hears that it is asked: the process that gets the filter sends it
/// its descriptor, and would wait for an answer to that forever.
fn check_listener(seccomp: &LinuxSeccomp) -> Result<()> {
    if !notifies(seccomp) {
        return Ok(());
    }
    if seccomp.listener_path().as_ref().is_none_or(|path| !path.is_absolute()) {
        return Err(Kind::BadInput.error("SCMP_ACT_NOTIFY needs a listenerPath, absolute, where an agent listens"));
    }
    let asked = |line: &&LinuxSyscall| line.action() == Action::ScmpActNotify;
    let asks_about = |name: &str| {
        seccomp.syscalls().iter().flatten().filter(asked).any(|line| line.names().iter().any(|other| other == name))
    };
    if seccomp.default_action() == Action::ScmpActNotify || asks_about("sendmsg") {
        return Err(Kind::BadInput.error("SCMP_ACT_NOTIFY can be neither the default nor the action of sendmsg"));
    }
    Ok(())
}

/// One line of a profile for one system call.
struct Rule<'a> {
    numbers: syscalls::Numbers,
    /// Empty: always.
    conditions: &'a [LinuxSeccompArg],
    verdict: Verdict,
}

/// The profile's lines, one per name and alternative, in order.
fn rules(lines: &[LinuxSyscall]) -> Result<Vec<Rule<'_>>> {
    let mut rules = Vec::with_capacity(lines.iter().map(|line| line.names().len()).sum());
    for line in lines {
        let verdict = verdict(line.action(), line.errno_ret())?;
        let conditions = line.args().as_deref().unwrap_or_default();
        for condition in conditions {
            ensure!(
                condition.index() < ARGUMENTS_MAX,
                Kind::BadInput.error(format!("seccomp rule compares argument {} of 0 to 5", condition.index()))
            );
        }
        let alternatives = if repeats_argument(conditions) { 1 } else { conditions.len().max(1) };
        for numbers in line.names().iter().filter_map(|name| syscalls::numbers(name)) {
            if conditions.is_empty() {
                rules.push(Rule { numbers, conditions, verdict });
            }
            rules.extend(conditions.chunks(alternatives).map(|conditions| Rule { numbers, conditions, verdict }));
        }
    }
    Ok(rules)
}

fn repeats_argument(conditions: &[LinuxSeccompArg]) -> bool {
    conditions.iter().enumerate().any(|(at, one)| conditions[..at].iter().any(|other| other.index() == one.index()))
}

/// What is decided about every number of an architecture, neighbours with equal decisions put together: most profiles
/// need a quarter as many ranges as they name calls.
fn ranges<'a>(rules: &[Rule<'a>], abi: Abi, unknown: Verdict) -> Vec<Range<'a>> {
    let mut calls: Vec<(u32, &Rule<'a>)> =
        rules.iter().filter_map(|rule| Some((rule.numbers.on(abi)?, rule))).collect();
    // A stable sort, so the rules of one call stay in order.
    calls.sort_by_key(|(number, _)| *number);

    let mut ranges: Vec<Range<'a>> = Vec::new();
    let mut add = |first, decision| {
        if ranges.last().is_none_or(|last: &Range<'_>| last.decision != decision) {
            ranges.push(Range { first, decision });
        }
    };
    let mut next = 0;
    for same in calls.chunk_by(|(first, _), (second, _)| first == second) {
        let number = same[0].0;
        if number > next {
            add(next, Decision { rules: Vec::new(), otherwise: unknown });
        }
        add(number, decision(same.iter().map(|(_, rule)| *rule), unknown));
        next = number + 1;
    }
    add(next, Decision { rules: Vec::new(), otherwise: unknown });
    ranges
}

fn decision<'a: 'b, 'b>(rules: impl Iterator<Item = &'b Rule<'a>>, unknown: Verdict) -> Decision<'a> {
    let mut conditional = Vec::new();
    let mut otherwise = None;
    for rule in rules {
        if rule.conditions.is_empty() {
            otherwise.get_or_insert(rule.verdict);
        } else {
            conditional.push((rule.conditions, rule.verdict));
        }
    }
    Decision { rules: conditional, otherwise: otherwise.unwrap_or(unknown) }
}

/// The architectures to judge, the machine's own first. Those of other machines cannot occur.
fn architectures(native: Abi, listed: &[Arch]) -> Vec<Abi> {
    let (compat, name) = match native {
        Abi::X86_64 | Abi::X86 => (Abi::X86, Arch::ScmpArchX86),
        Abi::Aarch64 | Abi::Arm => (Abi::Arm, Arch::ScmpArchArm),
    };
    if listed.contains(&name) { vec![native, compat] } else { vec![native] }
}

fn verdict(action: Action, errno: Option<u32>) -> Result<Verdict> {
    let data_max = match action {
        Action::ScmpActErrno => ERRNO_MAX,
        Action::ScmpActTrace => libc::SECCOMP_RET_DATA,
        _ => 0,
    };
    // The OCI spec wants an error for a value that the action has no use for.
    if let Some(errno) = errno
        && errno > data_max
    {
        return Err(Kind::BadInput.error(format!("seccomp action {action} with errnoRet {errno}")));
    }
    let data = errno.unwrap_or(libc::EPERM as u32);
    Ok(match action {
        Action::ScmpActKill | Action::ScmpActKillThread => libc::SECCOMP_RET_KILL_THREAD,
        Action::ScmpActKillProcess => libc::SECCOMP_RET_KILL_PROCESS,
        Action::ScmpActTrap => libc::SECCOMP_RET_TRAP,
        Action::ScmpActErrno => libc::SECCOMP_RET_ERRNO | data,
        Action::ScmpActTrace => libc::SECCOMP_RET_TRACE | data,
        Action::ScmpActLog => libc::SECCOMP_RET_LOG,
        Action::ScmpActAllow => libc::SECCOMP_RET_ALLOW,
        Action::ScmpActNotify => libc::SECCOMP_RET_USER_NOTIF,
    })
}

fn flags(listed: &[Flag], listens: u32) -> Result<u32> {
    let mut flags = listens;
    for flag in listed {
        flags |= match flag {
            Flag::SeccompFilterFlagLog => libc::SECCOMP_FILTER_FLAG_LOG,
            Flag::SeccompFilterFlagSpecAllow => libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW,
            // The filter is put on a process of one thread.
            Flag::SeccompFilterFlagTsync => 0,
            Flag::SeccompFilterFlagWaitKillableRecv if listens == 0 => {
                return Err(Kind::BadInput.error(format!("seccomp flag {flag} needs SCMP_ACT_NOTIFY")));
            }
            Flag::SeccompFilterFlagWaitKillableRecv => libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
        } as u32;
    }
    Ok(flags)
}

#[cfg(test)]
mod tests {
    use super::interpreter::{Call, run};
    use super::*;
    use oci_spec::runtime::LinuxSeccompOperator as Operator;
    use proptest::prelude::*;

    const ABIS: [Abi; 4] = [Abi::X86_64, Abi::X86, Abi::Aarch64, Abi::Arm];

    fn profile(json: &str) -> LinuxSeccomp {
        serde_json::from_str(json).unwrap()
    }

    fn decide(filter: &Filter, name: &str, arguments: &[u64]) -> Verdict {
        run(&filter.program, &Call::named(Abi::X86_64, name, arguments))
    }

    /// What the profile says, read directly and slowly.
    fn evaluate(seccomp: &LinuxSeccomp, call: &Call) -> Verdict {
        let lines = seccomp.syscalls().as_deref().unwrap_or_default();
        let named = |line: &&LinuxSyscall| {
            let numbers = line.names().iter().filter_map(|name| syscalls::numbers(name)?.on(call.abi));
            numbers.into_iter().any(|number| number == call.number)
        };
        let conditions = |line: &LinuxSyscall| line.args().clone().unwrap_or_default();
        let conditional = lines.iter().filter(named).find(|line| {
            let conditions = conditions(line);
            let mut held = conditions.iter().map(|condition| holds(condition, call));
            !conditions.is_empty()
                && if repeats_argument(&conditions) { held.any(|held| held) } else { held.all(|held| held) }
        });
        let plain = || lines.iter().filter(named).find(|line| conditions(line).is_empty());
        match conditional.or_else(plain) {
            Some(line) => verdict(line.action(), line.errno_ret()).unwrap(),
            None => verdict(seccomp.default_action(), seccomp.default_errno_ret()).unwrap(),
        }
    }

    fn holds(condition: &LinuxSeccompArg, call: &Call) -> bool {
        let (argument, value) = (call.arguments[condition.index()], condition.value());
        match condition.op() {
            Operator::ScmpCmpNe => argument != value,
            Operator::ScmpCmpLt => argument < value,
            Operator::ScmpCmpLe => argument <= value,
            Operator::ScmpCmpEq => argument == value,
            Operator::ScmpCmpGe => argument >= value,
            Operator::ScmpCmpGt => argument > value,
            Operator::ScmpCmpMaskedEq => argument & value == condition.value_two().unwrap_or(0),
        }
    }

    /// Values that differ in one word, by one, or not at all.
    fn value() -> impl Strategy<Value = u64> {
        let word = prop_oneof![Just(0u64), Just(1), Just(2), Just(0x7fff_ffff), Just(0x8000_0000), Just(0xffff_ffff)];
        (word.clone(), word).prop_map(|(high, low)| high << 32 | low)
    }

    fn condition() -> impl Strategy<Value = serde_json::Value> {
        let operator = prop::sample::select(vec!["NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ"]);
        (0..3usize, value(), value(), operator).prop_map(|(index, value, value_two, operator)| {
            serde_json::json!({"index": index, "value": value, "valueTwo": value_two, "op": format!("SCMP_CMP_{operator}")})
        })
    }

    fn line() -> impl Strategy<Value = serde_json::Value> {
        let names =
            vec!["read", "write", "open", "close", "socket", "clone", "mseal", "cachestat", "breakpoint", "unknown"];
        let action = prop_oneof![
            Just(serde_json::json!({"action": "SCMP_ACT_ALLOW"})),
            Just(serde_json::json!({"action": "SCMP_ACT_KILL_PROCESS"})),
            Just(serde_json::json!({"action": "SCMP_ACT_ERRNO"})),
            (0..4096u32).prop_map(|errno| serde_json::json!({"action": "SCMP_ACT_ERRNO", "errnoRet": errno})),
        ];
        let conditions = prop::collection::vec(condition(), 0..5);
        (prop::collection::vec(prop::sample::select(names), 1..4), action, conditions).prop_map(
            |(names, mut line, args)| {
                line["names"] = names.into();
                line["args"] = args.into();
                line
            },
        )
    }

    proptest! {
        #[test]
        fn the_program_decides_as_the_profile_says(
            lines in prop::collection::vec(line(), 0..30),
            calls in prop::collection::vec((0..480u32, [value(), value(), value()]), 20),
        ) {
            let seccomp = profile(&serde_json::json!({
                "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38,
                "architectures": ["SCMP_ARCH_X86", "SCMP_ARCH_ARM"], "syscalls": lines,
            }).to_string());
            let filters = [Abi::X86_64, Abi::Aarch64].map(|native| compile_for(native, &seccomp).unwrap());
            let named = ["read", "write", "close", "socket", "clone", "mseal", "cachestat"];
            for (at, (number, [first, second, third])) in calls.into_iter().enumerate() {
                for (abi, filter) in ABIS.into_iter().zip([&filters[0], &filters[0], &filters[1], &filters[1]]) {
                    let listed = named.get(at).map(|name| syscalls::numbers(name).unwrap().on(abi).unwrap());
                    let mut call = Call::new(abi, listed.unwrap_or(number));
                    call.arguments[..3].copy_from_slice(&[first, second, third]);
                    prop_assert_eq!(run(&filter.program, &call), evaluate(&seccomp, &call));
                }
            }
        }
    }

    #[test]
    fn conditions_are_asked_before_the_unconditional_rule() {
        let filter = compile_for(
            Abi::X86_64,
            &profile(
                r#"{"defaultAction": "SCMP_ACT_KILL", "syscalls": [
                {"names": ["socket"], "action": "SCMP_ACT_ALLOW"},
                {"names": ["socket"], "action": "SCMP_ACT_ERRNO", "errnoRet": 97,
                 "args": [{"index": 0, "value": 38, "op": "SCMP_CMP_EQ"}]}]}"#,
            ),
        )
        .unwrap();
        assert_eq!(decide(&filter, "socket", &[38]), errno(97));
        assert_eq!(decide(&filter, "socket", &[2]), libc::SECCOMP_RET_ALLOW);
        assert_eq!(decide(&filter, "read", &[]), libc::SECCOMP_RET_KILL_THREAD);
    }

    #[test]
    fn far_jumps_reach_across_many_rules() {
        let lines: Vec<_> = (0..200)
            .map(|value| {
                serde_json::json!({"names": [if value % 2 == 0 { "read" } else { "mseal" }], "action": "SCMP_ACT_ALLOW",
                    "args": [{"index": 0, "value": value, "op": "SCMP_CMP_EQ"}]})
            })
            .collect();
        let seccomp = profile(&serde_json::json!({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": lines}).to_string());
        let filter = compile_for(Abi::X86_64, &seccomp).unwrap();
        for value in 0..210 {
            for name in ["read", "mseal", "write"] {
                let call = Call::named(Abi::X86_64, name, &[value]);
                assert_eq!(run(&filter.program, &call), evaluate(&seccomp, &call), "{name} {value}");
            }
        }
    }

    #[test]
    fn architectures_that_are_not_listed_are_killed() {
        let filter = compile_for(Abi::X86_64, &profile(r#"{"defaultAction": "SCMP_ACT_ALLOW"}"#)).unwrap();
        assert_eq!(run(&filter.program, &Call::new(Abi::X86_64, 0)), libc::SECCOMP_RET_ALLOW);
        assert_eq!(run(&filter.program, &Call::new(Abi::X86, 0)), libc::SECCOMP_RET_KILL_PROCESS);
    }

    #[test]
    fn what_cannot_be_had_is_an_error_that_says_so() {
        let rule = |rule: &str| format!(r#"{{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{rule}]}}"#);
        for (json, message) in [
            (rule(r#"{"names": ["read"], "action": "SCMP_ACT_NOTIFY"}"#), "listenerPath"),
            (
                rule(r#"{"names": ["read"], "action": "SCMP_ACT_ERRNO", "errnoRet": 2147418112}"#),
                "errnoRet 2147418112",
            ),
            (rule(r#"{"names": ["read"], "action": "SCMP_ACT_ALLOW", "errnoRet": 5}"#), "errnoRet 5"),
            (
                rule(
                    r#"{"names": ["read"], "action": "SCMP_ACT_LOG", "args": [{"index": 6, "value": 1, "op": "SCMP_CMP_EQ"}]}"#,
                ),
                "argument 6",
            ),
        ] {
            let error = compile(&profile(&json)).unwrap_err();
            assert_eq!(crate::error::kind(&error), Kind::BadInput);
            assert!(crate::error::line(&error).contains(message), "{error}");
        }
    }

    #[test]
    fn a_program_that_the_kernel_would_not_take_is_an_error() {
        let args = r#""args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]"#;
        let line = format!(r#"{{"names": ["read"], "action": "SCMP_ACT_ERRNO", {args}}}"#);
        let lines = vec![line; INSTRUCTIONS_MAX / 4].join(",");
        let seccomp = profile(&format!(r#"{{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{lines}]}}"#));
        assert!(compile(&seccomp).unwrap_err().to_string().contains("instructions"));
    }

    #[test]
    fn flags_are_passed_to_the_kernel() {
        let filter = compile(&profile(
            r#"{"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"]}"#,
        ));
        assert_eq!(filter.unwrap().flags, 0b110);
    }
}
