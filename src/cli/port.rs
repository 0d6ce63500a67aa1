//! `port`: which ports of the host lead to a container.

use super::{Context, Verb, say};
use crate::container::config::Config;
use crate::container::state;
use crate::error::Kind;
use crate::network::Port;
use anyhow::Result;

/// Print which ports of the host lead to a container
#[derive(clap::Args)]
pub struct PortVerb {
    /// All containers
    #[arg(short, long, conflicts_with_all = ["latest", "words"])]
    all: bool,
    /// The one that was made last
    #[arg(short, long)]
    latest: bool,
    /// The container, and perhaps one of its ports
    #[arg(value_name = "CONTAINER [PORT[/PROTOCOL]]", num_args = 0..=2, required_unless_present_any = ["all", "latest"])]
    words: Vec<String>,
}

impl Verb for PortVerb {
    fn run(self, context: &Context) -> Result<u8> {
        if self.all {
            for container in state::list(&context.engine)? {
                print(&container.config, None, true)?;
            }
            return Ok(0);
        }
        let mut words = self.words.iter();
        let container = if self.latest {
            state::list(&context.engine)?.into_iter().next()
        } else {
            words.next().map(|name| state::find(&context.engine, name)).transpose()?
        };
        let container = container.ok_or_else(|| Kind::NotFound.error("there are no containers"))?;
        print(&container.config, words.next().map(String::as_str), false)?;
        Ok(0)
    }
}

fn print(config: &Config, wanted: Option<&str>, with_id: bool) -> Result<()> {
    let wanted = wanted.map(parse).transpose()?;
    let mut found = false;
    for port in &config.ports {
        let address = port.host_address.map_or_else(|| "0.0.0.0".to_owned(), |address| address.to_string());
        let address = if address.contains(':') { format!("[{address}]") } else { address };
        let place = format!("{address}:{}", port.host_port);
        match &wanted {
            Some((number, protocol)) if is(port, *number, protocol) => say(&place),
            Some(_) => continue,
            None => {
                let id = if with_id { format!("{}\t", config.id.short()) } else { String::new() };
                say(&format!("{id}{}/{} -> {place}", port.container_port, port.protocol.name()));
            }
        }
        found = true;
    }
    match wanted {
        Some((number, protocol)) if !found => {
            Err(Kind::NotFound
                .error(format!("port {number}/{protocol} of container {} is not published", config.name)))
        }
        _ => Ok(()),
    }
}

fn is(port: &Port, number: u16, protocol: &str) -> bool {
    port.container_port == number && port.protocol.name() == protocol
}

fn parse(text: &str) -> Result<(u16, String)> {
    let (number, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let number =
        number.parse().map_err(|_| Kind::BadInput.error(format!("{text:?} is not PORT or PORT/PROTOCOL")))?;
    Ok((number, protocol.to_ascii_lowercase()))
}
