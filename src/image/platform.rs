//! Platforms: which of an index's manifests is for this machine, or for the one that was asked for.

use crate::error::Kind;
use crate::image::manifest::Descriptor;
use anyhow::Result;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How many of an index's platforms an error names.
const SHOWN_MAX: usize = 12;

/// An operating system and a processor (OCI image spec, image-index.md "platform").
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Platform {
    #[serde(deserialize_with = "super::json::or_default")]
    pub architecture: String,
    #[serde(deserialize_with = "super::json::or_default")]
    pub os: String,
    #[serde(deserialize_with = "super::json::or_default", skip_serializing_if = "String::is_empty")]
    pub variant: String,
    #[serde(rename = "os.version", deserialize_with = "super::json::or_default")]
    #[serde(skip_serializing_if = "String::is_empty")]
    pub os_version: String,
    #[serde(rename = "os.features", deserialize_with = "super::json::or_default")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub os_features: Vec<String>,
    #[serde(deserialize_with = "super::json::or_default", skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
}

impl Platform {
    /// The platform of this machine.
    pub fn host() -> Self {
        Self { os: "linux".into(), architecture: architecture(std::env::consts::ARCH), ..Self::default() }.normal()
    }

    /// Parses `[os/]architecture[/variant]`.
    pub fn parse(text: &str) -> Result<Self> {
        let bad = || {
            let shown: String = text.chars().take(100).collect();
            Kind::BadInput.hinted(format!("platform {shown:?} is not os/architecture[/variant]"), "try linux/arm64")
        };
        let word = |word: &&str| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        };
        let parts: Vec<&str> = text.split('/').collect();
        if text.len() > 100 || !parts.iter().all(word) {
            return Err(bad());
        }
        let (os, architecture, variant) = match parts[..] {
            ["linux"] => return Ok(Self::host()),
            [architecture] => ("linux", architecture, ""),
            [os, architecture] => (os, architecture, ""),
            [os, architecture, variant] => (os, architecture, variant),
            _ => return Err(bad()),
        };
        let lower = str::to_ascii_lowercase;
        let (os, architecture, variant) = (lower(os), lower(architecture), lower(variant));
        Ok(Self { os, architecture, variant, ..Self::default() }.normal())
    }

    /// The one spelling of a platform that has several: `aarch64` is `arm64`, whose only variant is left out.
    pub fn normal(&self) -> Self {
        let name = match architecture(&self.architecture) {
            name if name.is_empty() => architecture(std::env::consts::ARCH),
            name => name,
        };
        let variant = match (self.architecture.as_str(), name.as_str(), self.variant.as_str()) {
            ("armhf", _, _) | (_, "arm", "") => "v7".to_owned(),
            ("armel", _, _) => "v6".to_owned(),
            (_, "arm", number @ ("5" | "6" | "7" | "8")) => format!("v{number}"),
            (_, "arm64", "8" | "v8") | (_, "amd64", "v1") => String::new(),
            (_, _, variant) => variant.to_owned(),
        };
        let os = if self.os.is_empty() { "linux".into() } else { self.os.clone() };
        Self { architecture: name, os, variant, ..Self::default() }
    }

    /// How well an image for `offered` runs where `self` is wanted: 0 is exact, None is not at all.
    fn distance(&self, offered: &Self) -> Option<u32> {
        let (wanted, offered) = (self.normal(), offered.normal());
        if wanted.os != offered.os || wanted.architecture != offered.architecture {
            return None;
        }
        if wanted.variant == offered.variant {
            return Some(0);
        }
        // A processor runs what was built for the older variants of its architecture.
        let version = |variant: &str, none: u32| match variant {
            "" => Some(none),
            variant => variant.strip_prefix('v').and_then(|number| number.parse::<u32>().ok()),
        };
        let none = if wanted.architecture == "arm64" { 8 } else { 1 };
        version(&wanted.variant, none)?.checked_sub(version(&offered.variant, none)?)
    }
}

/// The entry of an index that fits best.
pub fn choose<'a>(entries: &'a [Descriptor], wanted: &Platform) -> Result<&'a Descriptor> {
    let fitting = entries.iter().filter_map(|entry| {
        let distance = wanted.distance(entry.platform.as_ref()?)?;
        Some((distance, entry))
    });
    // Of equals the first one stays: the author's order is a preference.
    if let Some((_, entry)) = fitting.min_by_key(|(distance, _)| *distance) {
        return Ok(entry);
    }
    if let [only] = entries
        && only.platform.is_none()
    {
        return Ok(only);
    }
    let offered: Vec<String> = entries
        .iter()
        .filter_map(|entry| entry.platform.as_ref())
        .filter(|platform| platform.os != "unknown")
        .take(SHOWN_MAX)
        .map(Platform::to_string)
        .collect();
    let message = format!("no image for {wanted} in the index");
    Err(match offered.is_empty() {
        true => Kind::NotFound.error(message),
        false => Kind::NotFound.error(format!("{message}; there are {}", offered.join(", "))),
    })
}

impl fmt::Display for Platform {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.os, self.architecture)?;
        if !self.variant.is_empty() {
            write!(out, "/{}", self.variant)?;
        }
        Ok(())
    }
}

/// Go's name of an architecture, from Go's, the kernel's or Debian's.
fn architecture(name: &str) -> String {
    match name {
        "x86_64" | "x86-64" | "x64" => "amd64",
        "aarch64" => "arm64",
        "armhf" | "armel" => "arm",
        "i386" | "i486" | "i586" | "i686" | "x86" => "386",
        other => other,
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::digest::Digest;

    fn entry(platform: Option<&str>) -> Descriptor {
        let platform = platform.map(|text| Platform::parse(text).unwrap());
        let digest = Digest::of(format!("{platform:?}").as_bytes());
        Descriptor { digest, platform, ..Descriptor::new("application/x", digest, 1) }
    }

    #[test]
    fn aliases_have_one_spelling() {
        let table = [
            ("linux/amd64", "linux/amd64"),
            ("x86_64", "linux/amd64"),
            ("Linux/AMD64/v1", "linux/amd64"),
            ("linux/aarch64", "linux/arm64"),
            ("linux/arm64/v8", "linux/arm64"),
            ("linux/armhf", "linux/arm/v7"),
            ("linux/arm", "linux/arm/v7"),
            ("linux/arm/6", "linux/arm/v6"),
            ("linux/i386", "linux/386"),
            ("windows/amd64", "windows/amd64"),
        ];
        for (text, shown) in table {
            assert_eq!(Platform::parse(text).unwrap().to_string(), shown);
        }
        for bad in ["", "/", "linux/", "a/b/c/d", "linux/arm 64", "linux/\n", "é", &"a".repeat(101)] {
            assert!(Platform::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_nearest_older_variant_is_chosen() {
        let entries =
            ["linux/arm/v5", "linux/arm/v6", "linux/arm64", "linux/amd64", "unknown/unknown"].map(|p| entry(Some(p)));
        let chosen = |wanted: &str| {
            choose(&entries, &Platform::parse(wanted).unwrap())
                .ok()
                .map(|entry| entry.platform.clone().unwrap().to_string())
        };
        assert_eq!(chosen("linux/arm/v7").as_deref(), Some("linux/arm/v6"));
        assert_eq!(chosen("linux/arm/v5").as_deref(), Some("linux/arm/v5"));
        assert_eq!(chosen("linux/arm64/v8").as_deref(), Some("linux/arm64"));
        assert_eq!(chosen("linux/amd64/v3").as_deref(), Some("linux/amd64"));
        assert_eq!(chosen("linux/s390x"), None);
        assert_eq!(chosen("windows/amd64"), None);
    }

    #[test]
    fn a_newer_variant_is_not_chosen() {
        let entries = [entry(Some("linux/amd64/v3")), entry(Some("linux/arm/v7"))];
        assert!(choose(&entries, &Platform::parse("linux/amd64").unwrap()).is_err());
        let error = choose(&entries, &Platform::parse("linux/arm/v6").unwrap()).unwrap_err();
        assert!(error.to_string().ends_with("there are linux/amd64/v3, linux/arm/v7"), "{error}");
    }

    #[test]
    fn an_only_entry_needs_no_platform() {
        assert!(choose(&[entry(None)], &Platform::host()).is_ok());
        assert!(choose(&[entry(None), entry(None)], &Platform::host()).is_err());
        assert!(choose(&[], &Platform::host()).is_err());
    }
}
