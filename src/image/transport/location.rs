//! Where an image is, as it is typed with a transport: `docker://NAME`, `oci:DIR:NAME` and the like, as skopeo has them
//! (containers-transports(5)).

use crate::error::Kind;
use crate::image::reference::Reference;
use anyhow::Result;
use std::path::PathBuf;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    Registry(Reference),
    /// The images of the store, by name or id.
    Store(String),
    DockerArchive {
        path: PathBuf,
        name: Option<String>,
    },
    OciArchive {
        path: PathBuf,
        name: Option<String>,
    },
    Layout {
        path: PathBuf,
        name: Option<String>,
    },
    Directory(PathBuf),
}

impl Location {
    /// None if the text begins with no transport: it is a name then.
    pub fn parse(text: &str) -> Result<Option<Self>> {
        let Some((transport, rest)) = text.split_once(':') else { return Ok(None) };
        let (path, name) = split_name(rest);
        let location = match transport {
            "docker" => match rest.strip_prefix("//") {
                Some(name) => Self::Registry(Reference::parse(name)?),
                // `docker:27` is the image of that name.
                None => return Ok(None),
            },
            "containers-storage" if rest.starts_with('[') => {
                let message = format!("{text:?} is of another program's store");
                return Err(Kind::BadInput.error(message));
            }
            "containers-storage" => Self::Store(rest.to_owned()),
            "docker-archive" => Self::DockerArchive { path, name },
            "oci-archive" => Self::OciArchive { path, name },
            "oci" => Self::Layout { path, name },
            "dir" => Self::Directory(PathBuf::from(rest)),
            "docker-daemon" | "sif" | "ostree" | "tarball" | "atomic" => {
                let message = format!("transport {transport} is not supported");
                return Err(Kind::BadInput.hinted(message, "save the image to an archive with its own tool"));
            }
            _ => return Ok(None),
        };
        match rest.is_empty() {
            true => Err(Kind::BadInput.error(format!("{text:?} names nothing after the transport"))),
            false => Ok(Some(location)),
        }
    }

    /// The same where there must be a transport.
    pub fn required(text: &str) -> Result<Self> {
        Self::parse(text)?.ok_or_else(|| {
            let shown: String = text.chars().take(100).collect();
            Kind::BadInput.hinted(
                format!("{shown:?} has no transport"),
                "begin it with docker://, containers-storage:, docker-archive:, oci-archive:, oci: or dir:",
            )
        })
    }
}

/// Splits `PATH[:NAME]`.
fn split_name(text: &str) -> (PathBuf, Option<String>) {
    match text.split_once(':') {
        Some((path, name)) if !name.is_empty() => (PathBuf::from(path), Some(name.to_owned())),
        Some((path, _)) => (PathBuf::from(path), None),
        None => (PathBuf::from(text), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transports_are_told_from_names() {
        let parse = |text: &str| Location::parse(text).unwrap();
        let registry = Reference::parse("quay.io/a/b:1").unwrap();
        assert_eq!(parse("docker://quay.io/a/b:1"), Some(Location::Registry(registry)));
        assert_eq!(parse("oci:/a/b:c:d"), Some(Location::Layout { path: "/a/b".into(), name: Some("c:d".into()) }));
        assert_eq!(parse("docker-archive:x.tar"), Some(Location::DockerArchive { path: "x.tar".into(), name: None }));
        assert_eq!(parse("oci-archive:x:"), Some(Location::OciArchive { path: "x".into(), name: None }));
        assert_eq!(parse("dir:a:b"), Some(Location::Directory("a:b".into())));
        assert_eq!(parse("containers-storage:a:b"), Some(Location::Store("a:b".into())));
        for name in ["docker:27", "busybox", "busybox:1", "localhost:5000/x:1", "dire:x", "oci/x:1", ""] {
            assert_eq!(parse(name), None, "{name}");
        }
        for bad in ["docker://", "docker://UPPER", "oci:", "dir:", "docker-daemon:x", "containers-storage:[a]b"] {
            assert!(Location::parse(bad).is_err(), "{bad}");
        }
    }
}
