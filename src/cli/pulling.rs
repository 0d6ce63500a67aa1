//! Finding an image or pulling it, with the progress that a person at a terminal sees.

use super::listing;
use super::progress::Progress;
use crate::container::config::Config;
use crate::container::control::Door;
use crate::container::events::{self, Happening};
use crate::container::shift;
use crate::engine::Engine;
use crate::error::{self, Kind};
use crate::fs::{self, Staged};
use crate::image::load::{self, Load};
use crate::image::platform::Platform;
use crate::image::policy::Policy;
use crate::image::pull::{self, Access, Person};
use crate::image::reference::Reference;
use crate::image::registries;
use crate::image::transfer::Event;
use crate::image::transport::Source;
use crate::image::{self, Image, hello};
use crate::store::digest::Digest;
use crate::store::layers::{self, Unpacker};
use crate::sys::process::{self, Cloned};
use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use rustix::pipe::PipeFlags;
use std::cell::RefCell;
use std::fs::File;
use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};

/// What an answer may be long.
const ANSWER_BYTES_MAX: u64 = 1024;

/// Finds an image by the policy. The image that the program carries is put into the store when it is first asked for.
pub fn ensure(
    engine: &Engine,
    name: &str,
    policy: pull::Policy,
    platform: Option<&Platform>,
    access: &Access,
    quiet: bool,
) -> Result<Image> {
    if name == "hello" && policy != pull::Policy::Always && !image::exists(engine, name)? {
        install_hello(engine)?;
    }
    let progress = Progress::new(quiet);
    let was_pulled = AtomicBool::new(false);
    let show = |event: Event| {
        was_pulled.fetch_or(matches!(event, Event::Trying(_)), Ordering::Relaxed);
        progress.show(&event);
    };
    let chosen = RefCell::new(None);
    let choose = |text: &str, names: &[Reference]| {
        let number = choose(text, names)?;
        *chosen.borrow_mut() = number.map(|number| names[number].clone());
        Ok(number)
    };
    let person = Person { watches: &show, chooses: &choose };
    let image = pull::ensure(engine, name, policy, platform, access, || unpacker(engine), person);
    progress.clear();
    let image = image?;
    if let Some(chosen) = chosen.into_inner()
        && let Err(error) = registries::remember(name, &chosen)
    {
        super::talk(&format!("the choice for {name} is not kept: {}", error::line(&error)));
    }
    if was_pulled.into_inner() {
        events::tell_of_image(engine, Happening::Pull, &image.id, name);
        prepare_ids(engine, std::slice::from_ref(&image.layers), When::Apart)?;
    }
    Ok(image)
}

/// Lets a person at a terminal choose what a short name means. None if there is none.
fn choose(text: &str, names: &[Reference]) -> Result<Option<usize>> {
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Ok(None);
    }
    let lines = names.iter().enumerate().map(|(at, name)| format!("  {}) {name}\n", at + 1));
    listing::put(&format!("{text} is a short name. Which image is meant?\n{}Number: ", lines.collect::<String>()));
    let mut answer = String::new();
    let mut input = std::io::stdin().lock().take(ANSWER_BYTES_MAX);
    input.read_line(&mut answer).context("read the answer")?;
    match answer.trim().parse::<usize>() {
        Ok(number) if (1..=names.len()).contains(&number) => Ok(Some(number - 1)),
        _ => Err(Kind::BadInput.error(format!("the answer is none of the numbers 1 to {}", names.len()))),
    }
}

/// When the files for `keep-id` are made of an image that came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Before the command ends.
    Now,
    /// By a process that nobody waits for but a run that needs them: who pulls has waited for the network.
    Apart,
}

/// Makes the files for `--userns keep-id` of images that have just come in, so that the first run finds them there: where
/// they have no data of their own, which is a small part of what it took to unpack the image, or where the user is known
/// to run images so; data is copied now in any case.
pub fn prepare_ids(engine: &Engine, images: &[Vec<Digest>], when: When) -> Result<()> {
    if images.is_empty() || !engine.rootless {
        return Ok(());
    }
    let mut missing = Vec::new();
    for layers in images {
        if !shift::has_keep_id(engine, layers)? {
            missing.push(layers);
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let is_expected = shift::expects_keep_id(engine)?;
    let is_apart = when == When::Apart;
    let is_known = is_apart && shift::is_known_cheap(engine);
    let door = Door::for_command(engine)?;
    let making = shift::making(engine)?;
    // Closed by the child's end, or before, if it goes on apart.
    let (ended, lives) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC).context("pipe")?;
    match process::fork()? {
        Cloned::Parent(_) => {
            drop(lives);
            fs::read_all(File::from(ended), 0).map(drop)
        }
        Cloned::Child => {
            let mut lives = Some(lives);
            let mut go_apart = || -> Result<()> {
                lives = None;
                process::go_apart(fs::open_null()?.as_fd())
            };
            let prepare = || -> Result<()> {
                if is_known {
                    go_apart()?;
                }
                door.enter()?;
                match shift::is_cheap(engine)? {
                    true if is_apart => {
                        if !is_known {
                            go_apart()?;
                        }
                        // What the caller has open of others' is not kept open by this.
                        let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
                        process::close_all_but(&[stdin.as_fd(), stdout.as_fd(), stderr.as_fd(), making.as_fd()])?;
                    }
                    false if !is_expected => return Ok(()),
                    true | false => {}
                }
                missing.iter().try_for_each(|layers| shift::prepare_keep_id(engine, layers))
            };
            if let Err(error) = prepare()
                && is_expected
            {
                super::talk(&format!("prepare the image for keep-id (its first run will): {}", error::line(&error)));
            }
            process::exit_now(0)
        }
    }
}

/// Does what a start needs: unpacks again what was not on the disk when the machine stopped, and makes the files with the
/// container's ids before the start would, if they are missing: where they have to be copied, a person at a terminal
/// sees how far that is.
pub fn prepare_start(engine: &Engine, config: &Config) -> Result<()> {
    for (id, layers) in config.images() {
        if let Some(id) = id
            && layers.iter().any(|layer| layers::is_doubtful(engine, layer))
        {
            pull::mend(engine, id, || unpacker(engine)).with_context(|| format!("unpack image {id} again"))?;
        }
    }
    if !shift::is_missing(engine, config) || !std::io::stderr().is_terminal() {
        return Ok(());
    }
    let door = Door::for_command(engine)?;
    match process::fork()? {
        Cloned::Parent(child) => process::wait(child.pidfd.as_fd()).map(drop),
        Cloned::Child => {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{msg} {bytes} {bytes_per_sec}") {
                bar.set_style(style);
            }
            bar.set_message("Copying the image's files for the container's ids:");
            // If it fails, the start fails in the same way and says why.
            let _ = door.enter().and_then(|_| shift::ensure(engine, config, &|bytes| bar.inc(bytes)));
            bar.finish_and_clear();
            process::exit_now(0)
        }
    }
}

/// The process that unpacks layers, behind the door.
pub fn unpacker(engine: &Engine) -> Result<Unpacker> {
    let door = Door::for_command(engine)?;
    Unpacker::start(engine, move || {
        let (entered, _) = door.enter()?;
        super::tell_entered(&entered);
        Ok(())
    })
}

fn install_hello(engine: &Engine) -> Result<()> {
    let unpacker = unpacker(engine)?;
    let (archive, mut file) = Staged::file(&engine.staging())?;
    file.write_all(&hello::archive()?).context("write into staging")?;
    // It is a part of the program, and comes from nowhere.
    let policy = Policy::default();
    let source = Source::Path(archive.path().to_owned());
    load::load(engine, &Load { source, name: None, platform: Platform::host(), policy }, &unpacker)?;
    archive.remove()
}
