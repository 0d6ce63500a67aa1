//! `history`: how an image was made.

use super::listing::{self, Shape};
use super::units::{human_duration, human_size};
use super::{Context, Verb};
use crate::image::platform::Platform;
use crate::image::{self, pull};
use crate::inspect::image::created;
use crate::inspect::view::{View, view};
use crate::store::layers;
use anyhow::Result;
use std::time::{Duration, SystemTime};

/// Show the steps in which an image was made
#[derive(clap::Args)]
pub struct History {
    /// Print by a Go template, as json, or by a template in columns: 'table TEMPLATE'
    #[arg(long, value_name = "TEMPLATE")]
    format: Option<String>,
    /// Show sizes and times in words
    #[arg(short = 'H', long, value_name = "BOOL", default_value = "true", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    human: bool,
    /// Do not shorten ids and steps
    #[arg(long)]
    no_trunc: bool,
    /// Print ids alone
    #[arg(short, long)]
    quiet: bool,
    /// Fail unless the image is for this system
    #[arg(long, value_name = "OS/ARCH[/VARIANT]")]
    platform: Option<String>,
    /// The image, by name or id
    #[arg(value_name = "IMAGE")]
    name: String,
}

/// One step, the last first.
struct Step {
    id: String,
    created: String,
    created_by: String,
    comment: String,
    size: u64,
    tags: Vec<String>,
}

/// A step that has no id of its own.
const MISSING: &str = "<missing>";
/// How much of a step is shown, in characters, before three dots.
const STEP_LENGTH_MAX: usize = 45;

impl Verb for History {
    fn run(self, context: &Context) -> Result<u8> {
        let shape = Shape::parse(self.format.as_deref(), self.quiet)?;
        let steps = steps(context, &self.name, self.platform.as_deref())?;
        match shape {
            Shape::Table => {
                let headings = ["ID", "CREATED", "CREATED BY", "SIZE", "COMMENT"];
                listing::columns(&headings, true, steps.iter().map(|step| self.cells(step)));
            }
            Shape::Quiet => listing::put(&steps.iter().map(|step| self.id(step) + "\n").collect::<String>()),
            Shape::Json => listing::json(&steps.iter().map(element).collect::<View>()),
            Shape::Template(format) => {
                let rows: Vec<View> = steps.iter().map(|step| self.row(step)).collect();
                listing::template(&format, true, &rows, &|_| None)?;
            }
        }
        Ok(0)
    }
}

impl History {
    fn id(&self, step: &Step) -> String {
        match step.id.get(..12) {
            Some(short) if !self.no_trunc => short.to_owned(),
            _ => step.id.clone(),
        }
    }

    fn created_by(&self, step: &Step) -> String {
        match step.created_by.char_indices().nth(STEP_LENGTH_MAX) {
            Some((end, _)) if !self.no_trunc => format!("{}...", &step.created_by[..end]),
            _ => step.created_by.clone(),
        }
    }

    fn cells(&self, step: &Step) -> [String; 5] {
        let (created, size) = match self.human {
            true => (ago(step), human_size(step.size as f64, 3)),
            false => (stamp(step), step.size.to_string()),
        };
        [self.id(step), created, self.created_by(step), size, step.comment.clone()]
    }

    fn row(&self, step: &Step) -> View {
        let size = if self.human { human_size(step.size as f64, 3) } else { step.size.to_string() };
        view!({
            "ID": self.id(step),
            "Created": if self.human { ago(step) } else { stamp(step) },
            "CreatedAt": stamp(step),
            "CreatedSince": ago(step),
            "CreatedBy": self.created_by(step),
            "Size": size,
            "Comment": &step.comment,
            "Tags": &step.tags,
        })
    }
}

fn element(step: &Step) -> View {
    view!({
        "id": &step.id,
        "created": &step.created,
        "Created": stamp(step),
        "CreatedBy": &step.created_by,
        "comment": &step.comment,
        "size": step.size,
        "tags": &step.tags,
    })
}

fn steps(context: &Context, name: &str, platform: Option<&str>) -> Result<Vec<Step>> {
    let image = image::find_to_read(&context.engine, name)?;
    pull::check_platform(&image.config, platform.map(Platform::parse).transpose()?.as_ref())?;
    let mut layers = image.layers.iter();
    let mut steps = Vec::new();
    for entry in &image.config.history {
        let layer = if entry.empty_layer { None } else { layers.next() };
        let size = match layer {
            Some(layer) => layers::shown_bytes(&context.engine, layer)?,
            None => 0,
        };
        steps.push(Step {
            id: MISSING.to_owned(),
            created: entry.created.clone(),
            created_by: entry.created_by.clone(),
            comment: entry.comment.clone(),
            size,
            tags: Vec::new(),
        });
    }
    steps.reverse();
    // The image is what the last step made.
    if let Some(last) = steps.first_mut() {
        last.id = image.id.hex();
        last.tags = crate::inspect::image::tags(&image.references);
    }
    Ok(steps)
}

/// When it was made, to the second.
fn stamp(step: &Step) -> String {
    let time = created(&step.created).map(chrono::DateTime::<chrono::Utc>::from);
    time.map(|time| time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)).unwrap_or_default()
}

fn ago(step: &Step) -> String {
    let Some(created) = created(&step.created) else { return "N/A".to_owned() };
    format!("{} ago", human_duration(SystemTime::now().duration_since(created).unwrap_or(Duration::ZERO)))
}
