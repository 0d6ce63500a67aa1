//! `artifact`: files that go through registries like images.

pub mod show;
pub mod transfer;

use super::{Context, Verb, say};
use crate::error::{self, Kind};
use crate::image::artifact::{self, Onto, Which};
use crate::store::digest::Digest;
use anyhow::Result;
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::PathBuf;

/// Make an artifact of files, or add files to one, and print its digest
#[derive(clap::Args)]
pub struct Add {
    /// Annotate the files, and the artifact if it is new
    #[arg(long, value_name = "KEY=VALUE")]
    annotation: Vec<String>,
    /// Add the files to an artifact that is there
    #[arg(short, long, conflicts_with_all = ["replace", "artifact_type"])]
    append: bool,
    /// The media type of the files [default: by their first bytes]
    #[arg(long, value_name = "TYPE")]
    file_type: Option<String>,
    /// Put it in the place of an artifact that is there
    #[arg(long)]
    replace: bool,
    /// What kind of artifact it is, as a media type
    #[arg(id = "artifact_type", long = "type", value_name = "TYPE")]
    artifact_type: Option<String>,
    /// The name of the artifact
    #[arg(value_name = "ARTIFACT")]
    name: String,
    /// The files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

/// Remove artifacts, and print their digests
#[derive(clap::Args)]
pub struct Rm {
    /// All artifacts
    #[arg(short, long, conflicts_with = "names")]
    all: bool,
    /// Make no error of an artifact that does not exist
    #[arg(short, long)]
    ignore: bool,
    /// The artifacts, by name, digest or the beginning of that
    #[arg(value_name = "ARTIFACT", required_unless_present = "all")]
    names: Vec<String>,
}

/// Write the files of an artifact into a directory, or one of them under another name
///
/// Into a directory that exists they go under their titles. Any other path is that of one file. With - they go to standard
/// output, as a tar archive.
#[derive(clap::Args)]
pub struct Extract {
    /// Only the file with this digest
    #[arg(long, value_name = "DIGEST", conflicts_with = "title")]
    digest: Option<String>,
    /// Only the file with this title
    #[arg(long, value_name = "TITLE")]
    title: Option<String>,
    /// The artifact, by name, digest or the beginning of that
    #[arg(value_name = "ARTIFACT")]
    name: String,
    /// Where to
    #[arg(value_name = "PATH")]
    path: PathBuf,
}

impl Verb for Add {
    fn run(self, context: &Context) -> Result<u8> {
        let mut annotations = BTreeMap::new();
        for text in &self.annotation {
            let Some((key, value)) = text.split_once('=').filter(|(key, _)| !key.is_empty()) else {
                return Err(Kind::BadInput.error(format!("annotation {text:?} is not KEY=VALUE")));
            };
            annotations.insert(key.to_owned(), value.to_owned());
        }
        let onto = match (self.append, self.replace) {
            (true, _) => Onto::Append,
            (_, true) => Onto::Replace,
            _ => Onto::Nothing,
        };
        let (artifact_type, file_type) = (self.artifact_type, self.file_type);
        let how = artifact::Add { onto, annotations, artifact_type, file_type };
        crate::store::prepare(&context.engine)?;
        let name = context.own_name(&self.name)?;
        say(&artifact::add(&context.engine, &name, &self.files, &how)?.hex());
        Ok(0)
    }
}

impl Verb for Rm {
    fn run(self, context: &Context) -> Result<u8> {
        let engine = &context.engine;
        crate::store::prepare(engine)?;
        if self.all {
            let all: Vec<Digest> = artifact::digests(engine)?;
            return super::each(&all, |digest| remove(context, &digest.to_string()));
        }
        super::each(&self.names, |name| match remove(context, name) {
            Err(error) if self.ignore && error::kind(&error) == Kind::NotFound => Ok(()),
            other => other,
        })
    }
}

fn remove(context: &Context, name: &str) -> Result<()> {
    say(&artifact::remove(&context.engine, name)?.hex());
    Ok(())
}

impl Verb for Extract {
    fn run(self, context: &Context) -> Result<u8> {
        if self.path.as_os_str() == "-" && std::io::stdout().is_terminal() {
            return Err(Kind::BadInput.hinted("an archive is not for a terminal", "redirect it, or name a path"));
        }
        let which = match (self.digest, self.title) {
            (Some(digest), _) => Which::Digest(digest),
            (None, Some(title)) => Which::Title(title),
            (None, None) => Which::All,
        };
        let found = artifact::find(&context.engine, &self.name)?;
        artifact::extract(&context.engine, &found, &which, &self.path)?;
        Ok(0)
    }
}
