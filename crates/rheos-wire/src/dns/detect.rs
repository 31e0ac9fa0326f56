//! Telling DNS by its bytes, whatever the port.

use super::{CLASS_MASK, Entries, Entry, HEADER_LEN, Header, Name, record_type, stream_message};

/// Whether a datagram, or the first bytes of one side of a TCP connection (`tcp`), are DNS. `None`: these are too
/// few bytes of a stream to tell.
///
/// All that can be wrong is looked at: kind of request, reserved bit, codes, every name, class and length, and that
/// the last record ends where the message does. NetBIOS names ([`is_nbns`]) have the same form and are not DNS.
pub fn detect(bytes: &[u8], tcp: bool) -> Option<bool> {
    if !tcp {
        return Some(is_message(bytes, true));
    }
    if let Some((message, _)) = stream_message(bytes) {
        return Some(is_message(message, true));
    }
    let begun = bytes.get(2..)?;
    let said = bytes.first_chunk::<2>().map_or(0, |length| u16::from_be_bytes(*length));
    match Header::parse(begun) {
        _ if usize::from(said) < HEADER_LEN => Some(false),
        Some(header) if !is_header(&header) => Some(false),
        // Whatever else a message holds, its first question comes soon.
        Some(_) if has_entry(begun) => Some(is_message(begun, false)),
        Some(_) if begun.len() > FIRST_ENTRY_MAX => Some(false),
        None | Some(_) => None,
    }
}

/// A header and a question with the longest name.
const FIRST_ENTRY_MAX: usize = HEADER_LEN + super::NAME_MAX + 4;

/// Whether a datagram of which the capture has only the beginning is DNS, as far as that tells: at least its first
/// question or record must be there.
pub fn detect_cut(datagram: &[u8]) -> bool {
    has_entry(datagram) && is_message(datagram, false)
}

fn has_entry(message: &[u8]) -> bool {
    Header::parse(message).is_some_and(|h| Entries::new(&h, message).next().is_some())
}

/// Whether a header is one that a DNS message can have.
fn is_header(header: &Header) -> bool {
    /// Query, inverse query, status, notify, update, stateful operations.
    const OPCODES: [u8; 6] = [0, 1, 2, 4, 5, 6];
    const RCODE_MAX: u16 = 11;
    /// So many questions are believed; multicast DNS asks for many services at once.
    const QUESTIONS_MAX: u16 = 64;
    let [questions, answers, ..] = header.counts;
    let common = OPCODES.contains(&header.opcode())
        && !header.reserved()
        && header.rcode() <= RCODE_MAX
        && questions <= QUESTIONS_MAX;
    // A query asks something and has no result, a response repeats the question, answers, or tells an error.
    let sound = if header.is_response() {
        true
    } else {
        header.rcode() == 0
            && questions > 0
            && (answers == 0 || header.opcode() != 0 || header.id == 0)
    };
    common && sound
}

fn is_message(message: &[u8], whole: bool) -> bool {
    let Some(header) = Header::parse(message).filter(is_header) else { return false };
    let mut entries = Entries::new(&header, message);
    if !entries.by_ref().all(|entry| is_entry(&entry)) {
        return false;
    }
    // What follows the last record belongs to nothing.
    !whole || entries.is_whole() && entries.offset() == message.len()
}

fn is_entry(entry: &Entry<'_>) -> bool {
    let class_is_known = |class: u16| matches!(class & CLASS_MASK, 1..=4 | 254 | 255);
    match entry {
        Entry::Question(question) => {
            question.record_type != 0
                && class_is_known(question.class)
                && !is_netbios(&question.name, question.record_type)
        }
        Entry::Record(record) => {
            let length = record.data.len();
            let fits = match record.record_type {
                0 => false,
                record_type::A => matches!(length, 0 | 4),
                record_type::AAAA => matches!(length, 0 | 16),
                _ => true,
            };
            let class = record.record_type == record_type::OPT || class_is_known(record.class);
            fits && class && !is_netbios(&record.name, record.record_type)
        }
    }
}

/// A NetBIOS name: 16 bytes, each as two letters from A to P (RFC 1001 §14.1), and one of its two record types.
fn is_netbios(name: &Name<'_>, record_type: u16) -> bool {
    /// NB, NBSTAT, and what registration asks for besides (RFC 1002 §4.2.1.3).
    const NETBIOS_TYPES: [u16; 5] = [0x20, 0x21, 0x0a, 0x02, 0x01];
    let encoded =
        |label: &[u8]| label.len() == 32 && label.iter().all(|b| matches!(b, b'A'..=b'P'));
    NETBIOS_TYPES.contains(&record_type) && name.labels().next().is_some_and(encoded)
}

/// Whether a datagram is of the NetBIOS name service (RFC 1002 §4.2), which has the form of DNS.
pub fn is_nbns(datagram: &[u8]) -> bool {
    let Some(header) = Header::parse(datagram) else { return false };
    let first = Entries::new(&header, datagram).next();
    let named = match &first {
        Some(Entry::Question(question)) => is_netbios(&question.name, question.record_type),
        Some(Entry::Record(record)) => is_netbios(&record.name, record.record_type),
        None => false,
    };
    // Query, registration, release, wait, refresh (two numbers), multi-homed registration.
    named && matches!(header.opcode(), 0 | 5..=9 | 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUERY: &[u8] = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x03www\x07example\x03com\0\0\x01\0\x01";

    fn with(at: usize, byte: u8) -> Vec<u8> {
        let mut message = QUERY.to_vec();
        message[at] = byte;
        message
    }

    #[test]
    fn whole_messages_are_told() {
        assert_eq!(detect(QUERY, false), Some(true));
        assert!(detect_cut(QUERY));
        // a response that is its header: an error without the question
        assert_eq!(detect(b"\x12\x34\x81\x81\0\0\0\0\0\0\0\0", false), Some(true));
        assert!(!detect_cut(b"\x12\x34\x81\x81\0\0\0\0\0\0\0\0"));
        // multicast: several classes with the top bit set
        assert_eq!(detect(&with(QUERY.len() - 2, 0x80), false), Some(true));
    }

    #[test]
    fn anything_wrong_is_not_dns() {
        // opcode 3, reserved bit, rcode in a query, no question, too many, a count too many, a class
        let last = QUERY.len() - 1;
        let odd = [(2, 0x19), (3, 0x40), (3, 1), (5, 0), (4, 1), (7, 1), (11, 1), (last, 9)];
        for (at, byte) in odd {
            assert_eq!(detect(&with(at, byte), false), Some(false), "{at} {byte:#x}");
        }
        assert_eq!(detect(&with(last - 2, 0), false), Some(false), "type 0");
        assert_eq!(detect(&[QUERY, b"!"].concat(), false), Some(false), "trailing");
        for cut in 0..QUERY.len() {
            assert_eq!(detect(&QUERY[..cut], false), Some(false), "{cut}");
        }
        assert_eq!(detect(&[0; 40], false), Some(false));
    }

    #[test]
    fn streams_are_told_by_their_first_message() {
        let stream = [&(QUERY.len() as u16).to_be_bytes()[..], QUERY, b"next"].concat();
        assert_eq!(detect(&stream, true), Some(true));
        // the question is 17 bytes; without it, none can tell
        for cut in 0..stream.len() - 4 {
            assert_eq!(detect(&stream[..cut], true), None, "{cut}");
        }
        assert_eq!(detect(b"\0\x05abc", true), Some(false), "shorter than a header");
        assert_eq!(detect(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", true), Some(false));
        // a long answer of which the beginning is there
        let mut begun = [b"\x20\0", QUERY, b"\xc0\x0c\0\x10\0\x01\0\0\0\0\x10\0text"].concat();
        (begun[4], begun[9]) = (0x81, 1);
        assert_eq!(detect(&begun, true), Some(true));
    }

    #[test]
    fn netbios_names_are_not_dns() {
        // a query for the name of 16 times `*` and 0 bytes: CKAAAA..., type NBSTAT
        let name = [&b"CK"[..], &[b'A'; 30]].concat();
        let head = b"\x80\xf0\0\x10\0\x01\0\0\0\0\0\0\x20";
        let query = [&head[..], &name, b"\0\0\x21\0\x01"].concat();
        assert!(is_nbns(&query));
        assert_eq!(detect(&query, false), Some(false));
        assert!(!is_nbns(QUERY));
        assert!(!is_nbns(b""));
        // the same letters in a TXT question are a name like any other
        let txt = [&head[..], &name, b"\0\0\x10\0\x01"].concat();
        assert!(!is_nbns(&txt));
        assert_eq!(detect(&txt, false), Some(true));
    }
}
