//! `image sync`: copy many images between registries and directories.

use super::flags::{SidesFlags, SignaturePolicyFlag};
use super::image_copy::{self, MultiArch, What};
use super::progress::Progress;
use super::push::CompressionFlags;
use super::{Context, Verb, report, say};
use crate::error::Kind;
use crate::fs;
use crate::image::copy;
use crate::image::sync::{self, Item};
use crate::image::transport::Location;
use anyhow::{Context as _, Result};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Copy all images of a repository, of directories or of a list to a registry or into directories
///
/// From docker, SOURCE is REGISTRY/REPOSITORY for all its tags, or with a tag for one image; from dir, a directory with
/// those that this command has made below it; from yaml, a file with images, images-by-tag-regex, credentials, tls-verify
/// and cert-dir for each registry. To dir, each image gets a directory NAME:TAG below TARGET; to docker, a repository.
/// Without --src and --dest, what begins with /, ./ or ../ is a directory (or, as SOURCE, a file for yaml), and all else
/// is in a registry; so are dir:DIR, yaml:FILE and docker://NAME.
#[derive(clap::Args)]
pub struct ImageSync {
    /// Copy indexes with all their images, not just the image for this machine
    #[arg(short, long)]
    all: bool,
    /// Append this to the tags
    #[arg(long, value_name = "TEXT", default_value = "", allow_hyphen_values = true)]
    append_suffix: String,
    /// What TARGET is: docker or dir
    #[arg(short, long, value_name = "TRANSPORT", value_enum)]
    dest: Option<Dest>,
    /// Write to a file what was copied: a line for each image, with its digest and its place
    #[arg(long, value_name = "FILE")]
    digestfile: Option<PathBuf>,
    /// Print what would be copied, and copy nothing
    #[arg(long)]
    dry_run: bool,
    /// Go on with the others when an image fails
    #[arg(long)]
    keep_going: bool,
    /// Fail if an image would get another digest
    #[arg(long)]
    preserve_digests: bool,
    /// Show no progress
    #[arg(short, long)]
    quiet: bool,
    /// Leave the images' signatures behind
    #[arg(long)]
    remove_signatures: bool,
    /// Keep the whole name of the source below TARGET, not just its last part
    #[arg(long)]
    scoped: bool,
    /// What SOURCE is: docker, dir or yaml
    #[arg(short, long, value_name = "TRANSPORT", value_enum)]
    src: Option<Src>,
    #[command(flatten)]
    registry: SidesFlags,
    #[command(flatten)]
    policy_file: SignaturePolicyFlag,
    /// Where the images are
    #[arg(value_name = "SOURCE")]
    source: String,
    /// Where they are to be copied to
    #[arg(value_name = "TARGET")]
    target: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Src {
    Docker,
    Dir,
    Yaml,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Dest {
    Docker,
    Dir,
}

impl Verb for ImageSync {
    fn run(self, context: &Context) -> Result<u8> {
        let settings = context.globals.settings()?;
        let mut sides = self.registry.sides(&settings)?;
        sides.source.signature_policy.clone_from(&self.policy_file.signature_policy);
        let ((src, source), place) = (self.source(), self.target());
        let items = match (src, place.0) {
            (Src::Dir, Dest::Dir) => {
                return Err(Kind::BadInput.error("directories are copied to a registry, or with cp"));
            }
            (Src::Docker, _) => sync::repository(source, &sides.source)?,
            (Src::Dir, Dest::Docker) => sync::directories(Path::new(source), &sides.source)?,
            (Src::Yaml, _) => sync::list(Path::new(source), &sides.source)?,
        };
        let pair = |item: &Item| Ok((Location::required(&item.source)?, self.target_of(item, place)?));
        // What cannot be named is told before anything is copied.
        let pairs = items.iter().map(pair).collect::<Result<Vec<_>>>()?;
        if self.dry_run {
            items.iter().for_each(|item| say(&format!("{} {}", item.source, self.name_of(item, place))));
            return Ok(0);
        }
        crate::store::prepare(&context.engine)?;
        let what = What {
            which: if self.all { MultiArch::All } else { MultiArch::System },
            platform: None,
            preserve_digests: self.preserve_digests,
            signatures: !self.remove_signatures,
            push: super::push::what(&settings, None, &CompressionFlags::default())?,
        };
        // In the user's own rights, and before the work.
        let mut digestfile = self.digestfile.as_deref().map(fs::open_truncated).transpose()?;
        let progress = Progress::new(self.quiet);
        let mut failed = 0;
        for (item, (source, target)) in items.iter().zip(&pairs) {
            sides.source = item.access.clone();
            sides.check(source, target)?;
            let copied = image_copy::copy(context, (source, target), &what, &sides, &|event| progress.show(&event));
            match copied.with_context(|| format!("copy {}", item.source)) {
                Err(error) if self.keep_going => {
                    failed += 1;
                    report(&context.verb, &error);
                }
                other => {
                    let digest = other?.digest;
                    if let Some(file) = &mut digestfile {
                        writeln!(file, "{digest} {}", self.name_of(item, place)).context("write the digests")?;
                    }
                }
            }
        }
        progress.clear();
        match failed {
            0 => Ok(0),
            _ => Err(Kind::Engine.error(format!("{failed} of {} images were not copied", items.len()))),
        }
    }
}

impl ImageSync {
    /// What the source is and where, by --src or by how it begins.
    fn source(&self) -> (Src, &str) {
        let text = self.source.as_str();
        let with = |src: Src, transport: &str| text.strip_prefix(transport).map(|rest| (src, rest));
        let of_place =
            || with(Src::Docker, "docker://").or_else(|| with(Src::Dir, "dir:")).or_else(|| with(Src::Yaml, "yaml:"));
        match self.src {
            Some(src) => (src, text),
            None => of_place().unwrap_or_else(|| match is_path(text) {
                true if Path::new(text).is_file() => (Src::Yaml, text),
                true => (Src::Dir, text),
                false => (Src::Docker, text),
            }),
        }
    }

    /// The same of the target.
    fn target(&self) -> (Dest, &str) {
        let text = self.target.as_str();
        let with = |dest: Dest, transport: &str| text.strip_prefix(transport).map(|rest| (dest, rest));
        let of_place = || with(Dest::Docker, "docker://").or_else(|| with(Dest::Dir, "dir:"));
        match self.dest {
            Some(dest) => (dest, text),
            None => of_place().unwrap_or((if is_path(text) { Dest::Dir } else { Dest::Docker }, text)),
        }
    }

    fn target_of(&self, item: &Item, target: (Dest, &str)) -> Result<Location> {
        let target = Location::required(&self.name_of(item, target))?;
        copy::check_target(&target)?;
        Ok(target)
    }

    fn name_of(&self, item: &Item, (dest, place): (Dest, &str)) -> String {
        let last = item.suffix.rsplit('/').next().unwrap_or_default();
        let suffix = if self.scoped { item.suffix.as_str() } else { last };
        let transport = match dest {
            Dest::Docker => "docker://",
            Dest::Dir => "dir:",
        };
        format!("{transport}{}/{suffix}{}", place.trim_end_matches('/'), self.append_suffix)
    }
}

/// Whether what was typed is a path and no name of a registry.
fn is_path(text: &str) -> bool {
    [".", ".."].contains(&text) || ["/", "./", "../"].iter().any(|begin| text.starts_with(begin))
}
