//! One container as a row of the table, as what templates see, and as JSON.

use super::super::Context;
use super::super::units::human_size;
use super::words::{self, ago};
use super::{Order, Ps};
use crate::container::config::{Config, MountKind};
use crate::container::size::Size;
use crate::container::state::Container;
use crate::image::reference::Reference;
use crate::inspect::container as view;
use crate::inspect::time::{Zone, from_unix_nanos, go_string};
use crate::inspect::view::{View, view};

/// How much of a command is shown, in characters, before three dots.
const COMMAND_LENGTH_MAX: usize = 17;
/// The same in docker, quotes and dots included.
const DOCKER_COMMAND_LENGTH_MAX: usize = 22;

impl Ps {
    /// The headings and the rows of the table that was asked for.
    pub fn table(
        &self,
        context: &Context,
        containers: &[(Container, Option<Size>)],
        now: u64,
    ) -> (Vec<&'static str>, Vec<Vec<String>>) {
        if self.ns {
            let headings =
                ["CONTAINER ID", "NAMES", "PID", "CGROUPNS", "IPC", "MNT", "NET", "PIDNS", "USERNS", "UTS"];
            let row = |(container, _): &(Container, Option<Size>)| {
                let [cgroup, ipc, mnt, net, pid, user, uts] = view::namespaces(container);
                let first = [self.id(container).to_owned(), container.config.name.to_string()];
                let pids = view::pid(container).to_string();
                first.into_iter().chain([pids, cgroup, ipc, mnt, net, pid, user, uts]).collect()
            };
            return (headings.to_vec(), containers.iter().map(row).collect());
        }
        let mut headings = vec!["CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"];
        if self.pod {
            headings.extend(["POD ID", "PODNAME"]);
        }
        if self.size {
            headings.push("SIZE");
        }
        let rows = containers.iter().map(|(container, size)| {
            let config = &container.config;
            let mut cells = vec![
                self.id(container).to_owned(),
                self.image(context, config),
                self.command(context, container),
                ago(config.created, now),
                words::status(container, now),
                words::ports(container),
                config.name.to_string(),
            ];
            if self.pod {
                cells.extend([String::new(), String::new()]);
            }
            if let (true, Some(size)) = (self.size, size) {
                cells.push(size_words(*size));
            }
            cells
        });
        (headings, rows.collect())
    }

    fn image(&self, context: &Context, config: &Config) -> String {
        let name = view::image_name(config);
        if !context.docker {
            return name.to_owned();
        }
        // docker leaves out what it takes for granted.
        let familiar = Reference::parse(name).map_or_else(|_| name.to_owned(), |reference| reference.familiar());
        familiar.strip_suffix(":latest").map_or_else(|| familiar.clone(), str::to_owned)
    }

    fn command(&self, context: &Context, container: &Container) -> String {
        let process = &container.config.process;
        if context.docker {
            let command = process.arguments().join(" ");
            let inner = DOCKER_COMMAND_LENGTH_MAX - 2;
            return match command.char_indices().nth(inner) {
                Some(_) if !self.no_trunc => {
                    let end = command.char_indices().nth(inner - 1).map_or(command.len(), |(end, _)| end);
                    format!("\"{}…\"", &command[..end])
                }
                _ => format!("\"{command}\""),
            };
        }
        let command = process.command.join(" ");
        match command.char_indices().nth(COMMAND_LENGTH_MAX) {
            Some((end, _)) if !self.no_trunc => format!("{}...", &command[..end]),
            _ => command,
        }
    }

    /// What a template sees: the words of the table and the values of `inspect`.
    pub fn row(&self, context: &Context, container: &Container, size: Option<Size>, now: u64) -> View {
        let config = &container.config;
        let created = from_unix_nanos(config.created.into()).map(|time| go_string(time, Zone::Local));
        let image_id = view::image_id(config);
        let volumes = config.mounts.iter().filter(|mount| matches!(mount.kind, MountKind::Volume { .. })).count();
        let size = size.filter(|_| self.size || self.sort == Order::Size).map(size_words).unwrap_or_default();
        let status = words::status(container, now);
        if context.docker {
            return docker_row(self, context, container, volumes, &size, &status, created.as_deref(), now);
        }
        let row = view::summary(container);
        let [cgroup, ipc, mnt, net, pid_namespace, user, uts] = match self.ns {
            true => view::namespaces(container),
            false => Default::default(),
        };
        let words = view!({
            "ID": self.id(container),
            "ImageID": if self.no_trunc { &image_id } else { image_id.get(..12).unwrap_or_default() },
            "Command": self.command(context, container),
            "Created": created.as_deref(),
            "CreatedAt": created.as_deref(),
            "CreatedHuman": ago(config.created, now),
            "RunningFor": ago(config.created, now),
            "Status": status,
            "Ports": words::ports(container),
            "Names": config.name.as_str(),
            // docker has this one, podman has not.
            "LocalVolumes": volumes,
            "Networks": network(config),
            "Size": size,
            "CGROUPNS": cgroup,
            "IPC": ipc,
            "MNT": mnt,
            "NET": net,
            "PIDNS": pid_namespace,
            "USERNS": user,
            "UTS": uts,
        });
        row.over(words)
    }
}

/// docker's row is all text.
#[expect(clippy::too_many_arguments, reason = "each is a word of the row")]
fn docker_row(
    ps: &Ps,
    context: &Context,
    container: &Container,
    volumes: usize,
    size: &str,
    status: &str,
    created: Option<&str>,
    now: u64,
) -> View {
    let config = &container.config;
    let labels: Vec<String> = config.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let source = |kind: &MountKind| match kind {
        MountKind::Bind { source, .. } => Some(source.display().to_string()),
        MountKind::Volume { name, .. } => Some(name.to_string()),
        MountKind::Image(_) | MountKind::Tmpfs { .. } | MountKind::Devpts(_) => None,
    };
    let mounts: Vec<String> = config.mounts.iter().filter_map(|mount| source(&mount.kind)).collect();
    view!({
        "Command": ps.command(context, container),
        "CreatedAt": created,
        "ID": ps.id(container),
        "Image": ps.image(context, config),
        "Labels": labels.join(","),
        "LocalVolumes": volumes.to_string(),
        "Mounts": mounts.join(","),
        "Names": config.name.as_str(),
        "Networks": network(config),
        "Ports": words::ports(container),
        "RunningFor": ago(config.created, now),
        "Size": size,
        "State": container.status.name(),
        "Status": status,
    })
}

/// The network that it is in: pasta's containers are in none.
fn network(config: &Config) -> &'static str {
    match config.network.name() {
        "pasta" => "",
        name => name,
    }
}

/// `12.2kB (virtual 2.15MB)`
fn size_words(size: Size) -> String {
    format!("{} (virtual {})", human_size(size.written as f64, 3), human_size(size.whole as f64, 3))
}

/// The headings that are not the names of their fields.
pub fn heading(field: &str) -> Option<String> {
    let heading = match field {
        "ID" | "Id" => "CONTAINER ID",
        "CreatedHuman" | "RunningFor" => "CREATED",
        "ImageID" => "IMAGE ID",
        "CGROUPNS" | "IPC" | "MNT" | "NET" | "PIDNS" | "USERNS" | "UTS" => field,
        _ => return None,
    };
    Some(heading.to_owned())
}

/// One element of `--format json`.
pub fn json(container: &Container, size: Option<Size>, now: u64) -> View {
    let mut element = view::summary(container);
    element.set("CreatedAt", ago(container.config.created, now));
    element.set("Status", words::status(container, now));
    if let Some(size) = size {
        element.set("Size", view!({ "rootFsSize": size.whole, "rwSize": size.written }));
    }
    element
}
