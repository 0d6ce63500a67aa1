//! Files of an artifact where the user wants them. Their titles are whatever somebody wrote: a title is the name of one
//! file in the directory, or refused.

use super::{Artifact, TITLE};
use crate::engine::Engine;
use crate::error::Kind;
use crate::fs::{Output, Place};
use crate::image::manifest::Descriptor;
use crate::image::origin::shown;
use crate::store::blobs;
use crate::store::digest::{Digest, Hashing};
use crate::store::pack::header::{BLOCK_BYTES, Header};
use anyhow::{Context, Result};
use rustix::fs::{Mode, OFlags};
use std::collections::HashSet;
use std::io::{BufWriter, Write};
use std::path::Path;

/// The size of one write of an archive.
const CHUNK_BYTES: usize = 256 << 10;
/// The kernel's own limit of a name (`NAME_MAX`).
const NAME_BYTES_MAX: usize = 255;

/// Which files of an artifact.
#[derive(Clone, Debug)]
pub enum Which {
    All,
    /// By their content, or by the beginning of its digest.
    Digest(String),
    Title(String),
}

/// Writes files of an artifact: into a directory under their titles, one alone under another name, or as a tar archive on
/// standard output if the target is `-`.
pub fn extract(engine: &Engine, artifact: &Artifact, which: &Which, target: &Path) -> Result<()> {
    let store = engine.artifacts();
    let _guard = blobs::incoming(&store)?;
    let files = chosen(artifact, which)?;
    if target == Path::new("-") {
        return archive(&store, &named(&files)?, std::io::stdout().lock());
    }
    if target.is_dir() {
        let files = named(&files)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir =
            rustix::fs::open(target, flags, Mode::empty()).with_context(|| format!("open {}", target.display()))?;
        for (name, blob) in &files {
            // A link of this name is replaced, never followed.
            let output = Output::create(dir.try_clone().context("clone a descriptor")?, Path::new(name))?;
            copy(&store, blob, output.file()).with_context(|| format!("extract {name}"))?;
            output.finish()?;
        }
        return Ok(());
    }
    let [file] = files[..] else {
        let message = format!("the artifact has {} files, and {} is not a directory", files.len(), target.display());
        return Err(
            Kind::BadInput.hinted(message, "name an existing directory, or choose one file with --title or --digest")
        );
    };
    match Place::open(target)? {
        Place::File(output) => {
            copy(&store, file, output.file())?;
            output.finish()
        }
        Place::Stream(stream) => copy(&store, file, stream),
    }
}

fn chosen<'a>(artifact: &'a Artifact, which: &Which) -> Result<Vec<&'a Descriptor>> {
    let (files, missing): (Vec<_>, _) = match which {
        Which::All => return Ok(artifact.manifest.layers.iter().collect()),
        Which::Digest(digest) => {
            let fits = |file: &&Descriptor| file.digest.to_string() == *digest || file.digest.hex() == *digest;
            (artifact.manifest.layers.iter().filter(fits).take(1).collect(), format!("digest {}", shown(digest, 100)))
        }
        Which::Title(title) => {
            let fits = |file: &&Descriptor| file.annotations.get(TITLE) == Some(title);
            (artifact.manifest.layers.iter().filter(fits).collect(), format!("title {:?}", shown(title, 100)))
        }
    };
    match files.is_empty() {
        true => Err(Kind::NotFound.error(format!("the artifact has no file with the {missing}"))),
        false => Ok(files),
    }
}

/// The files with the names that they get; one without a title is called by its digest. All are looked at before the
/// first is written.
fn named<'a>(files: &[&'a Descriptor]) -> Result<Vec<(String, &'a Descriptor)>> {
    let (mut named, mut seen) = (Vec::new(), HashSet::new());
    for file in files {
        let name = match file.annotations.get(TITLE).filter(|title| !title.is_empty()) {
            Some(title) => title.clone(),
            None => file.digest.to_string().replace(':', "-"),
        };
        let is_name = !name.contains(['/', '\0']) && name != "." && name != ".." && name.len() <= NAME_BYTES_MAX;
        if !is_name {
            let message = format!("the title {:?} is not the name of a file", shown(&name, 100));
            return Err(Kind::BadInput.hinted(message, "choose it with --digest, and name a file for it"));
        }
        if !seen.insert(name.clone()) {
            return Err(Kind::BadInput.error(format!("two files have the title {:?}", shown(&name, 100))));
        }
        named.push((name, *file));
    }
    Ok(named)
}

/// Copies a blob, which must be what the manifest says.
fn copy(store: &Engine, blob: &Descriptor, out: impl Write) -> Result<()> {
    let mut out = Hashing::new(out);
    std::io::copy(&mut blobs::open(store, &blob.digest)?, &mut out).context("write")?;
    let (_, found, size): (_, Digest, _) = out.finish();
    match found == blob.digest && size == blob.size {
        true => Ok(()),
        false => {
            let hint = "remove the artifact and pull or add it again";
            Err(Kind::BadInput.hinted(format!("blob {} is damaged on disk", blob.digest), hint))
        }
    }
}

fn archive(store: &Engine, files: &[(String, &Descriptor)], out: impl Write) -> Result<()> {
    let mut out = BufWriter::with_capacity(CHUNK_BYTES, out);
    for (name, blob) in files {
        let header = Header {
            kind: b'0',
            path: name.as_bytes(),
            link: b"",
            mode: 0o644,
            uid: 0,
            gid: 0,
            size: blob.size,
            modified: 0,
            device: (0, 0),
            records: Vec::new(),
        };
        out.write_all(&header.to_blocks()).context("write the archive")?;
        copy(store, blob, &mut out)?;
        let padding = blob.size.wrapping_neg() % BLOCK_BYTES as u64;
        out.write_all(&[0; BLOCK_BYTES][..padding as usize]).context("write the archive")?;
    }
    out.write_all(&[0; 2 * BLOCK_BYTES]).context("write the archive")?;
    out.flush().context("write the archive")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob(title: Option<&str>) -> Descriptor {
        let mut blob = Descriptor::new("text/plain", Digest::of(b"x"), 1);
        blob.annotations.extend(title.map(|title| (TITLE.to_owned(), title.to_owned())));
        blob
    }

    #[test]
    fn only_names_of_one_file_are_titles() {
        for good in ["a", "a b", "..a", ".hidden", "a\\b"] {
            assert_eq!(named(&[&blob(Some(good))]).unwrap()[0].0, good);
        }
        for bad in ["..", ".", "/", "/etc/passwd", "../x", "a/b", "a\0b", &"x".repeat(256)] {
            assert!(named(&[&blob(Some(bad))]).is_err(), "{bad:?}");
        }
        for none in [None, Some("")] {
            assert!(named(&[&blob(none)]).unwrap()[0].0.starts_with("sha256-"));
        }
        assert!(named(&[&blob(Some("a")), &blob(Some("a"))]).is_err());
    }
}
