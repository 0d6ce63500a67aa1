//! Pulling: makes sure that an image is here, fetching from its registry what is missing.
//!
//! Each byte of a layer passes once: from the socket through sha256 into its blob and, at the same time, to the process
//! that unpacks it. The name is written last; until then nothing of the image can be seen.

mod fetch;
mod ranges;

use super::arrival::{self, Arrival};
use super::chunked::Known;
use super::config::{CONFIG_BYTES_MAX, ImageConfig};
use super::guarded::Guarded;
use super::load::{self, Unpack};
use super::manifest::{Descriptor, Document, Layer, MANIFEST_BYTES_MAX, Manifest, OCI_MANIFEST};
use super::origin::shown;
use super::platform::{self, Platform};
use super::policy::{self, Identity};
use super::reference::{LOCAL_REGISTRY, Reference};
use super::registries::{self, Ambiguity, Meant, Registries};
use super::registry::{Fetched, Registry};
use super::transfer::{Event, Progress};
use super::transport::{Blobs, Incoming};
use super::{Image, find, list, publish, save};
use crate::engine::Engine;
use crate::error::{self, Kind};
use crate::fs;
use crate::store::blobs;
use crate::store::digest::Digest;
use crate::store::layers::{self, Compression, Unpacker};
use crate::store::partial;
use crate::store::shared;
use anyhow::{Context, Result};
use fetch::Layers;
use std::io::Write;

pub use super::registry::Access;

/// The largest layer that is fetched.
pub(super) const LAYER_BYTES_MAX: u64 = 256 << 30;

/// When to ask the registry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    Always,
    /// Only if there is no such image here.
    #[default]
    Missing,
    Never,
    /// Always, but what is here will do if the registry does not answer.
    Newer,
}

impl std::str::FromStr for Policy {
    type Err = anyhow::Error;
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "always" | "true" | "1" => Ok(Self::Always),
            "missing" | "ifnotpresent" => Ok(Self::Missing),
            "never" | "false" | "0" => Ok(Self::Never),
            "newer" | "ifnewer" => Ok(Self::Newer),
            _ => {
                let message = format!("{:?} is not a pull policy", shown(text, 40));
                Err(Kind::BadInput.hinted(message, "use always, missing, never or newer"))
            }
        }
    }
}

/// Chooses among the names that a short one may mean; None if there is nobody to ask.
pub type Choose<'a> = &'a dyn Fn(&str, &[Reference]) -> Result<Option<usize>>;

/// Who is at the other side of a pull.
pub struct Person<'a> {
    pub watches: Progress<'a>,
    pub chooses: Choose<'a>,
}

/// A registry that an image is pulled from.
pub struct Offer<'a> {
    pub registry: &'a Registry,
    /// Refuses a manifest that may not come in.
    pub check: &'a dyn Fn(&Digest) -> Result<()>,
}

/// Finds an image here, else in a store that is shared, else pulls it if the policy says so. `unpacker` is called only
/// if something is to be unpacked, and before a registry is asked.
pub fn ensure(
    engine: &Engine,
    name: &str,
    policy: Policy,
    platform: Option<&Platform>,
    access: &Access,
    unpacker: impl Fn() -> Result<Unpacker>,
    person: Person,
) -> Result<Image> {
    let share = || share(engine, name, platform, &unpacker, person.watches);
    ensure_with(engine, name, policy, platform, share, |_| {
        let policy = policy::Policy::load(access.signature_policy.as_deref())?;
        let registries = Registries::load()?;
        let names = names(&registries, name, access, person.chooses)?;
        // It must not inherit anything from outside, so it starts before the first byte comes.
        let unpacker = unpacker()?;
        let open = |diff_id: &Digest, compression| unpacker.layer(diff_id, compression);
        let remove = |diff_ids: &[Digest]| unpacker.remove(diff_ids);
        let unpack = Unpack { open, finish: layers::Sink::finish, remove: &remove };
        let mut failures = Vec::new();
        for name in &names {
            let allowed = policy.check(&Identity::docker(name));
            let (conditions, sources) = match allowed.and_then(|it| Ok((it, registries.sources(name)?))) {
                Ok(allowed) => allowed,
                Err(error) => {
                    failures.push((name.to_string(), error));
                    continue;
                }
            };
            for source in sources {
                let conditions = conditions.clone();
                let pulled = Guarded::at(&registries, &source, name, conditions, access).and_then(|guarded| {
                    let check = |manifest: &Digest| guarded.verify(engine, manifest);
                    let offer = Offer { registry: &guarded.registry, check: &check };
                    pull(engine, name, platform, &offer, &unpack, person.watches)
                });
                match pulled {
                    Ok(image) => return Ok(image),
                    Err(error) => failures.push((source.reference.to_string(), error)),
                }
            }
        }
        Err(together(failures))
    })
}

/// The names to ask for, by registries.conf and the user.
fn names(registries: &Registries, text: &str, access: &Access, choose: Choose) -> Result<Vec<Reference>> {
    let Meant { mut names, ambiguity } = registries.meant(text, access.docker)?;
    if ambiguity != Ambiguity::None {
        match choose(text, &names)? {
            Some(chosen) if chosen < names.len() => names = vec![names.swap_remove(chosen)],
            Some(_) => return Err(Kind::BadInput.error("there is no such choice")),
            None if ambiguity == Ambiguity::MustAsk => {
                let all: Vec<String> = names.iter().map(Reference::to_string).collect();
                let message = format!("{} is short for {}", shown(text, 300), all.join(" or "));
                return Err(Kind::BadInput.hinted(message, "use the whole name, or a terminal to be asked at"));
            }
            None => {}
        }
    }
    Ok(names.into_iter().map(without_tag).collect())
}

/// What went wrong at each of the places that were asked, on one line.
pub(super) fn together(mut failures: Vec<(String, anyhow::Error)>) -> anyhow::Error {
    let Some((name, last)) = failures.pop() else { return Kind::NotFound.error("there is no place to ask") };
    if failures.is_empty() {
        return last;
    }
    let mut lines: Vec<String> =
        failures.iter().map(|(name, error)| format!("{name}: {}", error::line(error))).collect();
    lines.push(format!("{name}: {}", error::line(&last)));
    let kind = error::kind(&last);
    match error::hint(&last) {
        Some(hint) => kind.hinted(lines.join("; "), hint),
        None => kind.error(lines.join("; ")),
    }
}

fn ensure_with(
    engine: &Engine,
    name: &str,
    policy: Policy,
    platform: Option<&Platform>,
    share: impl FnOnce() -> Result<Option<Image>>,
    pull: impl FnOnce(&Reference) -> Result<Image>,
) -> Result<Image> {
    let local = match local(engine, name, platform)? {
        None if matches!(policy, Policy::Missing | Policy::Never) => share()?,
        local => local,
    };
    let local = match (policy, local) {
        (Policy::Missing | Policy::Never, Some(image)) => return Ok(image),
        (Policy::Never, None) => {
            let name = shown(name, 300);
            return Err(
                Kind::NotFound.hinted(format!("no image {name}"), "allow it to be pulled with --pull=missing")
            );
        }
        (Policy::Always | Policy::Newer, local) => local,
        (Policy::Missing, None) => None,
    };
    let reference = wanted(name, local.as_ref())?;
    match (pull(&reference).with_context(|| format!("pull {}", reference.familiar())), local) {
        (Err(_), Some(image)) if policy == Policy::Newer => Ok(image),
        (result, _) => result,
    }
}

/// Takes an image from the first shared store that has it, its layers unpacked here, its blobs left there but for the small
/// ones. One that came here as a member of a list, which nobody has unpacked yet, is taken from there.
fn share(
    engine: &Engine,
    name: &str,
    platform: Option<&Platform>,
    unpacker: impl Fn() -> Result<Unpacker>,
    progress: Progress,
) -> Result<Option<Image>> {
    let own = std::iter::once((engine.clone(), true));
    for (store, is_own) in own.chain(shared::stores(engine)?.into_iter().map(|store| (store, false))) {
        let image = match find(&store, name) {
            Ok(image) if check_platform(&image.config, platform).is_ok() => image,
            Err(error) if error::kind(&error) != Kind::NotFound => return Err(error),
            Ok(_) | Err(_) => continue,
        };
        if !is_own {
            progress(Event::Trying(format!("{name} in {}", store.data.display())));
        }
        let mut incoming = save::stored(&store, &image)?;
        // Not the image's other names, which may be of others here; and a list keeps its own.
        let meant = registries::candidates(name).unwrap_or_default();
        incoming.references.retain(|reference| !is_own && meant.contains(reference));
        match load::bring_in(engine, &Blobs::Store(&store), &[incoming], &unpacker()?, progress) {
            // A list need not have its images here.
            Err(error) if is_own && error::kind(&error) == Kind::NotFound => {}
            taken => {
                taken.with_context(|| format!("take {name} from {}", store.data.display()))?;
                return local(engine, name, platform);
            }
        }
    }
    Ok(None)
}

/// Unpacks the layers of an image again that a power cut has put in doubt.
pub fn mend(engine: &Engine, image: &Digest, unpacker: impl Fn() -> Result<Unpacker>) -> Result<()> {
    match share(engine, &image.to_string(), None, &unpacker, &|_| {})? {
        Some(_) => Ok(()),
        None => Err(Kind::NotFound.hinted(format!("image {image} is not in the store"), "pull or load it again")),
    }
}

/// Pulls an image whatever is here already.
fn pull<Sink: Write>(
    engine: &Engine,
    reference: &Reference,
    platform: Option<&Platform>,
    offer: &Offer,
    unpack: &Unpack<impl Fn(&Digest, Compression) -> Result<Sink> + Sync, impl Fn(Sink) -> Result<()> + Sync>,
    progress: Progress,
) -> Result<Image> {
    let arrival = Arrival::begin(engine, unpack.remove)?;
    // What cannot be removed now is for the next pull.
    let _ = partial::sweep(engine, partial::KEPT);
    progress(Event::Trying(reference.to_string()));
    let pulled = bring_in(&arrival, engine, reference, platform, offer, unpack, progress);
    if pulled.as_ref().err().is_none_or(arrival::is_worth_keeping) {
        arrival.keep();
    }
    pulled?;
    find(engine, &reference.to_string())
}

fn bring_in<Sink: Write>(
    arrival: &Arrival,
    engine: &Engine,
    reference: &Reference,
    platform: Option<&Platform>,
    offer: &Offer,
    unpack: &Unpack<impl Fn(&Digest, Compression) -> Result<Sink> + Sync, impl Fn(Sink) -> Result<()> + Sync>,
    progress: Progress,
) -> Result<()> {
    let registry = offer.registry;
    let fetched = choose(top(reference, registry)?, platform, offer, Some(engine))?;
    let image_manifest = Manifest::parse(&fetched.bytes, None)?;
    image_manifest.check_image()?;
    let config = config(engine, arrival, &image_manifest.config, registry).context("get configuration")?;
    check_platform(&config, platform)?;
    let layers = image_manifest.layers(&config)?;
    if is_here(engine, reference, &fetched.digest, &layers) {
        layers.iter().for_each(|layer| progress(Event::LayerPresent(layer.blob.digest)));
        return Ok(());
    }
    for layer in &layers {
        arrival.expect_blob(&layer.blob.digest);
        arrival.expect_layer(&layer.diff_id);
    }
    let known = Known::new(engine, reference, &layers);
    Layers::new(engine, registry, unpack, progress, &known).fetch(&layers)?;
    arrival.write_blob(&fetched.bytes)?;
    let media_type = Some(image_manifest.media_type.as_str()).filter(|media_type| !media_type.is_empty());
    let size = fetched.bytes.len() as u64;
    let descriptor = Descriptor::new(media_type.unwrap_or(OCI_MANIFEST), fetched.digest, size);
    publish(engine, &descriptor, std::slice::from_ref(reference)).map(drop)
}

/// Whether a name means this manifest here, and all of it is here.
fn is_here(engine: &Engine, reference: &Reference, manifest: &Digest, layers: &[Layer]) -> bool {
    find(engine, &reference.to_string()).is_ok_and(|image| image.manifest == *manifest)
        && layers.iter().all(|layer| {
            layers::has(engine, &layer.diff_id)
                && blobs::size(engine, &layer.blob.digest).is_ok_and(|size| size == Some(layer.blob.size))
        })
}

/// The image that is here under a name and for a platform.
fn local(engine: &Engine, name: &str, platform: Option<&Platform>) -> Result<Option<Image>> {
    let text = match Reference::parse_repository(name) {
        // With a digest the tag says nothing; images are stored without it.
        Ok(Reference { tag: Some(_), digest: Some(_), .. }) => without_tag(Reference::parse(name)?).to_string(),
        Ok(_) | Err(_) => name.to_owned(),
    };
    match find(engine, &text) {
        Ok(image) if check_platform(&image.config, platform).is_err() => Ok(None),
        Ok(image) => {
            // What came with a list need not be unpacked, and what a power cut met need not be whole.
            if !image.layers.iter().all(|layer| layers::has(engine, layer)) {
                return Ok(None);
            }
            let (summary, _) = super::look_up(engine, &text)?;
            if summary.manifest != image.manifest {
                list::keep_member(engine, &image.manifest)?;
            }
            Ok(Some(image))
        }
        Err(error) if error::kind(&error) == Kind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The name to ask for in a registry.
fn wanted(name: &str, local: Option<&Image>) -> Result<Reference> {
    let reference = without_tag(Reference::parse(name)?);
    // A short name that means an image made here must not become somebody else's on docker.io.
    let is_own = local.is_some_and(|image| {
        let candidates = registries::candidates(name).unwrap_or_default();
        let meant = candidates.iter().find(|candidate| image.references.contains(&candidate.to_string()));
        meant.is_some_and(|meant| meant.registry == LOCAL_REGISTRY)
    });
    if is_own || reference.registry == LOCAL_REGISTRY {
        let message = format!("pull {}: {LOCAL_REGISTRY}/ is for images made here, not a registry", shown(name, 300));
        let hint = "see coracle images for those; a registry on this machine has a port: localhost:5000/…";
        return Err(Kind::NotFound.hinted(message, hint));
    }
    Ok(reference)
}

pub(super) fn without_tag(mut reference: Reference) -> Reference {
    if reference.digest.is_some() {
        reference.tag = None;
    }
    reference
}

/// What a name is of in its registry: a manifest or an index.
pub fn top(reference: &Reference, registry: &Registry) -> Result<Fetched> {
    let top = match (&reference.digest, &reference.tag) {
        (Some(digest), _) => registry.manifest_of_digest(digest),
        (None, Some(tag)) => registry.manifest_of_tag(tag),
        (None, None) => registry.manifest_of_tag("latest"),
    };
    top.context("get manifest")
}

/// The manifest that is meant, which may come in; of an index that is not asked. One that is kept already is not fetched.
fn choose(top: Fetched, platform: Option<&Platform>, offer: &Offer, kept: Option<&Engine>) -> Result<Fetched> {
    let registry = offer.registry;
    let Document::Index(index) = Document::parse(&top.bytes, top.media_type.as_deref())? else {
        (offer.check)(&top.digest)?;
        return Ok(top);
    };
    let host = Platform::host();
    let entry = platform::choose(&index.manifests, platform.unwrap_or(&host))?;
    (offer.check)(&entry.digest)?;
    let kept = kept.and_then(|engine| blobs::read(engine, &entry.digest, MANIFEST_BYTES_MAX).ok());
    let fetched = match kept {
        Some(bytes) => Fetched { bytes, digest: entry.digest, media_type: None },
        None => registry.manifest_of_digest(&entry.digest).context("get manifest of the index")?,
    };
    if fetched.bytes.len() as u64 != entry.size {
        return Err(Kind::BadInput.error(format!("manifest {}: not of the size that the index says", entry.digest)));
    }
    // What the index says that it is counts as much as the header.
    for said in [Some(entry.media_type.as_str()), fetched.media_type.as_deref()] {
        Manifest::parse(&fetched.bytes, said)?;
    }
    Ok(fetched)
}

fn config(engine: &Engine, arrival: &Arrival, descriptor: &Descriptor, registry: &Registry) -> Result<ImageConfig> {
    let digest = &descriptor.digest;
    if let Ok(bytes) = blobs::read(engine, digest, CONFIG_BYTES_MAX) {
        return ImageConfig::parse(&bytes);
    }
    let bytes = fs::read_all(registry.blob(digest, descriptor.size)?, CONFIG_BYTES_MAX)?;
    if Digest::of(&bytes) != *digest {
        return Err(Kind::BadInput.error(format!("blob {digest}: its bytes are those of {}", Digest::of(&bytes))));
    }
    let config = ImageConfig::parse(&bytes)?;
    arrival.write_blob(&bytes)?;
    Ok(config)
}

/// An image in a registry, of which only the small documents are fetched.
pub fn read(reference: &Reference, platform: Option<&Platform>, offer: &Offer) -> Result<Incoming> {
    read_top(top(reference, offer.registry)?, reference, platform, offer)
}

/// The same where it is known what the name is of.
pub fn read_top(top: Fetched, reference: &Reference, platform: Option<&Platform>, offer: &Offer) -> Result<Incoming> {
    let registry = offer.registry;
    let fetched = choose(top, platform, offer, None)?;
    let manifest = Manifest::parse(&fetched.bytes, None)?;
    manifest.check_image()?;
    let Descriptor { digest, size, .. } = &manifest.config;
    let bytes = fs::read_all(registry.blob(digest, *size)?, CONFIG_BYTES_MAX).context("get configuration")?;
    if Digest::of(&bytes) != *digest {
        return Err(Kind::BadInput.error(format!("blob {digest}: its bytes are those of {}", Digest::of(&bytes))));
    }
    let config = ImageConfig::parse(&bytes)?;
    check_platform(&config, platform)?;
    let layers = manifest.layers(&config)?;
    if let Some(layer) = layers.iter().find(|layer| layer.blob.size > LAYER_BYTES_MAX) {
        let message = format!("layer {}: at most {LAYER_BYTES_MAX} bytes are fetched", layer.blob.digest);
        return Err(Kind::BadInput.error(message));
    }
    let layers = layers.iter().map(|layer| Incoming::layer(layer.blob.digest.hex(), layer)).collect();
    let media_type = manifest.own_type().to_owned();
    let references = vec![reference.clone()];
    Ok(Incoming { manifest: Some((fetched.bytes, media_type)), config: bytes, layers, references })
}

/// An image that says nothing of its platform runs anywhere. The variant was weighed when the index was read.
pub fn check_platform(config: &ImageConfig, wanted: Option<&Platform>) -> Result<()> {
    let Some(wanted) = wanted.map(Platform::normal) else { return Ok(()) };
    let offered = config.platform();
    let same = |offered: &str, wanted: &str| offered.is_empty() || offered == wanted;
    if config.architecture.is_empty()
        || (same(&offered.os, &wanted.os) && offered.architecture == wanted.architecture)
    {
        return Ok(());
    }
    Err(Kind::NotFound.error(format!("the image is for {offered}, not for {wanted}")))
}

#[cfg(test)]
mod tests;
