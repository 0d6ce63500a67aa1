//! `artifact ls` and `artifact inspect`: which artifacts there are, and what is in them.

use crate::cli::format::{Format, Names};
use crate::cli::listing::{self, Shape};
use crate::cli::units::{human_duration, human_size};
use crate::cli::{Context, Verb};
use crate::image::artifact::{self, Artifact};
use crate::image::manifest::Manifest;
use crate::image::reference::Reference;
use crate::inspect::image::created;
use crate::inspect::view::{View, view};
use anyhow::{Context as _, Result};
use serde::Serialize;
use std::time::{Duration, SystemTime};

/// List artifacts
#[derive(clap::Args)]
pub struct Ls {
    /// Print by a Go template, as json, or by a template in columns: 'table TEMPLATE'
    #[arg(long, value_name = "TEMPLATE")]
    format: Option<String>,
    /// Do not shorten digests
    #[arg(long)]
    no_trunc: bool,
    /// Do not print headings
    #[arg(short, long)]
    noheading: bool,
}

/// Show all that is known of an artifact
#[derive(clap::Args)]
pub struct Inspect {
    /// Print by a Go template, or as json
    #[arg(short, long, value_name = "TEMPLATE")]
    format: Option<String>,
    /// The artifact, by name, digest or the beginning of that
    #[arg(value_name = "ARTIFACT")]
    name: String,
}

impl Verb for Ls {
    fn run(self, context: &Context) -> Result<u8> {
        let shape = Shape::parse(self.format.as_deref(), false)?;
        let artifacts = artifact::list(&context.engine)?;
        let row = |artifact: &Artifact| {
            let (repository, tag) = name(artifact);
            let hex = artifact.digest.hex();
            let digest = if self.no_trunc { hex } else { hex[..12].to_owned() };
            [repository, tag, digest, ago(artifact), human_size(artifact.size() as f64, 4)]
        };
        let fields = |artifact: &Artifact| {
            let [repository, tag, digest, created, size] = row(artifact);
            view!({
                "Repository": repository,
                "Tag": tag,
                "Digest": digest,
                "Created": created,
                "Size": size,
                "VirtualSize": artifact.size().to_string(),
            })
        };
        match shape {
            Shape::Json => listing::json(&artifacts.iter().map(fields).collect::<View>()),
            Shape::Table | Shape::Quiet => {
                let headings = ["REPOSITORY", "TAG", "DIGEST", "CREATED", "SIZE"];
                listing::columns(&headings, !self.noheading, artifacts.iter().map(row));
            }
            Shape::Template(format) => {
                let rows: Vec<View> = artifacts.iter().map(fields).collect();
                listing::template(&format, !self.noheading, &rows, &|_| None)?;
            }
        }
        Ok(0)
    }
}

fn name(artifact: &Artifact) -> (String, String) {
    let none = || "<none>".to_owned();
    match artifact.name.as_deref().map(Reference::parse_repository) {
        Some(Ok(name)) => (name.name(), name.tag.unwrap_or_else(none)),
        Some(Err(_)) | None => (none(), none()),
    }
}

fn ago(artifact: &Artifact) -> String {
    let Some(time) = created(artifact.created()) else { return String::new() };
    format!("{} ago", human_duration(SystemTime::now().duration_since(time).unwrap_or(Duration::ZERO)))
}

/// In the order in which Go writes it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Shown<'a> {
    manifest: &'a Manifest,
    name: &'a str,
    digest: &'a str,
}

impl Verb for Inspect {
    fn run(self, context: &Context) -> Result<u8> {
        let found = artifact::find(&context.engine, &self.name)?;
        let (name, digest) = (found.name.as_deref().unwrap_or_default(), found.digest.to_string());
        let shown = Shown { manifest: &found.manifest, name, digest: &digest };
        match self.format.as_deref().filter(|format| *format != "json").map(Format::parse).transpose()? {
            None => listing::put(&(serde_json::to_string_pretty(&shown).context("write JSON")? + "\n")),
            // The manifest's fields are written small in JSON and large in templates.
            Some(format) => listing::put(&format.row(&View::of(&shown)?, Names::AnyCase)?),
        }
        Ok(0)
    }
}
