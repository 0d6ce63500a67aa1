//! `system df`: what takes up the disk, and how much of it nobody needs.

use super::listing::{self, Shape};
use super::units::{human_duration, human_size};
use super::{Context, Verb};
use crate::container::config::{MountKind, Source};
use crate::container::control::Door;
use crate::container::size;
use crate::container::state::{self, Container};
use crate::image::reference::Reference;
use crate::image::{self, Summary};
use crate::inspect::container as view;
use crate::inspect::image::created;
use crate::inspect::view::{View, view};
use crate::store::digest::Digest;
use crate::store::{layers, partial, shifted};
use crate::volume::{self, Volume};
use anyhow::Result;
use std::collections::{HashMap, HashSet};
use std::time::{Duration, SystemTime};

/// Show how much of the disk images, containers and volumes take up
#[derive(clap::Args)]
pub struct SystemDf {
    /// Print by a Go template, as json, or by a template in columns: 'table TEMPLATE'
    #[arg(long, value_name = "TEMPLATE", conflicts_with = "verbose")]
    format: Option<String>,
    /// Show every image, container and volume
    #[arg(short, long)]
    verbose: bool,
}

/// What there is, with sizes.
struct Usage {
    images: Vec<UsedImage>,
    containers: Vec<UsedContainer>,
    volumes: Vec<UsedVolume>,
    /// Bytes of trees with other owners whose image is no more there under its layers.
    left: u64,
    /// Bytes of layers whose pull was interrupted.
    partial: u64,
    now: u64,
}

struct UsedImage {
    image: Summary,
    /// With the trees in which its files have other owners.
    size: u64,
    /// What other images have too, and what only this one has.
    shared: u64,
    unique: u64,
    containers: usize,
}

struct UsedContainer {
    container: Container,
    written: u64,
}

struct UsedVolume {
    name: String,
    containers: usize,
    bytes: u64,
}

/// One line of the summary.
struct Line {
    kind: &'static str,
    total: usize,
    active: usize,
    bytes: u64,
    reclaimable: u64,
}

impl Verb for SystemDf {
    fn run(self, context: &Context) -> Result<u8> {
        let shape = Shape::parse(self.format.as_deref(), false)?;
        let usage = super::in_userns(Door::for_command(&context.engine)?, || Usage::measure(context))?;
        if self.verbose {
            usage.print();
            return Ok(0);
        }
        let lines = usage.lines();
        match shape {
            Shape::Table | Shape::Quiet => {
                let rows = lines.iter().map(|line| {
                    let counts = [line.kind.to_owned(), line.total.to_string(), line.active.to_string()];
                    counts.into_iter().chain([human_size(line.bytes as f64, 4), line.reclaimable()])
                });
                listing::columns(&["TYPE", "TOTAL", "ACTIVE", "SIZE", "RECLAIMABLE"], true, rows);
            }
            Shape::Json if context.docker => {
                listing::put(&lines.iter().map(|line| format!("{}\n", line.row())).collect::<String>());
            }
            Shape::Json => listing::json(&lines.iter().map(Line::row).collect::<View>()),
            Shape::Template(format) => {
                let rows: Vec<View> = lines.iter().map(Line::row).collect();
                listing::template(&format, true, &rows, &|_| None)?;
            }
        }
        Ok(0)
    }
}

impl Line {
    fn reclaimable(&self) -> String {
        let share = (self.reclaimable * 100).checked_div(self.bytes).unwrap_or(0);
        format!("{} ({share}%)", human_size(self.reclaimable as f64, 4))
    }

    fn row(&self) -> View {
        view!({
            "Type": self.kind,
            "Total": self.total,
            "TotalCount": self.total,
            "Active": self.active,
            "RawSize": self.bytes,
            "RawReclaimable": self.reclaimable,
            "Size": human_size(self.bytes as f64, 4),
            "Reclaimable": self.reclaimable(),
        })
    }
}

impl Usage {
    /// Behind the door: volumes and containers hold files of other ids.
    fn measure(context: &Context) -> Result<Self> {
        let engine = &context.engine;
        let listed = state::list(engine)?;
        let (mut by_image, mut by_volume) = (HashMap::new(), HashMap::new());
        for container in &listed {
            if let Source::Image(image) = &container.config.source {
                *by_image.entry(image.id).or_insert(0) += 1;
            }
            for mount in &container.config.mounts {
                if let MountKind::Volume { name, .. } = &mount.kind {
                    *by_volume.entry(name.to_string()).or_insert(0) += 1;
                }
            }
        }
        let mut containers = Vec::new();
        for container in listed {
            let written = size::of(engine, &container.config)?.written;
            containers.push(UsedContainer { container, written });
        }
        let mut volumes = Vec::new();
        for Volume { name, .. } in volume::list(engine)? {
            let bytes = size::tree(&volume::data(engine, &name))?;
            volumes.push(UsedVolume { containers: by_volume.get(&name).copied().unwrap_or(0), name, bytes });
        }
        let (images, left) = images(context, &by_image)?;
        let partial = partial::list(engine)?.iter().map(|found| found.bytes).sum();
        Ok(Self { images, containers, volumes, left, partial, now: state::now() })
    }

    fn lines(&self) -> [Line; 3] {
        let is_used = |image: &&UsedImage| image.containers > 0;
        // A layer that several images have is there once.
        let unique: u64 = self.images.iter().map(|image| image.unique).sum();
        let shared: u64 = self.images.iter().map(|image| image.shared).max().unwrap_or(0);
        let is_running = |used: &&UsedContainer| used.container.status.is_alive();
        [
            Line {
                kind: "Images",
                total: self.images.len(),
                active: self.images.iter().filter(is_used).count(),
                bytes: unique + shared + self.left + self.partial,
                reclaimable: self.partial
                    + self.images.iter().filter(|image| !is_used(image)).map(|image| image.unique).sum::<u64>(),
            },
            Line {
                kind: "Containers",
                total: self.containers.len(),
                active: self.containers.iter().filter(is_running).count(),
                bytes: self.containers.iter().map(|used| used.written).sum(),
                reclaimable: self.containers.iter().filter(|used| !is_running(used)).map(|used| used.written).sum(),
            },
            Line {
                kind: "Local Volumes",
                total: self.volumes.len(),
                active: self.volumes.iter().filter(|volume| volume.containers > 0).count(),
                bytes: self.volumes.iter().map(|volume| volume.bytes).sum(),
                reclaimable: self
                    .volumes
                    .iter()
                    .filter(|volume| volume.containers == 0)
                    .map(|volume| volume.bytes)
                    .sum(),
            },
        ]
    }

    fn print(&self) {
        listing::put("Images space usage:\n\n");
        let headings =
            ["REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE", "SHARED SIZE", "UNIQUE SIZE", "CONTAINERS"];
        listing::columns(&headings, true, self.images.iter().flat_map(UsedImage::rows));
        listing::put("\nContainers space usage:\n\n");
        let headings = ["CONTAINER ID", "IMAGE", "COMMAND", "LOCAL VOLUMES", "SIZE", "CREATED", "STATUS", "NAMES"];
        listing::columns(&headings, true, self.containers.iter().map(|used| used.row(self.now)));
        listing::put("\nLocal Volumes space usage:\n\n");
        let rows = self
            .volumes
            .iter()
            .map(|volume| [volume.name.clone(), volume.containers.to_string(), human_size(volume.bytes as f64, 4)]);
        listing::columns(&["VOLUME NAME", "LINKS", "SIZE"], true, rows);
    }
}

impl UsedImage {
    /// A row for each of its names.
    fn rows(&self) -> Vec<[String; 8]> {
        let age =
            created(&self.image.created).map(|time| SystemTime::now().duration_since(time).unwrap_or(Duration::ZERO));
        let age = age.map(human_duration).unwrap_or_default();
        let size = |bytes: u64| human_size(bytes as f64, 4);
        let row = |(repository, tag): (String, String)| {
            [
                repository,
                tag,
                self.image.id.hex().chars().take(12).collect(),
                age.clone(),
                size(self.size),
                size(self.shared),
                size(self.unique),
                self.containers.to_string(),
            ]
        };
        let none = || "<none>".to_owned();
        if self.image.references.is_empty() {
            return vec![row((none(), none()))];
        }
        let names = self.image.references.iter().map(|name| match Reference::parse_repository(name) {
            Ok(reference) => (reference.name(), reference.tag.unwrap_or_else(none)),
            Err(_) => (name.clone(), none()),
        });
        names.map(row).collect()
    }
}

impl UsedContainer {
    fn row(&self, now: u64) -> [String; 8] {
        let config = &self.container.config;
        let volumes = config.mounts.iter().filter(|mount| matches!(mount.kind, MountKind::Volume { .. })).count();
        [
            config.id.short().to_owned(),
            view::image_id(config).chars().take(12).collect(),
            config.process.command.join(" "),
            volumes.to_string(),
            human_size(self.written as f64, 4),
            human_duration(Duration::from_nanos(now.saturating_sub(config.created))),
            self.container.status.name().to_owned(),
            config.name.to_string(),
        ]
    }
}

/// The images with what they share, and the bytes of trees that are none of theirs. An image that is damaged shares
/// nothing.
fn images(context: &Context, users: &HashMap<Digest, usize>) -> Result<(Vec<UsedImage>, u64)> {
    let engine = &context.engine;
    let listed = image::list(engine)?;
    let layers_of =
        |image: &Summary| image::open(engine, image.clone()).map(|image| image.layers).unwrap_or_default();
    let lists: Vec<Vec<Digest>> = listed.iter().map(layers_of).collect();
    let stacks: Vec<HashSet<Digest>> = lists.iter().map(|layers| layers.iter().copied().collect()).collect();
    let mut holders: HashMap<Digest, usize> = HashMap::new();
    stacks.iter().flatten().for_each(|layer| *holders.entry(*layer).or_insert(0) += 1);
    let mut trees = shifted::sizes(engine)?;
    let mut images = Vec::new();
    for ((image, stack), layers) in listed.into_iter().zip(&stacks).zip(&lists) {
        let mut shared = 0;
        for layer in stack.iter().filter(|layer| holders.get(*layer).is_some_and(|count| *count > 1)) {
            shared += layers::info(engine, layer)?.map_or(0, |info| info.size_bytes);
        }
        let containers = users.get(&image.id).copied().unwrap_or(0);
        // The trees of the same layers are there once.
        let size = image.size + trees.remove(&shifted::stack_name(layers)).unwrap_or(0);
        let shared = shared.min(image.size);
        images.push(UsedImage { unique: size - shared, size, shared, containers, image });
    }
    Ok((images, trees.into_values().sum()))
}
