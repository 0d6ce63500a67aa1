//! `mount` and `unmount`: a container's root file system as a directory, inside `coracle unshare`.

use super::{Context, Targets, Verb, each, listing, say};
use crate::container::events::{self, Event, Happening};
use crate::container::root;
use crate::container::state::{self, Container, Paths};
use crate::error::Kind;
use crate::fs;
use crate::inspect::view::{View, view};
use crate::rootless;
use crate::sys::mount;
use anyhow::{Context as _, Result};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

/// Show the root file systems of containers as directories, read-only unless the container runs, and print where
#[derive(clap::Args)]
pub struct Mount {
    /// Mount all containers
    #[arg(short, long, conflicts_with = "names")]
    all: bool,
    /// Mount the container that was made last
    #[arg(short, long, conflicts_with_all = ["names", "all"])]
    latest: bool,
    /// Print the list of what is mounted as json
    #[arg(long, value_name = "json")]
    format: Option<String>,
    /// Print whole ids
    #[arg(long, visible_alias = "no-trunc")]
    notruncate: bool,
    /// The containers; without one, what is mounted is listed
    #[arg(value_name = "CONTAINER")]
    names: Vec<String>,
}

/// Take away what mount has shown
#[derive(clap::Args)]
pub struct Unmount {
    /// Take away a container's root even if it is not mounted
    #[arg(short, long)]
    force: bool,
    #[command(flatten)]
    targets: Targets,
}

impl Verb for Mount {
    fn run(self, context: &Context) -> Result<u8> {
        if !self.all && !self.latest && self.names.is_empty() {
            return self.list(context);
        }
        check_place(context)?;
        let targets = Targets { all: self.all, latest: self.latest, names: self.names };
        each(&targets.resolve(context)?, |container| {
            let place = place(context, container);
            if !is_mounted(&mount_points()?, &place) {
                let tree = root::alone(&context.engine, container)?;
                fs::create_dir(&place)?;
                mount::attach(tree.as_fd(), fs::open_dir(&place)?.as_fd())
                    .with_context(|| format!("mount the root of container {}", container.config.name))?;
                events::tell(&context.engine, &[Event::of(&container.config, Happening::Mount)]);
            }
            say(&place.display().to_string());
            Ok(())
        })
    }
}

impl Mount {
    fn list(&self, context: &Context) -> Result<u8> {
        if let Some(other) = self.format.as_deref().filter(|format| *format != "json") {
            return Err(Kind::BadInput.error(format!("--format {other:?}: only json is known here")));
        }
        let mounted = mount_points()?;
        let containers = state::list(&context.engine)?;
        let shown: Vec<(&Container, PathBuf)> = containers
            .iter()
            .map(|container| (container, place(context, container)))
            .filter(|(_, place)| is_mounted(&mounted, place))
            .collect();
        if self.format.is_some() {
            let entry = |(container, place): &(&Container, PathBuf)| {
                let config = &container.config;
                view!({"id": config.id.as_str(), "Names": [config.name.as_str()], "mountpoint": place})
            };
            listing::json(&shown.iter().map(entry).collect::<View>());
            return Ok(0);
        }
        for (container, place) in shown {
            let id = &container.config.id;
            let id = if self.notruncate { id.as_str() } else { id.short() };
            say(&format!("{id}  {}", place.display()));
        }
        Ok(0)
    }
}

impl Verb for Unmount {
    fn run(self, context: &Context) -> Result<u8> {
        check_place(context)?;
        let all = self.targets.all;
        each(&self.targets.resolve(context)?, |container| {
            let place = place(context, container);
            let name = &container.config.name;
            if is_mounted(&mount_points()?, &place) {
                mount::detach(&place)?;
                events::tell(&context.engine, &[Event::of(&container.config, Happening::Unmount)]);
            } else if all {
                return Ok(());
            } else if !self.force {
                return Err(Kind::InUse.error(format!("the root of container {name} is not mounted here")));
            }
            say(container.config.id.as_str());
            Ok(())
        })
    }
}

/// A mount is of use only to who is in the mount namespace that it is made in.
pub(super) fn check_place(context: &Context) -> Result<()> {
    if rootless::is_inside()? {
        return Ok(());
    }
    let message = format!("{} shows files where only this command would see them", context.verb);
    Err(Kind::Denied.hinted(message, "run it inside coracle unshare"))
}

fn place(context: &Context, container: &Container) -> PathBuf {
    Paths::of(&context.engine, &container.config.id).dir.join("merged")
}

/// The largest mountinfo that is read: a hundred thousand mounts.
const MOUNTS_BYTES_MAX: usize = 32 << 20;

/// Where something is mounted in this mount namespace: proc_pid_mountinfo(5).
pub(super) fn mount_points() -> Result<Vec<String>> {
    let text = fs::read(Path::new("/proc/self/mountinfo"), MOUNTS_BYTES_MAX)?;
    let text = String::from_utf8_lossy(&text).into_owned();
    Ok(text.lines().filter_map(|line| line.split(' ').nth(4).map(str::to_owned)).collect())
}

pub(super) fn is_mounted(points: &[String], place: &Path) -> bool {
    // The kernel writes blanks and backslashes as octal numbers.
    let escaped: String = place
        .to_string_lossy()
        .chars()
        .map(|letter| match letter {
            ' ' | '\t' | '\n' | '\\' => format!("\\{:03o}", u32::from(letter)),
            other => other.to_string(),
        })
        .collect();
    points.contains(&escaped)
}
