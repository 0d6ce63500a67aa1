//! What may leave a container: `deny` or `allow` for what no rule names, and rules, of which the first that fits decides.

#[cfg(any(test, fuzzing))]
pub mod property;

use super::Protocol;
use super::cidr::{self, Cidr};
use crate::error::Kind;
use anyhow::Result;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

/// The most targets of all rules of a container: the kernel takes them in one message.
const RULES_MAX: usize = 128;

/// The longest name: a set of the kernel's has it in its own.
const NAME_BYTES_MAX: usize = 240;
const LABEL_BYTES_MAX: usize = 63;

/// How much of what is no rule is shown.
const SHOWN_MAX: usize = 80;

/// The rules of a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Egress {
    /// What becomes of what no rule names.
    pub default: Verdict,
    pub rules: Vec<Rule>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Allow,
    Deny,
}

/// `TARGET[:PORT[-PORT][/tcp|udp]]`. Without ports it is about every protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub verdict: Verdict,
    pub target: Target,
    pub ports: Option<Ports>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Block(Cidr),
    Name(Pattern),
}

/// A name in small letters, or all names below one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    name: String,
    is_wild: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    pub protocol: Protocol,
    pub first: u16,
    pub last: u16,
}

impl Egress {
    /// Reads what was typed: each `deny`, `allow`, `deny=TARGET,...` or `allow=TARGET,...`. None if nothing was.
    pub fn parse<T: AsRef<str>>(typed: &[T]) -> Result<Option<Self>> {
        if typed.is_empty() {
            return Ok(None);
        }
        let (mut default, mut rules) = (None, Vec::new());
        for text in typed.iter().map(AsRef::as_ref) {
            let (word, targets) = text.split_once('=').map_or((text, None), |(word, rest)| (word, Some(rest)));
            let verdict = Verdict::parse(word).ok_or_else(|| bad(text, "say deny, allow or allow=TARGET,..."))?;
            match targets {
                Some(targets) => {
                    for target in targets.split(',') {
                        rules.push(Rule::parse(verdict, target)?);
                    }
                }
                None if default.is_some_and(|other| other != verdict) => {
                    return Err(bad(text, "say deny or allow once, for all that no rule names"));
                }
                None => default = Some(verdict),
            }
        }
        if rules.len() > RULES_MAX {
            return Err(Kind::BadInput.error(format!("a container has at most {RULES_MAX} egress rules")));
        }
        // Who allows something alone wants nothing else.
        let is_list = rules.iter().any(|rule| rule.verdict == Verdict::Allow);
        let default = default.unwrap_or(if is_list { Verdict::Deny } else { Verdict::Allow });
        Ok(Some(Self { default, rules }))
    }

    /// Whether a name, in small letters, may be asked of name servers outside.
    pub fn may_resolve(&self, name: &str) -> bool {
        self.default == Verdict::Allow || self.opened_by(name).next().is_some()
    }

    /// The names of rules, each once.
    pub fn names(&self) -> impl Iterator<Item = &Pattern> {
        let names = self.rules.iter().enumerate().filter_map(|(at, rule)| Some((at, rule.target.name()?)));
        names
            .filter(|(at, name)| !self.rules[..*at].iter().any(|rule| rule.target.name() == Some(name)))
            .map(|(_, name)| name)
    }

    /// Those for which it matters what a name resolves to.
    pub fn opened_by(&self, name: &str) -> impl Iterator<Item = &Pattern> {
        self.names().filter(move |pattern| pattern.fits(name))
    }
}

/// Whether a name may lead to an address. Whoever has a name says what it resolves to, and is not to open what is private,
/// of this link or of the host: that is allowed as an address or not at all.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public4(address),
        IpAddr::V6(address) => match address.segments() {
            // NAT64 and 6to4 have an address of IPv4 in them: RFC 6052, RFC 3056.
            [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
                is_public4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
            }
            // 2000::/3 is all that was given to anybody so far: RFC 4291, 2.4.
            [first, ..] => first & 0xe000 == 0x2000,
        },
    }
}

fn is_public4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_shared = a == 100 && b & 0xc0 == 64;
    let is_special = (a, b, c) == (192, 0, 0) || (a == 198 && b & 0xfe == 18);
    !(matches!(a, 0 | 127 | 224..=255) || address.is_private() || address.is_link_local() || is_shared || is_special)
}

fn bad(text: &str, hint: &str) -> anyhow::Error {
    let shown: String = text.chars().take(SHOWN_MAX).collect();
    Kind::BadInput.hinted(format!("{shown:?} is no egress rule"), hint)
}

impl Verdict {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "allow" => Some(Self::Allow),
            "deny" => Some(Self::Deny),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }
}

impl Rule {
    fn parse(verdict: Verdict, text: &str) -> Result<Self> {
        let (target, ports) = split(text)?;
        let target = match block(target) {
            Some(block) => Target::Block(block),
            None if target.contains(':') => return Err(bad(text, "write [ADDRESS]:PORT")),
            None => Target::Name(Pattern::parse(target).ok_or_else(|| {
                bad(text, "a target is an address, ADDRESS/PREFIX or a name, then :PORT, :PORT-PORT or :PORT/udp")
            })?),
        };
        if verdict == Verdict::Deny && matches!(target, Target::Name(_)) {
            // Its addresses are other names' too, and are reached without any name.
            return Err(bad(text, "names can only be allowed; deny addresses, or deny all and allow what is left"));
        }
        let ports = ports.map(|text| Ports::parse(text).ok_or_else(|| bad(text, "write PORT[-PORT][/tcp|udp]")));
        Ok(Self { verdict, target, ports: ports.transpose()? })
    }
}

/// The target and what stands behind its colon. Addresses of IPv6 have colons of their own.
fn split(text: &str) -> Result<(&str, Option<&str>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let unclosed = || bad(text, "write [ADDRESS]:PORT");
        let (inside, behind) = rest.split_once(']').ok_or_else(unclosed)?;
        if !inside.contains(':') {
            return Err(bad(text, "only an IPv6 address has brackets"));
        }
        return match behind.strip_prefix(':') {
            Some(ports) => Ok((inside, Some(ports))),
            None if behind.is_empty() => Ok((inside, None)),
            None => Err(unclosed()),
        };
    }
    Ok(match text.split_once(':') {
        Some((target, ports)) if !ports.contains(':') && block(text).is_none() => (target, Some(ports)),
        _ => (text, None),
    })
}

fn block(text: &str) -> Option<Cidr> {
    if text.contains('/') {
        return Cidr::parse(text).ok();
    }
    let address = cidr::parse_address(text).ok()?;
    Cidr::new(address, cidr::bits(&address))
}

impl Target {
    fn name(&self) -> Option<&Pattern> {
        match self {
            Self::Name(pattern) => Some(pattern),
            Self::Block(_) => None,
        }
    }
}

impl Pattern {
    fn parse(text: &str) -> Option<Self> {
        let (is_wild, name) = text.strip_prefix("*.").map_or((false, text), |name| (true, name));
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let is_label = |label: &str| (1..=LABEL_BYTES_MAX).contains(&label.len()) && label.bytes().all(plain);
        // What ends in a number is an address that is none: RFC 3696, 2.
        let is_numeric = name.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
        let is_name = text.len() <= NAME_BYTES_MAX && name.split('.').all(is_label) && !is_numeric;
        is_name.then_some(Self { name, is_wild })
    }

    /// What is common to all names that it is about, and no other pattern's, without a star.
    pub fn suffix(&self) -> String {
        format!("{}{}", if self.is_wild { "." } else { "" }, self.name)
    }

    /// Whether it is about a name, which is in small letters.
    fn fits(&self, name: &str) -> bool {
        if !self.is_wild {
            return self.name == name;
        }
        name.strip_suffix(&self.name).and_then(|front| front.strip_suffix('.')).is_some_and(|front| !front.is_empty())
    }
}

impl Ports {
    fn parse(text: &str) -> Option<Self> {
        let (range, protocol) = match text.split_once('/') {
            None => (text, Protocol::Tcp),
            Some((range, "tcp")) => (range, Protocol::Tcp),
            Some((range, "udp")) => (range, Protocol::Udp),
            Some(_) => return None,
        };
        let number = |text: &str| {
            let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|port| is_plain && *port != 0)
        };
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (u16, u16) = (number(first)?, number(last)?);
        (first <= last).then_some(Self { protocol, first, last })
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}=", self.verdict.name())?;
        match &self.target {
            Target::Block(block) if block.is_ipv6() && self.ports.is_some() => write!(out, "[{block}]")?,
            Target::Block(block) => write!(out, "{block}")?,
            Target::Name(Pattern { name, is_wild }) => write!(out, "{}{name}", if *is_wild { "*." } else { "" })?,
        }
        let Some(Ports { protocol, first, last }) = self.ports else { return Ok(()) };
        write!(out, ":{first}")?;
        if first != last {
            write!(out, "-{last}")?;
        }
        write!(out, "/{}", protocol.name())
    }
}

impl From<Egress> for Vec<String> {
    fn from(egress: Egress) -> Self {
        let rules = egress.rules.iter().map(Rule::to_string);
        [egress.default.name().to_owned()].into_iter().chain(rules).collect()
    }
}

impl TryFrom<Vec<String>> for Egress {
    type Error = anyhow::Error;
    fn try_from(typed: Vec<String>) -> Result<Self> {
        Self::parse(&typed)?.ok_or_else(|| Kind::BadInput.error("there are no egress rules"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn egress(typed: &[&str]) -> Egress {
        Egress::parse(typed).unwrap().unwrap()
    }

    #[test]
    fn rules_are_read_and_written() {
        for (typed, shown) in [
            ("deny", "deny"),
            ("allow", "allow"),
            ("allow=Example.ORG.:443", "deny allow=example.org:443/tcp"),
            ("allow=*.example.org", "deny allow=*.example.org"),
            ("deny=10.1.2.3/8", "allow deny=10.0.0.0/8"),
            ("allow=10.0.0.0/8:53/udp,192.0.2.1:1-9", "deny allow=10.0.0.0/8:53/udp allow=192.0.2.1/32:1-9/tcp"),
            ("allow=fd00::/8,[fd00::1]:443,[fd00::/64]:1/udp,2001:db8::5", {
                "deny allow=fd00::/8 allow=[fd00::1/128]:443/tcp allow=[fd00::/64]:1/udp allow=2001:db8::5/128"
            }),
        ] {
            let words: Vec<String> = egress(&[typed]).into();
            assert_eq!(words.join(" "), shown);
        }
        for bad in [
            "",
            "Deny",
            "allow=",
            "deny=",
            "allow=,",
            "allow=a,",
            "allow=a:",
            "allow=a:0",
            "allow=a:65536",
            "allow=a:2-1",
            "allow=a:1/sctp",
            "allow=a:1/tcp/tcp",
            "allow=a b",
            "allow=10.0.0.256",
            "allow=10.0.0.0/33",
            "allow=*",
            "allow=*.*.a",
            "allow=a..b",
            "allow=fd00::1:443:",
            "allow=[fd00::1",
            "allow=[fd00::1]443",
            "allow=[a]:1",
            "deny=example.org",
            "allow=::ffff:10.0.0.1",
            "allow=a:+1",
            "allow=-:1:2",
            "reject",
        ] {
            assert!(Egress::parse(&[bad]).is_err(), "{bad}");
        }
        assert!(Egress::parse(&["deny", "allow"]).is_err());
        assert_eq!(Egress::parse::<&str>(&[]).unwrap(), None);
        assert!(Egress::parse(&[format!("allow={}", ["a"; RULES_MAX + 1].join(","))]).is_err());
    }

    #[test]
    fn names_fit_whole_or_below() {
        let rules = egress(&["allow=example.org:443,*.example.org:80,*.com"]);
        let opened = |name: &str| rules.opened_by(name).map(Pattern::suffix).collect::<Vec<_>>();
        assert_eq!(opened("example.org"), ["example.org"]);
        assert_eq!(opened("a.b.example.org"), [".example.org"]);
        for name in ["", ".example.org", "notexample.org", "org", "com", "example.org.com.net", "example.org."] {
            assert!(opened(name).is_empty() && !rules.may_resolve(name), "{name}");
        }
        assert!(egress(&["deny=10.0.0.0/8"]).may_resolve("anything"));
    }

    #[test]
    fn what_is_private_is_opened_by_no_name() {
        for address in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.31.0.1",
            "192.168.0.1",
            "192.0.0.1",
            "198.19.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:192.0.2.1",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "64:ff9b::10.0.0.1",
            "2002:7f00:1::1",
            "64:ff9b:1::192.0.2.1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in ["192.0.2.1", "8.8.8.8", "172.32.0.1", "2001:db8::1", "64:ff9b::192.0.2.1", "2002:c000:201::1"]
        {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_typed_holds(text in "(allow|deny)?=?[a-zA-Z0-9.,:/*\\[\\]\u{0}\u{e9} -]{0,60}") {
            property::holds(text.as_bytes());
        }
    }
}
