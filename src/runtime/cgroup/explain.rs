//! Why a controller is missing in a cgroup, who has to pass it on, and how.

use super::{Cgroup, FILE_BYTES_MAX, MOUNT_POINT};
use crate::error::Kind;
use crate::fs;
use rustix::fs::OFlags;
use std::path::{Path, PathBuf};

/// The controllers that systemd passes on: systemd.resource-control(5), `Delegate=`.
const PASSED_ON_BY_SYSTEMD: [&str; 5] = ["cpu", "cpuset", "io", "memory", "pids"];

/// Where a controller stops on its way down to a cgroup.
#[derive(Debug, PartialEq, Eq)]
enum Stop {
    /// The kernel has none, or has it switched off.
    Kernel,
    /// The manager of this unit, `user@UID.service`, does not get it.
    UserManager(String),
    /// This service, which we are in, does not get it.
    Service(String),
    /// A scope asks for all of them: its manager does not know that there is this one too.
    Scope(String),
    /// No unit is to be seen on the way.
    Elsewhere,
}

/// The error for `setting` (`set cpuset.cpus to 0-1`) when its controller is not in the cgroup.
pub fn missing_controller(cgroup: &Cgroup, controller: &str, setting: &str) -> anyhow::Error {
    let stop = find_stop(cgroup, controller);
    let owner = match &stop {
        Stop::Kernel if controller == "memory" => {
            let message = format!("{setting}: the memory controller is switched off in this kernel");
            return Kind::Denied.hinted(message, "boot with cgroup_enable=memory");
        }
        Stop::Kernel => return Kind::Denied.error(format!("{setting}: this kernel has no {controller} controller")),
        Stop::UserManager(unit) | Stop::Service(unit) | Stop::Scope(unit) => unit.clone(),
        Stop::Elsewhere => cgroup.path.display().to_string(),
    };
    let message = format!("{setting}: the {controller} controller is not delegated to {owner}");
    match stop {
        _ if !PASSED_ON_BY_SYSTEMD.contains(&controller) => Kind::Denied.error(message),
        // A running user manager looks for its controllers only once: the last step makes it look again.
        Stop::UserManager(_) => Kind::Denied.hinted(
            message,
            "as root, write the lines [Service] and Delegate=cpu cpuset io memory pids to \
             /etc/systemd/system/user@.service.d/delegate.conf and run systemctl daemon-reload; \
             then, as this user, systemctl --user daemon-reexec",
        ),
        Stop::Service(unit) => Kind::Denied.hinted(message, format!("set Delegate=yes in {unit}")),
        Stop::Scope(_) => Kind::Denied.hinted(message, "run systemctl --user daemon-reexec"),
        Stop::Kernel | Stop::Elsewhere => Kind::Denied.error(message),
    }
}

fn find_stop(cgroup: &Cgroup, controller: &str) -> Stop {
    let has = |path: &Path| {
        let root = fs::Root::open(Path::new(MOUNT_POINT)).ok()?;
        let file = root.resolve(&path.join("cgroup.controllers"), OFlags::RDONLY).ok()?;
        let names = fs::read_all(std::fs::File::from(file), FILE_BYTES_MAX).ok()?;
        Some(String::from_utf8_lossy(&names).split_whitespace().any(|name| name == controller))
    };
    stop(&cgroup.path, |path| has(path).unwrap_or(false))
}

/// Walks down to the first cgroup that lacks the controller; the unit that would have to ask for it is that one or
/// the first service below.
fn stop(path: &Path, has: impl Fn(&Path) -> bool) -> Stop {
    let mut walked = PathBuf::new();
    let mut lacking = false;
    for component in path.components() {
        walked.push(component);
        lacking |= !has(&walked);
        let name = component.as_os_str().to_string_lossy();
        match component {
            std::path::Component::RootDir if lacking => return Stop::Kernel,
            _ if !lacking => {}
            _ if name.starts_with("user@") && name.ends_with(".service") => {
                return Stop::UserManager(name.into_owned());
            }
            _ if name.ends_with(".service") => return Stop::Service(name.into_owned()),
            _ if name.ends_with(".scope") => return Stop::Scope(name.into_owned()),
            _ => {}
        }
    }
    Stop::Elsewhere
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_that_must_delegate_is_named() {
        let path = Path::new("/user.slice/user-1000.slice/user@1000.service/app.slice/web.service/container");
        let down_to = |last: &'static str| move |path: &Path| Path::new(last).starts_with(path);
        assert_eq!(stop(path, |_| false), Stop::Kernel);
        for last in ["/", "/user.slice", "/user.slice/user-1000.slice"] {
            assert_eq!(stop(path, down_to(last)), Stop::UserManager("user@1000.service".into()), "{last}");
        }
        let app = "/user.slice/user-1000.slice/user@1000.service/app.slice";
        assert_eq!(stop(path, down_to(app)), Stop::Service("web.service".into()));
        let path = Path::new("/user.slice/user-1000.slice/user@1000.service/user.slice/coracle-1.scope/container");
        let manager = "/user.slice/user-1000.slice/user@1000.service";
        assert_eq!(stop(path, down_to(manager)), Stop::Scope("coracle-1.scope".into()));
        assert_eq!(stop(Path::new("/plain/container"), down_to("/")), Stop::Elsewhere);
    }
}
