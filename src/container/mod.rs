//! Containers: what they are (`config.rs`), what they do (one file per verb), and how they stand (`state.rs`).

pub mod cdi;
pub mod check;
pub mod commit;
pub mod config;
pub mod control;
pub mod copy;
pub mod create;
mod defaults;
pub mod devices;
pub mod diff;
pub mod events;
pub mod export;
pub mod health;
pub mod hooks;
pub mod log;
pub mod profile;
pub mod remove;
pub mod restart;
pub mod root;
pub mod shift;
pub mod size;
pub mod spec;
pub mod start;
pub mod state;
pub mod stop;
pub mod user;
pub mod users;
