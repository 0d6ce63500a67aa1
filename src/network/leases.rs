//! Which container has which address of a network.
//!
//! A lease lasts as long as its container's run: who takes one looks whether the holders of the others still live, so that
//! nothing has to be cleaned up after a kill. The file lies in the runtime directory: after a reboot nobody runs.

use super::keeper::protocol::Subnet;
use crate::engine::Engine;
use crate::error::Kind;
use crate::fs::{self, Durability, Hold, Lock};
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// How long others may take with the leases of one network.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The addresses that may be given out in one subnet.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    pub subnet: Subnet,
    pub first: IpAddr,
    pub last: IpAddr,
}

/// The file of one network's leases.
#[derive(Default, Serialize, Deserialize)]
struct Leases {
    held: BTreeMap<IpAddr, String>,
    /// The last that was given out by each subnet's address, so that one that was given back is not soon another's.
    latest: BTreeMap<IpAddr, IpAddr>,
}

/// Gives a container one address of each range, those that it wants where it does. `lives` tells whether a container runs.
pub fn take(
    engine: &Engine,
    network: &str,
    ranges: &[Range],
    container: &str,
    wanted: &[IpAddr],
    lives: &dyn Fn(&str) -> bool,
) -> Result<Vec<IpAddr>> {
    let stray = wanted.iter().find(|address| !ranges.iter().any(|range| range.subnet.block.contains(**address)));
    if let Some(address) = stray {
        return Err(Kind::BadInput.error(format!("address {address} is in no subnet of network {network}")));
    }
    change(engine, network, |leases| {
        leases.held.retain(|_, holder| holder != container);
        let choose =
            |range| leases.choose(range, container, wanted, lives).with_context(|| format!("network {network}"));
        ranges.iter().map(choose).collect()
    })
}

/// Gives back what a container has of a network.
pub fn give_back(engine: &Engine, network: &str, container: &str) -> Result<()> {
    change(engine, network, |leases| {
        leases.held.retain(|_, holder| holder != container);
        Ok(())
    })
}

fn change<T>(engine: &Engine, network: &str, work: impl FnOnce(&mut Leases) -> Result<T>) -> Result<T> {
    let directory = directory(engine);
    fs::create_dir_all(&directory)?;
    let _lock = Lock::take(&directory.join(format!("{network}.lock")), Hold::Exclusive, TIMEOUT)?;
    let file = directory.join(format!("{network}.json"));
    let mut leases: Leases = fs::read_json(&file)?.unwrap_or_default();
    let done = work(&mut leases)?;
    fs::write_json(&file, &leases, Durability::Cached)?;
    Ok(done)
}

fn directory(engine: &Engine) -> PathBuf {
    engine.run.join("networks")
}

impl Leases {
    fn choose(
        &mut self,
        range: &Range,
        container: &str,
        wanted: &[IpAddr],
        lives: &dyn Fn(&str) -> bool,
    ) -> Result<IpAddr> {
        let is_free = |leases: &mut Self, address: IpAddr| match leases.held.get(&address) {
            Some(holder) if lives(holder) => false,
            Some(_) | None => Some(address) != range.subnet.gateway,
        };
        if let Some(address) = wanted.iter().copied().find(|address| range.subnet.block.contains(*address)) {
            if !is_free(self, address) {
                let holder =
                    self.held.get(&address).map_or("the network itself", |holder| holder.get(..12).unwrap_or(holder));
                return Err(Kind::InUse.error(format!("address {address} is in use by {holder}")));
            }
            self.held.insert(address, container.to_owned());
            return Ok(address);
        }
        let latest = self.latest.get(&range.subnet.block.first()).copied();
        let begin = latest.and_then(|latest| successor(latest, range)).unwrap_or(range.first);
        // One more than are taken, and the gateway's: among so many there is a free one, or there is none.
        let mut candidate = begin;
        for _ in 0..self.held.len() + 2 {
            if is_free(self, candidate) {
                self.held.insert(candidate, container.to_owned());
                self.latest.insert(range.subnet.block.first(), candidate);
                return Ok(candidate);
            }
            candidate = successor(candidate, range).unwrap_or(range.first);
        }
        Err(Kind::InUse.hinted(
            format!("no address is free in {}", range.subnet.block),
            "remove containers of this network, or create a larger one",
        ))
    }
}

/// The address after this one, as long as it is in the range.
fn successor(address: IpAddr, range: &Range) -> Option<IpAddr> {
    let next = match address {
        IpAddr::V4(address) => IpAddr::V4(address.to_bits().checked_add(1)?.into()),
        IpAddr::V6(address) => IpAddr::V6(address.to_bits().checked_add(1)?.into()),
    };
    (next >= range.first && next <= range.last).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn range(first: u8, last: u8) -> Range {
        let at = |byte| IpAddr::V4(Ipv4Addr::new(10, 89, 0, byte));
        let block = crate::network::cidr::Cidr::new(at(0), 24).unwrap();
        Range { subnet: Subnet { block, gateway: Some(at(1)) }, first: at(first), last: at(last) }
    }

    fn choose(leases: &mut Leases, container: &str, lives: &dyn Fn(&str) -> bool) -> Option<u8> {
        match leases.choose(&range(1, 4), container, &[], lives) {
            Ok(IpAddr::V4(address)) => Some(address.octets()[3]),
            _ => None,
        }
    }

    #[test]
    fn none_is_given_out_twice_and_one_given_back_is_not_the_next() {
        let mut leases = Leases::default();
        let mut next = |name: &str| choose(&mut leases, name, &|_| true);
        assert_eq!([next("a"), next("b"), next("c"), next("d")], [Some(2), Some(3), Some(4), None]);
        leases.held.retain(|_, holder| holder != "b");
        assert_eq!(choose(&mut leases, "e", &|_| true), Some(3));
        // The dead hold nothing.
        assert_eq!(choose(&mut leases, "f", &|name| name != "a"), Some(2));
        assert_eq!(choose(&mut leases, "g", &|name| name != "a"), None);
    }
}
