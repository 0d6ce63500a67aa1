//! What holds of messages, whatever the bytes.

use super::message::{self, Asked, HEADER_BYTES, Message, Record};
use super::zone::{self, Zone};
use crate::network::cidr::Cidr;
use simple_dns::{Packet, RCODE};
use std::net::IpAddr;

/// What is read is what another reader reads, and what is answered can be read and fits.
pub fn holds(bytes: &[u8]) {
    let asked = match Message::read(bytes) {
        Message::Noise => return,
        Message::Malformed { id } => {
            let answer = message::malformed(id);
            assert_eq!(Packet::parse(&answer).expect("an answer").id(), id);
            return;
        }
        Message::Query(asked) => asked,
    };
    // The library knows fewer types, and leaves out what it does not understand.
    if let Ok(packet) = Packet::parse(bytes)
        && let [question] = packet.questions.as_slice()
    {
        let labels: Vec<Vec<u8>> =
            question.qname.get_labels().iter().map(|label| AsRef::<[u8]>::as_ref(label).to_vec()).collect();
        assert_eq!((packet.id(), labels.as_slice()), (asked.id, asked.labels()));
    }
    let many = (0..200u32).map(|number| Record::Address(IpAddr::from(number.to_be_bytes())));
    let many: Vec<Record> = many.chain([Record::Pointer("a-name.of.another".to_owned())]).collect();
    for records in [&[][..], &many[..3], &many[200..], &many] {
        let answer = asked.answer(RCODE::NoError, records, asked.size());
        is_sound(&asked, bytes, &answer);
        assert!(answer.len() <= asked.size().max(bytes.len() + 11), "{} bytes", answer.len());
        let is_whole = !message::is_truncated(&answer);
        let count = usize::from(u16::from_be_bytes([answer[6], answer[7]]));
        assert_eq!(count, if is_whole { records.len() } else { 0 });
        let addresses = records.iter().filter(|record| matches!(record, Record::Address(_))).count();
        assert_eq!(asked.addresses(&asked.answer(RCODE::NoError, records, usize::MAX)).len(), addresses);
        let fitting = asked.fit(asked.answer(RCODE::NoError, records, usize::MAX));
        assert!(fitting.len() <= asked.size().max(bytes.len()));
    }
    // Whatever an answer is made of, no more is found in it than there is.
    assert!(asked.addresses(bytes).len() * 16 <= bytes.len());
    let mut zone = Zone::new(vec![Cidr::parse("10.0.0.0/8").expect("a block")], true, Vec::new());
    zone.add("0123456789abcdef", &["a".to_owned()], &[IpAddr::from([10, 0, 0, 1])]);
    assert!(!matches!(zone::look_up(&[&zone], &asked, &[], &[], 0), zone::Found::Upstreams(_)));
}

fn is_sound(asked: &Asked, query: &[u8], answer: &[u8]) {
    assert!(answer.len() >= HEADER_BYTES && asked.is_answered_by(query, answer));
    // A query for a type that the library does not know has an answer that it does not read.
    if Packet::parse(query).is_ok() {
        let packet = Packet::parse(answer).expect("an answer can be read");
        assert_eq!((packet.id(), packet.rcode()), (asked.id, RCODE::NoError));
    }
}
