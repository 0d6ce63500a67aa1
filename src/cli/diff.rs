//! `diff`: what a container or an image has changed.

use super::{Context, Verb, listing};
use crate::container::control::Door;
use crate::container::diff::{self, Change};
use crate::container::state;
use crate::error::{self, Kind};
use crate::image;
use crate::sys::process;
use anyhow::Result;
use serde_json::{Map, Value};

/// Show what a container, or the topmost layer of an image, has changed: A is added, C changed, D deleted
#[derive(clap::Args)]
pub struct Diff {
    #[command(flatten)]
    how: How,
}

/// Show what a container has changed: A is added, C changed, D deleted
#[derive(clap::Args)]
pub struct ContainerDiff {
    #[command(flatten)]
    how: How,
}

/// Show what the topmost layer of an image has changed: A is added, C changed, D deleted
#[derive(clap::Args)]
pub struct ImageDiff {
    #[command(flatten)]
    how: How,
}

#[derive(clap::Args)]
struct How {
    /// Print lists as json
    #[arg(long, value_name = "json")]
    format: Option<String>,
    /// Take the container that was made last
    #[arg(short, long, conflicts_with = "name")]
    latest: bool,
    /// The container or the image
    #[arg(value_name = "NAME", required_unless_present = "latest")]
    name: Option<String>,
}

/// What the name may be of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Any,
    Container,
    Image,
}

impl Verb for Diff {
    fn run(self, context: &Context) -> Result<u8> {
        self.how.print(context, Of::Any)
    }
}

impl Verb for ContainerDiff {
    fn run(self, context: &Context) -> Result<u8> {
        self.how.print(context, Of::Container)
    }
}

impl Verb for ImageDiff {
    fn run(self, context: &Context) -> Result<u8> {
        self.how.print(context, Of::Image)
    }
}

impl How {
    fn print(&self, context: &Context, of: Of) -> Result<u8> {
        if let Some(other) = self.format.as_deref().filter(|format| *format != "json") {
            return Err(Kind::BadInput.error(format!("--format {other:?}: only json is known here")));
        }
        let changes = self.find(context, of)?;
        let named = |wanted: Change| {
            let paths = changes.iter().filter(|(change, _)| *change == wanted);
            Value::Array(paths.map(|(_, path)| Value::String(path.clone())).collect())
        };
        if self.format.is_some() {
            let mut lists = Map::new();
            for (key, change) in
                [("changed", Change::Changed), ("added", Change::Added), ("deleted", Change::Deleted)]
            {
                let list = named(change);
                if list.as_array().is_some_and(|list| !list.is_empty()) {
                    lists.insert(key.to_owned(), list);
                }
            }
            listing::json(&Value::Object(lists));
            return Ok(0);
        }
        let letter = |change: Change| match change {
            Change::Changed => 'C',
            Change::Added => 'A',
            Change::Deleted => 'D',
        };
        let line = |(change, path): &(Change, String)| format!("{} {path}\n", letter(*change));
        listing::put(&changes.iter().map(line).collect::<String>());
        Ok(0)
    }

    fn find(&self, context: &Context, of: Of) -> Result<Vec<(Change, String)>> {
        let engine = &context.engine;
        let name = self.name.as_deref().unwrap_or_default();
        let container = match of {
            Of::Image => None,
            _ if self.latest => Some(super::latest(context)?),
            Of::Container => Some(state::find(engine, name)?),
            Of::Any => match state::find(engine, name) {
                Ok(container) => Some(container),
                Err(error) if error::kind(&error) == Kind::NotFound => None,
                Err(error) => return Err(error),
            },
        };
        let image = match &container {
            Some(_) => None,
            None => Some(image::find(engine, name)?),
        };
        super::in_userns(Door::for_command(engine)?, || {
            process::raise_descriptor_limit()?;
            match (&container, &image) {
                (Some(container), _) => diff::of_container(engine, &container.config),
                (None, Some(image)) => diff::of_image(engine, image),
                (None, None) => Ok(Vec::new()),
            }
        })
    }
}
