//! DNS messages (RFC 1035) over UDP and TCP; multicast DNS (RFC 6762) and LLMNR (RFC 4795) have the same form.

mod codes;
mod detect;
mod name;
mod record;

pub use codes::{push_rcode, push_type, rcode, rcode_name, record_type, type_name};
pub use detect::{detect, detect_cut, is_nbns};
pub use name::{JUMPS_MAX, Labels, NAME_MAX, Name};
pub use record::{CLASS_MASK, Opt, Question, Record, Section};

/// Bytes of a header.
pub const HEADER_LEN: usize = 12;

/// The header (RFC 1035 §4.1.1, RFC 4035 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Ties an answer to its question.
    pub id: u16,
    /// The second word.
    pub flags: u16,
    /// How many questions, answers, authority and additional records it says there are.
    pub counts: [u16; 4],
}

impl Header {
    /// Reads the first bytes of a message.
    pub fn parse(message: &[u8]) -> Option<Self> {
        let head = message.first_chunk::<HEADER_LEN>()?;
        let [i1, i0, f1, f0, a1, a0, b1, b0, c1, c0, d1, d0] = *head;
        let counts = [[a1, a0], [b1, b0], [c1, c0], [d1, d0]].map(u16::from_be_bytes);
        let (id, flags) = (u16::from_be_bytes([i1, i0]), u16::from_be_bytes([f1, f0]));
        Some(Self { id, flags, counts })
    }

    /// A response: QR.
    pub fn is_response(&self) -> bool {
        self.flags & 0x8000 != 0
    }

    /// The kind of request: 0 query, 4 notify, 5 update, ...
    pub fn opcode(&self) -> u8 {
        (self.flags >> 11 & 15) as u8
    }

    /// The answer comes from the zone's own server: AA. In LLMNR another thing.
    pub fn is_authoritative(&self) -> bool {
        self.flags & 0x0400 != 0
    }

    /// Cut short: TC.
    pub fn is_truncated(&self) -> bool {
        self.flags & 0x0200 != 0
    }

    /// The server is asked to find out: RD. In LLMNR another thing.
    pub fn recursion_desired(&self) -> bool {
        self.flags & 0x0100 != 0
    }

    /// The server can find out: RA.
    pub fn recursion_available(&self) -> bool {
        self.flags & 0x0080 != 0
    }

    /// The reserved bit.
    pub fn reserved(&self) -> bool {
        self.flags & 0x0040 != 0
    }

    /// The server has verified the data: AD.
    pub fn is_authenticated(&self) -> bool {
        self.flags & 0x0020 != 0
    }

    /// The client will verify it: CD.
    pub fn checking_disabled(&self) -> bool {
        self.flags & 0x0010 != 0
    }

    /// The lower four bits of the response code; EDNS(0) adds eight ([`Opt::rcode_high`]).
    pub fn rcode(&self) -> u16 {
        self.flags & 15
    }
}

/// A question or a record.
#[derive(Clone, Copy, Debug)]
pub enum Entry<'a> {
    /// Of the first section.
    Question(Question<'a>),
    /// Of the others.
    Record(Record<'a>),
}

/// Questions and records of a message, in order, up to the first that cannot be read.
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    message: &'a [u8],
    at: usize,
    left: [u16; 4],
    broken: bool,
}

impl<'a> Entries<'a> {
    /// What `header` says that follows it in `message`.
    pub fn new(header: &Header, message: &'a [u8]) -> Self {
        Self { message, at: HEADER_LEN, left: header.counts, broken: false }
    }

    /// All of them were read.
    pub fn is_whole(&self) -> bool {
        !self.broken && self.left == [0; 4]
    }

    /// Bytes of the message that were read.
    pub fn offset(&self) -> usize {
        self.at
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        // A record takes 11 bytes at least, a question 5, so a message ends this loop.
        let section = self.left.iter().position(|&left| left > 0)?;
        let record = |section| {
            Record::parse(self.message, self.at, section).map(|(r, e)| (Entry::Record(r), e))
        };
        let read = match section {
            _ if self.broken => None,
            0 => Question::parse(self.message, self.at).map(|(q, e)| (Entry::Question(q), e)),
            1 => record(Section::Answer),
            2 => record(Section::Authority),
            _ => record(Section::Additional),
        };
        let Some((entry, end)) = read else {
            self.broken = true;
            return None;
        };
        self.left[section] -= 1;
        self.at = end;
        Some(entry)
    }
}

/// The first message in the bytes of one side of a TCP connection, after its length (RFC 1035 §4.2.2), and how
/// many bytes both take; `None` if it is not all there.
pub fn stream_message(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    let message = rest.get(..usize::from(u16::from_be_bytes(*length)))?;
    Some((message, message.len() + 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer: a.b A? -> CNAME c.b, A 192.0.2.1; one authority record is promised and missing.
    const ANSWER: &[u8] = b"\x12\x34\x85\x83\0\x01\0\x02\0\x01\0\0\x01a\x01b\0\0\x01\0\x01\
        \xc0\x0c\0\x05\0\x01\0\0\0\x0a\0\x04\x01c\xc0\x0e\
        \xc0\x21\0\x01\0\x01\0\0\0\x14\0\x04\xc0\0\x02\x01";

    #[test]
    fn the_bits_of_a_header() {
        let header = Header::parse(ANSWER).unwrap();
        assert_eq!((header.id, header.counts), (0x1234, [1, 2, 1, 0]));
        assert!(header.is_response() && header.is_authoritative());
        assert!(header.recursion_desired() && header.recursion_available());
        assert!(!header.is_truncated() && !header.reserved());
        assert!(!header.is_authenticated() && !header.checking_disabled());
        assert_eq!((header.opcode(), header.rcode()), (0, 3));
        let other = Header { flags: 0x2a70, ..header };
        assert!(!other.is_response() && other.is_truncated() && other.reserved());
        assert!(other.is_authenticated() && other.checking_disabled());
        assert_eq!(other.opcode(), 5);
        assert_eq!(Header::parse(&ANSWER[..11]), None);
    }

    #[test]
    fn entries_in_order_up_to_what_is_missing() {
        let header = Header::parse(ANSWER).unwrap();
        let mut entries = Entries::new(&header, ANSWER);
        let told: Vec<_> = entries
            .by_ref()
            .map(|entry| {
                let mut name = String::new();
                match entry {
                    Entry::Question(q) => {
                        q.name.push_to(&mut name);
                        (name, q.record_type, 0)
                    }
                    Entry::Record(r) => {
                        r.name.push_to(&mut name);
                        (name, r.record_type, r.ttl)
                    }
                }
            })
            .collect();
        assert_eq!(told, [("a.b".into(), 1, 0), ("a.b".into(), 5, 10), ("c.b".into(), 1, 20)]);
        assert!(!entries.is_whole());
        assert_eq!(entries.offset(), ANSWER.len());
        assert!(entries.next().is_none(), "and it stays so");
        let mut whole = Entries::new(&Header { counts: [1, 2, 0, 0], ..header }, ANSWER);
        assert_eq!(whole.by_ref().count(), 3);
        assert!(whole.is_whole());
    }

    #[test]
    fn messages_of_a_stream() {
        assert_eq!(stream_message(b"\0\x03abcd"), Some((&b"abc"[..], 5)));
        assert_eq!(stream_message(b"\0\x00"), Some((&b""[..], 2)));
        assert_eq!(stream_message(b"\0\x03ab"), None);
        assert_eq!(stream_message(b"\0"), None);
    }
}
