//! Pid 1 of a container, from its clone to its program: the story of the container's side.
//!
//! `namespaces → mounts → pivot_root → capabilities → seccomp → execve`. It runs in a forked copy of the monitor and
//! never returns into it: it ends in an exec, or in an answer and an exit.

use super::channel::{Channel, Message};
use super::mounts::{self, Proc};
use super::process::{self, Last, Streams};
use super::{Bundle, Exec, Inner, devices};
use crate::error::{Kind, Wire};
use crate::fs::Root;
use crate::sys::mount::{self, Attributes};
use crate::sys::namespace::Namespaces;
use crate::sys::process::{self as sys, Cloned, Exit};
use crate::sys::signal;
use anyhow::{Context, Result};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::sys::signalfd::SignalFd;
use oci_spec::runtime::{ContainerState, LinuxPersonality, Process};
use rustix::io::Errno;
use std::convert::Infallible;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// The whole life of the child that [`super::create`] makes.
pub fn main(bundle: &Bundle<'_>, inner: &Inner, mut channel: Channel) -> ! {
    let failed = match prepare(bundle, inner, &mut channel) {
        Ok((process, streams, working_directory, apparmor)) => {
            let linux = bundle.spec.linux().as_ref();
            let seccomp = linux.and_then(|linux| linux.seccomp().as_ref());
            let personality = linux.and_then(|linux| linux.personality().as_ref()).map(LinuxPersonality::domain);
            let hooks = bundle.spec.hooks().as_ref().and_then(|hooks| hooks.start_container().as_deref());
            let (may_set_groups, with_init) = (bundle.may_set_groups, bundle.with_init);
            let hooks = hooks.map(|hooks| (hooks, bundle.identity, own_pid(inner)));
            process::finish(Last {
                process,
                seccomp,
                personality,
                apparmor,
                hooks,
                streams,
                preserved: bundle.preserved,
                working_directory,
                channel,
                may_set_groups,
                with_init,
            })
        }
        Err(error) => (error, channel),
    };
    answer_and_exit(failed)
}

/// The first child of a [`super::create`] that joins: its own child is the container's first process.
pub fn join_and_main(bundle: &Bundle<'_>, inner: &Inner, channel: Channel) -> ! {
    match inner.join().and_then(|()| sys::clone(libc::CLONE_PARENT | inner.clone_flags(), None)) {
        Ok(Cloned::Parent(child)) => {
            let sent = channel.send_with(&Message::Child(child.pid), &[child.pidfd.as_fd()]);
            sys::exit_now(i32::from(sent.is_err()))
        }
        Ok(Cloned::Child) => main(bundle, inner, channel),
        Err(error) => answer_and_exit((error, channel)),
    }
}

fn answer_and_exit((error, channel): (anyhow::Error, Channel)) -> ! {
    // If nobody is there to hear it, nobody waits for it.
    let _ = channel.send(&Message::Failed(Wire::from(&error)));
    sys::exit_now(1)
}

/// The process, its streams and working directory, and the file that takes its AppArmor profile.
type Prepared<'a> = (&'a Process, Streams, OwnedFd, Option<OwnedFd>);

/// From the clone to the container's own root.
fn prepare<'a>(bundle: &Bundle<'a>, inner: &Inner, channel: &mut Channel) -> Result<Prepared<'a>> {
    channel.wait_for_go()?;
    let spec = bundle.spec;
    let linux = spec.linux().as_ref().context("the spec has a linux section")?;
    let process = spec.process().as_ref().context("the spec has a process")?;
    mount::make_all_slaves()?;
    // While this is still the engine's user: what that may reach on the host, the container's root may not.
    mount::attach(bundle.root, crate::fs::open_dir(bundle.stage)?.as_fd()).context("mount the root file system")?;
    let sources = mounts::bind_sources(spec, bundle.prepared)?;
    if inner.has_root() {
        sys::become_user(0, 0, None)?;
    }
    process::die_with_parent(channel)?;

    let root = Root::new(bundle.root.try_clone_to_owned().context("duplicate root")?);
    let proc = Proc::open()?;
    mounts::mount_all(&root, spec, sources, inner)?;
    devices::bind(&root, linux.devices().as_deref().unwrap_or_default())?;
    devices::link(&root)?;
    if inner.owns(Namespaces::CLONE_NEWNET) {
        crate::sys::network::loopback_up()?;
    }
    for (key, value) in linux.sysctl().iter().flatten() {
        proc.write(&format!("sys/{}", key.replace('.', "/")), value).with_context(|| format!("set sysctl {key}"))?;
    }
    if let Some(score) = process.oom_score_adj() {
        proc.write("self/oom_score_adj", &score.to_string())?;
    }
    if let Some(hooks) = spec.hooks().as_ref().and_then(|hooks| hooks.create_container().as_ref()) {
        super::hooks::run(hooks, bundle.identity, ContainerState::Creating, own_pid(inner))?;
    }
    let streams = Streams::open(&bundle.stdio, &root, process)?;
    if let Some(pty) = &streams.pty {
        let console = root.make_file(Path::new("/dev/console"), 0o620)?;
        let slave = mount::clone_fd(pty.slave.as_fd(), false).context("clone terminal")?;
        mount::attach(slave.as_fd(), console.as_fd()).context("mount /dev/console")?;
    }
    let working_directory = process::working_directory(&root, process)?;
    mounts::mask(&root, linux.masked_paths().as_deref().unwrap_or_default())?;
    mounts::make_read_only(&root, linux.readonly_paths().as_deref().unwrap_or_default())?;
    mounts::seal_dev(&root, spec)?;
    if spec.root().as_ref().is_some_and(|root| root.readonly() == Some(true)) {
        mount::set_attributes(root.as_fd(), Attributes::RDONLY, false)?;
    }
    mount::pivot_into(root.as_fd())?;
    if let Some(hostname) = spec.hostname()
        && inner.owns(Namespaces::CLONE_NEWUTS)
    {
        nix::unistd::sethostname(hostname).with_context(|| format!("set host name {hostname}"))?;
    }
    let apparmor = process.apparmor_profile().as_ref().map(|_| proc.apparmor()).transpose()?;
    Ok((process, streams, working_directory, apparmor))
}

/// The pid of this process as the container sees it.
fn own_pid(inner: &Inner) -> i32 {
    if inner.owns(Namespaces::CLONE_NEWPID) { 1 } else { sys::own_pid() }
}

/// The first child of [`super::exec`]: enters the container and makes the second, which becomes the monitor's child.
pub fn enter_and_exec(exec: &Exec<'_>, channel: Channel) -> ! {
    let entered = exec.entrance.enter().and_then(|()| {
        sys::become_user(0, 0, None)?;
        sys::clone(libc::CLONE_PARENT, None).map_err(|error| match super::errno_of(&error) {
            // pid_namespaces(7): what the kernel says where the namespace's init has ended.
            Some(Errno::NOMEM) => Kind::InUse.error("the container has ended"),
            _ => error,
        })
    });
    match entered {
        Ok(Cloned::Parent(child)) => {
            let sent = channel.send_with(&Message::Child(child.pid), &[child.pidfd.as_fd()]);
            sys::exit_now(i32::from(sent.is_err()))
        }
        Ok(Cloned::Child) => exec_main(exec, channel),
        Err(error) => answer_and_exit((error, channel)),
    }
}

fn exec_main(exec: &Exec<'_>, mut channel: Channel) -> ! {
    let mut prepare = || -> Result<(Streams, OwnedFd, Option<OwnedFd>)> {
        channel.wait_for_go()?;
        process::die_with_parent(&channel)?;
        let root = Root::open(Path::new("/"))?;
        let streams = Streams::open(&exec.stdio, &root, exec.process)?;
        let apparmor = exec.process.apparmor_profile().as_ref().map(|_| Proc::open()?.apparmor()).transpose()?;
        Ok((streams, process::working_directory(&root, exec.process)?, apparmor))
    };
    let failed = match prepare() {
        Ok((streams, working_directory, apparmor)) => {
            let (process, seccomp, may_set_groups) = (exec.process, exec.seccomp, exec.may_set_groups);
            process::finish(Last {
                process,
                seccomp,
                personality: exec.personality,
                apparmor,
                hooks: None,
                streams,
                preserved: exec.preserved,
                working_directory,
                channel,
                may_set_groups,
                with_init: false,
            })
        }
        Err(error) => (error, channel),
    };
    answer_and_exit(failed)
}

/// Stays as pid 1: starts the program as a child, hands it all signals, and reaps whatever is left behind (`--init`).
pub fn become_init(last: &Last<'_>, preserved: &process::Placed) -> Result<Infallible> {
    // Blocked before the fork, so that none is lost between it and the loop.
    let signals = signal::to_descriptor(&forwarded_signals())?;
    let (executed, closes_on_exec) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).context("pipe")?;
    let closes_on_exec = match last.highest() {
        Some(highest) => {
            rustix::io::fcntl_dupfd_cloexec(&closes_on_exec, highest + 1).context("move a descriptor")?
        }
        None => closes_on_exec,
    };
    // The monitor's descriptors were copied into this process: its locks would live as long as this does, and the
    // program, which has the same rights, could reach them through /proc. They go before there is a program.
    let [stdin, stdout, stderr] = [rustix::stdio::stdin(), rustix::stdio::stdout(), rustix::stdio::stderr()];
    let named = [last.channel.as_fd(), executed.as_fd(), closes_on_exec.as_fd(), signals.as_fd()];
    let kept: Vec<_> = preserved.iter().map(|(_, fd)| fd.as_fd()).collect();
    sys::close_all_but(&[&[stdin, stdout, stderr], &named[..], &kept].concat())?;
    // Everyone in the container can read these; they tell where the engine's directories are on the host.
    let forked = sys::forget_arguments(c"coracle-init").and_then(|()| sys::fork());
    let child = match forked {
        Ok(Cloned::Parent(child)) => child,
        Ok(Cloned::Child) => match take_terminal().and_then(|()| process::execute(last.process, preserved)) {
            Ok(never) => match never {},
            Err(error) => give_up(last, &error),
        },
        Err(error) => give_up(last, &error),
    };
    drop(closes_on_exec);
    // The end of this stream comes with the child's exec, or after the child has answered why there was none.
    let _ = rustix::io::read(&executed, &mut [0; 1]);
    if let Err(error) = last.channel.send(&Message::Ready) {
        give_up(last, &error);
    }
    if let Err(error) = sys::close_all_but(&[stdin, stdout, stderr, child.pidfd.as_fd(), signals.as_fd()]) {
        give_up(last, &error);
    }
    supervise(&child, &signals)
}

/// Ends this process without dropping what it no longer holds. The answer comes before the stream ends, which is with
/// this process: whoever waits for that speaks after.
fn give_up(last: &Last<'_>, error: &anyhow::Error) -> ! {
    // If nobody is there to hear it, nobody waits for it.
    let _ = last.channel.send(&Message::Failed(Wire::from(error)));
    sys::exit_now(1)
}

fn forwarded_signals() -> Vec<Signal> {
    use Signal::{SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGKILL, SIGSEGV, SIGSTOP, SIGSYS, SIGTRAP};
    let own = [SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGKILL, SIGSEGV, SIGSTOP, SIGSYS, SIGTRAP];
    Signal::iterator().filter(|signal| !own.contains(signal)).collect()
}

/// Gives the program a process group of its own and the terminal, as a shell would, and every signal at its default.
fn take_terminal() -> Result<()> {
    if rustix::termios::isatty(rustix::stdio::stdin()) {
        rustix::process::setpgid(None, None).context("setpgid")?;
        signal::ignore(Signal::SIGTTOU)?;
        rustix::termios::tcsetpgrp(rustix::stdio::stdin(), rustix::process::getpid()).context("tcsetpgrp")?;
    }
    signal::reset_all()
}

fn supervise(child: &sys::Child, signals: &SignalFd) -> ! {
    loop {
        let mut polled = [PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
        let _ = poll(&mut polled, PollTimeout::NONE);
        while let Ok(Some(signal)) = signals.read_signal() {
            if signal.ssi_signo != libc::SIGCHLD as u32 {
                let _ = signal::send(child.pidfd.as_fd(), signal.ssi_signo as i32);
            }
        }
        while let Some((pid, exit)) = sys::reap_any() {
            if pid == child.pid {
                sys::exit_now(match exit {
                    Exit::Code(code) => code,
                    Exit::Signal(signal) => 128 + signal,
                });
            }
        }
    }
}
