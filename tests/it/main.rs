//! Tests of the real binary on the real kernel, a file per verb. `contrib/test` runs them all.
//!
//! What is in `root` runs as root; everything else runs as an ordinary user with subordinate ids.

#![allow(clippy::disallowed_methods, reason = "a test makes the paths that it opens")]

mod attack;
mod import;
mod load;
mod pull;
mod rmi;
mod root;
mod smoke;
mod support;
