//! What the default filter decides, call by call, in an interpreter and in the kernel.

use super::*;
use crate::container::profile::capabilities::DEFAULT;
use crate::runtime::seccomp::interpreter::{Call, run};
use crate::runtime::seccomp::syscalls::{Abi, name, numbers};
use crate::runtime::seccomp::{Filter, compile, compile_for, errno};
use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType};

const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
const NUMBER_MAX: u32 = 470;

/// The filter of a container with the default capabilities and these.
fn filter(more: &[Capability], level: Level) -> Filter {
    let capabilities = DEFAULT.iter().chain(more).copied().collect();
    compile_for(Abi::X86_64, &seccomp(capabilities, level)).unwrap()
}

fn privileged() -> Filter {
    compile_for(Abi::X86_64, &seccomp(Set::FULL, Level::Privileged)).unwrap()
}

/// What the filter says to a call by name, on each architecture of an x86-64 machine that has it.
#[track_caller]
fn decide(filter: &Filter, name: &str, arguments: &[u64]) -> String {
    let numbers = numbers(name).expect("a known name");
    let having = [Abi::X86_64, Abi::X86].into_iter().filter(|abi| numbers.on(*abi).is_some());
    let mut answers: Vec<String> =
        having.map(|abi| text(run(&filter.program, &Call::named(abi, name, arguments)))).collect();
    answers.dedup();
    assert_eq!(answers.len(), 1, "{name} {arguments:?}: {answers:?}");
    answers.remove(0)
}

fn text(verdict: u32) -> String {
    match verdict {
        ALLOW => "allow".to_owned(),
        verdict if verdict & libc::SECCOMP_RET_ACTION_FULL == libc::SECCOMP_RET_ERRNO => {
            format!("{:?}", Errno::from_raw((verdict & libc::SECCOMP_RET_DATA) as i32))
        }
        verdict => format!("{verdict:#x}"),
    }
}

/// One line per number that has a name or an unusual decision; all arguments are 0.
fn decisions() -> String {
    let (default, privileged) = (filter(&[], Level::Default), privileged());
    let mut table = String::from(
        "# What the default filter and that of a privileged container say to each system call, its arguments being 0.\n\
         # architecture number name default privileged\n",
    );
    for abi in [Abi::X86_64, Abi::X86] {
        for number in 0..=NUMBER_MAX {
            let [default, privileged] =
                [&default, &privileged].map(|filter| text(run(&filter.program, &Call::new(abi, number))));
            let called = name(abi, number).unwrap_or("-");
            table += &format!("{abi:?} {number} {called} {default} {privileged}\n").to_lowercase();
        }
    }
    table
}

/// Set to the path of the golden file to write it anew.
const WRITE_GOLDEN: &str = "CORACLE_WRITE_SECCOMP_GOLDEN";

#[test]
fn every_system_call_is_decided_as_agreed() {
    let now = decisions();
    if let Some(path) = std::env::var_os(WRITE_GOLDEN) {
        std::fs::write(path, &now).unwrap();
        return;
    }
    let agreed = include_str!("../../golden/seccomp_default.txt");
    for (now, agreed) in now.lines().zip(agreed.lines()) {
        assert_eq!(now, agreed, "if this is meant, write the file anew with {WRITE_GOLDEN}");
    }
    assert_eq!(now.len(), agreed.len());
}

#[test]
fn no_more_calls_are_allowed_than_promised() {
    let allowed = decisions()
        .lines()
        .filter(|line| line.starts_with("x86_64 ") && line.split(' ').nth(3) == Some("allow"))
        .count();
    assert!(allowed <= 285, "{allowed}");
}

#[test]
fn every_name_in_the_lists_is_known() {
    let gates = GATES.iter().map(|(_, names)| *names);
    let lists = ALLOWED.iter().copied().chain(gates).chain([NESTING, NESTING_WITH_FALLBACK, REFUSED, UNFILTERABLE]);
    let mut names: Vec<&str> = lists.flat_map(str::split_ascii_whitespace).collect();
    for name in &names {
        assert!(numbers(name).is_some(), "{name}");
    }
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "a name is in two lists");
}

#[test]
fn only_listed_socket_families_are_open() {
    let (default, raw, privileged) =
        (filter(&[], Level::Default), filter(&[Capability::NetRaw], Level::Default), privileged());
    for call in ["socket", "socketpair"] {
        for family in 0..64 {
            let open = [1, 2, 10, 16].contains(&family);
            let expected = |open: bool| if open { "allow" } else { "EAFNOSUPPORT" };
            assert_eq!(decide(&default, call, &[family, 2, 0]), expected(open), "{family}");
            assert_eq!(decide(&raw, call, &[family, 2, 0]), expected(open || family == 17), "{family}");
            assert_eq!(decide(&privileged, call, &[family, 2, 0]), expected(open || family == 17), "{family}");
        }
    }
    // The kernel sees an int; so must the filter.
    assert_eq!(text(run(&default.program, &Call::named(Abi::X86_64, "socket", &[1 << 32 | 38, 5]))), "EAFNOSUPPORT");
    assert_eq!(text(run(&default.program, &Call::named(Abi::X86_64, "socket", &[1 << 32 | 2, 1]))), "allow");
    assert_eq!(decide(&default, "socket", &[2, 1, 256]), "EPROTONOSUPPORT");
    assert_eq!(decide(&default, "socket", &[10, 1, 262]), "allow");
}

#[test]
fn i386_makes_no_sockets_past_the_filter() {
    for filter in [filter(&[], Level::Default), filter(&[Capability::SysAdmin], Level::Nesting), privileged()] {
        assert_eq!(text(run(&filter.program, &Call::named(Abi::X86, "socketcall", &[1]))), "ENOSYS");
        assert_eq!(decide(&filter, "io_uring_setup", &[]), "ENOSYS");
    }
}

#[test]
fn netlink_protocols_are_those_of_tools_and_of_capabilities() {
    let protocols = |filter: &Filter, answer: &str| {
        (0..32).filter(|protocol| decide(filter, "socket", &[16, 3, *protocol]) == answer).collect::<Vec<_>>()
    };
    let default = filter(&[], Level::Default);
    assert_eq!(protocols(&default, "allow"), [0, 4, 15, 16]);
    assert_eq!(protocols(&default, "EINVAL"), [9]);
    assert_eq!(protocols(&default, "EPROTONOSUPPORT").len(), 27);
    assert_eq!(protocols(&filter(&[Capability::NetAdmin], Level::Default), "allow"), [0, 4, 6, 12, 15, 16]);
    assert_eq!(protocols(&filter(&[Capability::AuditWrite], Level::Default), "allow"), [0, 4, 9, 15, 16]);
    assert_eq!(protocols(&privileged(), "allow"), [0, 4, 6, 9, 12, 15, 16]);
}

#[test]
fn terminals_cannot_be_typed_into() {
    for filter in [filter(&[], Level::Default), privileged()] {
        for request in [0x5412, 0x541c, 0x5423] {
            assert_eq!(decide(&filter, "ioctl", &[0, request]), "EPERM");
            let high = Call::named(Abi::X86_64, "ioctl", &[0, 1 << 40 | request]);
            assert_eq!(text(run(&filter.program, &high)), "EPERM");
        }
        assert_eq!(decide(&filter, "ioctl", &[0, 0x5413]), "allow");
    }
}

#[test]
fn personality_changes_nothing_that_weakens_a_process() {
    let default = filter(&[], Level::Default);
    for personality in PERSONALITIES {
        assert_eq!(decide(&default, "personality", &[personality]), "allow");
    }
    for personality in [0x0040000, 0x0400000, 0x0100000, 1, 0x20001] {
        assert_eq!(decide(&default, "personality", &[personality]), "EPERM");
    }
}

#[test]
fn namespaces_are_for_sys_admin_and_nesting() {
    let closed = filter(&[], Level::Default);
    for open in [filter(&[Capability::SysAdmin], Level::Default), filter(&[], Level::Nesting), privileged()] {
        for bit in 0..32 {
            let flag = 1 << bit;
            let makes_namespace = flag & CLONE_NAMESPACES != 0;
            assert_eq!(decide(&open, "clone", &[flag]), "allow");
            assert_eq!(
                decide(&closed, "clone", &[flag]),
                if makes_namespace { "EPERM" } else { "allow" },
                "{flag:#x}"
            );
        }
        for name in ["clone3", "unshare", "mount", "setns", "keyctl", "fsopen"] {
            assert_eq!(decide(&open, name, &[]), "allow", "{name}");
        }
    }
    assert_eq!(decide(&closed, "clone3", &[]), "ENOSYS");
    assert_eq!(decide(&closed, "unshare", &[]), "EPERM");
}

#[test]
fn each_gate_opens_by_each_of_its_capabilities() {
    for (any, names) in GATES {
        for name in names.split(' ') {
            let closed = if any.contains(&Capability::SysChroot) { "allow" } else { "EPERM" };
            assert_eq!(decide(&filter(&[], Level::Default), name, &[]), closed, "{name}");
            for capability in *any {
                assert_eq!(decide(&filter(&[*capability], Level::Default), name, &[]), "allow", "{name}");
            }
        }
    }
}

#[test]
fn x32_is_closed_and_a_skipped_call_is_not_special() {
    let call = |number| Call::new(Abi::X86_64, number);
    for filter in [filter(&[], Level::Default), privileged()] {
        assert_eq!(text(run(&filter.program, &call(0x4000_0000))), "ENOSYS");
        assert_eq!(text(run(&filter.program, &call(0x4000_0029))), "ENOSYS");
    }
    assert_eq!(run(&privileged().program, &call(u32::MAX)), ALLOW);
}

#[test]
fn the_filter_is_the_same_on_arm() {
    let arm = compile_for(Abi::Aarch64, &seccomp(DEFAULT.into_iter().collect(), Level::Default)).unwrap();
    for abi in [Abi::Aarch64, Abi::Arm] {
        for (name, expected) in [("read", "allow"), ("unshare", "EPERM"), ("clone3", "ENOSYS"), ("chroot", "allow")] {
            assert_eq!(text(run(&arm.program, &Call::named(abi, name, &[]))), expected);
        }
        assert_eq!(text(run(&arm.program, &Call::named(abi, "socket", &[38]))), "EAFNOSUPPORT");
    }
    assert_eq!(run(&arm.program, &Call::new(Abi::X86_64, 0)), libc::SECCOMP_RET_KILL_PROCESS);
}

/// What the kernel answers must be what the interpreter says, for calls that can be made without harm.
#[test]
fn the_kernel_takes_the_filter_and_decides_alike() {
    let capabilities = DEFAULT.into_iter().collect();
    let filter = compile(&seccomp(capabilities, Level::Default)).unwrap();
    // A filter belongs to a thread, so this one is lost with it.
    let live = std::thread::spawn({
        let filter = filter.clone();
        move || {
            crate::sys::process::set_no_new_privileges().unwrap();
            filter.install().unwrap();
            // The C library falls back from clone3 to clone.
            std::thread::spawn(|| std::fs::read("/proc/self/stat").unwrap()).join().unwrap();
            answers()
        }
    });
    let native = |name, arguments: &[u64]| run(&filter.program, &Call::named(Abi::NATIVE, name, arguments));
    for (name, arguments, answer) in live.join().unwrap() {
        let verdict = match answer {
            Ok(()) => ALLOW,
            Err(answer) => errno(answer as i32),
        };
        assert_eq!(text(native(name, &arguments)), text(verdict), "{name} {arguments:x?}");
    }
}

type Answer = (&'static str, Vec<u64>, Result<(), Errno>);

fn answers() -> Vec<Answer> {
    let socket = |family: AddressFamily| {
        let made = nix::sys::socket::socket(family, SockType::Datagram, SockFlag::empty(), None);
        ("socket", vec![family as u64, libc::SOCK_DGRAM as u64], made.map(drop))
    };
    let personality = |persona: u32| {
        let persona = nix::sys::personality::Persona::from_bits_retain(persona as i32);
        ("personality", vec![u64::from(persona.bits() as u32)], nix::sys::personality::set(persona).map(drop))
    };
    let unshare = |flags: nix::sched::CloneFlags| ("unshare", vec![flags.bits() as u64], nix::sched::unshare(flags));
    vec![
        socket(AddressFamily::Unix),
        socket(AddressFamily::Inet),
        socket(AddressFamily::Alg),
        socket(AddressFamily::Vsock),
        socket(AddressFamily::Packet),
        personality(0),
        personality(8),
        personality(0x0040000),
        personality(0),
        unshare(nix::sched::CloneFlags::CLONE_NEWUSER),
        unshare(nix::sched::CloneFlags::CLONE_FILES),
    ]
}
