//! `search`: look for images in registries, or for the tags of one.

use super::listing::{self, Shape};
use super::{Context, Verb, talk};
use crate::error::{self, Kind};
use crate::image::auth::Credentials;
use crate::image::reference::{self, DEFAULT_REGISTRY, Reference};
use crate::image::registries::Registries;
use crate::image::registry::{Access, Found, Registry};
use crate::inspect::view::{View, view};
use anyhow::{Context as _, Result};
use std::path::PathBuf;

/// How many are shown if nobody says, and the most that are asked for.
const LIMIT: usize = 25;
const LIMIT_MAX: usize = 10_000;
/// Where a description is cut off.
const DESCRIPTION_CHARACTERS_MAX: usize = 44;

/// Look for images in a registry
#[derive(clap::Args)]
pub struct Search {
    /// Take credentials from this file
    #[arg(long, value_name = "FILE")]
    authfile: Option<PathBuf>,
    /// Trust the certificates (*.crt) in this directory
    #[arg(long, value_name = "DIR")]
    cert_dir: Option<PathBuf>,
    /// Show stars, and which images are official or built automatically, too
    #[arg(long)]
    compatible: bool,
    /// Log in to the registry as this user
    #[arg(long, value_name = "USER:PASSWORD")]
    creds: Option<String>,
    /// Show only images that fit: stars=COUNT, is-official, is-automated
    #[arg(short, long, value_name = "KEY[=VALUE]")]
    filter: Vec<String>,
    /// Print by a Go template, as json, or by a template in columns: 'table TEMPLATE'
    #[arg(long, value_name = "TEMPLATE")]
    format: Option<String>,
    /// Show at most so many of each registry [default: 25]
    #[arg(long, value_name = "COUNT")]
    limit: Option<usize>,
    /// List the tags of the image that is named
    #[arg(long)]
    list_tags: bool,
    /// Do not cut descriptions off
    #[arg(long)]
    no_trunc: bool,
    /// Require a valid certificate of the registry, whatever registries.conf says; with false, plain http is tried too
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    tls_verify: Option<bool>,
    /// What to look for, as TERM or REGISTRY/TERM; REGISTRY/ is all that it has
    #[arg(value_name = "TERM")]
    term: String,
}

/// What an image must be.
enum Filter {
    Stars(i64),
    Official(bool),
    Automated(bool),
}

impl Filter {
    fn parse(text: &str) -> Result<Self> {
        let (key, value) = text.split_once('=').unwrap_or((text, "true"));
        let bad = || {
            let message = format!("invalid filter {text:?}");
            Kind::BadInput.hinted(message, "use stars=COUNT, is-official[=BOOL] or is-automated[=BOOL]")
        };
        match key {
            "stars" => value.parse().map(Self::Stars).map_err(|_| bad()),
            "is-official" => value.parse().map(Self::Official).map_err(|_| bad()),
            "is-automated" => value.parse().map(Self::Automated).map_err(|_| bad()),
            _ => Err(bad()),
        }
    }

    fn fits(&self, found: &Found) -> bool {
        match self {
            Self::Stars(count) => found.star_count >= *count,
            Self::Official(wanted) => found.is_official == *wanted,
            Self::Automated(wanted) => found.is_automated == *wanted,
        }
    }
}

impl Verb for Search {
    fn run(self, context: &Context) -> Result<u8> {
        let limit = self.limit.filter(|limit| *limit > 0).unwrap_or(LIMIT);
        if limit > LIMIT_MAX {
            return Err(Kind::BadInput.error(format!("--limit {limit} is more than {LIMIT_MAX}")));
        }
        let shape = Shape::parse(self.format.as_deref(), false)?;
        let access = Access {
            tls_verify: self.tls_verify,
            creds: self.creds.as_deref().map(Credentials::parse).transpose()?,
            authfile: self.authfile.clone(),
            cert_dir: self.cert_dir.clone(),
            docker: context.docker,
            ..Access::default()
        };
        if self.list_tags {
            if !self.filter.is_empty() {
                return Err(Kind::BadInput.error("filters are not applicable to list tags result"));
            }
            return list_tags(&self.term, limit, &access, &shape);
        }
        let filters: Vec<Filter> = self.filter.iter().map(|filter| Filter::parse(filter)).collect::<Result<_>>()?;
        let mut rows = Vec::new();
        for (registry, found) in self.find(limit, &access)? {
            let fitting = found.iter().filter(|found| filters.iter().all(|filter| filter.fits(found)));
            rows.extend(fitting.map(|found| self.row(&registry, found, context.docker)));
        }
        self.print(&shape, &rows, context.docker)?;
        Ok(0)
    }
}

impl Search {
    /// Asks the registry that is named, or all that short names are looked for in. One that fails spoils nothing.
    fn find(&self, limit: usize, access: &Access) -> Result<Vec<(String, Vec<Found>)>> {
        let (registries, term) = match reference::split(&self.term) {
            (Some(registry), term) => (vec![registry.to_owned()], term),
            (None, term) if access.docker => (vec![DEFAULT_REGISTRY.to_owned()], term),
            (None, term) => (Registries::load()?.search(), term),
        };
        let (mut all, mut failure) = (Vec::new(), None);
        for registry in registries {
            match Registry::search(&registry, term, limit, access).with_context(|| format!("search {registry}")) {
                Ok(found) => all.push((registry, found)),
                Err(error) => {
                    if let Some(earlier) = failure.replace(error) {
                        talk(&error::line(&earlier));
                    }
                }
            }
        }
        match failure {
            Some(error) if all.is_empty() => Err(error),
            Some(error) => {
                talk(&error::line(&error));
                Ok(all)
            }
            None => Ok(all),
        }
    }

    fn row(&self, registry: &str, found: &Found, docker: bool) -> View {
        let mut description = found.description.replace(['\n', '\r', '\t'], " ");
        if !self.no_trunc && description.chars().count() > DESCRIPTION_CHARACTERS_MAX {
            description = description.chars().take(DESCRIPTION_CHARACTERS_MAX).collect::<String>() + "...";
        }
        if docker {
            return view!({
                "Name": &found.name,
                "Description": description,
                "StarCount": found.star_count.to_string(),
                "IsOfficial": found.is_official.to_string(),
                "IsAutomated": found.is_automated.to_string(),
            });
        }
        // Docker Hub calls its own without the directory that they are in.
        let is_short = registry == DEFAULT_REGISTRY && !found.name.contains('/');
        let directory = if is_short { "library/" } else { "" };
        let mark = |is_so: bool| if is_so { "[OK]" } else { "" };
        view!({
            "Index": registry,
            "Name": format!("{registry}/{directory}{}", found.name),
            "Description": description,
            "Stars": found.star_count,
            "Official": mark(found.is_official),
            "Automated": mark(found.is_automated),
            "Tag": "",
        })
    }

    fn print(&self, shape: &Shape, rows: &[View], docker: bool) -> Result<()> {
        let columns: &[(&str, &str)] = match (docker, self.compatible) {
            (true, _) => &[
                ("NAME", "Name"),
                ("DESCRIPTION", "Description"),
                ("STARS", "StarCount"),
                ("OFFICIAL", "IsOfficial"),
            ],
            (false, true) => &[
                ("NAME", "Name"),
                ("DESCRIPTION", "Description"),
                ("STARS", "Stars"),
                ("OFFICIAL", "Official"),
                ("AUTOMATED", "Automated"),
            ],
            (false, false) => &[("NAME", "Name"), ("DESCRIPTION", "Description")],
        };
        match shape {
            Shape::Json if docker => {
                listing::put(&rows.iter().map(|row| format!("{row}\n")).collect::<String>());
            }
            Shape::Json => listing::json(&rows.iter().collect::<View>()),
            Shape::Template(format) => listing::template(format, true, rows, &|_| None)?,
            Shape::Table | Shape::Quiet if rows.is_empty() && !docker => {}
            Shape::Table | Shape::Quiet => {
                let headings: Vec<&str> = columns.iter().map(|(heading, _)| *heading).collect();
                let cell = |row: &View, (heading, field): &(&str, &str)| match &row[*field] {
                    View::Text(text) if docker && *heading == "OFFICIAL" => {
                        if text == "true" { "[OK]" } else { "" }.to_owned()
                    }
                    View::Text(text) => text.clone(),
                    other => other.to_string(),
                };
                let lines = rows.iter().map(|row| columns.iter().map(|column| cell(row, column)).collect::<Vec<_>>());
                match docker {
                    true => listing::docker_columns(&headings, true, lines),
                    false => listing::columns(&headings, true, lines),
                }
            }
        }
        Ok(())
    }
}

fn list_tags(text: &str, limit: usize, access: &Access, shape: &Shape) -> Result<u8> {
    let (name, tags) = tags(text, limit, access)?;
    let name = name.name();
    match shape {
        Shape::Json => listing::json(&view!([view!({ "Name": name, "Tags": tags })])),
        Shape::Template(format) => {
            let rows: Vec<View> = tags.iter().map(|tag| view!({ "Name": &name, "Tag": tag })).collect();
            listing::template(format, true, &rows, &|_| None)?;
        }
        Shape::Table | Shape::Quiet => {
            listing::columns(&["NAME", "TAG"], true, tags.iter().map(|tag| [name.clone(), tag.clone()]));
        }
    }
    Ok(0)
}

/// The tags of an image, which is named without one, in the first of the registries that may be meant that has it.
pub fn tags(text: &str, limit: usize, access: &Access) -> Result<(Reference, Vec<String>)> {
    let given = Reference::parse_repository(text)?;
    if given.tag.is_some() || given.digest.is_some() {
        return Err(
            Kind::BadInput.error(format!("{text} has a tag or a digest; all tags of a repository are asked for"))
        );
    }
    let mut failure = None;
    for name in Registries::load()?.meant(text, access.docker)?.names {
        let name = Reference { tag: None, ..name };
        let listed = Registry::new(&name, access).and_then(|registry| registry.tags(limit));
        match listed.with_context(|| format!("list the tags of {name}")) {
            Ok(tags) => return Ok((name, tags)),
            Err(error) => drop(failure.get_or_insert(error)),
        }
    }
    Err(failure.unwrap_or_else(|| Kind::NotFound.error(format!("no registry has {text}"))))
}
