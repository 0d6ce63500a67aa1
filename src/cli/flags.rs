//! The flags of `run` and `create`: what was typed becomes a [`Config`], and nothing is decided here.

mod devices;
pub mod health;
mod images;
mod later;
mod logging;
mod mounts;
mod network;
mod preserve;
mod process;
mod resources;
mod security;
mod sides;
mod signing;
pub mod supervision;
mod users;

pub use images::{DecryptionFlag, EncryptionFlags, PlatformFlags, RegistryFlags, SignaturePolicyFlag};
pub use later::later;
pub use network::AddressFlags;
pub use preserve::PreserveFlags;
pub use process::{StandardStream, environment};
pub use resources::ResourceFlags;
pub use sides::{Sides, SidesFlags};
pub use signing::SigningFlags;

use crate::container::config::{Config, Id, ImageSource, Name, Source};
use crate::container::create::Naming;
use crate::error::Kind;
use crate::image::pull::Policy;
use crate::settings::Settings;
use crate::store::digest::Digest;
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// How a container is made.
#[derive(clap::Args, Clone, Debug)]
#[command(disable_help_flag = true)]
pub struct ContainerFlags {
    /// Print help
    #[arg(long, action = clap::ArgAction::Help)]
    help: Option<bool>,
    /// Give the container this name
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Remove an existing container of the same name first
    #[arg(long, requires = "name")]
    pub replace: bool,
    /// Remove the container, and its anonymous volumes, when it ends
    #[arg(long)]
    pub rm: bool,
    /// As --rm, and remove the image too unless another container uses it
    #[arg(long, conflicts_with = "rootfs")]
    rmi: bool,
    /// Attach metadata to the container
    #[arg(short, long, value_name = "KEY[=VALUE]")]
    label: Vec<String>,
    /// Read metadata from a file of KEY[=VALUE] lines, below what --label says
    #[arg(long, value_name = "FILE")]
    label_file: Vec<PathBuf>,
    /// Start these containers first, and keep them from being removed
    #[arg(long, value_name = "CONTAINER", value_delimiter = ',')]
    pub requires: Vec<String>,
    /// Write the container's id to a new file
    #[arg(long, value_name = "FILE")]
    pub cidfile: Option<PathBuf>,
    /// When to ask the registry for the image: always, missing (the default), never, newer
    #[arg(long, value_name = "POLICY")]
    pull: Option<String>,
    /// Show no progress of a pull
    #[arg(short, long)]
    pub quiet: bool,
    #[command(flatten)]
    pub platform: PlatformFlags,
    /// Take the next argument as a directory of the host that is the root file system, instead of an image
    #[arg(long)]
    rootfs: bool,
    #[command(flatten)]
    pub registry: RegistryFlags,
    #[command(flatten)]
    pub policy_file: SignaturePolicyFlag,
    #[command(flatten)]
    pub decryption: DecryptionFlag,
    #[command(flatten)]
    pub process: process::ProcessFlags,
    #[command(flatten)]
    mounts: mounts::MountFlags,
    #[command(flatten)]
    network: network::NetworkFlags,
    #[command(flatten)]
    users: users::UserFlags,
    #[command(flatten)]
    devices: devices::DeviceFlags,
    #[command(flatten)]
    security: security::SecurityFlags,
    #[command(flatten)]
    resources: resources::ResourceFlags,
    #[command(flatten)]
    supervision: supervision::SupervisionFlags,
    /// An image, or with --rootfs a directory, and the command to run in it
    #[arg(value_name = "IMAGE [COMMAND]", required = true, trailing_var_arg = true, allow_hyphen_values = true, num_args = 1..)]
    words: Vec<String>,
}

impl ContainerFlags {
    pub fn image(&self) -> &str {
        &self.words[0]
    }

    pub fn is_rootfs(&self) -> bool {
        self.rootfs
    }

    pub fn policy(&self) -> Result<Policy> {
        self.pull.as_deref().unwrap_or("missing").parse()
    }

    /// Takes what the settings say where the command line says nothing, in the words of the command line.
    pub fn fill(&mut self, settings: &mut Settings) {
        if self.pull.is_none() {
            self.pull = settings.engine.pull_policy.clone().filter(|policy| !policy.is_empty());
        }
        self.process.overrule(settings);
        self.mounts.fill(settings);
        self.network.fill(&settings.containers);
        self.users.fill(&settings.containers);
        self.supervision.fill(settings);
    }

    /// The container that was asked for; what was left open stays open.
    pub fn config(&self, rootless: bool, docker: bool, command_line: &[String]) -> Result<(Config, Naming)> {
        if self.image().starts_with('-') {
            return Err(later::refuse_option(self.image()));
        }
        let id = Id::new_random()?;
        let (name, naming) = match &self.name {
            Some(name) => (Name::parse(name)?, Naming::Given),
            None => (Name::generated()?, Naming::Generated),
        };
        let mut root_overlay = false;
        let source = if self.rootfs {
            let path = match self.image().rsplit_once(':') {
                Some((path, "O")) => {
                    root_overlay = true;
                    path
                }
                Some((_, option)) if option == "idmap" || option.starts_with("idmap=") => {
                    return Err(
                        Kind::BadInput.hinted("--rootfs with idmap is not supported yet", "use PATH or PATH:O")
                    );
                }
                _ => self.image(),
            };
            Source::Directory(std::path::absolute(path).with_context(|| format!("find {path}"))?)
        } else {
            let nothing = Digest::of(b"");
            Source::Image(ImageSource {
                name: self.image().to_owned(),
                id: nothing,
                manifest: nothing,
                layers: Vec::new(),
            })
        };
        let mut config = Config::blank(id, name, source);
        config.labels = self.labels()?;
        config.auto_remove = self.rm || self.rmi;
        config.remove_image = self.rmi;
        config.create_command = command_line.to_vec();
        self.process.apply(&mut config, &self.words[1..])?;
        self.mounts.apply(&mut config, mounts::Manners { docker, rootless })?;
        config.mount_defaults.root_overlay = root_overlay;
        self.network.apply(&mut config, rootless)?;
        self.users.apply(&mut config)?;
        self.devices.apply(&mut config)?;
        self.security.apply(&mut config)?;
        self.resources.apply(&mut config)?;
        self.supervision.apply(&mut config)?;
        Ok((config, naming))
    }

    fn labels(&self) -> Result<BTreeMap<String, String>> {
        let split = |text: &String| {
            let (key, value) = text.split_once('=').unwrap_or((text, ""));
            if key.is_empty() {
                return Err(Kind::BadInput.error(format!("label {text:?} has no key")));
            }
            Ok((key.to_owned(), value.to_owned()))
        };
        let files: Vec<Vec<String>> =
            self.label_file.iter().map(|file| process::lines(file)).collect::<Result<_>>()?;
        files.iter().flatten().chain(&self.label).map(split).collect()
    }
}
