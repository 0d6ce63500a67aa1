//! `network ls`: which networks there are.

use crate::cli::listing::{self, Shape};
use crate::cli::{Context, Verb};
use crate::container::networks;
use crate::inspect::filter::Networks;
use crate::inspect::network as view;
use crate::inspect::view::{View, view};
use crate::network::definition::{self, Definition};
use anyhow::Result;

/// List networks
#[derive(clap::Args)]
pub struct Ls {
    /// Show only networks that fit: dangling, driver, id, label, label!, name, scope, type, until
    #[arg(short, long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    /// Print by a Go template, as json, or by a template in columns: 'table TEMPLATE'
    #[arg(long, value_name = "TEMPLATE")]
    format: Option<String>,
    /// Print whole ids
    #[arg(long)]
    no_trunc: bool,
    /// Do not print headings
    #[arg(short, long)]
    noheading: bool,
    /// Print names alone
    #[arg(short, long)]
    quiet: bool,
}

impl Verb for Ls {
    fn run(self, context: &Context) -> Result<u8> {
        let engine = &context.engine;
        let shape = Shape::parse(self.format.as_deref(), self.quiet)?;
        let filters = Networks::parse(&self.filter)?;
        let defaults = super::defaults(context)?;
        let mut listed = Vec::new();
        for network in definition::list(engine, &defaults)? {
            let is_used = filters.asks_usage() && !networks::users_of(engine, &network.name)?.is_empty();
            let is_default = definition::is_default(&defaults, &network);
            if !filters.match_network(&network, is_used, is_default) {
                continue;
            }
            listed.push(if context.docker { super::as_docker(&defaults, &network) } else { network });
        }
        let id = |network: &Definition| match self.no_trunc {
            true => network.id.clone(),
            false => network.short_id().to_owned(),
        };
        match shape {
            Shape::Json => listing::json(&listed.iter().map(|network| view::json(network, None)).collect::<View>()),
            Shape::Quiet if context.docker => {
                listing::put(&listed.iter().map(|network| format!("{}\n", id(network))).collect::<String>());
            }
            Shape::Quiet => {
                listing::put(&listed.iter().map(|network| format!("{}\n", network.name)).collect::<String>());
            }
            Shape::Table => {
                let cells =
                    |network: &Definition| [id(network), network.name.clone(), network.driver.name().to_owned()];
                let headings = ["NETWORK ID", "NAME", "DRIVER"];
                if context.docker {
                    let rows = listed.iter().map(|network| cells(network).into_iter().chain(["local".to_owned()]));
                    listing::docker_columns(&["NETWORK ID", "NAME", "DRIVER", "SCOPE"], !self.noheading, rows);
                } else {
                    listing::columns(&headings, !self.noheading, listed.iter().map(cells));
                }
            }
            Shape::Template(format) => {
                let row = |network: &Definition| {
                    let labels = network.labels.iter().map(|(key, value)| format!("{key}={value}"));
                    let labels = labels.collect::<Vec<_>>().join(",");
                    let own = view!({ "ID": id(network), "Labels": labels, "Scope": "local" });
                    view::row(network, view!({})).over(own)
                };
                let rows: Vec<View> = listed.iter().map(row).collect();
                listing::template(&format, !self.noheading, &rows, &heading)?;
            }
        }
        Ok(0)
    }
}

fn heading(field: &str) -> Option<String> {
    (field == "ID").then(|| "NETWORK ID".to_owned())
}
