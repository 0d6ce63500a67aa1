//! `image inspect` of what is not in the store: registries, archives and directories, as skopeo shows them.

use crate::cli::flags::RegistryFlags;
use crate::cli::format::{Format, Names};
use crate::cli::{Context, listing};
use crate::error::Kind;
use crate::image::config::ImageConfig;
use crate::image::look::{Seen, Wanted, look};
use crate::image::manifest::Manifest;
use crate::image::platform::Platform;
use crate::image::transport::Location;
use crate::inspect::view::View;
use crate::store::digest::Digest;
use anyhow::{Context as _, Result};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write;

/// What is shown of an image elsewhere, and how its registry is spoken to.
#[derive(clap::Args)]
pub struct Flags {
    /// Elsewhere: print the configuration
    #[arg(long)]
    config: bool,
    /// Elsewhere: leave out the tags of the repository
    #[arg(short, long)]
    no_tags: bool,
    /// Elsewhere: print the manifest or index as it is, or with --config the configuration
    #[arg(long, conflicts_with = "format")]
    raw: bool,
    #[command(flatten)]
    registry: RegistryFlags,
}

/// In skopeo's order and words.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Shown {
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    digest: String,
    repo_tags: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    created: String,
    docker_version: String,
    labels: Option<BTreeMap<String, String>>,
    architecture: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    variant: String,
    os: String,
    layers: Vec<String>,
    layers_data: Vec<Layer>,
    env: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    author: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Layer {
    #[serde(rename = "MIMEType")]
    media_type: String,
    digest: String,
    size: i64,
    annotations: Option<BTreeMap<String, String>>,
}

impl Flags {
    /// The places, if the names are of places. None if they are of images here.
    pub fn places(&self, names: &[String]) -> Result<Option<Vec<Location>>> {
        let places = names.iter().map(|name| Location::parse(name)).collect::<Result<Vec<_>>>()?;
        let are_elsewhere = places.iter().filter(|place| place.is_some()).count();
        match are_elsewhere {
            0 if self.raw || self.config || self.no_tags => {
                let hint = "name one with its transport: docker://NAME, or containers-storage:NAME for one here";
                Err(Kind::BadInput.hinted("--raw, --config and --no-tags are for images elsewhere", hint))
            }
            0 => Ok(None),
            count if count < places.len() => {
                Err(Kind::BadInput.error("images here and elsewhere are not shown together"))
            }
            _ => Ok(Some(places.into_iter().flatten().collect())),
        }
    }

    pub fn inspect(
        &self,
        context: &Context,
        places: &[Location],
        platform: Option<&Platform>,
        format: Option<&str>,
    ) -> Result<u8> {
        let format = format.filter(|format| *format != "json").map(Format::parse).transpose()?;
        let access = self.registry.access(&context.globals.settings()?)?;
        crate::store::prepare(&context.engine)?;
        let is_plain = !self.raw && !self.config;
        let wanted = Wanted { platform, image: self.config || !self.raw, tags: is_plain && !self.no_tags };
        super::super::each(places, |place| {
            let seen = look(&context.engine, place, wanted, &access)?;
            match (self.raw, self.config) {
                (true, false) => {
                    let no_manifest = || Kind::BadInput.error("docker's archives have no manifest to be printed");
                    put(&seen.top.ok_or_else(no_manifest)?)
                }
                (true, true) => put(&image(&seen)?.config),
                (false, true) => {
                    let config: Value =
                        serde_json::from_slice(&image(&seen)?.config).context("parse configuration")?;
                    print(&config, format.as_ref())
                }
                (false, false) => print(&shown(seen)?, format.as_ref()),
            }
        })
    }
}

fn image(seen: &Seen) -> Result<&crate::image::transport::Incoming> {
    seen.image.as_ref().context("the image was asked for")
}

fn print(value: &impl Serialize, format: Option<&Format>) -> Result<()> {
    match format {
        None => listing::put(&(serde_json::to_string_pretty(value).context("write JSON")? + "\n")),
        Some(format) => listing::put(&format.row(&View::of(value)?, Names::AnyCase)?),
    }
    Ok(())
}

/// Bytes as they are: who hashes them must get the digest.
fn put(bytes: &[u8]) -> Result<()> {
    match std::str::from_utf8(bytes) {
        Ok(text) => listing::put(text),
        Err(_) => std::io::stdout().lock().write_all(bytes).context("write")?,
    }
    Ok(())
}

fn shown(seen: Seen) -> Result<Shown> {
    let image = image(&seen)?;
    let config = ImageConfig::parse(&image.config)?;
    let docker_version: Value = serde_json::from_slice(&image.config).context("parse configuration")?;
    let docker_version = docker_version["docker_version"].as_str().unwrap_or_default().to_owned();
    let layers = match &image.manifest {
        Some((bytes, media_type)) => {
            let layers = Manifest::parse(bytes, Some(media_type))?.layers.into_iter();
            let some = |annotations: BTreeMap<_, _>| (!annotations.is_empty()).then_some(annotations);
            layers
                .map(|layer| Layer {
                    media_type: layer.media_type,
                    digest: layer.digest.to_string(),
                    size: i64::try_from(layer.size).unwrap_or(i64::MAX),
                    annotations: some(layer.annotations),
                })
                .collect()
        }
        // In docker's archives layers are known by what they unpack to, and their size is not.
        None => image.layers.iter().map(|layer| unpacked(&layer.diff_id)).collect::<Vec<_>>(),
    };
    Ok(Shown {
        name: seen.name.unwrap_or_default(),
        digest: seen.top.map(|top| Digest::of(&top).to_string()).unwrap_or_default(),
        repo_tags: seen.tags,
        created: config.created,
        docker_version,
        labels: Some(config.config.labels).filter(|labels| !labels.is_empty()),
        architecture: config.architecture,
        variant: config.variant,
        os: config.os,
        layers: layers.iter().map(|layer| layer.digest.clone()).collect(),
        layers_data: layers,
        env: config.config.env,
        author: config.author,
    })
}

fn unpacked(diff_id: &Digest) -> Layer {
    let media_type = crate::image::manifest::DOCKER_LAYER.to_owned();
    Layer { media_type, digest: diff_id.to_string(), size: -1, annotations: None }
}
