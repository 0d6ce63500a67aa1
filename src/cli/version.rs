//! `version`: which engine this is.

use super::format::{Names, Template};
use super::{Context, Verb, listing};
use crate::inspect::host::version as facts;
use anyhow::Result;
use serde_json::{Value, json};

/// Show the version of the engine
#[derive(clap::Args)]
pub struct Version {
    /// Print by a Go template, or as json
    #[arg(short, long, value_name = "TEMPLATE")]
    format: Option<String>,
}

impl Verb for Version {
    fn run(self, _: &Context) -> Result<u8> {
        match self.format.as_deref() {
            None => print_text(),
            // There is no server: this program is what answers for both.
            Some("json") => listing::json(&json!({ "Client": facts(), "Server": facts() })),
            Some(template) => {
                let mut data = facts();
                if let Value::Object(fields) = &mut data {
                    fields.insert("Client".to_owned(), facts());
                    fields.insert("Server".to_owned(), facts());
                }
                let text = Template::parse(template)?.render_with(&data, Names::AnyCase)?;
                listing::put(&format!("{text}\n"));
            }
        }
        Ok(0)
    }
}

fn print_text() {
    let facts = facts();
    let text = |name: &str| facts[name].as_str().unwrap_or_default().to_owned();
    let rows = [
        ("Client:", "Coracle Engine".to_owned()),
        ("Version:", text("Version")),
        ("API Version:", text("APIVersion")),
        ("OS/Arch:", text("OsArch")),
    ];
    for (name, value) in rows {
        listing::put(&format!("{name:<15}{value}\n"));
    }
}
