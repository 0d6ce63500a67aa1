//! `secret`: values that containers need and that belong into no image.

use super::listing::{self, Shape};
use super::units::human_duration;
use super::{Context, Verb, each, say};
use crate::cli::format::{Format, Names};
use crate::container::events::{self, Event, Happening, Object};
use crate::error::{self, Kind};
use crate::fs;
use crate::inspect::time::{Zone, from_unix_nanos, go_string};
use crate::inspect::view::{View, view};
use crate::inspect::volume as view;
use crate::secret::{self, Older, Secret, VALUE_BYTES_MAX};
use anyhow::{Context as _, Result};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Keep a secret and print its id
#[derive(clap::Args)]
pub struct Create {
    /// What keeps the secret; there is file alone
    #[arg(short, long, value_name = "DRIVER", default_value = "file")]
    driver: String,
    /// Options for the driver; file has none
    #[arg(long, value_name = "KEY=VALUE")]
    driver_opts: Vec<String>,
    /// Take the value from the environment variable of this name
    #[arg(long, conflicts_with = "ignore")]
    env: bool,
    /// Make no error of a secret that exists, and leave it as it is
    #[arg(long, conflicts_with = "replace")]
    ignore: bool,
    /// Attach metadata to the secret
    #[arg(short, long, value_name = "KEY[=VALUE]")]
    label: Vec<String>,
    /// Take the place of a secret that exists
    #[arg(long)]
    replace: bool,
    /// The name
    #[arg(value_name = "NAME")]
    name: String,
    /// A file with the value, - for standard input, or with --env the name of a variable
    #[arg(value_name = "FILE", default_value = "-", hide_default_value = true)]
    source: String,
}

/// List secrets
#[derive(clap::Args)]
pub struct Ls {
    /// Show only secrets that fit: id, name
    #[arg(short, long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    /// Print by a Go template, as json, or by a template in columns: 'table TEMPLATE'
    #[arg(long, value_name = "TEMPLATE")]
    format: Option<String>,
    /// Do not print headings
    #[arg(short, long)]
    noheading: bool,
    /// Print ids alone
    #[arg(short, long)]
    quiet: bool,
}

/// Show all that is known of secrets but their values
#[derive(clap::Args)]
pub struct Inspect {
    /// Print by a Go template, or as json
    #[arg(short, long, value_name = "TEMPLATE")]
    format: Option<String>,
    /// Print in lines for people
    #[arg(long, conflicts_with = "format")]
    pretty: bool,
    /// Show the values too
    #[arg(long)]
    showsecret: bool,
    /// The secrets, by name or id
    #[arg(value_name = "SECRET", required = true)]
    names: Vec<String>,
}

/// Remove secrets; containers that were created with them keep them
#[derive(clap::Args)]
pub struct Rm {
    /// All secrets
    #[arg(short, long, conflicts_with = "names")]
    all: bool,
    /// Make no error of a secret that does not exist
    #[arg(short, long)]
    ignore: bool,
    /// The secrets, by name or id
    #[arg(value_name = "SECRET", required_unless_present = "all")]
    names: Vec<String>,
}

/// Tell by the exit code whether a secret exists: 0 if it does, 1 if not
#[derive(clap::Args)]
pub struct Exists {
    /// The secret, by name or id
    #[arg(value_name = "SECRET")]
    name: String,
}

impl Verb for Create {
    fn run(self, context: &Context) -> Result<u8> {
        if self.driver != "file" {
            let message = format!("secret driver {:?} is not supported", self.driver);
            return Err(Kind::BadInput.hinted(message, "use file"));
        }
        if !self.driver_opts.is_empty() {
            return Err(Kind::BadInput.error("secret driver file has no options"));
        }
        let value = if self.env {
            let value = std::env::var_os(&self.source)
                .ok_or_else(|| Kind::NotFound.error(format!("there is no environment variable {}", self.source)))?;
            value.into_encoded_bytes()
        } else if self.source == "-" {
            fs::read_all(std::io::stdin().lock(), VALUE_BYTES_MAX).context("read the secret from standard input")?
        } else {
            fs::read(Path::new(&self.source), VALUE_BYTES_MAX)?
        };
        let mut labels = BTreeMap::new();
        for text in &self.label {
            let (key, value) = text.split_once('=').unwrap_or((text, ""));
            labels.insert(key.to_owned(), value.to_owned());
        }
        // docker's swarm is not here, but its `secret create` is the same.
        let older = match (self.ignore, self.replace) {
            (true, _) => Older::Keep,
            (_, true) => Older::Replace,
            _ => Older::Refuse,
        };
        crate::store::prepare(&context.engine)?;
        let id = secret::create(&context.engine, &self.name, &value, labels, older)?;
        events::tell(&context.engine, &[Event::new(Object::Secret, Happening::Create, id.as_str(), &self.name)]);
        say(&id);
        Ok(0)
    }
}

impl Verb for Ls {
    fn run(self, context: &Context) -> Result<u8> {
        let engine = &context.engine;
        let shape = Shape::parse(self.format.as_deref(), self.quiet)?;
        let mut secrets = secret::list(engine)?;
        for filter in &self.filter {
            match filter.split_once('=') {
                Some(("name", name)) => secrets.retain(|secret| secret.name.contains(name)),
                Some(("id", id)) => secrets.retain(|secret| secret.id.starts_with(id)),
                _ => return Err(Kind::BadInput.error(format!("unknown filter {filter:?}: the filters are id, name"))),
            }
        }
        match shape {
            Shape::Json => {
                listing::json(&secrets.iter().map(|secret| view::secret(engine, secret, None)).collect::<View>());
            }
            Shape::Quiet => {
                listing::put(&secrets.iter().map(|secret| format!("{}\n", secret.id)).collect::<String>());
            }
            Shape::Table => {
                let headings = ["ID", "NAME", "DRIVER", "CREATED", "UPDATED"];
                let row = |secret: &Secret| {
                    [
                        secret.id.clone(),
                        secret.name.clone(),
                        "file".to_owned(),
                        ago(secret.created),
                        ago(secret.updated),
                    ]
                };
                listing::columns(&headings, !self.noheading, secrets.iter().map(row));
            }
            Shape::Template(format) => {
                let row = |secret: &Secret| {
                    view!({
                        "ID": &secret.id,
                        "Name": &secret.name,
                        "Driver": "file",
                        "CreatedAt": ago(secret.created),
                        "UpdatedAt": ago(secret.updated),
                        "Labels": &secret.labels,
                    })
                };
                let rows: Vec<View> = secrets.iter().map(row).collect();
                listing::template(&format, !self.noheading, &rows, &heading)?;
            }
        }
        Ok(0)
    }
}

fn heading(field: &str) -> Option<String> {
    match field {
        "CreatedAt" => Some("CREATED".to_owned()),
        "UpdatedAt" => Some("UPDATED".to_owned()),
        _ => None,
    }
}

fn time(nanoseconds: u64) -> SystemTime {
    from_unix_nanos(i128::from(nanoseconds)).unwrap_or(SystemTime::UNIX_EPOCH)
}

fn ago(nanoseconds: u64) -> String {
    let age = SystemTime::now().duration_since(time(nanoseconds)).unwrap_or(Duration::ZERO);
    format!("{} ago", human_duration(age))
}

impl Verb for Inspect {
    fn run(self, context: &Context) -> Result<u8> {
        let engine = &context.engine;
        let format = self.format.as_deref().filter(|format| *format != "json").map(Format::parse).transpose()?;
        let mut shown = Vec::new();
        for name in &self.names {
            let found = secret::find(engine, name)?;
            let value = match self.showsecret {
                true => Some(String::from_utf8_lossy(&secret::value(engine, &found)?).into_owned()),
                false => None,
            };
            if self.pretty {
                pretty(&found, value.as_deref());
            }
            shown.push(view::secret(engine, &found, value.as_deref()));
        }
        match &format {
            _ if self.pretty => {}
            None => listing::json(&View::from(shown)),
            Some(format) => {
                for object in &shown {
                    listing::put(&format.row(object, Names::Exact)?);
                }
            }
        }
        Ok(0)
    }
}

fn pretty(secret: &Secret, value: Option<&str>) {
    let line = |name: &str, text: &str| listing::put(&format!("{name:<19}{text}\n"));
    line("ID:", &secret.id);
    line("Name:", &secret.name);
    if !secret.labels.is_empty() {
        listing::put("Labels:\n");
        secret.labels.iter().for_each(|(key, value)| listing::put(&format!(" - {key}={value}\n")));
    }
    line("Driver:", "file");
    line("Created at:", &go_string(time(secret.created), Zone::Utc));
    line("Updated at:", &go_string(time(secret.updated), Zone::Utc));
    if let Some(value) = value {
        line("Secret:", value);
    }
}

impl Verb for Rm {
    fn run(self, context: &Context) -> Result<u8> {
        let engine = &context.engine;
        let names: Vec<String> = match self.all {
            true => secret::list(engine)?.into_iter().map(|secret| secret.id).collect(),
            false => self.names,
        };
        each(&names, |name| {
            let found = match secret::find(engine, name) {
                Err(error) if self.ignore && error::kind(&error) == Kind::NotFound => return Ok(()),
                found => found?,
            };
            secret::remove(engine, &found)?;
            events::tell(engine, &[Event::new(Object::Secret, Happening::Remove, found.id.as_str(), &found.name)]);
            say(&found.id);
            Ok(())
        })
    }
}

impl Verb for Exists {
    fn run(self, context: &Context) -> Result<u8> {
        match secret::find(&context.engine, &self.name) {
            Ok(_) => Ok(0),
            Err(error) if error::kind(&error) == Kind::NotFound => Ok(1),
            Err(error) => Err(error),
        }
    }
}
