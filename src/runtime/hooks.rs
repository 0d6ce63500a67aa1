//! Runs hooks: programs of the operator's, told about the container on their standard input.
//!
//! A hook has the environment that its specification gives it and nothing else, so that no variable of an image or of a
//! caller reaches it, and starts in `/` (config.md of the OCI spec, "POSIX-platform Hooks").

use super::identity::Identity;
use crate::error::Kind;
use crate::sys::process::{self, Cloned, Exit};
use anyhow::{Context, Result};
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::memfd::{MFdFlags, memfd_create};
use oci_spec::runtime::{ContainerState, Hook};
use std::ffi::CString;
use std::io::{Read, Seek, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

/// How long a hook may take that sets itself no limit.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(30);
/// The longest limit that a hook may set itself.
const TIMEOUT_MAX: Duration = Duration::from_secs(600);
/// The most that is read of what a hook says about its failure.
const TEXT_BYTES_MAX: usize = 4 << 10;

/// Runs hooks one after the other; the first that fails ends it.
pub fn run(hooks: &[Hook], identity: Identity<'_>, status: ContainerState, pid: i32) -> Result<()> {
    if hooks.is_empty() {
        return Ok(());
    }
    let state = serde_json::to_vec(&identity.state(status, pid)).context("serialise state")?;
    hooks.iter().try_for_each(|hook| run_one(hook, &state).with_context(|| format!("hook {}", hook.path().display())))
}

fn run_one(hook: &Hook, state: &[u8]) -> Result<()> {
    // Memory and not a pipe: a hook that does not read keeps nobody waiting.
    let mut stdin = std::fs::File::from(memfd_create(c"state", MFdFlags::MFD_CLOEXEC).context("memfd_create")?);
    stdin.write_all(state).context("write state")?;
    stdin.rewind().context("rewind state")?;
    let (said, their_said) = nix::unistd::pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK).context("pipe")?;
    let child = match process::fork()? {
        Cloned::Child => {
            let _ = become_hook(hook, &stdin.into(), &their_said);
            process::exit_now(127)
        }
        Cloned::Parent(child) => child,
    };
    drop(their_said);
    let timeout = hook.timeout().filter(|seconds| *seconds > 0).map(|seconds| Duration::from_secs(seconds as u64));
    let timeout = timeout.unwrap_or(TIMEOUT_DEFAULT).min(TIMEOUT_MAX);
    let mut polled = [PollFd::new(child.pidfd.as_fd(), PollFlags::POLLIN)];
    let in_time = poll(&mut polled, PollTimeout::try_from(timeout).unwrap_or(PollTimeout::MAX)).context("poll")? > 0;
    if !in_time {
        // It may have ended by itself.
        let _ = crate::sys::signal::send(child.pidfd.as_fd(), libc::SIGKILL);
    }
    let exit = process::wait(child.pidfd.as_fd())?;
    if !in_time {
        return Err(Kind::Engine.error(format!("not done after {} seconds", timeout.as_secs())));
    }
    if exit == Exit::Code(0) {
        return Ok(());
    }
    let reason = match exit {
        Exit::Code(127) => "it could not be executed".to_owned(),
        Exit::Code(code) => format!("exit code {code}"),
        Exit::Signal(signal) => format!("ended by signal {signal}"),
    };
    let text = last_line(said);
    Err(Kind::Engine.error(if text.is_empty() { reason } else { format!("{reason}: {text}") }))
}

fn become_hook(hook: &Hook, stdin: &OwnedFd, said: &OwnedFd) -> Result<()> {
    let null = crate::fs::open_null()?;
    let path = CString::new(hook.path().as_os_str().as_encoded_bytes())?;
    let strings = |texts: &Option<Vec<String>>| -> Result<Vec<CString>> {
        Ok(texts.iter().flatten().map(|text| CString::new(text.as_str())).collect::<Result<_, _>>()?)
    };
    let mut arguments = strings(hook.args())?;
    if arguments.is_empty() {
        arguments.push(path.clone());
    }
    let environment = strings(hook.env())?;
    process::set_stdio(stdin.as_fd(), null.as_fd(), said.as_fd())?;
    crate::sys::signal::reset_all()?;
    process::close_on_exec_from(3)?;
    rustix::process::chdir(c"/")?;
    Err(process::execve(&path, &arguments, &environment).into())
}

/// What a hook that has ended said last. What it left running may hold the pipe: nobody waits for that.
fn last_line(said: OwnedFd) -> String {
    let mut bytes = vec![0; TEXT_BYTES_MAX];
    let length = std::fs::File::from(said).read(&mut bytes).unwrap_or(0);
    let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
    text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default().trim().to_owned()
}
