//! `diff`: what a container or an image has changed.

use super::{Context, Verb, listing};
use crate::container::compare::{self, Tree};
use crate::container::control::Door;
use crate::container::diff::{self, Change};
use crate::container::state::{self, Container};
use crate::engine::Engine;
use crate::error::{self, Kind};
use crate::image::{self, Image};
use crate::inspect::view::{Fields, View};
use crate::sys::process;
use anyhow::Result;

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
    /// Compare with this container or image instead of with what the first was made from
    #[arg(value_name = "OTHER")]
    other: Option<String>,
}

/// What the name may be of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Any,
    Container,
    Image,
}

/// What was found by the name.
enum Object {
    Container(Box<Container>),
    Image(Box<Image>),
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
            paths.map(|(_, path)| View::from(path)).collect::<Vec<_>>()
        };
        if self.format.is_some() {
            let mut lists = Fields::default();
            for (key, change) in
                [("changed", Change::Changed), ("added", Change::Added), ("deleted", Change::Deleted)]
            {
                let list = named(change);
                if !list.is_empty() {
                    lists.push(key, View::List(list));
                }
            }
            listing::json(&View::Object(lists));
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
        let one = match of {
            Of::Any | Of::Container if self.latest => Object::Container(Box::new(super::latest(context)?)),
            Of::Any | Of::Container | Of::Image => {
                Object::find(engine, self.name.as_deref().unwrap_or_default(), of)?
            }
        };
        let other = self.other.as_deref().map(|name| Object::find(engine, name, of)).transpose()?;
        super::in_userns(Door::for_command(engine)?, || {
            process::raise_descriptor_limit()?;
            match (&one, &other) {
                (one, Some(other)) => compare::compare(&one.tree(engine)?, &other.tree(engine)?),
                (Object::Container(container), None) => diff::of_container(engine, &container.config),
                (Object::Image(image), None) => diff::of_image(engine, image),
            }
        })
    }
}

impl Object {
    fn find(engine: &Engine, name: &str, of: Of) -> Result<Self> {
        match of {
            Of::Image => Ok(Self::Image(Box::new(image::find(engine, name)?))),
            Of::Container => Ok(Self::Container(Box::new(state::find(engine, name)?))),
            Of::Any => match state::find(engine, name) {
                Ok(container) => Ok(Self::Container(Box::new(container))),
                Err(error) if error::kind(&error) == Kind::NotFound => {
                    Ok(Self::Image(Box::new(image::find(engine, name)?)))
                }
                Err(error) => Err(error),
            },
        }
    }

    fn tree(&self, engine: &Engine) -> Result<Tree<'_>> {
        match self {
            Self::Container(container) => Tree::of_container(engine, container),
            Self::Image(image) => Tree::of_image(engine, image),
        }
    }
}
