//! Assembles classic BPF: a decision tree over system call numbers with the comparisons of arguments at its leaves.
//!
//! The whole program is emitted here rather than by seccompiler's backend, which knows one match action per filter and
//! no 32-bit architectures, and whose rule bodies cost an allocation each; only its instruction type is used. Every
//! piece of code ends in a return and is jumped into only at its start, so pieces can be put one behind the other and
//! long jumps inserted without another pass.

use super::syscalls::Abi;
use oci_spec::runtime::{LinuxSeccompArg, LinuxSeccompOperator as Operator};
use seccompiler::sock_filter;

/// What the kernel does with a call: a `SECCOMP_RET_*` value with its data.
pub type Verdict = u32;

/// What is decided about one system call.
#[derive(Debug, PartialEq, Eq)]
pub struct Decision<'a> {
    /// In order; the first whose conditions all hold decides.
    pub rules: Vec<(&'a [LinuxSeccompArg], Verdict)>,
    /// What holds when no rule matches.
    pub otherwise: Verdict,
}

/// A run of system call numbers with the same decision, up to the first of the next range.
pub struct Range<'a> {
    pub first: u32,
    pub decision: Decision<'a>,
}

/// The numbers of the x32 ABI have this bit set and share x86-64's `AUDIT_ARCH`: `__X32_SYSCALL_BIT`.
const X32_BIT: u32 = 0x4000_0000;
/// What a tracer puts for "do not make this call": it must get what any unknown number gets.
const SKIPPED_CALL: u32 = u32::MAX;

// BPF classes and modes, linux/bpf_common.h.
const LOAD_WORD: u16 = 0x20;
const AND: u16 = 0x54;
const JUMP: u16 = 0x05;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_GREATER: u16 = 0x25;
const JUMP_GREATER_EQUAL: u16 = 0x35;
const RETURN: u16 = 0x06;

// Offsets in `struct seccomp_data`, linux/seccomp.h.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const ARGUMENTS: u32 = 16;

/// A program under construction.
#[derive(Default)]
pub struct Program(Vec<sock_filter>);

impl Program {
    /// A program that has loaded the architecture of the call.
    pub fn new() -> Self {
        let mut program = Self::default();
        program.push(LOAD_WORD, ARCHITECTURE);
        program
    }

    /// Decides the calls of one architecture. `ranges` start at number 0 and ascend; `unknown` is the verdict on numbers
    /// that no table has.
    pub fn section(&mut self, abi: Abi, ranges: &[Range<'_>], unknown: Verdict) {
        self.branch(JUMP_EQUAL, abi.audit(), 1, 0);
        let skip = self.0.len();
        self.push(JUMP, 0);
        self.push(LOAD_WORD, NUMBER);
        if abi == Abi::X86_64 {
            self.branch(JUMP_GREATER_EQUAL, X32_BIT, 0, 3);
            self.branch(JUMP_EQUAL, SKIPPED_CALL, 1, 0);
            self.push(RETURN, super::errno(libc::ENOSYS));
            self.push(RETURN, unknown);
        }
        self.tree(ranges);
        self.0[skip].k = (self.0.len() - skip - 1) as u32;
    }

    /// Ends the program with what happens to calls of all other architectures.
    pub fn finish(mut self, foreign: Verdict) -> Vec<sock_filter> {
        self.push(RETURN, foreign);
        self.0
    }

    /// Binary search on the number, which is in the accumulator.
    fn tree(&mut self, ranges: &[Range<'_>]) {
        let (lower, upper) = ranges.split_at(ranges.len() / 2);
        let [pivot, ..] = upper else { return };
        if lower.is_empty() {
            return self.leaf(&pivot.decision);
        }
        let jump = self.0.len();
        self.branch(JUMP_GREATER_EQUAL, pivot.first, 0, 0);
        self.tree(lower);
        let distance = self.0.len() - jump - 1;
        if let Ok(near) = u8::try_from(distance) {
            self.0[jump].jt = near;
        } else {
            self.0[jump].jf = 1;
            self.0.insert(jump + 1, instruction(JUMP, distance as u32, 0, 0));
        }
        self.tree(upper);
    }

    fn leaf(&mut self, decision: &Decision<'_>) {
        for (conditions, verdict) in &decision.rules {
            let start = self.0.len();
            for condition in *conditions {
                self.condition(condition);
            }
            self.push(RETURN, *verdict);
            self.resolve_misses(start);
        }
        self.push(RETURN, decision.otherwise);
    }

    /// Compares one 64-bit argument as two words. Falls through when it holds, jumps to [`MISS`] when not.
    fn condition(&mut self, condition: &LinuxSeccompArg) {
        let argument = ARGUMENTS + 8 * condition.index() as u32;
        // Both architectures are little-endian, and so is `seccomp_data`.
        let (low, high) = (argument, argument + 4);
        let (value_low, value_high) = words(condition.value());
        match condition.op() {
            Operator::ScmpCmpEq => {
                self.push(LOAD_WORD, high);
                self.branch(JUMP_EQUAL, value_high, 0, MISS);
                self.push(LOAD_WORD, low);
                self.branch(JUMP_EQUAL, value_low, 0, MISS);
            }
            Operator::ScmpCmpNe => {
                self.push(LOAD_WORD, high);
                self.branch(JUMP_EQUAL, value_high, 0, 2);
                self.push(LOAD_WORD, low);
                self.branch(JUMP_EQUAL, value_low, MISS, 0);
            }
            Operator::ScmpCmpGt => self.greater(JUMP_GREATER, low, condition.value()),
            Operator::ScmpCmpGe => self.greater(JUMP_GREATER_EQUAL, low, condition.value()),
            Operator::ScmpCmpLt => self.less(JUMP_GREATER_EQUAL, low, condition.value()),
            Operator::ScmpCmpLe => self.less(JUMP_GREATER, low, condition.value()),
            Operator::ScmpCmpMaskedEq => {
                let (wanted_low, wanted_high) = words(condition.value_two().unwrap_or(0));
                self.masked(high, value_high, wanted_high);
                self.masked(low, value_low, wanted_low);
            }
        }
    }

    /// `argument > value`, or `>=` when that is how the low words are compared.
    fn greater(&mut self, compare_low: u16, argument: u32, value: u64) {
        let (value_low, value_high) = words(value);
        self.push(LOAD_WORD, argument + 4);
        self.branch(JUMP_GREATER, value_high, 3, 0);
        self.branch(JUMP_EQUAL, value_high, 0, MISS);
        self.push(LOAD_WORD, argument);
        self.branch(compare_low, value_low, 0, MISS);
    }

    /// `argument < value`, or `<=`: the low words must not compare this way.
    fn less(&mut self, compare_low: u16, argument: u32, value: u64) {
        let (value_low, value_high) = words(value);
        self.push(LOAD_WORD, argument + 4);
        self.branch(JUMP_GREATER, value_high, MISS, 0);
        self.branch(JUMP_EQUAL, value_high, 0, 2);
        self.push(LOAD_WORD, argument);
        self.branch(compare_low, value_low, MISS, 0);
    }

    /// `word & mask == wanted`, for one half of an argument.
    fn masked(&mut self, word: u32, mask: u32, wanted: u32) {
        if mask == 0 && wanted == 0 {
            return;
        }
        self.push(LOAD_WORD, word);
        self.push(AND, mask);
        self.branch(JUMP_EQUAL, wanted, 0, MISS);
    }

    /// Points the misses of the rule that starts here behind its return. A rule has at most six conditions (one per
    /// argument) of at most six instructions, so the distance fits.
    fn resolve_misses(&mut self, start: usize) {
        let end = self.0.len();
        for (at, instruction) in self.0.iter_mut().enumerate().skip(start) {
            let distance = (end - at - 1) as u8;
            if instruction.jt == MISS {
                instruction.jt = distance;
            }
            if instruction.jf == MISS {
                instruction.jf = distance;
            }
        }
    }

    fn push(&mut self, code: u16, operand: u32) {
        self.0.push(instruction(code, operand, 0, 0));
    }

    fn branch(&mut self, code: u16, operand: u32, jump_true: u8, jump_false: u8) {
        self.0.push(instruction(code, operand, jump_true, jump_false));
    }
}

/// Stands for "to the end of this rule" until that is known. Longer than any jump within a rule.
const MISS: u8 = u8::MAX;

fn instruction(code: u16, operand: u32, jump_true: u8, jump_false: u8) -> sock_filter {
    sock_filter { code, jt: jump_true, jf: jump_false, k: operand }
}

/// The low and the high word.
fn words(value: u64) -> (u32, u32) {
    (value as u32, (value >> 32) as u32)
}
