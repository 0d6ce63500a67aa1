//! What only root can try.

mod bridges;
mod budget;
mod disk_full;
mod egress;
mod faults;
mod kills;
mod privacy;
mod ranges;

#[test]
fn the_root_lane_runs_as_root() {
    if !nix::unistd::geteuid().is_root() {
        crate::support::skip("this lane needs root");
    }
}
