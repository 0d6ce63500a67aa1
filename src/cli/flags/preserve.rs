//! The flags by which descriptors of this program become those of a program in a container.

use crate::container::control::PRESERVED;
use crate::error::Kind;
use crate::sys::process;
use anyhow::Result;
use std::os::fd::OwnedFd;

/// The most that one message carries, beside the three standard streams.
const COUNT_MAX: usize = crate::sys::socket::DESCRIPTORS_MAX - 3;

#[derive(clap::Args, Clone, Debug)]
pub struct PreserveFlags {
    /// Hand this many descriptors on, from 3 on
    #[arg(long, value_name = "N", default_value = "0")]
    preserve_fds: u8,
    /// Hand these descriptors on, under their numbers
    #[arg(long, value_name = "FD", value_delimiter = ',')]
    preserve_fd: Vec<i32>,
}

impl PreserveFlags {
    /// Takes the descriptors. One of this program's own is never among them: those are closed on exec.
    pub fn take(&self) -> Result<Vec<(i32, OwnedFd)>> {
        let mut numbers: Vec<i32> = (0..i32::from(self.preserve_fds)).map(|index| 3 + index).collect();
        numbers.extend(&self.preserve_fd);
        numbers.sort_unstable();
        numbers.dedup();
        if numbers.len() > COUNT_MAX {
            return Err(Kind::BadInput.error(format!("more than {COUNT_MAX} descriptors cannot be handed on")));
        }
        let take = |number: i32| {
            let taken = process::inherited(number).filter(|_| PRESERVED.contains(&number));
            let taken = taken.ok_or_else(|| {
                let last = PRESERVED.end();
                let message = format!("descriptor {number} is not open, or not one of 3 to {last}");
                Kind::BadInput.hinted(message, "open it for coracle, as in 3<FILE")
            })?;
            Ok((number, taken))
        };
        numbers.into_iter().map(take).collect()
    }
}
