//! A tar archive as a sequence of members, read from a stream once, front to back.
//!
//! Three bounded things are read into memory: a PAX header, a long name and a sparse map. Everything else passes
//! through. The strictness follows one rule: if GNU tar, Python and Go would see different members, there are none.

use super::header::{BLOCK_BYTES, Block, Dialect, PATH_BYTES_MAX, Pax, Time, decimal, name, sparse_continuation};
use crate::error::Kind;
use anyhow::{Context, Result, bail};
use std::io::BufRead;

/// The largest PAX header.
const PAX_BYTES_MAX: u64 = 1 << 20;

/// The most data regions of a sparse file.
const SPARSE_EXTENTS_MAX: usize = 1 << 20;

/// What a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    File,
    Directory,
    Symlink,
    HardLink,
    Fifo,
    Device,
}

/// One member, without its data.
#[derive(Debug)]
pub struct Member {
    pub what: What,
    /// As it stands in the archive.
    pub path: Vec<u8>,
    /// The target of a link.
    pub link: Vec<u8>,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub modified: Time,
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// The size of the file that it makes, holes included.
    pub size: u64,
    /// Where its data goes, in order: offset and length.
    pub extents: Vec<(u64, u64)>,
}

/// The extension headers that stand before a member.
#[derive(Default)]
struct Extensions {
    pax: Option<Pax>,
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
}

/// A tar archive that is being read.
pub struct Archive<R> {
    stream: R,
    /// Bytes of the current member's data not yet read, and of the padding after it.
    data: u64,
    padding: u64,
}

impl<R: BufRead> Archive<R> {
    pub fn new(stream: R) -> Self {
        Self { stream, data: 0, padding: 0 }
    }

    /// The next member. What was left of the last one's data is skipped.
    pub fn next(&mut self) -> Result<Option<Member>> {
        self.skip_data()?;
        let mut extensions = Extensions::default();
        loop {
            let Some(block) = self.block()? else {
                if extensions.pax.is_some() || extensions.path.is_some() || extensions.link.is_some() {
                    bail!("extension header without an entry");
                }
                return Ok(None);
            };
            if !self.extend(&block, &mut extensions)? {
                return self.member(&block, extensions).map(Some);
            }
        }
    }

    /// Hands the next `length` bytes of the member's data on, in pieces.
    pub fn data(&mut self, mut length: u64, mut sink: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        if length > self.data {
            bail!("entry has less data than it says");
        }
        self.data -= length;
        while length > 0 {
            let available = self.stream.fill_buf()?;
            if available.is_empty() {
                bail!("unexpected end of the archive");
            }
            let count = available.len().min(usize::try_from(length).unwrap_or(usize::MAX));
            sink(&available[..count])?;
            self.stream.consume(count);
            length -= count as u64;
        }
        Ok(())
    }

    /// Reads on to the end of the stream: whoever hashes it must see what stands behind the archive too.
    pub fn drain(&mut self) -> Result<()> {
        loop {
            let available = self.stream.fill_buf()?.len();
            if available == 0 {
                return Ok(());
            }
            self.stream.consume(available);
        }
    }

    fn skip_data(&mut self) -> Result<()> {
        self.data += std::mem::take(&mut self.padding);
        self.data(self.data, |_| Ok(()))
    }

    /// The next header. None at the end: two blocks of zeros, or the end of the stream where a header could stand.
    fn block(&mut self) -> Result<Option<Block>> {
        let Some(bytes) = self.read_block()? else { return Ok(None) };
        if let Some(block) = Block::parse(bytes)? {
            return Ok(Some(block));
        }
        match self.read_block()? {
            Some(bytes) if bytes.iter().any(|byte| *byte != 0) => {
                Err(Kind::BadInput.error("a lone block of zeros amid the archive"))
            }
            _ => Ok(None),
        }
    }

    fn read_block(&mut self) -> Result<Option<[u8; BLOCK_BYTES]>> {
        let mut block = [0; BLOCK_BYTES];
        let mut filled = 0;
        while filled < BLOCK_BYTES {
            let available = self.stream.fill_buf()?;
            let count = available.len().min(BLOCK_BYTES - filled);
            if count == 0 && filled == 0 {
                return Ok(None);
            }
            if count == 0 {
                bail!("unexpected end of the archive");
            }
            block[filled..filled + count].copy_from_slice(&available[..count]);
            self.stream.consume(count);
            filled += count;
        }
        Ok(Some(block))
    }

    /// Takes an extension header in. False if the block is a member's own header.
    fn extend(&mut self, block: &Block, extensions: &mut Extensions) -> Result<bool> {
        let flag = block.type_flag();
        if !matches!(flag, b'x' | b'g' | b'L' | b'K') {
            return Ok(false);
        }
        if block.dialect() == Dialect::Old {
            bail!("extension header in an archive of the old format");
        }
        let taken = match flag {
            b'x' => extensions.pax.is_some() || extensions.path.is_some() || extensions.link.is_some(),
            b'L' => extensions.path.is_some() || extensions.pax.is_some(),
            b'K' => extensions.link.is_some() || extensions.pax.is_some(),
            _ => extensions.pax.is_some() || extensions.path.is_some() || extensions.link.is_some(),
        };
        if taken {
            bail!("two extension headers for one entry");
        }
        match flag {
            b'x' => extensions.pax = Some(Pax::parse(&self.payload(block, PAX_BYTES_MAX)?)?),
            b'g' => Pax::check_global(&self.payload(block, PAX_BYTES_MAX)?)?,
            b'L' => extensions.path = Some(self.long_name(block)?),
            _ => extensions.link = Some(self.long_name(block)?),
        }
        Ok(true)
    }

    fn long_name(&mut self, block: &Block) -> Result<Vec<u8>> {
        let payload = self.payload(block, PATH_BYTES_MAX as u64 + 1)?;
        let end = payload.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        name(&payload[..end]).context("GNU long name")
    }

    /// The data of an extension header.
    fn payload(&mut self, block: &Block, bytes_max: u64) -> Result<Vec<u8>> {
        let size = block.size()?;
        if size > bytes_max {
            return Err(Kind::BadInput.error(format!("extension header of {size} bytes; {bytes_max} are allowed")));
        }
        self.begin_data(size);
        let mut bytes = Vec::with_capacity(size as usize);
        self.data(size, |piece| {
            bytes.extend_from_slice(piece);
            Ok(())
        })?;
        self.skip_data()?;
        Ok(bytes)
    }

    fn begin_data(&mut self, size: u64) {
        self.data = size;
        self.padding = size.wrapping_neg() % BLOCK_BYTES as u64;
    }

    fn member(&mut self, block: &Block, extensions: Extensions) -> Result<Member> {
        let Extensions { pax, path, link } = extensions;
        let has_pax = pax.is_some();
        let pax = pax.unwrap_or_default();
        let is_pax_sparse = pax.is_sparse()?;
        let path = pax.sparse_name.or(pax.path).or(path).unwrap_or_else(|| block.path());
        let mut what = what(block.type_flag())?;
        if what == What::File && path.ends_with(b"/") {
            // The old format had no type for directories. With a type, a slash at the end is a contradiction.
            if block.type_flag() != 0 {
                bail!("{:?} is a file with the name of a directory", String::from_utf8_lossy(&path));
            }
            what = What::Directory;
        }
        let stored = stored_size(what, block.size()?, pax.size)?;
        self.begin_data(stored);
        let (extents, size) = match block.type_flag() {
            b'S' if has_pax || block.dialect() != Dialect::Gnu => bail!("GNU sparse file with a PAX header"),
            b'S' => self.gnu_sparse_map(block)?,
            _ if is_pax_sparse && what != What::File => bail!("sparse entry that is no file"),
            _ if is_pax_sparse => {
                (self.pax_sparse_map()?, pax.sparse_size.context("sparse file without a real size")?)
            }
            _ => (vec![(0, stored)], stored),
        };
        check_extents(&extents, size, self.data)?;
        Ok(Member {
            what,
            path,
            link: pax.link.or(link).unwrap_or_else(|| block.link().to_vec()),
            mode: block.mode()?,
            uid: pax.uid.map_or_else(|| block.uid(), Ok)?,
            gid: pax.gid.map_or_else(|| block.gid(), Ok)?,
            modified: pax.modified.map_or_else(|| block.modified(), Ok)?,
            xattrs: pax.xattrs,
            size,
            extents,
        })
    }

    /// The map of GNU's own sparse format: four extents in the header, 21 in each block that follows it.
    fn gnu_sparse_map(&mut self, block: &Block) -> Result<(Vec<(u64, u64)>, u64)> {
        let (mut extents, mut more_follow, real_size) = block.sparse()?;
        while more_follow {
            let block = self.read_block()?.context("unexpected end of the archive")?;
            let (further, another_follows) = sparse_continuation(&block)?;
            extents.extend(further);
            more_follow = another_follows;
            if extents.len() > SPARSE_EXTENTS_MAX {
                bail!("sparse file of more than {SPARSE_EXTENTS_MAX} extents");
            }
        }
        Ok((extents, real_size))
    }

    /// The map of PAX sparse format 1.0: decimal lines before the data, filled up to a whole block.
    fn pax_sparse_map(&mut self) -> Result<Vec<(u64, u64)>> {
        let mut lines = MapLines { block: Vec::new(), next: 0 };
        let count = usize::try_from(lines.number(self)?)?;
        if count > SPARSE_EXTENTS_MAX {
            bail!("sparse file of more than {SPARSE_EXTENTS_MAX} extents");
        }
        let mut extents = Vec::new();
        for _ in 0..count {
            extents.push((lines.number(self)?, lines.number(self)?));
        }
        Ok(extents)
    }
}

/// Reads the lines of a PAX sparse map out of a member's data, a block at a time.
struct MapLines {
    block: Vec<u8>,
    next: usize,
}

impl MapLines {
    fn number<R: BufRead>(&mut self, archive: &mut Archive<R>) -> Result<u64> {
        let mut digits = Vec::new();
        loop {
            if self.next == self.block.len() {
                self.block.clear();
                self.next = 0;
                archive.data(BLOCK_BYTES as u64, |piece| {
                    self.block.extend_from_slice(piece);
                    Ok(())
                })?;
            }
            let byte = self.block[self.next];
            self.next += 1;
            if byte == b'\n' {
                return decimal(&digits);
            }
            digits.push(byte);
            if digits.len() > 20 {
                bail!("malformed sparse map");
            }
        }
    }
}

fn what(flag: u8) -> Result<What> {
    Ok(match flag {
        0 | b'0' | b'7' | b'S' => What::File,
        b'1' => What::HardLink,
        b'2' => What::Symlink,
        b'3' | b'4' => What::Device,
        b'5' => What::Directory,
        b'6' => What::Fifo,
        _ => return Err(Kind::BadInput.error(format!("entry of unknown type {:?}", char::from(flag)))),
    })
}

/// How many bytes follow the header. Readers differ about whether data follows an entry that is no file, so none may;
/// only for hard links they agree that the size is the target's and nothing follows.
fn stored_size(what: What, header: u64, pax: Option<u64>) -> Result<u64> {
    match what {
        What::File => Ok(pax.unwrap_or(header)),
        What::HardLink if pax.unwrap_or(0) == 0 => Ok(0),
        _ if pax.unwrap_or(header) == 0 && header == 0 => Ok(0),
        _ => Err(Kind::BadInput.error("data in an entry that is no file")),
    }
}

/// The extents must be in order, lie within the file, use up the stored data, and each but the last must be whole
/// blocks: GNU tar fills every extent up to a block, others do not.
fn check_extents(extents: &[(u64, u64)], size: u64, stored: u64) -> Result<()> {
    let (mut end, mut sum) = (0u64, 0u64);
    for (offset, length) in extents {
        let is_aligned = *length == 0 || sum.is_multiple_of(BLOCK_BYTES as u64);
        if *offset < end || !is_aligned {
            bail!("sparse map is out of order");
        }
        end = offset.checked_add(*length).context("sparse map overflows")?;
        sum = sum.checked_add(*length).context("sparse map overflows")?;
    }
    if end > size || sum != stored {
        return Err(Kind::BadInput.error("sparse map does not match the entry's size"));
    }
    Ok(())
}
