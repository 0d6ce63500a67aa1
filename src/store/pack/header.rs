//! One tar header block, with a PAX extended header before it for what does not fit into its fields.

use std::os::unix::ffi::OsStrExt;

pub const BLOCK_BYTES: usize = 512;

/// The largest numbers that octal digits can say in a field of 8 and of 12 bytes.
const SMALL_MAX: u64 = 0o7_777_777;
const LARGE_MAX: u64 = 0o77_777_777_777;

/// A member, but for its data.
pub struct Header<'a> {
    pub kind: u8,
    pub path: &'a [u8],
    pub link: &'a [u8],
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    /// How many bytes follow.
    pub size: u64,
    /// Seconds since 1970.
    pub modified: i64,
    pub device: (u32, u32),
    /// Further PAX records, such as those of a sparse file.
    pub records: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Header<'_> {
    /// The blocks that stand before the data.
    pub fn to_blocks(&self) -> Vec<u8> {
        let mut records = Vec::new();
        let mut add = |key: &[u8], value: &[u8]| records.extend(record(key, value));
        if self.path.len() > 100 {
            add(b"path", self.path);
        }
        if self.link.len() > 100 {
            add(b"linkpath", self.link);
        }
        if self.size > LARGE_MAX {
            add(b"size", self.size.to_string().as_bytes());
        }
        for (key, id) in [(b"uid", self.uid), (b"gid", self.gid)] {
            if u64::from(id) > SMALL_MAX {
                add(key, id.to_string().as_bytes());
            }
        }
        if u64::try_from(self.modified).map_or(true, |seconds| seconds > LARGE_MAX) {
            add(b"mtime", self.modified.to_string().as_bytes());
        }
        for (key, value) in &self.records {
            add(key, value);
        }
        let mut blocks = Vec::new();
        if !records.is_empty() {
            let base = self.path.rsplit(|byte| *byte == b'/').find(|part| !part.is_empty()).unwrap_or(b"root");
            let path = [b"PaxHeaders.0/", &base[..base.len().min(80)]].concat();
            let extension = Header {
                kind: b'x',
                path: &path,
                link: b"",
                mode: 0o644,
                uid: 0,
                gid: 0,
                size: records.len() as u64,
                modified: 0,
                device: (0, 0),
                records: Vec::new(),
            };
            blocks.extend_from_slice(&extension.block());
            blocks.extend_from_slice(&records);
            blocks.resize(blocks.len().next_multiple_of(BLOCK_BYTES), 0);
        }
        blocks.extend_from_slice(&self.block());
        blocks
    }

    fn block(&self) -> [u8; BLOCK_BYTES] {
        let mut block = [0; BLOCK_BYTES];
        text(&mut block[0..100], self.path);
        octal(&mut block[100..108], u64::from(self.mode & 0o7777));
        octal(&mut block[108..116], u64::from(self.uid).min(SMALL_MAX));
        octal(&mut block[116..124], u64::from(self.gid).min(SMALL_MAX));
        octal(&mut block[124..136], self.size.min(LARGE_MAX));
        octal(&mut block[136..148], u64::try_from(self.modified).unwrap_or(0).min(LARGE_MAX));
        block[148..156].fill(b' ');
        block[156] = self.kind;
        text(&mut block[157..257], self.link);
        block[257..265].copy_from_slice(b"ustar\x0000");
        octal(&mut block[329..337], u64::from(self.device.0).min(SMALL_MAX));
        octal(&mut block[337..345], u64::from(self.device.1).min(SMALL_MAX));
        let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
        octal(&mut block[148..155], sum);
        block[155] = b' ';
        block
    }
}

/// As much as fits; what does not is in a PAX record.
fn text(field: &mut [u8], value: &[u8]) {
    let length = value.len().min(field.len());
    field[..length].copy_from_slice(&value[..length]);
}

/// Octal digits and a NUL.
fn octal(field: &mut [u8], value: u64) {
    let width = field.len() - 1;
    let digits = format!("{value:0width$o}");
    field[..width].copy_from_slice(&digits.as_bytes()[digits.len() - width..]);
    field[width] = 0;
}

/// `LENGTH KEY=VALUE\n`, where the length counts its own digits.
fn record(key: &[u8], value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    [length.to_string().as_bytes(), b" ", key, b"=", value, b"\n"].concat()
}

/// The last part of a path, for the name that readers without sparse files show.
pub fn base(path: &[u8]) -> &[u8] {
    let path = std::path::Path::new(std::ffi::OsStr::from_bytes(path));
    path.file_name().map_or(b"file", OsStrExt::as_bytes)
}
