//! `container clone`: a new container of another one's description.

use super::flags::ResourceFlags;
use super::{Context, Verb, pulling, say, tell_started};
use crate::container::config::{Config, Id, MountKind, Name, Source};
use crate::container::control::Door;
use crate::container::create::{self, Naming};
use crate::container::{remove, start, state};
use crate::error::Kind;
use crate::image::pull::{Access, Policy};
use crate::image::{self, Image};
use crate::settings::Settings;
use anyhow::Result;

/// Make a container like another one, of the same image or of a new one, and print its id
#[derive(clap::Args)]
pub struct Clone {
    /// Remove the original when the new one is made
    #[arg(long)]
    destroy: bool,
    /// With --destroy, end the original if it runs
    #[arg(short, long)]
    force: bool,
    /// Give the new container this name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Start the new container
    #[arg(long)]
    run: bool,
    #[command(flatten)]
    resources: ResourceFlags,
    /// The original
    #[arg(value_name = "CONTAINER")]
    container: String,
    /// The name of the new container
    #[arg(value_name = "NAME", conflicts_with = "name")]
    new_name: Option<String>,
    /// The image of the new container
    #[arg(value_name = "IMAGE")]
    image: Option<String>,
}

impl Verb for Clone {
    fn run(self, context: &Context) -> Result<u8> {
        let engine = &context.engine;
        let original = state::find(engine, &self.container)?;
        if self.destroy && !self.force && original.status.is_alive() {
            let message = format!("container {} runs", original.config.name);
            return Err(Kind::InUse.hinted(message, "stop it first, or use --force"));
        }
        let image = self.image(context, &original.config)?;
        let mut config = copy(&original.config)?;
        self.resources.apply_over(&mut config)?;
        config.create_command.clone_from(&context.command_line);
        let naming = match self.name.as_ref().or(self.new_name.as_ref()) {
            Some(name) => {
                config.name = Name::parse(name)?;
                Naming::Given
            }
            None => {
                config.name = free_name(context, &original.config)?;
                Naming::Generated
            }
        };
        // The defaults of the original's time are in its description already.
        let mut settings = Settings::default();
        settings.containers.http_proxy = Some(false);
        let config = create::create(engine, config, naming, image.as_ref(), &settings)?;
        if self.destroy {
            let id = original.config.id.clone();
            super::in_userns(Door::for_command(engine)?, || remove::remove_by_force(engine, &id, false))?;
        }
        if self.run {
            super::pulling::prepare_start(engine, &config)?;
            tell_started(&start::start(engine, &config, Default::default(), &[])?);
        }
        say(config.id.as_str());
        Ok(0)
    }
}

impl Clone {
    fn image(&self, context: &Context, original: &Config) -> Result<Option<Image>> {
        let engine = &context.engine;
        if let Some(name) = &self.image {
            crate::store::prepare(engine)?;
            return pulling::ensure(engine, name, Policy::Missing, None, &Access::default(), false).map(Some);
        }
        match &original.source {
            Source::Image(source) => image::open_by_manifest(engine, &source.id, &source.manifest).map(Some),
            Source::Directory(_) => Ok(None),
        }
    }
}

/// The same under another id, with anonymous volumes of its own.
fn copy(original: &Config) -> Result<Config> {
    let mut config = original.clone();
    config.id = Id::new_random()?;
    config.created = state::now();
    if let (Some(dir), Some(file)) = (original.logging.own_dir(&original.id), original.logging.path.as_deref()) {
        let own = file.file_name().map(|name| dir.with_file_name(config.id.as_str()).join(name));
        config.logging.path = own;
    }
    if config.hostname == original.id.short() {
        config.hostname = String::new();
    }
    let own = format!("HOSTNAME={}", original.hostname);
    config.process.environment.retain(|entry| *entry != own);
    for mount in &mut config.mounts {
        if let MountKind::Volume { name, anonymous: true, .. } = &mut mount.kind {
            *name = Name::parse(Id::new_random()?.as_str())?;
        }
    }
    Ok(config)
}

/// `NAME-clone`, or with a number if that is taken.
fn free_name(context: &Context, original: &Config) -> Result<Name> {
    let base = format!("{}-clone", original.name);
    let is_free = |name: &String| state::id_of_name(&context.engine, name).is_ok_and(|id| id.is_none());
    let mut names = std::iter::once(base.clone()).chain((1..CLONES_MAX).map(|number| format!("{base}{number}")));
    match names.find(is_free) {
        Some(name) => Name::parse(&name),
        None => Name::generated(),
    }
}

/// How many clones get a name of the original's.
const CLONES_MAX: usize = 1000;
