//! The words that the table has for states, ports and spans of time.

use super::super::units::human_duration;
use crate::container::state::{Container, Status};
use crate::inspect::container::{self as view, PortRange};
use std::time::Duration;

/// `Up 3 seconds`, `Exited (0) 5 minutes ago`, `Created`, as podman words it. podman has no word for a container whose
/// monitor has gone without a word: nobody knows when that was, so it says when it was started.
pub fn status(container: &Container, now: u64) -> String {
    let (started, finished) = view::times(container);
    match container.status {
        Status::Created => "Created".to_owned(),
        Status::Running if container.state.as_ref().is_some_and(|state| state.restarting) => {
            let state = container.state.as_ref();
            let exit = state.and_then(|state| state.exit.as_ref());
            let (code, finished) = exit.map_or((0, now), |exit| (exit.code, exit.finished));
            format!("Restarting ({code}) {}", ago(finished, now))
        }
        Status::Running => {
            let health = container.health.as_ref().map(|report| format!(" ({})", report.status.name()));
            format!("Up {}{}", since(started.unwrap_or(now), now), health.unwrap_or_default())
        }
        Status::Paused => "Paused".to_owned(),
        Status::Exited => {
            let code = view::exit_code(container);
            format!("Exited ({code}) {}", ago(finished.unwrap_or(now), now))
        }
        Status::Lost => format!("Lost (started {})", ago(started.unwrap_or(now), now)),
        Status::Elsewhere => "On another machine".to_owned(),
    }
}

/// `0.0.0.0:8080->80/tcp, 127.0.0.1:9000-9001->90-91/udp`
pub fn ports(container: &Container) -> String {
    let texts: Vec<String> = view::port_ranges(&container.config.ports).iter().map(port_text).collect();
    texts.join(", ")
}

fn port_text(range: &PortRange) -> String {
    let first = &range.first;
    let span = |port: u16| match range.count {
        1 => port.to_string(),
        count => format!("{port}-{}", port + (count - 1)),
    };
    let address = match first.host_address {
        None => "0.0.0.0".to_owned(),
        Some(std::net::IpAddr::V4(address)) => address.to_string(),
        Some(std::net::IpAddr::V6(address)) => format!("[{address}]"),
    };
    let (outside, inside) = (span(first.host_port), span(first.container_port));
    format!("{address}:{outside}->{inside}/{}", first.protocol.name())
}

pub fn ago(time: u64, now: u64) -> String {
    format!("{} ago", since(time, now))
}

fn since(time: u64, now: u64) -> String {
    human_duration(Duration::from_nanos(now.saturating_sub(time)))
}
