//! `cp`: files between a container and the host, or between two containers.

use super::{Context, Verb};
use crate::container::config::Config;
use crate::container::control::Door;
use crate::container::copy::{self, Place, Rules};
use crate::container::root::{self, Files};
use crate::container::state::{self, Container};
use crate::container::user;
use crate::error::Kind;
use crate::fs::Root;
use crate::image::transport;
use crate::store::unpack::Ids;
use crate::sys::process;
use anyhow::{Context as _, Result};
use std::io::{BufReader, BufWriter, IsTerminal};
use std::path::{Path, PathBuf};

/// Copy files between a container and the host, or between two containers
#[derive(clap::Args)]
pub struct Cp {
    /// Give what is copied into a container to the container's user; as docker, keep owners instead of giving all to root
    #[arg(short, long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    archive: Option<bool>,
    /// Copy what SOURCE leads to if it is a symbolic link, which is the default but as docker
    #[arg(short = 'L', long)]
    follow_link: bool,
    /// Let a directory take the place of a file, and a file that of a directory
    #[arg(long)]
    overwrite: bool,
    /// Accepted for scripts of podman: nothing is paused
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pause: Option<bool>,
    /// Accepted for scripts of docker: nothing is printed
    #[arg(short, long, hide = true)]
    quiet: bool,
    /// What to copy; DIR/. is what is in DIR, and - a tar archive on standard input
    #[arg(value_name = "[CONTAINER:]SOURCE")]
    source: String,
    /// Where to; - is a tar archive on standard output
    #[arg(value_name = "[CONTAINER:]TARGET")]
    target: String,
}

/// A side as it was typed.
enum Side {
    Host(String),
    Container { container: Box<Container>, path: String },
    Stream,
}

impl Verb for Cp {
    fn run(self, context: &Context) -> Result<u8> {
        let _ = (self.pause, self.quiet);
        let source = Side::parse(context, &self.source)?;
        let target = Side::parse(context, &self.target)?;
        let is_between = matches!((&source, &target), (Side::Host(_) | Side::Stream, Side::Host(_) | Side::Stream));
        if is_between {
            return Err(Kind::BadInput.hinted(
                "neither side is in a container",
                "write CONTAINER:PATH for what is in a container, and ./a:b for a file of that name",
            ));
        }
        if matches!(target, Side::Stream) && std::io::stdout().is_terminal() {
            return Err(Kind::BadInput.error("write an archive to a terminal: redirect standard output"));
        }
        let here = std::env::current_dir().context("find the current directory")?;
        super::in_userns(Door::for_command(&context.engine)?, || self.copy(context, &source, &target, &here))
    }
}

impl Cp {
    fn copy(&self, context: &Context, source: &Side, target: &Side, here: &Path) -> Result<u8> {
        process::raise_descriptor_limit()?;
        let host = Root::open(Path::new("/"))?;
        let from_files = source.open(context)?;
        let is_same = matches!((source, target), (Side::Container { container: a, .. }, Side::Container { container: b, .. })
            if a.config.id == b.config.id);
        let to_files = if is_same { None } else { target.open(context)? };
        let to_files = if is_same { from_files.as_ref() } else { to_files.as_ref() };
        let rules = Rules {
            owner: match target {
                Side::Container { container, .. } => {
                    let files = to_files.context("the container's files are open")?;
                    self.owner(context, &container.config, &files.root)?
                }
                // What comes out belongs to whoever took it out.
                Side::Host(_) | Side::Stream => Some((0, 0)),
            },
            strip_privileges: matches!(target, Side::Host(_)),
            overwrite: self.overwrite || context.docker,
        };
        let follow = self.follow_link || !context.docker;
        let from = source.place(from_files.as_ref(), &host, here, context.docker);
        let to = target.place(to_files, &host, here, context.docker);
        match (from, to) {
            (Some(from), Some(to)) => {
                let skipped = copy::copy(&from, &to, rules, follow)?;
                if skipped > 0 {
                    super::talk(&format!("{}: {skipped} sockets or devices were left out", context.verb));
                }
            }
            (Some(from), None) => {
                let out = BufWriter::with_capacity(STREAM_BYTES, std::io::stdout().lock());
                let ids = |uid, gid| match source {
                    Side::Container { container, .. } => root::owner_inside(&container.config, uid, gid),
                    Side::Host(_) | Side::Stream => Ok((uid, gid)),
                };
                copy::pack(&from, out, follow, &ids)?;
            }
            (None, Some(to)) => {
                let archive = transport::decompressed(std::io::stdin())?;
                copy::unpack(BufReader::with_capacity(STREAM_BYTES, archive), &to, rules)?;
            }
            (None, None) => return Err(Kind::BadInput.error("neither side is in a container")),
        }
        Ok(0)
    }

    /// Whom copies in a container belong to. None keeps the owner.
    fn owner(&self, context: &Context, config: &Config, files: &Root) -> Result<Option<(u32, u32)>> {
        if Ids::of_this_process()? == Ids::One {
            return Ok(Some((0, 0)));
        }
        let (uid, gid) = match (context.docker, self.archive.unwrap_or(!context.docker)) {
            (true, true) | (false, false) => return Ok(None),
            (true, false) => (0, 0),
            (false, true) => {
                let user = user::look_up(files, &config.process.user)?;
                (user.uid, user.gid)
            }
        };
        root::owner_outside(config, uid, gid).map(Some)
    }
}

/// The size of one write to a pipe, and of one read.
const STREAM_BYTES: usize = 256 << 10;

impl Side {
    fn parse(context: &Context, text: &str) -> Result<Self> {
        if text == "-" {
            return Ok(Self::Stream);
        }
        match text.split_once(':') {
            Some((name, path)) if !name.is_empty() && !name.starts_with('.') && !name.contains('/') => {
                let container = Box::new(state::find(&context.engine, name)?);
                if path.is_empty() {
                    return Err(Kind::BadInput.error(format!("{text:?} names no path in the container")));
                }
                Ok(Self::Container { container, path: path.to_owned() })
            }
            _ if text.is_empty() => Err(Kind::BadInput.error("a path is empty")),
            _ => Ok(Self::Host(text.to_owned())),
        }
    }

    fn open(&self, context: &Context) -> Result<Option<Files>> {
        match self {
            Self::Container { container, .. } => root::open(&context.engine, container).map(Some),
            Self::Host(_) | Self::Stream => Ok(None),
        }
    }

    /// None for a stream.
    fn place<'a>(&'a self, files: Option<&'a Files>, host: &'a Root, here: &Path, docker: bool) -> Option<Place<'a>> {
        match self {
            Self::Stream => None,
            Self::Host(path) => {
                Some(Place { root: host, path: here.join(path), typed: path, whose: "on the host".to_owned() })
            }
            Self::Container { container, path } => {
                let config = &container.config;
                // Docker takes a relative path from the root.
                let base = if docker { "/" } else { config.process.working_directory.as_str() };
                let whose = format!("in container {}", config.name);
                Some(Place { root: &files?.root, path: PathBuf::from("/").join(base).join(path), typed: path, whose })
            }
        }
    }
}
