//! Published ports of a container on bridges, each group with a forwarder of its own.

use super::forward::{self, Forwarder, Listener, Options};
use super::{Link, NameOf, Port};
use crate::sys::process;
use anyhow::Result;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Ports that were published together.
#[derive(Debug)]
pub struct Published {
    ports: Vec<Port>,
    /// None if there are no ports, or it could not be started again.
    forwarder: Option<Forwarder>,
}

/// Takes ports of the host, in whose namespace this process is.
pub fn bind(ports: &[Port], name_of: NameOf<'_>) -> Result<Vec<(Port, OwnedFd)>> {
    ports.iter().map(|port| Ok((port.clone(), forward::bind(port, name_of)?))).collect()
}

impl Published {
    /// Has these ports lead to the container. Without one there is nothing to do.
    pub fn start(
        sockets: Vec<(Port, OwnedFd)>,
        links: &[Link],
        bridges: BorrowedFd<'_>,
        warnings: &mut Vec<String>,
    ) -> Result<Self> {
        let ports = sockets.iter().map(|(port, _)| port.clone()).collect();
        let forwarder = match links.first() {
            Some(link) if !sockets.is_empty() => {
                Some(forward::start(listeners(sockets, link), bridges, options(link))?)
            }
            _ => None,
        };
        warnings.extend(forwarder.as_ref().and_then(|forwarder| forwarder.warning.clone()));
        Ok(Self { ports, forwarder })
    }

    pub fn ports(&self) -> impl Iterator<Item = &Port> {
        self.ports.iter()
    }

    /// Readable when the forwarder has ended.
    pub fn pidfd(&self) -> Option<BorrowedFd<'_>> {
        self.forwarder.as_ref().map(|forwarder| forwarder.child.pidfd.as_fd())
    }

    pub fn pid(&self) -> Option<i32> {
        self.forwarder.as_ref().map(|forwarder| forwarder.child.pid)
    }

    /// Starts another forwarder if this one has died.
    pub fn mend(&mut self, links: &[Link], bridges: BorrowedFd<'_>) {
        let has_died = |forwarder: &Forwarder| !matches!(process::try_wait(forwarder.child.pidfd.as_fd()), Ok(None));
        if self.forwarder.as_ref().is_some_and(has_died) && self.restart(links, bridges).is_err() {
            // Another has taken the port meanwhile: it is not fought for.
            self.forwarder = None;
        }
    }

    /// Takes away the ports that are not among these.
    pub fn keep_only(&mut self, ports: &[Port], links: &[Link], bridges: BorrowedFd<'_>) -> Result<()> {
        let before = self.ports.len();
        self.ports.retain(|port| ports.contains(port));
        if self.ports.len() == before { Ok(()) } else { self.restart(links, bridges) }
    }

    /// Ends the forwarder and starts another.
    pub fn restart(&mut self, links: &[Link], bridges: BorrowedFd<'_>) -> Result<()> {
        // Its end frees the ports.
        self.forwarder = None;
        self.forwarder = Self::start(bind(&self.ports, &|_| None)?, links, bridges, &mut Vec::new())?.forwarder;
        Ok(())
    }
}

fn listeners(sockets: Vec<(Port, OwnedFd)>, link: &Link) -> Vec<Listener> {
    let listener = |(port, socket): (Port, OwnedFd)| Listener {
        socket,
        protocol: port.protocol,
        targets: link.addresses.clone(),
        port: port.container_port,
        proxy: port.proxy,
    };
    sockets.into_iter().map(listener).collect()
}

fn options(link: &Link) -> Options {
    let subnets = &link.place.subnets;
    Options {
        // Without a default route a container has no way to answer.
        keeps_client_address: link.place.default_route && !link.place.internal,
        gateways: subnets.iter().filter_map(|subnet| subnet.gateway).collect(),
        local_subnets: subnets.iter().map(|subnet| subnet.block).collect(),
    }
}
