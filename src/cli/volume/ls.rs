//! `volume ls`: which volumes there are.

use crate::cli::listing::{self, Shape};
use crate::cli::{Context, Verb};
use crate::error::Kind;
use crate::inspect::time::{Bound, parse_time, unix_nanos};
use crate::inspect::view::View;
use crate::inspect::volume::{self as view, Filters, Usage};
use crate::volume::{self, Volume};
use anyhow::Result;
use std::time::SystemTime;

/// List volumes
#[derive(clap::Args)]
pub struct Ls {
    /// Show only volumes that fit: anonymous, dangling, driver, label, label!, name, opt, scope, since, until
    #[arg(short, long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    /// Print by a Go template, as json, or by a template in columns: 'table TEMPLATE'
    #[arg(long, value_name = "TEMPLATE")]
    format: Option<String>,
    /// Do not print headings
    #[arg(short, long)]
    noheading: bool,
    /// Print names alone
    #[arg(short, long)]
    quiet: bool,
    /// Order by this
    #[arg(long, value_name = "KEY", value_enum, default_value_t = Order::Name)]
    sort: Order,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Order {
    Created,
    Driver,
    Name,
}

impl Verb for Ls {
    fn run(self, context: &Context) -> Result<u8> {
        let engine = &context.engine;
        let shape = Shape::parse(self.format.as_deref(), self.quiet)?;
        let filters = parse_filters(context, &self.filter)?;
        let usage = Usage::find(engine)?;
        let mut volumes = volume::list(engine)?;
        volumes.retain(|volume| filters.match_volume(volume, &usage));
        if self.sort == Order::Created {
            volumes.sort_by_key(|volume| volume.created);
        }
        let row = |volume: &Volume| view::row(engine, volume, usage.mounts(&volume.name));
        match shape {
            Shape::Json => {
                let shown = |volume: &Volume| view::inspect(engine, volume, usage.mounts(&volume.name));
                listing::json(&volumes.iter().map(shown).collect::<View>());
            }
            Shape::Quiet => {
                listing::put(&volumes.iter().map(|volume| format!("{}\n", volume.name)).collect::<String>());
            }
            Shape::Table => {
                let rows = volumes.iter().map(|volume| ["local".to_owned(), volume.name.clone()]);
                listing::columns(&["DRIVER", "VOLUME NAME"], !self.noheading, rows);
            }
            Shape::Template(format) => {
                let rows: Vec<View> = volumes.iter().map(row).collect();
                listing::template(&format, !self.noheading, &rows, &heading)?;
            }
        }
        Ok(0)
    }
}

fn heading(field: &str) -> Option<String> {
    (field == "Name").then(|| "VOLUME NAME".to_owned())
}

/// A duration is an age here.
pub fn parse_filters(context: &Context, filters: &[String]) -> Result<Filters> {
    Filters::parse(&context.engine, filters, |text| {
        let time = parse_time(text, Bound::Since, SystemTime::now())?;
        u64::try_from(unix_nanos(time)).map_err(|_| Kind::BadInput.error(format!("filter until={text}: before 1970")))
    })
}
