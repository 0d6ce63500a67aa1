//! What the user types and sees: one file per verb, and the only place that prints.

pub mod format;
pub mod table;
pub mod time;
pub mod units;
