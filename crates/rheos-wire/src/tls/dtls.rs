//! Records of DTLS 1.0 and 1.2 (RFC 6347 §4.1), of DTLS 1.3 (RFC 9147 §4), and fragments of handshake messages
//! (RFC 6347 §4.2.2).

use super::read::Reader;
use super::record::{CONTENT_MAX, content};
use super::versions;

/// Length of the header of a fragment of a handshake message.
pub const FRAGMENT_HEADER_LEN: usize = 12;

/// A record in a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Content type; what is encrypted by DTLS 1.3 shows as application data.
    pub content: u8,
    /// Version field; that of DTLS 1.3 where the header is its own, which has none.
    pub version: u16,
    /// Epoch: 0 is not encrypted. Of the header of DTLS 1.3, its lowest two bits.
    pub epoch: u16,
    /// Sequence number within the epoch, as far as it is told.
    pub sequence: u64,
    /// Content; what the capture holds of it.
    pub data: &'a [u8],
}

/// The records of a datagram. Ends at the first thing that is no record; [`Self::is_malformed`] then tells. Records
/// that use connection ids are the last that can be told, as the length of the ids is not in the header.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    rest: Reader<'a>,
    malformed: bool,
}

impl<'a> Records<'a> {
    /// The records of these bytes.
    pub const fn new(datagram: &'a [u8]) -> Self {
        Self { rest: Reader::new(datagram), malformed: false }
    }

    /// Whether iteration stopped at what is no record.
    pub const fn is_malformed(&self) -> bool {
        self.malformed
    }

    fn take(&mut self) -> Option<Record<'a>> {
        let mut reader = self.rest;
        let first = reader.u8()?;
        let record = if first >> 5 == 0b001 {
            unified(first, &mut reader)
        } else {
            plain(first, &mut reader)
        };
        self.rest = reader;
        record
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let record = self.take();
        if record.is_none() {
            self.malformed = true;
            self.rest = Reader::new(&[]);
        }
        record
    }
}

fn plain<'a>(content_type: u8, reader: &mut Reader<'a>) -> Option<Record<'a>> {
    if !matches!(content_type, content::CHANGE_CIPHER_SPEC..=content::ACK) {
        return None;
    }
    let version = reader.u16()?;
    if !is_record_version(version) {
        return None;
    }
    let epoch = reader.u16()?;
    let sequence = reader.u48()?;
    let data = if content_type == content::TLS12_CID {
        reader.take(reader.rest().len())?
    } else {
        let len = reader.u16().filter(|len| *len <= CONTENT_MAX)?;
        reader.take(usize::from(len))?
    };
    Some(Record { content: content_type, version, epoch, sequence, data })
}

/// Whether the version field of a record can be one of DTLS; 0x0100 is DTLS 1.0 of old `OpenSSL`.
fn is_record_version(version: u16) -> bool {
    const OPENSSL_BEFORE_098F: u16 = 0x0100;
    matches!(version, versions::DTLS10 | versions::DTLS12 | versions::DTLS13 | OPENSSL_BEFORE_098F)
}

/// A record of DTLS 1.3 that is encrypted: flags, connection id of a length agreed on before, sequence number, length.
fn unified<'a>(flags: u8, reader: &mut Reader<'a>) -> Option<Record<'a>> {
    const CONNECTION_ID: u8 = 0x10;
    const LONG_SEQUENCE: u8 = 0x08;
    const LENGTH: u8 = 0x04;
    let mut record = Record {
        content: content::APPLICATION_DATA,
        version: versions::DTLS13,
        epoch: u16::from(flags & 3),
        sequence: 0,
        data: &[],
    };
    if flags & CONNECTION_ID == 0 {
        let short = |reader: &mut Reader<'a>| reader.u8().map(u64::from);
        let long = |reader: &mut Reader<'a>| reader.u16().map(u64::from);
        record.sequence = if flags & LONG_SEQUENCE == 0 { short(reader)? } else { long(reader)? };
        if flags & LENGTH != 0 {
            record.data = reader.vec16()?;
            return Some(record);
        }
    }
    record.data = reader.take(reader.rest().len())?;
    Some(record)
}

/// A fragment of a handshake message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment<'a> {
    /// Type of the message, see [`kinds`](super::handshake::kinds).
    pub kind: u8,
    /// Length of the whole message's body in bytes.
    pub message_len: u32,
    /// Number of the message.
    pub sequence: u16,
    /// Where the fragment lies in the body.
    pub offset: u32,
    /// The fragment.
    pub data: &'a [u8],
}

impl<'a> Fragment<'a> {
    /// The fragments of a handshake record that is not encrypted; ends at the first that does not fit its record or
    /// its message.
    pub fn all(record: &'a [u8]) -> impl Iterator<Item = Fragment<'a>> {
        let mut reader = Reader::new(record);
        std::iter::from_fn(move || Self::take(&mut reader))
    }

    fn take(reader: &mut Reader<'a>) -> Option<Self> {
        let kind = reader.u8()?;
        let message_len = reader.u24()?;
        let sequence = reader.u16()?;
        let offset = reader.u24()?;
        let data = reader.vec24()?;
        let end = offset as usize + data.len();
        (end <= message_len as usize).then_some(Self { kind, message_len, sequence, offset, data })
    }
}

/// Whether a datagram begins a conversation of DTLS: a whole record of epoch 0 with the beginning of a ClientHello,
/// HelloVerifyRequest or ServerHello.
pub fn begins_dtls(datagram: &[u8]) -> bool {
    let Some(record) = Records::new(datagram).next() else {
        return false;
    };
    if record.content != content::HANDSHAKE || record.epoch != 0 {
        return false;
    }
    let first = Fragment::all(record.data).next();
    first.is_some_and(|fragment| {
        use super::handshake::kinds;
        matches!(
            fragment.kind,
            kinds::CLIENT_HELLO | kinds::HELLO_VERIFY_REQUEST | kinds::SERVER_HELLO
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Record header: handshake, DTLS 1.2, epoch 0, sequence 1, then 15 bytes.
    const RECORD: [u8; 13] = [22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 1, 0, 15];
    /// A fragment of three bytes at offset 2 of a ClientHello of nine.
    const FRAGMENT: [u8; 15] = [1, 0, 0, 9, 0, 4, 0, 0, 2, 0, 0, 3, 7, 8, 9];

    fn datagram() -> Vec<u8> {
        [&RECORD[..], &FRAGMENT, &[20, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1, 1]].concat()
    }

    #[test]
    fn records_and_fragments() {
        let bytes = datagram();
        let mut records = Records::new(&bytes);
        let first = records.next().unwrap();
        assert_eq!((first.content, first.version, first.epoch, first.sequence), (22, 0xfefd, 0, 1));
        let fragments: Vec<_> = Fragment::all(first.data).collect();
        let wanted = Fragment { kind: 1, message_len: 9, sequence: 4, offset: 2, data: &[7, 8, 9] };
        assert_eq!(fragments, [wanted]);
        let second = records.next().unwrap();
        assert_eq!((second.content, second.data), (20, &[1][..]));
        assert_eq!(records.next(), None);
        assert!(!records.is_malformed());
        assert!(begins_dtls(&bytes));
    }

    #[test]
    fn what_is_no_record_ends_the_list() {
        for cut in 1..RECORD.len() + FRAGMENT.len() {
            let bytes = &datagram()[..cut];
            let mut records = Records::new(bytes);
            assert_eq!(records.next(), None, "{cut}");
            assert!(records.is_malformed());
            assert!(!begins_dtls(bytes));
        }
        let mut other = datagram();
        other[1] = 3;
        assert!(!begins_dtls(&other));
        other = datagram();
        other[4] = 1;
        assert!(!begins_dtls(&other), "epoch 1 is encrypted");
    }

    #[test]
    fn a_fragment_beyond_its_message_is_none() {
        let mut bytes = FRAGMENT;
        bytes[8] = 7;
        assert_eq!(Fragment::all(&bytes).count(), 0);
    }

    #[test]
    fn encrypted_records_of_13() {
        // Sequence number of one byte, with length; then of two bytes, without.
        let bytes = [0b0010_0110, 5, 0, 2, 9, 9, 0b0010_1011, 1, 2, 8, 8, 8];
        let records: Vec<_> = Records::new(&bytes).collect();
        assert_eq!(records.len(), 2);
        assert_eq!((records[0].epoch, records[0].sequence, records[0].data), (2, 5, &[9, 9][..]));
        assert_eq!((records[1].epoch, records[1].sequence), (3, 0x102));
        assert_eq!((records[1].content, records[1].data), (23, &[8, 8, 8][..]));
    }
}
