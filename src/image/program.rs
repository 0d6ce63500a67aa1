//! Programs of others that this engine runs because the user's configuration asks for it: found, asked, and not waited for
//! without end.

use crate::fs;
use anyhow::{Context, Result};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::{ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Finds a program in PATH.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // What PATH says relative to the current directory is anybody's.
    let mut programs = std::env::split_paths(&path).filter(|dir| dir.is_absolute()).map(|dir| dir.join(name));
    programs.find(|program| program.is_file() && rustix::fs::access(program, rustix::fs::Access::EXEC_OK).is_ok())
}

/// Runs a program with a question on its standard input, which fits into a pipe whether or not it is read; gives what it
/// says on its standard output. `shown` is what it is called in an error.
pub fn ask(
    mut command: Command,
    shown: &str,
    question: &[u8],
    answer_bytes_max: usize,
    timeout: Duration,
) -> Result<(ExitStatus, Vec<u8>)> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let program = PathBuf::from(command.get_program());
    let mut child = command.spawn().with_context(|| format!("start {}", program.display()))?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    // One that does not read its question has closed the pipe.
    let _ = stdin.context("its input is a pipe")?.write_all(question);
    let stdout = Patient { stdout: stdout.context("its output is a pipe")?, timeout, since: Instant::now() };
    let answer = fs::read_all(stdout, answer_bytes_max);
    if answer.is_err() {
        // It may have ended already.
        let _ = child.kill();
    }
    let status = child.wait().with_context(|| format!("wait for {shown}"))?;
    Ok((status, answer.context(shown.to_owned())?))
}

/// A program's output, which is not waited for longer than until the deadline. (Not by a thread: a pull forks after this.)
struct Patient {
    stdout: ChildStdout,
    timeout: Duration,
    since: Instant,
}

impl Read for Patient {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let left = self.timeout.saturating_sub(self.since.elapsed());
        let left = PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO);
        match poll(&mut [PollFd::new(self.stdout.as_fd(), PollFlags::POLLIN)], left) {
            Ok(0) => Err(std::io::Error::other(format!("no answer within {} s", self.timeout.as_secs()))),
            Ok(_) => self.stdout.read(buffer),
            Err(errno) => Err(errno.into()),
        }
    }
}
