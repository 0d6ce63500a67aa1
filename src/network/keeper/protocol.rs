//! The conversation of a monitor with the keeper, one JSON document a message. The connection is the registration: a
//! container is known and connected for as long as its monitor holds it.

use crate::error::Wire;
use crate::network::cidr::Cidr;
use crate::network::definition::Route;
use crate::network::egress::Egress;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// The longest message: a container in all the networks that it may be in.
pub const MESSAGE_BYTES_MAX: usize = 256 << 10;

/// What a monitor asks. Descriptors travel beside the message.
#[derive(Debug, Serialize, Deserialize)]
pub enum Request {
    /// The namespace of the bridges: answered with `Welcome`.
    Hello,
    /// The engine's user namespace: answered with `Welcome`, too.
    Userns,
    /// The rules of the container that is connected next: answered with `Attached`. Refused packets are logged to the
    /// group; refused names are told down the socket that comes along. A keeper that does not know of rules refuses this.
    Rule { egress: Egress, group: u16 },
    /// As `Rule`, for the container that is connected: they hold when this is answered.
    RuleAnew { egress: Egress, group: u16 },
    /// Connects a container, whose network namespace comes along: answered with `Attached`.
    Attach { container: String, links: Vec<Link> },
    /// As `Attach`, for one that an earlier keeper has connected already.
    Resume { container: String, links: Vec<Link> },
    /// Whom names of the outside are asked of in a network: answered with `Attached`, as is `Reload`.
    Servers { network: String, servers: Vec<IpAddr> },
    /// Sets the firewall's rules anew.
    Reload,
    /// Takes it out of a network: answered with `Attached`.
    Detach { network: String },
}

#[derive(Debug, Serialize, Deserialize)]
pub enum Answer {
    /// Comes with the namespace that was asked for.
    Welcome,
    /// What the user should know, a line each.
    Attached {
        warnings: Vec<String>,
    },
    Failed(Wire),
}

/// One interface of a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub place: Place,
    /// Its name in the container.
    pub interface: String,
    pub addresses: Vec<IpAddr>,
    pub mac: [u8; 6],
    /// What others in this network find it by, lower case.
    pub names: Vec<String>,
    /// Whom names of the outside are asked of for this container; nobody named means those of the network.
    #[serde(default)]
    pub servers: Vec<IpAddr>,
}

/// A network with a bridge, as the keeper needs to know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub network: String,
    /// The bridge's name, or that of the interface of the host's that containers are on.
    pub bridge: String,
    #[serde(default)]
    pub ground: Ground,
    /// The VLAN that the bridge's ports are in, and the VRF that it belongs to.
    #[serde(default)]
    pub vlan: Option<u16>,
    #[serde(default)]
    pub vrf: Option<String>,
    pub subnets: Vec<Subnet>,
    /// Nothing leads out of it.
    pub internal: bool,
    /// Nothing leads into it from other networks.
    pub isolated: bool,
    /// Whether it has a DNS server, and whom that asks; nobody named means the host's.
    pub resolves: bool,
    pub servers: Vec<IpAddr>,
    pub default_route: bool,
    pub mtu: Option<u32>,
    pub metric: Option<u32>,
    /// Those that each container gets beside the default ones.
    pub routes: Vec<Route>,
}

/// What containers of a network are connected to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ground {
    /// A bridge that the keeper makes, with its addresses, its name server and its rules.
    #[default]
    Bridge,
    /// A bridge of the user's, which is left as it is.
    Unmanaged,
    /// An interface of the host's, by the driver macvlan. The mode is the kernel's number.
    Macvlan { mode: u32, broadcast_limit: Option<i32> },
    /// The same by the driver ipvlan.
    Ipvlan { mode: u16 },
}

impl Place {
    /// Whether it has a bridge of the keeper's.
    pub fn is_managed(&self) -> bool {
        self.ground == Ground::Bridge
    }

    /// Where its name server is.
    pub fn gateways(&self) -> impl Iterator<Item = IpAddr> {
        self.subnets.iter().filter(|_| self.is_managed()).filter_map(|subnet| subnet.gateway)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnet {
    pub block: Cidr,
    /// The bridge's own address.
    pub gateway: Option<IpAddr>,
}
