//! Whose keys are in a file: the user ids of OpenPGP, in packets that anybody may have written (RFC 4880, sections 4.2 and
//! 5.11). They tell a person whose keys these are and decide nothing.

/// The most that are told of one file.
const IDS_MAX: usize = 20;
/// The kind of packet that has one.
const USER_ID: u8 = 13;

/// The user ids of keys without armor, up to what is no packet.
pub fn user_ids(keys: &[u8]) -> Vec<String> {
    let mut ids = Vec::new();
    let mut left = keys;
    while let Some((kind, body, rest)) = packet(left) {
        if kind == USER_ID && ids.len() < IDS_MAX {
            ids.push(String::from_utf8_lossy(body).into_owned());
        }
        left = rest;
    }
    ids
}

/// The kind and the body of the first packet, and what follows it. None if it is not whole, or of unknown length as only
/// packets of data are.
fn packet(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&head, rest) = bytes.split_first()?;
    let (kind, (length, rest)) = match head & 0xc0 {
        0xc0 => (head & 0x3f, new_length(rest)?),
        0x80 if head & 3 != 3 => (head >> 2 & 0xf, number(rest, 1 << (head & 3))?),
        _ => return None,
    };
    let (body, rest) = rest.split_at_checked(length)?;
    Some((kind, body, rest))
}

fn new_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    match *bytes.first()? {
        0..=191 => number(bytes, 1),
        192..=223 => number(bytes, 2).map(|(length, rest)| (length - (192 << 8) + 192, rest)),
        224..=254 => None,
        255 => number(&bytes[1..], 4),
    }
}

/// A number of so many bytes, the highest first, and what follows it.
fn number(bytes: &[u8], count: usize) -> Option<(usize, &[u8])> {
    let (digits, rest) = bytes.split_at_checked(count)?;
    Some((digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit)), rest))
}

#[cfg(test)]
mod tests {
    use super::user_ids;

    #[test]
    fn ids_are_found_between_packets_of_every_length() {
        let long = "x".repeat(300);
        let packets: [&[u8]; 7] = [
            b"\x98\x02ab",
            b"\xb4\x03one",
            b"\x99\0\x01a",
            b"\xb5\0\x03two",
            b"\xcd\x05three",
            &[b"\xcd\xc0\x6c", long.as_bytes()].concat(),
            b"\xcd\xff\0\0\0\x04four",
        ];
        assert_eq!(user_ids(&packets.concat()), ["one", "two", "three", &long, "four"]);
        assert_eq!(user_ids(&b"\xb4\x01x".repeat(100)).len(), super::IDS_MAX);
    }

    #[test]
    fn what_is_no_packet_ends_it() {
        let ends: [&[u8]; 8] =
            [b"", b"\xb4", b"\xb4\x05ab", b"\xb7ab", b"\x34\x01a", b"\xcd\xe1ab", b"\xcd\xff\0\0", b"\xcd\xc0"];
        for end in ends {
            assert_eq!(user_ids(&[b"\xb4\x01a", end].concat()), ["a"], "{end:?}");
        }
    }
}
