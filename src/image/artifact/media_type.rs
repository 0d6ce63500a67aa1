//! What kind of file something is, by its first bytes (WHATWG, "MIME Sniffing", as far as files of these kinds are
//! passed around).

use std::path::Path;

/// How many bytes are looked at.
pub const BYTES: usize = 512;

const MAGIC: &[(&[u8], &str)] = &[
    (b"\x1f\x8b\x08", "application/x-gzip"),
    (b"PK\x03\x04", "application/zip"),
    (b"Rar!\x1a\x07\x00", "application/x-rar-compressed"),
    (b"\x00asm", "application/wasm"),
    (b"%PDF-", "application/pdf"),
    (b"%!PS-Adobe-", "application/postscript"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"<?xml", "text/xml; charset=utf-8"),
    (b"\xef\xbb\xbf", "text/plain; charset=utf-8"),
];

/// What names end with, as Go's package mime knows it everywhere.
const NAMES: [(&str, &str); 12] = [
    ("css", "text/css"),
    ("gif", "image/gif"),
    ("html", "text/html"),
    ("jpg", "image/jpeg"),
    ("js", "text/javascript"),
    ("json", "application/json"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("txt", "text/plain"),
    ("wasm", "application/wasm"),
    ("xml", "text/xml"),
];

/// The media type of a file that is called so, if its name says anything.
pub fn of_name(path: &Path) -> Option<&'static str> {
    let extension = path.extension()?;
    NAMES.iter().find(|(known, _)| extension == *known).map(|(_, media_type)| *media_type)
}

/// The media type of a file that begins so.
pub fn of(first: &[u8]) -> &'static str {
    let is_magic = |(magic, _): &&(&[u8], &str)| first.starts_with(magic);
    // Bytes that are in no text: control characters but tab, line ends, form feed and escape.
    let is_binary = |byte: &u8| matches!(byte, 0..=8 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f);
    match MAGIC.iter().find(is_magic) {
        Some((_, media_type)) => media_type,
        None if first.iter().any(is_binary) => "application/octet-stream",
        None => "text/plain; charset=utf-8",
    }
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn a_file_is_what_its_first_bytes_say() {
        for (first, expected) in [
            (&b"hello\n"[..], "text/plain; charset=utf-8"),
            (b"", "text/plain; charset=utf-8"),
            (b"a\0b", "application/octet-stream"),
            (b"\x7fELF\x02\x01", "application/octet-stream"),
            (b"\x1f\x8b\x08\x00", "application/x-gzip"),
            (b"%PDF-1.7", "application/pdf"),
        ] {
            assert_eq!(of(first), expected, "{first:?}");
        }
    }
}
