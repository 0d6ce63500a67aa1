//! The default system call filter, as data: what is allowed, what a capability allows, and how the rest is refused.
//!
//! - What only a privileged process may do gives EPERM without the capability, as the kernel would say. So do the few
//!   calls in [`REFUSED`].
//! - All else that is not listed gives ENOSYS, as on an older kernel: programs fall back from what they do not find, and
//!   a system call of a newer kernel is closed until somebody has looked at it. io_uring is among these. So is clone3:
//!   its flags lie in memory that a filter cannot read, and C libraries fall back to clone, whose flags it can.
//! - Sockets have an allow-list of families, since most kernel holes of the last years were in the others; i386's
//!   socketcall, whose arguments lie in memory too, gives ENOSYS. C libraries have called socket directly there since
//!   Linux 4.3; programs that do not (386 ones made by Go) have no network, as long as they are not rebuilt for 64 bits
//!   or run without a filter.

use crate::runtime::capabilities::Set;
use oci_spec::runtime::{
    Arch, Capability, LinuxSeccomp, LinuxSeccompAction as Action, LinuxSeccompArg, LinuxSeccompArgBuilder,
    LinuxSeccompBuilder, LinuxSeccompOperator, LinuxSyscall, LinuxSyscallBuilder,
};

/// How much of the default filter a container gets. One without any has no filter at all (`seccomp=unconfined`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Default,
    /// Containers inside may be made: namespaces, mounts and keyrings are open without CAP_SYS_ADMIN.
    Nesting,
    /// Only what a privileged container has no use for is closed: odd socket families, and the terminal controls that
    /// type into the terminal of who started it.
    Privileged,
}

/// The filter of a container with these capabilities.
pub fn seccomp(capabilities: Set, level: Level) -> LinuxSeccomp {
    let (default_action, default_errno, mut rules) = match level {
        Level::Default | Level::Nesting => {
            (Action::ScmpActErrno, Some(libc::ENOSYS as u32), allow_list(capabilities, level))
        }
        Level::Privileged => (Action::ScmpActAllow, None, vec![refuse(UNFILTERABLE, libc::ENOSYS)]),
    };
    rules.extend(sockets(capabilities));
    rules.extend(terminal_controls());
    let mut seccomp = LinuxSeccompBuilder::default()
        .default_action(default_action)
        // The profile is the same everywhere; a machine has two of these.
        .architectures([Arch::ScmpArchX86_64, Arch::ScmpArchX86, Arch::ScmpArchAarch64, Arch::ScmpArchArm])
        .syscalls(rules)
        .build()
        .expect("every field of the builder has a default");
    seccomp.set_default_errno_ret(default_errno);
    seccomp
}

/// What every container may call.
const ALLOWED: &[&str] = &[
    // Files.
    "access chdir chmod chown chown32 close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2",
    "fadvise64 fadvise64_64 arm_fadvise64_64 fallocate fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat",
    "fcntl fcntl64 fdatasync flock fstat fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64",
    "futimesat getcwd getdents getdents64 lchown lchown32 link linkat lseek _llseek lstat lstat64 mkdir mkdirat",
    "mknod mknodat name_to_handle_at newfstatat open openat openat2 pread64 preadv preadv2 pwrite64 pwritev",
    "pwritev2 read readahead readlink readlinkat readv rename renameat renameat2 rmdir sendfile sendfile64 splice",
    "stat stat64 statfs statfs64 statx symlink symlinkat sync sync_file_range sync_file_range2",
    "arm_sync_file_range syncfs tee truncate truncate64 umask unlink unlinkat utime utimensat utimensat_time64",
    "utimes write writev",
    // Extended attributes.
    "fgetxattr flistxattr fremovexattr fsetxattr getxattr lgetxattr listxattr llistxattr lremovexattr lsetxattr",
    "removexattr setxattr",
    // Pipes, events, waiting.
    "_newselect epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2",
    "inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_setup",
    "io_submit pipe pipe2 poll ppoll ppoll_time64 pselect6 pselect6_time64 select",
    // Memory.
    "brk madvise map_shadow_stack membarrier memfd_create mincore mlock mlock2 mlockall mmap mmap2 mprotect",
    "mremap mseal msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect",
    // Processes and threads. Tracing reaches only the container's own processes, and since Linux 4.8 the filter judges
    // a call after a tracer has changed it.
    "arch_prctl execve execveat exit exit_group fork futex futex_time64 get_thread_area getcpu getpgid getpgrp",
    "getpid getppid getsid gettid kill pidfd_open pidfd_send_signal prctl process_vm_readv process_vm_writev",
    "ptrace restart_syscall rseq seccomp set_robust_list set_thread_area set_tid_address setpgid setsid tgkill",
    "tkill vfork wait4 waitid waitpid breakpoint cacheflush get_tls set_tls",
    // Signals.
    "pause rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait",
    "rt_sigtimedwait_time64 rt_tgsigqueueinfo sigaction sigaltstack signal signalfd signalfd4 sigpending",
    "sigprocmask sigreturn sigsuspend",
    // Clocks and timers. Setting the time needs a capability, here and in adjtimex.
    "adjtimex alarm clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64",
    "clock_nanosleep clock_nanosleep_time64 getitimer gettimeofday nanosleep setitimer time timer_create",
    "timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create",
    "timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64 times",
    // Scheduling and limits.
    "getpriority getrlimit getrusage ioprio_get ioprio_set prlimit64 sched_get_priority_max",
    "sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler",
    "sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam",
    "sched_setscheduler sched_yield setpriority setrlimit ugetrlimit",
    // Users, groups, capabilities, confinement.
    "capget capset getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getresgid",
    "getresgid32 getresuid getresuid32 getuid getuid32 landlock_add_rule landlock_create_ruleset",
    "landlock_restrict_self setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups setgroups32",
    "setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setuid setuid32",
    // Sockets, once made.
    "accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom recvmmsg recvmmsg_time64",
    "recvmsg send sendmmsg sendmsg sendto setsockopt shutdown",
    // System V and POSIX messages, semaphores and shared memory.
    "ipc mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64",
    "mq_unlink msgctl msgget msgrcv msgsnd semctl semget semop semtimedop semtimedop_time64 shmat shmctl shmdt",
    "shmget",
    // The machine.
    "getrandom sysinfo uname",
];

/// What any of these capabilities allows, and what gives EPERM without.
const GATES: &[(&[Capability], &str)] = &[
    (&[Capability::DacReadSearch], "open_by_handle_at"),
    (&[Capability::SysAdmin], "fanotify_init fanotify_mark quotactl quotactl_fd"),
    (&[Capability::SysAdmin, Capability::Bpf], "bpf"),
    (&[Capability::SysAdmin, Capability::Perfmon], "perf_event_open"),
    (&[Capability::SysAdmin, Capability::Syslog], "syslog"),
    (&[Capability::SysBoot], "kexec_file_load kexec_load reboot"),
    (&[Capability::SysChroot], "chroot"),
    (&[Capability::SysModule], "delete_module finit_module init_module"),
    (&[Capability::SysNice], "get_mempolicy mbind set_mempolicy set_mempolicy_home_node"),
    (&[Capability::SysPacct], "acct"),
    (&[Capability::SysPtrace], "kcmp pidfd_getfd process_madvise"),
    (&[Capability::SysRawio], "ioperm iopl"),
    (&[Capability::SysTime], "clock_settime clock_settime64 settimeofday stime"),
    (&[Capability::SysTtyConfig], "vhangup"),
];

/// What makes containers, and so reaches the kernel code that only namespaces' roots reach (CVE-2022-0185,
/// CVE-2024-1086): for CAP_SYS_ADMIN and [`Level::Nesting`], else EPERM.
const NESTING: &str = "add_key fsconfig fsmount fsopen fspick keyctl mount mount_setattr move_mount open_tree open_tree_attr \
                       pivot_root request_key setdomainname sethostname setns umount umount2 unshare";
/// The same, but ENOSYS where closed, for programs fall back from these.
const NESTING_WITH_FALLBACK: &str = "clone3 listmount statmount";
/// All flags of clone that make a namespace: `CLONE_NEW*` but for CLONE_NEWTIME, which clone does not take.
const CLONE_NAMESPACES: u64 = (libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET) as u64;

/// Refused whatever the capabilities: paths to holes (userfaultfd and vmsplice hold kernel races open), what only the
/// machine's own administrator can do, and calls that nothing has used for decades.
const REFUSED: &str =
    "migrate_pages move_pages remap_file_pages swapoff swapon sysfs userfaultfd uselib ustat vm86 vm86old vmsplice";

/// What would go around the rules on sockets: an io_uring makes them without a system call (IORING_OP_SOCKET, Linux
/// 5.19), and the arguments of socketcall cannot be seen. Not listed in the allow-list either.
const UNFILTERABLE: &str = "io_uring_enter io_uring_register io_uring_setup socketcall";

/// The execution domains that matter today: plain Linux, with 32-bit addresses (8) or with `uname26` (0x20000), and the
/// question which one it is.
const PERSONALITIES: [u64; 5] = [0, 8, 0x20000, 0x20008, 0xffff_ffff];

/// What types into a terminal (TIOCSTI, CVE-2017-5226), pastes into a console (TIOCLINUX) or loads a line discipline's
/// module (TIOCSETD).
const TERMINAL_CONTROLS: [u64; 3] = [0x5412, 0x541c, 0x5423];

const IPPROTO_SMC: u64 = 256;
const NETLINK_AUDIT: u64 = libc::NETLINK_AUDIT as u64;

fn allow_list(capabilities: Set, level: Level) -> Vec<LinuxSyscall> {
    let nesting = level == Level::Nesting || capabilities.contains(Capability::SysAdmin);
    let mut allowed: Vec<&str> = ALLOWED.to_vec();
    let mut refused: Vec<&str> = vec![REFUSED];
    for (any, names) in GATES {
        let open = any.iter().any(|capability| capabilities.contains(*capability));
        if open { &mut allowed } else { &mut refused }.push(names);
    }
    let mut rules = Vec::new();
    if nesting {
        allowed.extend([NESTING, NESTING_WITH_FALLBACK, "clone"]);
    } else {
        refused.push(NESTING);
        let no_namespace = condition(0, CLONE_NAMESPACES, 0);
        rules.extend([rule("clone", Action::ScmpActAllow, None, [no_namespace]), refuse("clone", libc::EPERM)]);
    }
    for personality in PERSONALITIES {
        rules.push(rule("personality", Action::ScmpActAllow, None, [equals(0, personality)]));
    }
    refused.push("personality");
    rules.push(allow(&allowed.join(" ")));
    rules.push(refuse(&refused.join(" "), libc::EPERM));
    rules
}

/// Families: UNIX, INET, INET6, NETLINK with the protocols that tools for one's own network use, and PACKET for those
/// who may send raw packets. SMC has a family of its own and a second door through INET.
fn sockets(capabilities: Set) -> Vec<LinuxSyscall> {
    const CALLS: &str = "socket socketpair";
    let may = |capability| capabilities.contains(capability);
    let internet = [libc::AF_INET, libc::AF_INET6];
    let mut rules = Vec::new();
    for family in internet {
        rules.push(rule(
            CALLS,
            Action::ScmpActErrno,
            Some(libc::EPROTONOSUPPORT),
            [equals(0, family as u64), equals(2, IPPROTO_SMC)],
        ));
    }
    let packet = may(Capability::NetRaw).then_some(libc::AF_PACKET);
    for family in internet.into_iter().chain([libc::AF_UNIX]).chain(packet) {
        rules.push(rule(CALLS, Action::ScmpActAllow, None, [equals(0, family as u64)]));
    }

    let netlink = equals(0, libc::AF_NETLINK as u64);
    let mut protocols =
        vec![libc::NETLINK_ROUTE, libc::NETLINK_SOCK_DIAG, libc::NETLINK_KOBJECT_UEVENT, libc::NETLINK_GENERIC];
    if may(Capability::NetAdmin) {
        protocols.extend([libc::NETLINK_XFRM, libc::NETLINK_NETFILTER]);
    }
    if may(Capability::AuditWrite) || may(Capability::AuditControl) || may(Capability::AuditRead) {
        protocols.push(libc::NETLINK_AUDIT);
    }
    for protocol in protocols {
        rules.push(rule(CALLS, Action::ScmpActAllow, None, [netlink, equals(2, protocol as u64)]));
    }
    // sshd and PAM take EINVAL for a kernel without auditing, and other errors for a failure.
    rules.push(rule(CALLS, Action::ScmpActErrno, Some(libc::EINVAL), [netlink, equals(2, NETLINK_AUDIT)]));
    rules.push(rule(CALLS, Action::ScmpActErrno, Some(libc::EPROTONOSUPPORT), [netlink]));
    rules.push(refuse(CALLS, libc::EAFNOSUPPORT));
    rules
}

fn terminal_controls() -> impl Iterator<Item = LinuxSyscall> {
    let refused = |request| rule("ioctl", Action::ScmpActErrno, Some(libc::EPERM), [equals(1, request)]);
    TERMINAL_CONTROLS.into_iter().map(refused).chain([allow("ioctl")])
}

fn allow(names: &str) -> LinuxSyscall {
    rule(names, Action::ScmpActAllow, None, [])
}

fn refuse(names: &str, errno: i32) -> LinuxSyscall {
    rule(names, Action::ScmpActErrno, Some(errno), [])
}

fn rule<const CONDITIONS: usize>(
    names: &str,
    action: Action,
    errno: Option<i32>,
    conditions: [LinuxSeccompArg; CONDITIONS],
) -> LinuxSyscall {
    let names: Vec<String> = names.split_ascii_whitespace().map(str::to_owned).collect();
    let mut rule = LinuxSyscallBuilder::default()
        .names(names)
        .action(action)
        .build()
        .expect("every field of the builder has a default");
    rule.set_errno_ret(errno.map(|errno| errno as u32));
    rule.set_args((CONDITIONS > 0).then(|| conditions.to_vec()));
    rule
}

/// The argument's low 32 bits are `value`. The kernel ignores the rest of these arguments, which are `int` or
/// `unsigned int`, and so must the filter, or a set high bit would go past it.
fn equals(argument: usize, value: u64) -> LinuxSeccompArg {
    condition(argument, 0xffff_ffff, value)
}

/// `argument & mask == value`.
fn condition(argument: usize, mask: u64, value: u64) -> LinuxSeccompArg {
    LinuxSeccompArgBuilder::default()
        .index(argument)
        .op(LinuxSeccompOperator::ScmpCmpMaskedEq)
        .value(mask)
        .value_two(value)
        .build()
        .expect("every field of the builder has a default")
}

#[cfg(test)]
mod tests;
