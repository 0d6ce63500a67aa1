//! Lines of `TIME stream F|P text`, podman's k8s-file form; a piece without its end of line is marked `P`.

use super::file::Rotating;
use super::{Entry, Stream, lines, rfc3339_nanoseconds};
use anyhow::Result;

pub fn write(file: &mut Rotating, time: u64, stream: Stream, bytes: &[u8]) -> Result<()> {
    let prefix = format!("{} {} ", rfc3339_nanoseconds(time), stream.name());
    for (text, is_complete) in lines(bytes) {
        let line = file.line();
        line.extend_from_slice(prefix.as_bytes());
        line.extend_from_slice(if is_complete { b"F " } else { b"P " });
        line.extend_from_slice(text);
        line.push(b'\n');
        file.end_line()?;
    }
    file.flush()
}

pub fn parse(line: &[u8]) -> Option<Entry<'_>> {
    let mut parts = line.splitn(4, |byte| *byte == b' ');
    let time = std::str::from_utf8(parts.next()?).ok()?;
    let stream = Stream::of(parts.next()?)?;
    let is_complete = match parts.next()? {
        b"F" => true,
        b"P" => false,
        _ => return None,
    };
    Some(Entry { time: time.into(), stream, is_complete, text: parts.next()?.into() })
}
