//! `inspect`: everything that is known of containers, images, volumes and networks.

mod elsewhere;

use super::format::{Format, Names};
use super::{Context, Verb, listing, network, report};
use crate::container::control::Door;
use crate::container::{size, state};
use crate::error::{self, Kind};
use crate::image::platform::Platform;
use crate::image::pull;
use crate::image::reference::Reference;
use crate::inspect::view::View;
use crate::sys::threads;
use crate::{image, inspect};
use anyhow::{Context as _, Result};
use serde::{Serialize, Serializer};

/// Show all that is known of containers, images, volumes and networks
#[derive(clap::Args)]
pub struct Inspect {
    #[command(flatten)]
    common: Common,
    /// Look only for this: all, container, image, volume or network
    #[arg(short, long = "type", value_name = "TYPE", default_value = "all")]
    kind: String,
}

/// Show all that is known of containers
#[derive(clap::Args)]
pub struct ContainerInspect {
    #[command(flatten)]
    common: Common,
}

/// Show all that is known of images, here or elsewhere
///
/// An image elsewhere is named with its transport, such as docker://NAME for a registry, oci:DIR[:NAME] or
/// docker-archive:FILE[:NAME]. Nothing but its small documents is fetched.
#[derive(clap::Args)]
pub struct ImageInspect {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    elsewhere: elsewhere::Flags,
    /// Fail unless the images are for this system; elsewhere, choose the one that is
    #[arg(long, value_name = "OS/ARCH[/VARIANT]")]
    platform: Option<String>,
}

#[derive(clap::Args)]
struct Common {
    /// Print by a Go template, or as json
    #[arg(short, long, value_name = "TEMPLATE")]
    format: Option<String>,
    /// The container that was made last
    #[arg(short, long, conflicts_with = "names")]
    latest: bool,
    /// Show how much of the disk the containers take up too
    #[arg(short, long)]
    size: bool,
    /// Containers and images, by name, id or the beginning of an id, and volumes by name
    #[arg(value_name = "NAME", required_unless_present = "latest")]
    names: Vec<String>,
}

/// How many objects are worth a thread.
const OBJECTS_PER_THREAD_MIN: usize = 64;

/// Where objects are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kinds {
    All,
    Containers,
    Images,
    Volumes,
    Networks,
}

impl Verb for Inspect {
    fn run(self, context: &Context) -> Result<u8> {
        let kinds = match self.kind.as_str() {
            "all" => Kinds::All,
            "container" => Kinds::Containers,
            "image" => Kinds::Images,
            "volume" => Kinds::Volumes,
            "network" => Kinds::Networks,
            "pod" | "artifact" => {
                return Err(Kind::BadInput.error(format!("--type {} is not supported yet", self.kind)));
            }
            other => {
                return Err(Kind::BadInput
                    .hinted(format!("there is no type {other:?}"), "use all, container, image, volume or network"));
            }
        };
        self.common.run(context, kinds)
    }
}

impl Verb for ContainerInspect {
    fn run(self, context: &Context) -> Result<u8> {
        self.common.run(context, Kinds::Containers)
    }
}

impl Verb for ImageInspect {
    fn run(self, context: &Context) -> Result<u8> {
        let platform = self.platform.as_deref().map(Platform::parse).transpose()?;
        if let Some(places) = self.elsewhere.places(&self.common.names)? {
            return self.elsewhere.inspect(context, &places, platform.as_ref(), self.common.format.as_deref());
        }
        if let Some(platform) = platform {
            for name in &self.common.names {
                let image = image::find_to_read(&context.engine, name)?;
                pull::check_platform(&image.config, Some(&platform)).with_context(|| format!("inspect {name}"))?;
            }
        }
        self.common.run(context, Kinds::Images)
    }
}

impl Common {
    fn run(mut self, context: &Context, kinds: Kinds) -> Result<u8> {
        if self.latest {
            let newest = state::list(&context.engine)?.into_iter().next();
            let newest = newest.ok_or_else(|| Kind::NotFound.error("there are no containers"))?;
            self.names = vec![newest.config.id.to_string()];
        }
        let format = self.format.as_deref().filter(|format| *format != "json").map(Format::parse).transpose()?;
        if self.size {
            // Files of other ids are counted from within the user namespace, and looked for there too.
            let (entered, _) = Door::for_command(&context.engine)?.enter()?;
            super::tell_entered(&entered);
        }
        let failed = match &format {
            None => self.print_json(context, kinds)?,
            Some(format) => self.print_rows(context, kinds, format)?,
        };
        // What was found is shown, whatever was not.
        let mut failed = failed.into_iter().rev();
        let last = failed.next();
        for error in failed.rev() {
            report(&context.verb, &error);
        }
        last.map_or(Ok(0), Err)
    }

    /// Prints what there is by a template, and returns why the rest was not.
    fn print_rows(&self, context: &Context, kinds: Kinds, format: &Format) -> Result<Vec<anyhow::Error>> {
        let search = state::Search::new(&context.engine);
        let mut failed = Vec::new();
        for name in &self.names {
            match find(context, &search, kinds, name, self.size) {
                Ok(found) => listing::put(&format.row(found.view(), Names::Exact)?),
                Err(error) => failed.push(error),
            }
        }
        Ok(failed)
    }

    /// The same as an array of JSON. Many objects are divided among the processors.
    fn print_json(&self, context: &Context, kinds: Kinds) -> Result<Vec<anyhow::Error>> {
        let parts =
            threads::divided(&self.names, OBJECTS_PER_THREAD_MIN, |names| elements(context, kinds, names, self.size));
        let parts = parts.into_iter().collect::<Result<Vec<_>>>()?;
        let (texts, failed): (Vec<String>, Vec<Vec<_>>) = parts.into_iter().unzip();
        let mut before = "[\n";
        // Each is an array of its own: what is between its brackets is a part of the whole.
        for part in texts.iter().filter_map(|text| text.strip_prefix("[\n")?.strip_suffix("\n]")) {
            listing::put(before);
            listing::put(part);
            before = ",\n";
        }
        listing::put(if before == "[\n" { "[]\n" } else { "\n]\n" });
        Ok(failed.into_iter().flatten().collect())
    }
}

/// What was found, as templates see it.
enum Found {
    Container(View),
    Image(View),
    /// As templates see it, and as JSON.
    Other(View, View),
}

impl Found {
    fn view(&self) -> &View {
        match self {
            Self::Container(view) | Self::Image(view) | Self::Other(view, _) => view,
        }
    }
}

impl Serialize for Found {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::Container(view) => inspect::container::json(view).serialize(serializer),
            Self::Image(view) => inspect::image::json(view).serialize(serializer),
            Self::Other(_, json) => json.serialize(serializer),
        }
    }
}

/// Objects as an array of JSON, and why others could not be found.
fn elements(
    context: &Context,
    kinds: Kinds,
    names: &[String],
    with_size: bool,
) -> Result<(String, Vec<anyhow::Error>)> {
    let search = state::Search::new(&context.engine);
    let (mut text, mut failed) = (Vec::new(), Vec::new());
    let found = names.iter().filter_map(|name| match find(context, &search, kinds, name, with_size) {
        Ok(found) => Some(found),
        Err(error) => {
            failed.push(error);
            None
        }
    });
    // Each is written as soon as it is made: many of them are never there at once.
    serde_json::Serializer::pretty(&mut text).collect_seq(found).context("write JSON")?;
    Ok((String::from_utf8(text).context("JSON is UTF-8")?, failed))
}

/// Containers come before images, images before volumes, and volumes before networks, as in podman.
fn find(context: &Context, search: &state::Search<'_>, kinds: Kinds, name: &str, with_size: bool) -> Result<Found> {
    let engine = &context.engine;
    if matches!(kinds, Kinds::All | Kinds::Containers) {
        match search.find(name) {
            Ok(container) => {
                let mut view = inspect::container::inspect(engine, &container)?;
                if with_size {
                    let size = size::of(engine, &container.config)?;
                    view.set("SizeRw", size.written);
                    view.set("SizeRootFs", size.whole);
                }
                if context.docker {
                    inspect::container::for_docker(&mut view);
                }
                return Ok(Found::Container(view));
            }
            Err(error) if error::kind(&error) != Kind::NotFound => return Err(error),
            Err(_) if kinds == Kinds::Containers => return Err(missing(kinds, name)),
            Err(_) => {}
        }
    }
    if matches!(kinds, Kinds::All | Kinds::Images) {
        match image::exists_to_read(engine, name) {
            Ok(true) => {
                let image = image::find_to_read(engine, name)?;
                return Ok(Found::Image(inspect::image::inspect(engine, &image)?));
            }
            Ok(false) => {}
            // A text that cannot be the name of an image may have been meant for another thing.
            Err(_) if kinds == Kinds::All && Reference::candidates(name).is_err() => {}
            Err(error) => return Err(error),
        }
        if kinds == Kinds::Images {
            return Err(missing(kinds, name));
        }
    }
    if matches!(kinds, Kinds::All | Kinds::Volumes)
        && let Some(volume) = super::volume::resolve(context, name)?
    {
        let mounts = inspect::volume::Usage::find(engine)?.mounts(&volume.name);
        let row = inspect::volume::row(engine, &volume, mounts);
        return Ok(Found::Other(row, inspect::volume::inspect(engine, &volume, mounts)));
    }
    if matches!(kinds, Kinds::All | Kinds::Networks) {
        let defaults = network::defaults(context)?;
        match network::find(context, &defaults, name) {
            Ok(found) => {
                let containers = state::list(&context.engine)?;
                let row = network::row(context, &defaults, &found, &containers);
                return Ok(Found::Other(row, network::described(context, &defaults, &found, &containers)));
            }
            Err(error) if error::kind(&error) != Kind::NotFound => return Err(error),
            Err(_) => {}
        }
    }
    Err(missing(kinds, name))
}

fn missing(kinds: Kinds, name: &str) -> anyhow::Error {
    match kinds {
        Kinds::All => Kind::NotFound.error(format!("no such object: {name:?}")),
        Kinds::Containers => Kind::NotFound.hinted(format!("no such container {name:?}"), "see coracle ps -a"),
        Kinds::Images => Kind::NotFound.hinted(format!("no such image {name:?}"), "see coracle images"),
        Kinds::Volumes => Kind::NotFound.hinted(format!("no volume with name {name:?}"), "see coracle volume ls"),
        Kinds::Networks => {
            Kind::NotFound.hinted(format!("no network with name or id {name:?}"), "see coracle network ls")
        }
    }
}
