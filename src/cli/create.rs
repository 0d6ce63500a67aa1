//! `create`: make a container, and do not start it.

use super::flags::ContainerFlags;
use super::{Context, Verb, pulling, say};
use crate::container::config::{Config, Source};
use crate::container::control::Door;
use crate::container::{create, remove, state, stop};
use crate::error::{self, Kind};
use crate::fs;
use crate::image::pull::Access;
use crate::settings::Settings;
use anyhow::Result;

/// Make a container and print its id
#[derive(clap::Args)]
pub struct Create {
    #[command(flatten)]
    flags: ContainerFlags,
}

impl Verb for Create {
    fn run(mut self, context: &Context) -> Result<u8> {
        let config = make(context, &mut self.flags, context.globals.settings()?)?;
        say(config.id.as_str());
        Ok(0)
    }
}

/// What `run` and `create` have in common: flags, image, container.
pub fn make(context: &Context, flags: &mut ContainerFlags, mut settings: Settings) -> Result<Config> {
    let engine = &context.engine;
    flags.decryption.refuse()?;
    flags.fill(&mut settings);
    let (mut config, naming) = flags.config(engine.rootless, context.docker, &context.command_line)?;
    for name in &flags.requires {
        config.requires.push(state::find(engine, name)?.config.id);
    }
    if let Some(file) = flags.cidfile.as_deref().filter(|file| file.exists()) {
        return Err(Kind::Exists.hinted(format!("cidfile {} exists", file.display()), "remove it, or name another"));
    }
    let image = if flags.is_rootfs() {
        None
    } else {
        crate::store::prepare(engine)?;
        let signature_policy = flags.policy_file.signature_policy.clone();
        let access = Access { docker: context.docker, signature_policy, ..flags.registry.access(&settings)? };
        let platform = flags.platform.platform()?;
        let (name, policy) = (flags.image(), flags.policy()?);
        let image = pulling::ensure(engine, name, policy, platform.as_ref(), &access, flags.quiet)?;
        if let Source::Image(source) = &mut config.source
            && let Some(name) = image.references.first()
        {
            source.name.clone_from(name);
        }
        Some(image)
    };
    if flags.replace {
        make_way(context, config.name.as_str())?;
    }
    let config = create::create(engine, config, naming, image.as_ref(), &settings)?;
    if let Some(file) = &flags.cidfile {
        fs::write_plain(file, config.id.as_str().as_bytes(), 0o644)?;
    }
    Ok(config)
}

/// `--replace`: the container that has the name goes, running or not.
fn make_way(context: &Context, name: &str) -> Result<()> {
    let old = match state::find(&context.engine, name) {
        Ok(old) if old.config.name.as_str() == name => old,
        Ok(_) => return Ok(()),
        Err(error) if error::kind(&error) == Kind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let id = old.config.id.clone();
    stop::stop(&context.engine, &old, None, Some(0))?;
    super::in_userns(Door::for_command(&context.engine)?, || match state::read(&context.engine, &id) {
        Ok(old) => remove::remove(&context.engine, &old, true),
        Err(error) if error::kind(&error) == Kind::NotFound => Ok(()),
        Err(error) => Err(error),
    })
}
