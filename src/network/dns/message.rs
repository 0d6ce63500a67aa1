//! Messages of DNS as far as a server looks into them: RFC 1035, and RFC 6891 for sizes.
//!
//! Questions are read here and not by the library that writes the answers: it knows a list of types, and a query for any
//! other is one to be forwarded, not a mistake.

use simple_dns::rdata::{A, AAAA, OPT, PTR, RData};
use simple_dns::{CLASS, Label, Name, Packet, PacketFlag, QCLASS, QTYPE, Question, RCODE, ResourceRecord};
use std::net::IpAddr;

pub const HEADER_BYTES: usize = 12;
/// The longest query that is taken; those of resolvers have less than 300 bytes.
pub const QUERY_BYTES_MAX: usize = 4096;
/// The longest name, with the lengths of its labels.
const NAME_BYTES_MAX: usize = 255;
const LABEL_BYTES_MAX: usize = 63;
/// The most records behind the question; there are one or two.
const ADDITIONAL_MAX: u16 = 8;
/// The most records of an answer that are looked at.
const RECORDS_MAX: u16 = 256;
/// What fits into a datagram for whom says nothing else.
const PLAIN_BYTES: usize = 512;
/// What fits through any network as one packet: the flag day of 2020.
const SIZE_BYTES_MAX: u16 = 1232;

pub const TYPE_A: u16 = 1;
pub const TYPE_PTR: u16 = 12;
pub const TYPE_AAAA: u16 = 28;
const TYPE_OPT: u16 = 41;
const TYPE_IXFR: u16 = 251;
const TYPE_AXFR: u16 = 252;
pub const TYPE_ANY: u16 = 255;
pub const CLASS_IN: u16 = 1;
const CLASS_ANY: u16 = 255;

/// How long an answer holds. Containers come and go.
const TTL_SECS: u32 = 0;

/// What a message is.
#[derive(Debug, PartialEq, Eq)]
pub enum Message {
    Query(Asked),
    /// A query that cannot be understood: whom it is from may be told so.
    Malformed {
        id: u16,
    },
    /// Nothing to be answered.
    Noise,
}

/// A query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    pub id: u16,
    /// The labels as they came.
    labels: Vec<Vec<u8>>,
    pub kind: u16,
    pub class: u16,
    is_recursion_desired: bool,
    is_standard: bool,
    /// The datagram that the client can take, if it says so.
    size: Option<u16>,
    /// Where the question ends.
    end: usize,
}

/// What an answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    Address(IpAddr),
    /// A name that belongs to an address.
    Pointer(String),
}

impl Message {
    pub fn read(bytes: &[u8]) -> Self {
        let [first, second, flags, ..] = *bytes else { return Self::Noise };
        if bytes.len() < HEADER_BYTES || flags & 0x80 != 0 {
            return Self::Noise;
        }
        let id = u16::from_be_bytes([first, second]);
        Asked::read(bytes, id).map_or(Self::Malformed { id }, Self::Query)
    }
}

impl Asked {
    fn read(bytes: &[u8], id: u16) -> Option<Self> {
        if bytes.len() > QUERY_BYTES_MAX {
            return None;
        }
        let flags = word(bytes, 2)?;
        let is_standard = flags >> 11 & 15 == 0;
        let (questions, answers, authorities, additional) =
            (word(bytes, 4)?, word(bytes, 6)?, word(bytes, 8)?, word(bytes, 10)?);
        if questions != 1 || answers != 0 || authorities > 1 || additional > ADDITIONAL_MAX {
            return None;
        }
        let (labels, at) = read_labels(bytes, HEADER_BYTES)?;
        let (kind, class) = (word(bytes, at)?, word(bytes, at + 2)?);
        let end = at + 4;
        let mut asked =
            Self { id, labels, kind, class, is_recursion_desired: flags & 0x100 != 0, is_standard, size: None, end };
        let mut at = end;
        for _ in 0..authorities + additional {
            let record = read_record(bytes, at)?;
            if record.kind == TYPE_OPT {
                // Two of them are an error: RFC 6891, 6.1.1.
                if asked.size.replace(record.class).is_some() {
                    return None;
                }
            }
            at = record.end;
        }
        Some(asked)
    }

    #[cfg(any(test, fuzzing))]
    pub fn labels(&self) -> &[Vec<u8>] {
        &self.labels
    }

    /// The name in small letters. None if it is none of those that containers have.
    pub fn name(&self) -> Option<String> {
        let is_plain = |label: &Vec<u8>| label.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'.');
        if self.labels.is_empty() || !self.labels.iter().all(is_plain) {
            return None;
        }
        let labels: Vec<String> =
            self.labels.iter().map(|label| String::from_utf8_lossy(label).to_ascii_lowercase()).collect();
        Some(labels.join("."))
    }

    /// Why the query is not looked up at all.
    pub fn refusal(&self) -> Option<RCODE> {
        if !self.is_standard {
            return Some(RCODE::NotImplemented);
        }
        let is_transfer = matches!(self.kind, TYPE_IXFR | TYPE_AXFR);
        let is_internet = matches!(self.class, CLASS_IN | CLASS_ANY);
        (is_transfer || !is_internet).then_some(RCODE::Refused)
    }

    /// The longest datagram that the client takes.
    pub fn size(&self) -> usize {
        usize::from(self.size.unwrap_or(0)).max(PLAIN_BYTES)
    }

    /// An answer of our own. What is longer than `bytes_max` becomes the request to ask by TCP.
    pub fn answer(&self, code: RCODE, records: &[Record], bytes_max: usize) -> Vec<u8> {
        let whole = self.write(code, records, PacketFlag::AUTHORITATIVE_ANSWER);
        if whole.len() <= bytes_max {
            return whole;
        }
        self.write(code, &[], PacketFlag::AUTHORITATIVE_ANSWER | PacketFlag::TRUNCATION)
    }

    /// The answer that there is none.
    pub fn refuse(&self, code: RCODE) -> Vec<u8> {
        self.write(code, &[], PacketFlag::empty())
    }

    fn write(&self, code: RCODE, records: &[Record], flags: PacketFlag) -> Vec<u8> {
        let labels: Vec<Label<'_>> = self.labels.iter().map(|label| Label::new_unchecked(label.as_slice())).collect();
        let name = Name::new_with_labels(&labels);
        let mut packet = Packet::new_reply(self.id);
        packet.set_flags(flags | PacketFlag::RECURSION_AVAILABLE);
        if self.is_recursion_desired {
            packet.set_flags(PacketFlag::RECURSION_DESIRED);
        }
        *packet.rcode_mut() = code;
        packet.questions.push(Question::new(name.clone(), QTYPE::ANY, QCLASS::ANY, false));
        for record in records {
            let data = match record {
                Record::Address(IpAddr::V4(address)) => RData::A(A { address: address.to_bits() }),
                Record::Address(IpAddr::V6(address)) => RData::AAAA(AAAA { address: address.to_bits() }),
                Record::Pointer(target) => RData::PTR(PTR(Name::new_unchecked(target))),
            };
            packet.answers.push(ResourceRecord::new(name.clone(), CLASS::IN, TTL_SECS, data));
        }
        if self.size.is_some() {
            *packet.opt_mut() = Some(OPT { opt_codes: Vec::new(), udp_packet_size: SIZE_BYTES_MAX, version: 0 });
        }
        // What cannot be written is a name that nobody has checked: there are none.
        let Ok(mut bytes) = packet.build_bytes_vec_compressed() else { return malformed(self.id) };
        // The library has no words for types and classes that it does not know: they stand where the query has them.
        bytes[self.end - 4..self.end - 2].copy_from_slice(&self.kind.to_be_bytes());
        bytes[self.end - 2..self.end].copy_from_slice(&self.class.to_be_bytes());
        bytes
    }

    /// Whether a message answers this query, which went out as `query`.
    pub fn is_answered_by(&self, query: &[u8], answer: &[u8]) -> bool {
        if answer.len() < HEADER_BYTES || answer[..2] != query[..2] || answer[2] & 0x80 == 0 {
            return false;
        }
        match word(answer, 4) {
            Some(1) => answer
                .get(HEADER_BYTES..self.end)
                .is_some_and(|question| question.eq_ignore_ascii_case(&query[HEADER_BYTES..self.end])),
            // Some servers repeat no question that they do not like.
            Some(0) => code(answer) != 0,
            _ => false,
        }
    }

    /// The addresses that another server's answer gives, and for how many seconds each holds. All of them count, whatever
    /// name they stand at: the one that was asked for may be another name of somebody else's.
    pub fn addresses(&self, answer: &[u8]) -> Vec<(IpAddr, u32)> {
        let (mut at, mut found) = (self.end, Vec::new());
        if word(answer, 4) != Some(1) {
            return found;
        }
        for _ in 0..word(answer, 6).unwrap_or(0).min(RECORDS_MAX) {
            let Some(record) = read_record(answer, at) else { break };
            at = record.end;
            let bytes = &answer[record.start..record.end];
            let address = match record.kind {
                TYPE_A => <[u8; 4]>::try_from(bytes).map(IpAddr::from),
                TYPE_AAAA => <[u8; 16]>::try_from(bytes).map(IpAddr::from),
                _ => continue,
            };
            found.extend(address.ok().filter(|_| record.class == CLASS_IN).map(|address| (address, record.ttl_secs)));
        }
        found
    }

    /// An answer of another server, as far as it fits into a datagram for the client.
    pub fn fit(&self, mut answer: Vec<u8>) -> Vec<u8> {
        if answer.len() > self.size() {
            answer.truncate(self.end);
            answer[2] |= 0x02;
            answer[6..HEADER_BYTES].fill(0);
        }
        answer
    }
}

/// The answer to what cannot be understood.
pub fn malformed(id: u16) -> Vec<u8> {
    let mut bytes = vec![0; HEADER_BYTES];
    bytes[..2].copy_from_slice(&id.to_be_bytes());
    (bytes[2], bytes[3]) = (0x80, 1);
    bytes
}

pub fn is_truncated(answer: &[u8]) -> bool {
    answer.get(2).is_some_and(|flags| flags & 2 != 0)
}

/// The response code of an answer, without what EDNS adds.
pub fn code(answer: &[u8]) -> u8 {
    answer.get(3).map_or(0, |flags| flags & 15)
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

/// The labels of a name that stands for itself, and where it ends. A question is the first name of a message, and there is
/// nothing in front of it that it could point to.
fn read_labels(bytes: &[u8], mut at: usize) -> Option<(Vec<Vec<u8>>, usize)> {
    let start = at;
    let mut labels = Vec::new();
    loop {
        let length = usize::from(*bytes.get(at)?);
        at += 1;
        if length > LABEL_BYTES_MAX || at + length - start > NAME_BYTES_MAX {
            return None;
        }
        if length == 0 {
            return Some((labels, at));
        }
        labels.push(bytes.get(at..at + length)?.to_vec());
        at += length;
    }
}

/// A record behind the question, as it stands there.
struct Behind {
    kind: u16,
    class: u16,
    ttl_secs: u32,
    start: usize,
    end: usize,
}

/// Reads a record behind the question. Its name may end in a pointer, which leads nowhere.
fn read_record(bytes: &[u8], mut at: usize) -> Option<Behind> {
    let start = at;
    loop {
        let length = *bytes.get(at)?;
        match length >> 6 {
            0 => at += 1 + usize::from(length),
            3 => at += 2,
            _ => return None,
        }
        if at - start > NAME_BYTES_MAX {
            return None;
        }
        if length == 0 || length >> 6 == 3 {
            break;
        }
    }
    let (kind, class) = (word(bytes, at)?, word(bytes, at + 2)?);
    let ttl_secs = u32::from(word(bytes, at + 4)?) << 16 | u32::from(word(bytes, at + 6)?);
    let start = at + 10;
    let end = start + usize::from(word(bytes, at + 8)?);
    (end <= bytes.len()).then_some(Behind { kind, class, ttl_secs, start, end })
}

/// The address that a name of a reverse look-up stands for: `4.3.2.1.in-addr.arpa`, RFC 1035 3.5, or `….ip6.arpa`,
/// RFC 3596 2.5.
pub fn reversed(name: &str) -> Option<IpAddr> {
    if let Some(front) = name.strip_suffix(".in-addr.arpa") {
        let mut bytes = [0; 4];
        let mut words = front.rsplit('.');
        for byte in &mut bytes {
            let word = words.next()?;
            *byte = word.parse().ok()?;
            // There is one way to write it.
            if byte.to_string() != word {
                return None;
            }
        }
        return words.next().is_none().then(|| IpAddr::from(bytes));
    }
    let front = name.strip_suffix(".ip6.arpa")?;
    let mut bits = 0u128;
    let mut count = 0;
    for word in front.rsplit('.') {
        let digit = u128::from_str_radix(word, 16).ok().filter(|_| word.len() == 1)?;
        count += 1;
        if count > 32 {
            return None;
        }
        bits = bits << 4 | digit;
    }
    (count == 32).then(|| IpAddr::from(bits.to_be_bytes()))
}
