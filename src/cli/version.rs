//! `version`: which engine this is.

use super::format::{Names, Template};
use super::{Context, Verb, listing};
use crate::image::platform::Platform;
use crate::inspect::host::version as facts;
use crate::inspect::view::{View, view};
use anyhow::Result;

/// Show the version of the engine
#[derive(clap::Args)]
pub struct Version {
    /// Print by a Go template, or as json
    #[arg(short, long, value_name = "TEMPLATE")]
    format: Option<String>,
}

impl Verb for Version {
    fn run(self, context: &Context) -> Result<u8> {
        match self.format.as_deref() {
            None if context.docker => print_for_docker(),
            None => print_text(),
            Some("json") if context.docker => listing::put(&format!("{}\n", for_docker())),
            Some(template) if context.docker => {
                let text = Template::parse(template)?.render_with(&for_docker(), Names::AnyCase)?;
                listing::put(&format!("{text}\n"));
            }
            // There is no server: this program is what answers for both.
            Some("json") => listing::json(&view!({ "Client": facts(), "Server": facts() })),
            Some(template) => {
                let mut data = facts();
                data.set("Client", facts());
                data.set("Server", facts());
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

/// As docker has it, client and server apart, though here one program is both.
fn for_docker() -> View {
    let facts = facts();
    let platform = view!({ "Name": "Coracle Engine" });
    let arch = Platform::host().architecture;
    let common = view!({
        "Platform": platform,
        "Version": &facts["Version"],
        "ApiVersion": &facts["APIVersion"],
        "GitCommit": &facts["GitCommit"],
        "GoVersion": &facts["GoVersion"],
        "Os": &facts["Os"],
        "Arch": &arch,
        "BuildTime": &facts["BuiltTime"],
    });
    let engine = view!({
        "Name": "Engine",
        "Version": &facts["Version"],
        "Details": { "ApiVersion": &facts["APIVersion"], "Arch": &arch, "Os": &facts["Os"] },
    });
    let with = |more: View| more.over(common.clone());
    view!({
        "Client": with(view!({ "DefaultAPIVersion": &facts["APIVersion"], "Context": "default" })),
        "Server": with(view!({
            "Experimental": false,
            "Components": [engine],
        })),
    })
}

fn print_for_docker() {
    let facts = facts();
    let text = |name: &str| facts[name].as_str().unwrap_or_default().to_owned();
    let (version, api, platform) = (text("Version"), text("APIVersion"), text("OsArch"));
    listing::put("Client: Coracle Engine\n");
    for (name, value) in
        [("Version:", &*version), ("API version:", &*api), ("OS/Arch:", &*platform), ("Context:", "default")]
    {
        listing::put(&format!(" {name:<19}{value}\n"));
    }
    listing::put("\nServer: Coracle Engine\n Engine:\n");
    for (name, value) in
        [("Version:", &*version), ("API version:", &*api), ("OS/Arch:", &*platform), ("Experimental:", "false")]
    {
        listing::put(&format!("  {name:<18}{value}\n"));
    }
}
