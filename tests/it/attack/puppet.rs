//! A process that makes the system calls that it is told to: what code would do that got into it by a fault in it.
//!
//! It is stopped by ptrace(2) where it waits, and made to run the `syscall` instruction that it waits in with other
//! registers. What it did before, it does no more: it is killed in the end.

use crate::support::until;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::ffi::CString;
use std::os::unix::fs::FileExt;

/// How far below its stack the puppet's texts are put, out of the way of what it has there.
const BELOW_STACK: u64 = 64 << 10;

pub struct Puppet {
    pid: Pid,
    registers: libc::user_regs_struct,
    memory: std::fs::File,
}

impl Puppet {
    /// Takes over a process that waits in a system call.
    pub fn take(pid: Pid) -> Self {
        until("the process waits", || {
            let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("read its state");
            status.rsplit_once(") ").is_some_and(|(_, fields)| fields.starts_with('S'))
        });
        trace(libc::PTRACE_SEIZE, pid, std::ptr::null_mut());
        trace(libc::PTRACE_INTERRUPT, pid, std::ptr::null_mut());
        wait(pid);
        // SAFETY: it is a structure of numbers, which the kernel fills below.
        let mut registers: libc::user_regs_struct = unsafe { std::mem::zeroed() };
        trace(libc::PTRACE_GETREGS, pid, (&raw mut registers).cast());
        let memory = std::fs::File::options().read(true).write(true).open(format!("/proc/{pid}/mem"));
        let memory = memory.expect("open its memory");
        let mut instruction = [0; 2];
        memory.read_exact_at(&mut instruction, registers.rip - 2).expect("read its memory");
        assert_eq!(instruction, [0x0f, 0x05], "it waits in a system call");
        Self { pid, registers, memory }
    }

    /// Makes a system call; a text among its arguments is given by the pointer that stands for it. The result is the
    /// kernel's own: a negative errno for a failure.
    pub fn call(&self, number: i64, arguments: &[Argument]) -> i64 {
        let mut values = [0; 6];
        let mut place = self.registers.rsp - BELOW_STACK;
        for (value, argument) in values.iter_mut().zip(arguments) {
            *value = match argument {
                Argument::Number(number) => number.cast_unsigned(),
                Argument::Text(text) => {
                    let text = CString::new(*text).expect("a text without NUL");
                    self.memory.write_all_at(text.as_bytes_with_nul(), place).expect("write to its memory");
                    let at = place;
                    place += 4096;
                    at
                }
            };
        }
        let mut registers = self.registers;
        // The instruction has two bytes, and is behind it where it waits. No call is to be begun again.
        registers.rip -= 2;
        registers.rax = number.cast_unsigned();
        registers.orig_rax = u64::MAX;
        [registers.rdi, registers.rsi, registers.rdx, registers.r10, registers.r8, registers.r9] = values;
        trace(libc::PTRACE_SETREGS, self.pid, (&raw mut registers).cast());
        let start = registers.rip;
        // It may stop for another reason first, such as a signal.
        while registers.rip == start {
            trace(libc::PTRACE_SINGLESTEP, self.pid, std::ptr::null_mut());
            wait(self.pid);
            trace(libc::PTRACE_GETREGS, self.pid, (&raw mut registers).cast());
        }
        registers.rax.cast_signed()
    }
}

impl Drop for Puppet {
    fn drop(&mut self) {
        let _ = kill(self.pid, Signal::SIGKILL);
    }
}

#[derive(Clone, Copy, Debug)]
pub enum Argument<'a> {
    Number(i64),
    Text(&'a str),
}

fn trace(request: libc::c_uint, pid: Pid, data: *mut libc::c_void) {
    // SAFETY: `data` is null or points to the structure that the request reads or fills.
    let result = unsafe { libc::ptrace(request, pid.as_raw(), std::ptr::null_mut::<libc::c_void>(), data) };
    assert_eq!(result, 0, "ptrace {request}: {}", std::io::Error::last_os_error());
}

fn wait(pid: Pid) {
    let mut status = 0;
    // SAFETY: the kernel writes one number.
    let waited = unsafe { libc::waitpid(pid.as_raw(), &raw mut status, libc::__WALL) };
    assert!(waited == pid.as_raw() && libc::WIFSTOPPED(status), "it stops: {waited} {status:x}");
}
