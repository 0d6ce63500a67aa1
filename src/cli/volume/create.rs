//! `volume create`: make a volume.

use crate::cli::{Context, Verb, in_userns, say};
use crate::container::config::{Id, Name};
use crate::container::control::Door;
use crate::container::events::{self, Event, Happening, Object};
use crate::container::volumes;
use crate::error::Kind;
use crate::volume::{self, Volume};
use anyhow::Result;

/// Make a volume and print its name
#[derive(clap::Args)]
pub struct Create {
    /// What keeps the volume; there is local alone
    #[arg(short, long, value_name = "DRIVER", default_value = "local")]
    driver: String,
    /// Make it by mounting, as mount(8) would: type=, device= and o= with mount options
    #[arg(short, long, value_name = "KEY=VALUE")]
    opt: Vec<String>,
    /// Attach metadata to the volume
    #[arg(short, long, value_name = "KEY[=VALUE]")]
    label: Vec<String>,
    /// Make no error of a volume that exists
    #[arg(long)]
    ignore: bool,
    /// Give the volume to this user, by number
    #[arg(long, value_name = "UID")]
    uid: Option<u32>,
    /// Give the volume to this group, by number
    #[arg(long, value_name = "GID")]
    gid: Option<u32>,
    /// The name [default: 64 random hex digits]
    #[arg(value_name = "NAME", conflicts_with = "docker_name")]
    name: Option<String>,
    /// The name, as docker once took it
    #[arg(long = "name", value_name = "NAME", hide = true)]
    docker_name: Option<String>,
}

impl Verb for Create {
    fn run(self, context: &Context) -> Result<u8> {
        let engine = &context.engine;
        if self.driver != "local" && !self.driver.is_empty() {
            let message = format!("volume driver {:?} does not exist", self.driver);
            return Err(
                Kind::BadInput.hinted(message, "use local; for another file system: -o type=TYPE -o device=DEVICE")
            );
        }
        let name = match self.name.or(self.docker_name) {
            Some(name) => Name::parse(&name)?,
            None => Name::parse(Id::new_random()?.as_str())?,
        };
        let mut volume = Volume::plain(name.as_str(), false);
        for text in &self.label {
            let (key, value) = text.split_once('=').unwrap_or((text, ""));
            volume.labels.insert(key.to_owned(), value.to_owned());
        }
        for text in &self.opt {
            let (key, value) = text.split_once('=').unwrap_or((text, ""));
            volume.options.insert(key.to_owned(), value.to_owned());
        }
        (volume.uid, volume.gid) = (self.uid, self.gid);
        volume::check_options(&mut volume)?;
        if let Some(device) = volume.options.get("device") {
            volumes::refuse_own_device(engine, device)?;
        }
        crate::store::prepare(engine)?;
        let made = if volume.uid.or(volume.gid).is_some_and(|_| !volume::exists(engine, &volume.name)) {
            in_userns(Door::for_command(engine)?, || volume::create(engine, &volume))?
        } else {
            volume::create(engine, &volume)?
        };
        if !made && !self.ignore && !context.docker {
            let message = format!("volume {name} exists");
            return Err(Kind::Exists.hinted(message, "use another name, or --ignore"));
        }
        if made {
            events::tell(engine, &[Event::new(Object::Volume, Happening::Create, "", name.as_str())]);
        }
        say(name.as_str());
        Ok(0)
    }
}
