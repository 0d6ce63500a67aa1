//! One tar header block and one PAX extended header, read strictly: what two readers could take for two different
//! things is an error (POSIX.1-2017 pax, "ustar Interchange Format" and "pax Header Block"; GNU tar manual, D.2).

use crate::error::Kind;
use crate::fs::is_portable_attribute;
use anyhow::{Context, Result, bail};

pub const BLOCK_BYTES: usize = 512;

/// The longest path that the kernel takes: PATH_MAX without its NUL.
pub const PATH_BYTES_MAX: usize = 4095;

/// The most bytes of extended attributes that one entry carries, names and values: XATTR_SIZE_MAX.
const XATTR_BYTES_MAX: usize = 64 << 10;

/// Where the data of a sparse file lie: offset and length of each piece, in bytes.
pub type Extents = Vec<(u64, u64)>;

/// Which of the three dialects a header block speaks; told by its magic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Version 7: no prefix, no extensions.
    Old,
    Ustar,
    Gnu,
}

/// A time as tar gives it: seconds since 1970, perhaps negative, and nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Time {
    pub seconds: i64,
    pub nanoseconds: u32,
}

/// A header block whose checksum is right.
pub struct Block([u8; BLOCK_BYTES]);

impl Block {
    /// None for the block of zeros that ends an archive.
    pub fn parse(bytes: [u8; BLOCK_BYTES]) -> Result<Option<Self>> {
        if bytes.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let block = Self(bytes);
        let stored = number(&block.0[148..156]).context("checksum")?;
        // The field counts as eight spaces. Old writers added signed bytes, which the standard's readers accept.
        let others = || block.0[..148].iter().chain(&block.0[156..]);
        let unsigned: i64 = 256 + others().map(|byte| i64::from(*byte)).sum::<i64>();
        let signed: i64 = 256 + others().map(|byte| i64::from(*byte as i8)).sum::<i64>();
        if stored != unsigned && stored != signed {
            return Err(Kind::BadInput.error("the header checksum does not match"));
        }
        Ok(Some(block))
    }

    pub fn dialect(&self) -> Dialect {
        match &self.0[257..265] {
            b"ustar  \0" => Dialect::Gnu,
            magic if magic.starts_with(b"ustar\0") => Dialect::Ustar,
            _ => Dialect::Old,
        }
    }

    pub fn type_flag(&self) -> u8 {
        self.0[156]
    }

    /// The name, with the prefix that only the ustar dialect has.
    pub fn path(&self) -> Vec<u8> {
        let (name, prefix) = (text(&self.0[..100]), text(&self.0[345..500]));
        if self.dialect() == Dialect::Ustar && !prefix.is_empty() {
            return [prefix, b"/", name].concat();
        }
        name.to_vec()
    }

    pub fn link(&self) -> &[u8] {
        text(&self.0[157..257])
    }

    pub fn mode(&self) -> Result<u32> {
        Ok((number(&self.0[100..108]).context("mode")? & 0o7777) as u32)
    }

    pub fn uid(&self) -> Result<u32> {
        owner(number(&self.0[108..116]).context("uid")?).context("uid")
    }

    pub fn gid(&self) -> Result<u32> {
        owner(number(&self.0[116..124]).context("gid")?).context("gid")
    }

    pub fn size(&self) -> Result<u64> {
        size(number(&self.0[124..136]).context("size")?).context("size")
    }

    pub fn modified(&self) -> Result<Time> {
        Ok(Time { seconds: number(&self.0[136..148]).context("mtime")?, nanoseconds: 0 })
    }

    /// The first extents of a GNU sparse file, whether more blocks of them follow, and the size with its holes.
    pub fn sparse(&self) -> Result<(Extents, bool, u64)> {
        let real_size = size(number(&self.0[483..495])?).context("real size")?;
        let extents = sparse_extents(&self.0[386..482], self.0[482] != 0)?;
        Ok((extents, self.0[482] != 0, real_size))
    }
}

/// A block of further extents of a GNU sparse file, and whether yet another follows.
pub fn sparse_continuation(block: &[u8; BLOCK_BYTES]) -> Result<(Extents, bool)> {
    Ok((sparse_extents(&block[..504], block[504] != 0)?, block[504] != 0))
}

/// An empty slot ends the map; readers differ about what comes after one, so nothing may.
fn sparse_extents(slots: &[u8], more_follow: bool) -> Result<Extents> {
    let mut extents = Vec::new();
    let mut ended = false;
    for slot in slots.chunks_exact(24) {
        let empty = slot[0] == 0 || slot[12] == 0;
        if ended && !empty {
            bail!("sparse map goes on after its end");
        }
        ended |= empty;
        if !ended {
            extents.push((size(number(&slot[..12])?)?, size(number(&slot[12..])?)?));
        }
    }
    if ended && more_follow {
        bail!("sparse map goes on after its end");
    }
    Ok(extents)
}

/// A field up to its NUL.
fn text(field: &[u8]) -> &[u8] {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    &field[..end]
}

/// A number: octal digits between blanks, or GNU's base 256.
fn number(field: &[u8]) -> Result<i64> {
    let bad = || Kind::BadInput.error(format!("malformed number {:?}", String::from_utf8_lossy(field)));
    if matches!(field[0], 0x80 | 0xff) {
        let sign = if field[0] == 0xff { -1 } else { 0 };
        let step = |value: i64, byte: &u8| value.checked_mul(256)?.checked_add(i64::from(*byte));
        return field[1..].iter().try_fold(sign, step).ok_or_else(bad);
    }
    let start = field.iter().position(|byte| *byte != b' ').unwrap_or(field.len());
    let digits = field[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !field[start + digits..].iter().all(|byte| matches!(byte, 0 | b' ')) {
        return Err(bad());
    }
    let step = |value: i64, byte: &u8| match byte {
        b'0'..=b'7' => value.checked_mul(8)?.checked_add(i64::from(byte - b'0')),
        _ => None,
    };
    field[start..start + digits].iter().try_fold(0, step).ok_or_else(bad)
}

fn size(value: i64) -> Result<u64> {
    u64::try_from(value).map_err(|_| Kind::BadInput.error("negative size"))
}

/// All but -1, which means "leave it" to chown(2).
fn owner(value: i64) -> Result<u32> {
    let id = u32::try_from(value).ok().filter(|id| *id != u32::MAX);
    id.ok_or_else(|| Kind::BadInput.error(format!("no such user or group id: {value}")))
}

/// What a PAX extended header says of the next entry, as far as a layer needs it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Pax {
    pub path: Option<Vec<u8>>,
    pub link: Option<Vec<u8>>,
    pub size: Option<u64>,
    pub uid: Option<u32>,
    pub gid: Option<u32>,
    pub modified: Option<Time>,
    /// Only those that may come from outside.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// GNU's sparse format 1.0: the file's name and its size with holes.
    pub sparse_name: Option<Vec<u8>>,
    pub sparse_size: Option<u64>,
    sparse_version: [Option<u64>; 2],
}

impl Pax {
    /// Reads the records `LENGTH KEY=VALUE\n` of a whole extended header.
    pub fn parse(mut bytes: &[u8]) -> Result<Self> {
        let mut pax = Self::default();
        while !bytes.is_empty() {
            let (key, value, rest) = record(bytes)?;
            pax.set(key, value).with_context(|| format!("PAX record {}", String::from_utf8_lossy(key)))?;
            bytes = rest;
        }
        let xattr_bytes: usize = pax.xattrs.iter().map(|(name, value)| name.len() + value.len()).sum();
        if xattr_bytes > XATTR_BYTES_MAX {
            bail!("more than {XATTR_BYTES_MAX} bytes of extended attributes");
        }
        Ok(pax)
    }

    /// Checks a global header. Readers differ about whether it changes the entries after it, so it must not try to.
    pub fn check_global(mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            let (key, _, rest) = record(bytes)?;
            if matches!(key, b"path" | b"linkpath" | b"size" | b"uid" | b"gid") || key.starts_with(b"GNU.sparse.") {
                bail!("global PAX record {} would change every entry", String::from_utf8_lossy(key));
            }
            bytes = rest;
        }
        Ok(())
    }

    /// Whether the entry is a sparse file of format 1.0; older formats are an error.
    pub fn is_sparse(&self) -> Result<bool> {
        match self.sparse_version {
            [None, None] if self.sparse_name.is_none() && self.sparse_size.is_none() => Ok(false),
            [Some(1), Some(0)] => Ok(true),
            _ => Err(Kind::BadInput.error("sparse file in a PAX format other than 1.0")),
        }
    }

    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        match key {
            b"path" => self.path = Some(name(value)?),
            b"linkpath" => self.link = Some(name(value)?),
            b"size" => self.size = Some(decimal(value)?),
            b"uid" => self.uid = Some(owner(decimal(value)? as i64)?),
            b"gid" => self.gid = Some(owner(decimal(value)? as i64)?),
            b"mtime" => self.modified = Some(time(value)?),
            b"GNU.sparse.major" => self.sparse_version[0] = Some(decimal(value)?),
            b"GNU.sparse.minor" => self.sparse_version[1] = Some(decimal(value)?),
            b"GNU.sparse.name" => self.sparse_name = Some(name(value)?),
            b"GNU.sparse.realsize" => self.sparse_size = Some(decimal(value)?),
            _ if key.starts_with(b"GNU.sparse.") => bail!("sparse file in a PAX format other than 1.0"),
            _ => {
                if let Some(xattr) = key.strip_prefix(b"SCHILY.xattr.")
                    && is_portable_attribute(xattr)
                {
                    self.xattrs.push((xattr.to_vec(), value.to_vec()));
                }
            }
        }
        Ok(())
    }
}

/// Splits off the first record: key, value and the rest.
fn record(bytes: &[u8]) -> Result<(&[u8], &[u8], &[u8])> {
    let split = || {
        let blank = bytes.iter().take(8).position(|byte| *byte == b' ')?;
        let length = usize::try_from(decimal(&bytes[..blank]).ok()?).ok()?;
        let body = bytes.get(blank + 1..length)?.strip_suffix(b"\n")?;
        let equals = body.iter().position(|byte| *byte == b'=').filter(|position| *position > 0)?;
        let (key, value) = (&body[..equals], &body[equals + 1..]);
        (!key.contains(&0)).then_some((key, value, &bytes[length..]))
    };
    split().ok_or_else(|| Kind::BadInput.error("malformed PAX record"))
}

/// A path: not empty, no NUL, and short enough for the kernel.
pub fn name(value: &[u8]) -> Result<Vec<u8>> {
    if value.is_empty() || value.contains(&0) || value.len() > PATH_BYTES_MAX {
        return Err(Kind::BadInput.error(format!("a path is empty, has a NUL or over {PATH_BYTES_MAX} bytes")));
    }
    Ok(value.to_vec())
}

/// Decimal digits and nothing else, up to the largest file offset.
pub fn decimal(value: &[u8]) -> Result<u64> {
    let step = |value: i64, byte: &u8| match byte {
        b'0'..=b'9' => value.checked_mul(10)?.checked_add(i64::from(byte - b'0')),
        _ => None,
    };
    let number = if value.is_empty() { None } else { value.iter().try_fold(0, step) };
    number
        .map(|number| number as u64)
        .ok_or_else(|| Kind::BadInput.error(format!("malformed number {:?}", String::from_utf8_lossy(value))))
}

/// `[-]SECONDS[.FRACTION]`; digits beyond nanoseconds are dropped.
fn time(value: &[u8]) -> Result<Time> {
    let negative = value.starts_with(b"-");
    let value = if negative { &value[1..] } else { value };
    let (whole, fraction) = match value.iter().position(|byte| *byte == b'.') {
        Some(point) => (&value[..point], &value[point + 1..]),
        None => (value, &value[..0]),
    };
    let seconds = decimal(whole)? as i64;
    let mut nanoseconds = 0;
    for position in 0..fraction.len().max(9) {
        let digit = fraction.get(position).map_or(Ok(0), |byte| decimal(&[*byte]))?;
        if position < 9 {
            nanoseconds = nanoseconds * 10 + digit as u32;
        }
    }
    Ok(match (negative, nanoseconds) {
        (false, _) => Time { seconds, nanoseconds },
        (true, 0) => Time { seconds: -seconds, nanoseconds },
        (true, _) => Time { seconds: -seconds - 1, nanoseconds: 1_000_000_000 - nanoseconds },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_octal_or_base_256() {
        for (field, value) in [
            (&b"0000644\0"[..], 0o644),
            (b"  644 \0 ", 0o644),
            (b"\0\0\0\0\0\0\0\0", 0),
            (b"77777777", 0o77_777_777),
            (b"\x80\0\0\0\0\0\x01\0", 256),
            (b"\xff\xff\xff\xff\xff\xff\xff\xfe", -2),
        ] {
            assert_eq!(number(field).unwrap(), value, "{field:?}");
        }
        for field in [&b"0000648\0"[..], b"-000644\0", b"0x10\0\0\0\0", b"644\0garb", b"\x81\0\0\0\0\0\0\0"] {
            assert!(number(field).is_err(), "{field:?}");
        }
        assert!(number(b"\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff").is_err());
    }

    #[test]
    fn malformed_pax_records_are_refused() {
        assert_eq!(Pax::parse(b"9 size=7\n").unwrap().size, Some(7));
        for bad in [
            &b"8 size=7\n"[..],
            b"11 size=7\n",
            b"9 size=x\n",
            b"9 size=-\n",
            b"9999 size=7\n",
            b"6 =ab\n",
            b"9 size:7\n",
            b"x size=7\n",
            b"9 size=7\n\0",
            b"8 path=\n",
            b"11 path=a\0b\n",
            b"-9 size=7\n",
            b"25 GNU.sparse.map=0,1,2,3\n",
            b"12 uid=-123\n",
        ] {
            assert!(Pax::parse(bad).is_err(), "{:?}", String::from_utf8_lossy(bad));
        }
    }

    #[test]
    fn times_have_a_sign_and_a_fraction() {
        let parsed = |text: &[u8]| time(text).map(|time| (time.seconds, time.nanoseconds)).ok();
        assert_eq!(parsed(b"12"), Some((12, 0)));
        assert_eq!(parsed(b"12.5"), Some((12, 500_000_000)));
        assert_eq!(parsed(b"-1.25"), Some((-2, 750_000_000)));
        assert_eq!(parsed(b"1.1234567891"), Some((1, 123_456_789)));
        assert_eq!(parsed(b"1.x"), None);
        assert_eq!(parsed(b""), None);
    }

    #[test]
    fn only_harmless_attributes_come_from_outside() {
        for (name, kept) in [
            ("security.capability", true),
            ("user.mime", true),
            ("user.overlay.opaque", false),
            ("user.overlay.overlay.opaque", false),
            ("trusted.overlay.redirect", false),
            ("trusted.x", false),
            ("security.selinux", false),
            ("system.posix_acl_access", false),
        ] {
            assert_eq!(is_portable_attribute(name.as_bytes()), kept, "{name}");
        }
    }
}
