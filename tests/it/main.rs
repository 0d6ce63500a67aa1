//! Tests of the real binary on the real kernel, a file per verb. `contrib/test` runs them all.
//!
//! What is in `root` runs as root; everything else runs as an ordinary user with subordinate ids.

#![allow(clippy::disallowed_methods, reason = "a test makes the paths that it opens")]

mod artifacts;
mod attach;
mod attack;
mod chunked;
mod commit;
mod compatibility;
mod confinement;
mod copy;
mod copy_whole;
mod dances;
mod deaths;
mod docs;
mod events;
mod exec;
mod faults;
mod golden;
mod health;
mod image_copy;
mod image_tree;
mod import;
mod import_from;
mod inspect;
mod inspect_elsewhere;
mod lifecycle;
mod load;
mod login;
mod logs;
mod manifest;
mod mounts;
mod network;
mod old_monitor;
mod pause;
mod policy;
mod process_flags;
mod pull;
mod push;
mod races;
mod registries;
mod rename;
mod restart;
mod resume;
mod rmi;
mod root;
mod run;
mod save;
mod search;
mod secrets;
mod shared_stores;
mod signatures;
mod signing;
mod smoke;
mod stats;
mod support;
mod sync;
mod system;
mod terminal;
mod tidy;
mod update;
mod users;
mod views;
mod volumes;
mod watching;
