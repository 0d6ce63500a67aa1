//! Layers with a table of contents, written frame by frame.

use super::artifact::{self, Artifact, Blob, Packing};
use super::evil_tar::{self, Entry};
use serde_json::{Value, json};
use std::io::Write;

/// What a payload is cut into.
const CHUNK_BYTES: usize = 64 << 10;
const POSITION: &str = "io.github.containers.zstd-chunked.manifest-position";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    ZstdChunked,
    Estargz,
}

/// A layer on its way to be one; a test may falsify its table.
#[derive(Clone)]
pub struct Layer {
    pub form: Form,
    pub plain: Vec<u8>,
    /// What comes before the table.
    pub frames: Vec<u8>,
    pub table: Value,
    /// Where the table is, in place of the truth.
    pub position: Option<String>,
}

impl Layer {
    pub fn new(form: Form, files: &[Entry]) -> Self {
        let (mut frames, mut table, mut pending) = (Vec::new(), Vec::new(), Vec::new());
        for file in files {
            let name = String::from_utf8(file.path.clone()).expect("a name made here is text");
            let kind = if file.flag == b'5' { "dir" } else { "reg" };
            let mut entry = json!({"type": kind, "name": name, "mode": file.mode, "size": file.data.len()});
            let bytes = file.bytes();
            let padding = file.data.len().wrapping_neg() % 512;
            let header = bytes.len() - file.data.len() - padding;
            pending.extend(&bytes[..header]);
            let mut entries = vec![entry.take()];
            for (number, chunk) in file.data.chunks(CHUNK_BYTES).enumerate() {
                form.flush(&mut pending, &mut frames);
                if number > 0 {
                    entries.push(json!({"type": "chunk", "name": name}));
                }
                let last = entries.last_mut().expect("there is one");
                last["offset"] = frames.len().into();
                last["chunkSize"] = chunk.len().into();
                last["chunkDigest"] = artifact::digest(chunk).into();
                pending.extend(chunk);
            }
            // In eStargz the headers that follow are in the frame of the last chunk.
            if form == Form::ZstdChunked && !file.data.is_empty() {
                form.flush(&mut pending, &mut frames);
                entries[0]["endOffset"] = frames.len().into();
            }
            pending.extend(vec![0; padding]);
            table.append(&mut entries);
        }
        if form == Form::ZstdChunked {
            pending.extend([0; 1024]);
        }
        form.flush(&mut pending, &mut frames);
        let plain = evil_tar::archive(files);
        Self { form, plain, frames, table: json!({"version": 1, "entries": table}), position: None }
    }

    /// The blob, and what its descriptor says of the table.
    pub fn blob(&self) -> (Blob, Value) {
        let json = self.table.to_string();
        let at = self.frames.len();
        let mut bytes = self.frames.clone();
        match self.form {
            Form::ZstdChunked => {
                let table = artifact::pack(json.as_bytes(), Packing::Zstd);
                let position = format!("{}:{}:{}:1", at + 8, table.len(), json.len());
                for content in [&table[..], b"what was between the files", &[0; 64]] {
                    bytes.extend([0x50, 0x2a, 0x4d, 0x18]);
                    bytes.extend((content.len() as u32).to_le_bytes());
                    bytes.extend(content);
                }
                let blob = Blob::new("application/vnd.oci.image.layer.v1.tar+zstd", bytes);
                (blob, json!({POSITION: self.position.clone().unwrap_or(position)}))
            }
            Form::Estargz => {
                let archive = evil_tar::archive(&[Entry::file("stargz.index.json", &json)]);
                bytes.extend(artifact::pack(&archive, Packing::Gzip));
                bytes.extend([0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 26, 0]);
                let position = self.position.clone().unwrap_or(format!("{at:016x}"));
                write!(bytes, "SG\x16\0{position:0>16.16}STARGZ").expect("write into memory");
                bytes.extend([1, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0]);
                let blob = Blob::new("application/vnd.oci.image.layer.v1.tar+gzip", bytes);
                (blob, json!({"containerd.io/snapshot/stargz/toc.digest": artifact::digest(json.as_bytes())}))
            }
        }
    }

    /// The plain archive as the blob unpacks: eStargz has the table in it.
    pub fn unpacked(&self) -> Vec<u8> {
        match self.form {
            Form::ZstdChunked => self.plain.clone(),
            Form::Estargz => {
                let table = Entry::file("stargz.index.json", self.table.to_string());
                [&self.plain[..self.plain.len() - 1024], &evil_tar::archive(&[table])].concat()
            }
        }
    }
}

impl Form {
    fn flush(self, pending: &mut Vec<u8>, frames: &mut Vec<u8>) {
        if pending.is_empty() {
            return;
        }
        match self {
            Self::ZstdChunked => frames.extend(artifact::pack(pending, Packing::Zstd)),
            // Not compressed, so that frames of other bytes are as long.
            Self::Estargz => {
                let mut encoder = flate2::write::GzEncoder::new(&mut *frames, flate2::Compression::none());
                encoder.write_all(pending).and_then(|()| encoder.finish().map(drop)).expect("write into memory");
            }
        }
        pending.clear();
    }
}

/// An image of the busybox and this layer: its blobs and its manifest.
pub fn image(layer: &Layer) -> (Vec<Blob>, Blob) {
    let base = Artifact::new(&[artifact::busybox(), layer.unpacked()]);
    let (blob, annotations) = layer.blob();
    let mut manifest = base.manifest();
    manifest["layers"][1] = blob.descriptor();
    manifest["layers"][1]["annotations"] = annotations;
    let busybox = base.layer_blobs().swap_remove(0);
    (vec![busybox, base.config_blob(), blob], Blob::new(base.manifest_type(), manifest.to_string()))
}
