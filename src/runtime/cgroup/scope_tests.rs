//! Tests in a real scope of a real systemd, for an ordinary user's session or root's; ignored elsewhere.
//!
//! They fork, which the test harness with its second thread is not made for: build with
//! `cargo rustc --bin coracle --profile test -- -C debug-assertions=off` (that thread only waits), copy the newest
//! `target/debug/deps/coracle-*` there and run it with `--ignored --test-threads=1 scope_tests`.

use super::*;
use crate::engine::{Directories, Engine};
use crate::sys::process::{self, Cloned, Exit};
use crate::systemd;
use oci_spec::runtime::LinuxResources;
use std::io::{Read, Write};

/// Runs `monitor` in a forked process that systemd has put into a new scope.
fn in_scope(name: &str, monitor: impl FnOnce() -> Result<()>) {
    let (mut ready, mut say_ready) = std::io::pipe().unwrap();
    match process::fork().unwrap() {
        Cloned::Child => {
            drop(say_ready);
            let ended = ready.read_exact(&mut [0]).map_err(anyhow::Error::from).and_then(|()| monitor());
            if let Err(error) = &ended {
                eprintln!("in the scope: {error:#}");
            }
            process::exit_now(i32::from(ended.is_err()))
        }
        Cloned::Parent(child) => {
            let engine = Engine::locate(&Directories::default()).unwrap();
            assert!(systemd::available(&engine));
            let unit = format!("coracle-test-{name}-{}.scope", std::process::id());
            systemd::start_scope(&engine, &unit, "A test", &[child.pid as u32], &[]).unwrap();
            say_ready.write_all(b"1").unwrap();
            assert_eq!(process::wait(child.pidfd.as_fd()).unwrap(), Exit::Code(0));
        }
    }
}

/// How a process in a new cgroup namespace ends that is cloned straight into a cgroup.
fn run_in(cgroup: &Cgroup, body: impl FnOnce() -> bool) -> Result<Exit> {
    match process::clone(libc::CLONE_NEWUSER | libc::CLONE_NEWCGROUP, Some(cgroup.as_fd()))? {
        Cloned::Child => process::exit_now(i32::from(!body())),
        Cloned::Parent(child) => process::wait(child.pidfd.as_fd()),
    }
}

fn limits(json: &str) -> LinuxResources {
    serde_json::from_str(json).expect("a test's own document")
}

#[test]
#[ignore = "needs systemd"]
fn a_scope_is_split_and_the_container_sees_its_own_root() {
    in_scope("split", || {
        let delegated = Delegated::find()?;
        let split = delegated.split()?;
        ensure!(delegated.cgroup.read("cgroup.procs")?.is_empty());
        ensure!(split.monitor.read("cgroup.procs")?.trim() == std::process::id().to_string());
        for controller in ["cpu", "memory", "pids"] {
            ensure!(split.container.controllers()?.iter().any(|name| name == controller), "no {controller}");
        }
        let at_root = || std::fs::read("/proc/self/cgroup").is_ok_and(|own| own == b"0::/\n");
        ensure!(run_in(&split.container, at_root)? == Exit::Code(0));
        delegated.remove_container(Duration::from_secs(5))?;
        ensure!(delegated.cgroup.existing("container")?.is_none());
        delegated.split().map(drop)
    });
}

#[test]
#[ignore = "needs systemd"]
fn a_memory_limit_kills_the_container_and_is_counted() {
    in_scope("memory", || {
        let split = Delegated::find()?.split()?;
        split.container.apply(&limits(r#"{"memory":{"limit":50000001,"swap":50000001}}"#))?;
        let use_up = || vec![1u8; 200 << 20].iter().all(|byte| *byte == 1);
        ensure!(run_in(&split.container, use_up)? == Exit::Signal(libc::SIGKILL));
        ensure!(split.container.oom_kills()? == 1);
        Ok(())
    });
}

#[test]
#[ignore = "needs systemd"]
fn what_a_removed_container_left_behind_is_killed() {
    in_scope("removal", || {
        let delegated = Delegated::find()?;
        let split = delegated.split()?;
        split.container.child("nested")?.child("deeper")?;
        let Cloned::Parent(left) = process::clone(0, Some(split.container.as_fd()))? else {
            std::thread::sleep(Duration::from_secs(60));
            process::exit_now(1)
        };
        delegated.remove_container(Duration::from_secs(5))?;
        ensure!(process::wait(left.pidfd.as_fd())? == Exit::Signal(libc::SIGKILL));
        ensure!(delegated.cgroup.existing("container")?.is_none());
        Ok(())
    });
}

#[test]
#[ignore = "needs systemd"]
fn whoever_comes_later_starts_beside_the_first_process_of_a_divided_container() {
    in_scope("exec", || {
        let delegated = Delegated::find()?;
        let split = delegated.split()?;
        let nested = split.container.child("init.scope")?;
        let Cloned::Parent(first) = process::clone(0, Some(nested.as_fd()))? else {
            std::thread::sleep(Duration::from_secs(60));
            process::exit_now(1)
        };
        split.container.pass_on_controllers()?;
        ensure!(process::clone(0, Some(split.container.as_fd())).is_err(), "a divided cgroup takes processes");
        let is_beside = || {
            std::fs::read_to_string("/proc/self/cgroup")
                .is_ok_and(|own| own.trim_end().ends_with("/container/init.scope"))
        };
        let later = match crate::runtime::clone_beside(first.pid, Some(&split.container))? {
            Cloned::Child => process::exit_now(i32::from(!is_beside())),
            Cloned::Parent(child) => process::wait(child.pidfd.as_fd())?,
        };
        ensure!(later == Exit::Code(0), "{later:?}");
        // Never into the cgroup of a process that is not in the container's.
        ensure!(split.container.below(std::process::id() as i32).is_err());
        delegated.remove_container(Duration::from_secs(5))
    });
}
