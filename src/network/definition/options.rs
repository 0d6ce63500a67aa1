//! What a network's driver is told: `-o KEY=VALUE`.

use super::Driver;
use crate::error::Kind;
use anyhow::Result;
use std::collections::BTreeMap;

/// The options that count, each at its default where it was not given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    pub mtu: Option<u32>,
    /// The VLAN that containers are in, on a bridge that tells them apart.
    pub vlan: Option<u16>,
    pub isolate: Isolate,
    /// The VRF that the bridge belongs to.
    pub vrf: Option<String>,
    pub no_default_route: bool,
    /// The metric of the default route in containers.
    pub metric: Option<u32>,
    pub mode: Mode,
    /// From how many receivers on macvlan queues broadcasts; -1 never queues.
    pub broadcast_limit: Option<i32>,
}

/// Whether other networks reach this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolate {
    #[default]
    Off,
    /// Not those that are isolated too.
    On,
    /// None at all.
    Strict,
}

/// How a bridge, macvlan or ipvlan works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The bridge is made and removed by the engine.
    Managed,
    /// The bridge is the user's.
    Unmanaged,
    Bridge,
    Private,
    Vepa,
    Passthru,
    L2,
    L3,
    L3s,
}

impl Mode {
    fn parse(driver: Driver, text: &str) -> Option<Self> {
        match (driver, text) {
            (Driver::Bridge, "managed") => Some(Self::Managed),
            (Driver::Bridge, "unmanaged") => Some(Self::Unmanaged),
            (Driver::Macvlan, "bridge") => Some(Self::Bridge),
            (Driver::Macvlan, "private") => Some(Self::Private),
            (Driver::Macvlan, "vepa") => Some(Self::Vepa),
            (Driver::Macvlan, "passthru") => Some(Self::Passthru),
            (Driver::Ipvlan, "l2") => Some(Self::L2),
            (Driver::Ipvlan, "l3") => Some(Self::L3),
            (Driver::Ipvlan, "l3s") => Some(Self::L3s),
            (Driver::Bridge | Driver::Macvlan | Driver::Ipvlan, _) => None,
        }
    }

    /// The kernel's number for it, linux/if_link.h; that of a bridge has none.
    pub fn number(self) -> u16 {
        match self {
            Self::Managed | Self::Unmanaged | Self::L2 => 0,
            Self::Private | Self::L3 => 1,
            Self::Vepa | Self::L3s => 2,
            Self::Bridge => 4,
            Self::Passthru => 8,
        }
    }

    fn default_of(driver: Driver) -> Self {
        match driver {
            Driver::Bridge => Self::Managed,
            Driver::Macvlan => Self::Bridge,
            Driver::Ipvlan => Self::L2,
        }
    }
}

/// The highest VLAN: IEEE 802.1Q.
const VLAN_MAX: u16 = 4094;
/// IPv4 needs the lower: RFC 791. No interface can be told a higher one.
const MTU_MIN: u32 = 68;
const MTU_MAX: u32 = 65535;

impl Options {
    pub fn parse(driver: Driver, words: &BTreeMap<String, String>) -> Result<Self> {
        let mut options = Self {
            mtu: None,
            vlan: None,
            isolate: Isolate::Off,
            vrf: None,
            no_default_route: false,
            metric: None,
            mode: Mode::default_of(driver),
            broadcast_limit: None,
        };
        for (key, value) in words {
            let wrong = |what: &str| Kind::BadInput.error(format!("option {key}={value}: it is {what}"));
            match (key.as_str(), driver) {
                ("mtu", _) => {
                    let mtu = value.parse().map_err(|_| wrong("a number of bytes"))?;
                    // 0 leaves it to the kernel.
                    if mtu != 0 && !(MTU_MIN..=MTU_MAX).contains(&mtu) {
                        return Err(wrong("from 68 to 65535"));
                    }
                    options.mtu = Some(mtu).filter(|mtu| *mtu != 0);
                }
                ("metric", _) => options.metric = Some(value.parse().map_err(|_| wrong("a number from 0 on"))?),
                ("no_default_route", _) => {
                    options.no_default_route = truth(value).ok_or_else(|| wrong("true or false"))?;
                }
                ("mode", _) => {
                    let modes = match driver {
                        Driver::Bridge => "managed or unmanaged",
                        Driver::Macvlan => "bridge, private, vepa or passthru",
                        Driver::Ipvlan => "l2, l3 or l3s",
                    };
                    options.mode = Mode::parse(driver, value).ok_or_else(|| wrong(modes))?;
                }
                ("vlan", Driver::Bridge) => {
                    let vlan = value.parse().ok().filter(|vlan| *vlan <= VLAN_MAX);
                    options.vlan = Some(vlan.ok_or_else(|| wrong("a number from 0 to 4094"))?);
                }
                ("isolate", Driver::Bridge) => {
                    options.isolate = match (value.as_str(), truth(value)) {
                        ("strict", _) => Isolate::Strict,
                        (_, Some(true)) => Isolate::On,
                        (_, Some(false)) => Isolate::Off,
                        (_, None) => return Err(wrong("true, false or strict")),
                    };
                }
                ("vrf", Driver::Bridge) => {
                    options.vrf = Some(value.clone());
                    super::check::check_interface(value)?;
                }
                ("bclim", Driver::Macvlan) => {
                    options.broadcast_limit = Some(value.parse().map_err(|_| wrong("a number, or -1"))?);
                }
                _ => {
                    let known = match driver {
                        Driver::Bridge => "mtu, vlan, isolate, vrf, no_default_route, mode and metric",
                        Driver::Macvlan => "parent, mode, mtu, metric, no_default_route and bclim",
                        Driver::Ipvlan => "parent, mode, mtu, metric and no_default_route",
                    };
                    let message = format!("unsupported {} network option {key}", driver.name());
                    return Err(Kind::BadInput.hinted(message, format!("the options are {known}")));
                }
            }
        }
        Ok(options)
    }
}

/// As Go reads it.
fn truth(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// Options as they were typed, in the words that are kept: docker's names become ours, and what names an interface
/// becomes that. Gives the interface, if one is named.
pub fn translate(driver: Driver, words: &mut BTreeMap<String, String>) -> Option<String> {
    if let Some(mtu) = words.remove("com.docker.network.driver.mtu") {
        words.insert("mtu".to_owned(), mtu);
    }
    for key in ["isolate", "no_default_route"] {
        if let Some(value) = words.get_mut(key)
            && let Some(truth) = truth(value)
        {
            *value = truth.to_string();
        }
    }
    match driver {
        Driver::Bridge => words.remove("com.docker.network.bridge.name"),
        Driver::Macvlan | Driver::Ipvlan => words.remove("parent"),
    }
}
