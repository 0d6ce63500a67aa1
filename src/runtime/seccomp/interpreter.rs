//! Runs filter programs as the kernel would, so that tests can ask for any decision on any architecture.

use super::program::Verdict;
use super::syscalls::Abi;
use seccompiler::sock_filter;

/// One system call, as the kernel shows it to a filter.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    pub abi: Abi,
    pub number: u32,
    pub arguments: [u64; 6],
}

impl Call {
    pub fn new(abi: Abi, number: u32) -> Self {
        Self { abi, number, arguments: [0; 6] }
    }

    /// A call by name, with its first arguments.
    pub fn named(abi: Abi, name: &str, arguments: &[u64]) -> Self {
        let number = super::syscalls::numbers(name).and_then(|numbers| numbers.on(abi));
        let mut call = Self::new(abi, number.unwrap_or_else(|| panic!("{abi:?} has no {name}")));
        call.arguments[..arguments.len()].copy_from_slice(arguments);
        call
    }

    /// `struct seccomp_data`, word by word.
    fn word(&self, offset: u32) -> u32 {
        match offset {
            0 => self.number,
            4 => self.abi.audit(),
            16..64 => {
                let argument = self.arguments[(offset as usize - 16) / 8];
                (argument >> (offset % 8 * 8)) as u32
            }
            _ => panic!("load from offset {offset}"),
        }
    }
}

/// What the program decides. Panics where the kernel would refuse the program.
pub fn run(program: &[sock_filter], call: &Call) -> Verdict {
    let (mut at, mut accumulator) = (0, 0u32);
    loop {
        let instruction = &program[at];
        at += 1;
        let taken = match instruction.code {
            0x20 => {
                accumulator = call.word(instruction.k);
                continue;
            }
            0x54 => {
                accumulator &= instruction.k;
                continue;
            }
            0x05 => {
                at += instruction.k as usize;
                continue;
            }
            0x06 => return instruction.k,
            0x15 => accumulator == instruction.k,
            0x25 => accumulator > instruction.k,
            0x35 => accumulator >= instruction.k,
            code => panic!("instruction {code:#x}"),
        };
        at += usize::from(if taken { instruction.jt } else { instruction.jf });
    }
}
