//! What holds of tables of contents, whatever the bytes.

use super::{ESTARGZ_DIGEST, Span, TAIL_BYTES_MAX, Toc, ZSTD_POSITION, spans};
use crate::image::manifest::Descriptor;
use crate::store::digest::Digest;
use std::collections::BTreeMap;

/// Where the archive ends, of which there is but the table.
const END: u64 = 1 << 30;
/// The line of a blob whose table is at its end.
pub const ESTARGZ: &str = "estargz";

/// The spans of a table lie in the blob and follow each other without gaps. The bytes are the table, or a line with its
/// position and then the end of a blob.
pub fn holds(bytes: &[u8]) {
    for last_end in [None, Some(END)] {
        if let Ok(spans) = spans(bytes, END, last_end) {
            follow_each_other(&spans, END);
        }
    }
    let Some(line) = bytes.iter().position(|byte| *byte == b'\n') else { return };
    let (position, blob) = (String::from_utf8_lossy(&bytes[..line]), &bytes[line + 1..]);
    let key = if position == ESTARGZ { ESTARGZ_DIGEST } else { ZSTD_POSITION };
    let annotations = BTreeMap::from([(key.to_owned(), position.into_owned())]);
    let descriptor = Descriptor { annotations, ..Descriptor::new("", Digest::of(b""), blob.len() as u64) };
    let toc = Toc::read(&descriptor, &mut |range| {
        assert!(
            range.start <= range.end && range.end <= descriptor.size && range.end - range.start <= TAIL_BYTES_MAX
        );
        Ok(blob[range.start as usize..range.end as usize].to_vec())
    });
    if let Ok(toc) = toc {
        follow_each_other(&toc.spans, descriptor.size);
        assert_eq!(toc.tail.bytes, blob[toc.tail.from as usize..]);
    }
}

pub fn follow_each_other(spans: &[Span], end: u64) {
    let mut next = 0;
    for span in spans {
        assert!(span.at == next && span.length > 0);
        next += span.length;
    }
    assert!(next <= end);
}
