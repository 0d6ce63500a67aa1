//! `update`: change a container's limits, restart policy, health check, ports, egress rules and environment.

use super::flags::health::HealthFlags;
use super::flags::supervision::parse_restart;
use super::flags::{ResourceFlags, environment};
use super::{Context, Verb, latest, say};
use crate::container::config::Config;
use crate::container::state;
use crate::container::update::{self, Change};
use crate::error::Kind;
use crate::network::{Egress, ports};
use anyhow::Result;

/// Change a container that exists: limits, restart policy, health check and egress rules at once, the rest from its next start on
#[derive(clap::Args)]
pub struct Update {
    /// Start the container again when it has ended: no, on-failure[:RETRIES], always, unless-stopped
    #[arg(long, value_name = "POLICY")]
    restart: Option<String>,
    /// Set an environment variable from the next start on; NAME alone takes its value from here
    #[arg(short, long, value_name = "NAME=VALUE")]
    env: Vec<String>,
    /// Take an environment variable away from the next start on
    #[arg(long, value_name = "NAME")]
    unsetenv: Vec<String>,
    /// Lead a further port of the host into the container, at once if it is on a bridge
    #[arg(long, value_name = "[[ADDRESS:][PORT]:]PORT[/tcp|udp][,proxy=v1|v2]")]
    publish_add: Vec<String>,
    /// Lead a port of the host there no more; PORT alone means all that lead to this one of the container
    #[arg(long, value_name = "[[ADDRESS:]PORT:]PORT[/tcp|udp]")]
    publish_rm: Vec<String>,
    /// Rule what may leave the container's networks by these from now on, in place of all rules that it has, as --egress of run does; allow alone lets everything out again. Connections that they forbid end
    #[arg(long, value_name = "allow|deny[=TARGET[:PORT[-PORT][/tcp|udp]],...]")]
    egress: Vec<String>,
    #[command(flatten)]
    resources: ResourceFlags,
    #[command(flatten)]
    health: HealthFlags,
    /// The one that was made last
    #[arg(short, long, conflicts_with = "container")]
    latest: bool,
    /// The container
    #[arg(value_name = "CONTAINER", required_unless_present = "latest")]
    container: Option<String>,
}

impl Verb for Update {
    fn run(self, context: &Context) -> Result<u8> {
        let container = match &self.container {
            Some(name) => state::find(&context.engine, name)?,
            None => latest(context)?,
        };
        let mut config = container.config.clone();
        self.apply_over(&mut config)?;
        let change = Change::between(&container.config, &config);
        if change != Change::default() {
            update::update(&context.engine, &container, &change)?;
        }
        say(config.id.as_str());
        Ok(0)
    }
}

impl Update {
    fn apply_over(&self, config: &mut Config) -> Result<()> {
        if let Some(policy) = &self.restart {
            config.restart = parse_restart(policy)?;
            if config.auto_remove && !config.restart.is_no() {
                let message = format!("container {} is removed when it ends: it cannot start again", config.name);
                return Err(Kind::BadInput.error(message));
            }
        }
        self.change_ports(config)?;
        if let Some(egress) = Egress::parse(&self.egress)? {
            config.egress = Some(egress);
        }
        self.resources.apply_over(config)?;
        self.health.apply_over(config)?;
        let set = environment(&self.env, &[])?;
        let name = |entry: &str| entry.split_once('=').map_or(entry, |(name, _)| name).to_owned();
        let goes = |had: &String| {
            let had = name(had);
            self.unsetenv.contains(&had) || set.iter().any(|entry| name(entry) == had)
        };
        config.process.environment.retain(|had| !goes(had));
        config.process.environment.extend(set);
        Ok(())
    }

    fn change_ports(&self, config: &mut Config) -> Result<()> {
        for text in &self.publish_rm {
            for gone in ports::parse(text)? {
                let before = config.ports.len();
                config.ports.retain(|port| {
                    let is_same = (port.container_port, port.protocol) == (gone.container_port, gone.protocol);
                    let is_meant = gone.host_port == ports::ANY || port.host_port == gone.host_port;
                    !(is_same && is_meant && (gone.host_address.is_none() || port.host_address == gone.host_address))
                });
                if config.ports.len() == before {
                    return Err(Kind::NotFound.error(format!("port {text:?} is not published")));
                }
            }
        }
        for text in &self.publish_add {
            let mut new = ports::parse(text)?;
            ports::choose(&mut new)?;
            config.ports.extend(new);
        }
        ports::check(&config.ports, config.network)
    }
}
