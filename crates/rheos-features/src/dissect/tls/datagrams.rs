//! DTLS: records of datagrams, and handshake messages put together of fragments in any order (RFC 6347 §4.2.3).

use rheos_core::Timestamp;
use rheos_wire::tls::Alert;
use rheos_wire::tls::dtls::{Fragment, Record, Records};
use rheos_wire::tls::handshake::kinds;
use rheos_wire::tls::record::content;

use super::Handshake;
use crate::dissect::Datagram;

/// Datagrams of a flow that are read at most.
const DATAGRAMS_MAX: u16 = 512;
/// Bytes of fragments that are held at most, of both sides together; the rest of a message that needs more is lost.
const HELD_MAX: usize = 16 << 10;
/// Messages of one side that wait for fragments at the same time.
const MESSAGES_MAX: usize = 4;
/// Fragments that one message is held in.
const PIECES_MAX: usize = 64;
/// Messages are numbered from 0; those of a handshake are fewer than this.
const NUMBERS: u16 = 64;

/// What waits of a flow's datagrams.
#[derive(Debug, Default)]
pub(super) struct Datagrams {
    sides: [Side; 2],
    count: u16,
    held: usize,
}

#[derive(Debug, Default)]
struct Side {
    /// Numbers of the messages that were read.
    done: u64,
    messages: Vec<Message>,
}

/// A message of which fragments are missing.
#[derive(Debug)]
struct Message {
    kind: u8,
    len: u32,
    sequence: u16,
    /// (offset, bytes), in order of offsets.
    pieces: Vec<(u32, Box<[u8]>)>,
}

impl Datagrams {
    /// Bytes held.
    pub(super) fn held(&self) -> usize {
        self.held + self.sides.iter().map(Side::list_bytes).sum::<usize>()
    }

    /// Drops what is held.
    pub(super) fn drop_held(&mut self) {
        self.sides.iter_mut().for_each(|side| side.messages = Vec::new());
        self.held = 0;
    }

    /// Takes in a datagram; false if the flow has had so many that nothing is to be expected of it.
    pub(super) fn read(&mut self, datagram: &Datagram<'_>, handshake: &mut Handshake) -> bool {
        self.count += 1;
        // Media and connectivity checks may go between; they are no records.
        for record in Records::new(datagram.bytes) {
            self.record(datagram, record, handshake);
        }
        self.count < DATAGRAMS_MAX
    }

    fn record(&mut self, datagram: &Datagram<'_>, record: Record<'_>, handshake: &mut Handshake) {
        let &Datagram { direction, ts, .. } = datagram;
        handshake.note_record(direction, record.version);
        match record.content {
            _ if record.epoch > 0 => handshake.on_encrypted(direction, ts),
            content::CHANGE_CIPHER_SPEC => handshake.on_change_cipher_spec(direction, ts),
            content::ALERT => {
                if let Some(alert) = Alert::parse(record.data) {
                    handshake.on_alert(direction, alert);
                }
            }
            content::HANDSHAKE => {
                for fragment in Fragment::all(record.data) {
                    self.fragment(datagram, ts, &fragment, handshake);
                }
            }
            _ => {}
        }
    }

    fn fragment(
        &mut self,
        datagram: &Datagram<'_>,
        ts: Timestamp,
        fragment: &Fragment<'_>,
        handshake: &mut Handshake,
    ) {
        let direction = datagram.direction;
        let side = &mut self.sides[direction.index()];
        // Servers that keep no state until the cookie is back may begin to count anew.
        let awaited = fragment.kind == kinds::SERVER_HELLO && handshake.server().is_none();
        if fragment.sequence >= NUMBERS || side.is_done(fragment.sequence) && !awaited {
            return;
        }
        if fragment.data.len() == fragment.message_len as usize {
            self.held -= side.forget(fragment.sequence);
            side.done |= 1 << fragment.sequence;
            return handshake.on_message(direction, ts, fragment.kind, fragment.data);
        }
        let room = HELD_MAX.saturating_sub(self.held);
        let Some(held) = side.hold(fragment, room) else {
            return;
        };
        self.held += held;
        if let Some(body) = side.whole(fragment.sequence) {
            self.held -= side.forget(fragment.sequence);
            side.done |= 1 << fragment.sequence;
            handshake.on_message(direction, ts, fragment.kind, &body);
        }
    }
}

impl Side {
    fn is_done(&self, sequence: u16) -> bool {
        self.done >> sequence & 1 != 0
    }

    fn list_bytes(&self) -> usize {
        let lists = self.messages.iter().map(|it| it.pieces.capacity()).sum::<usize>();
        self.messages.capacity() * size_of::<Message>() + lists * size_of::<(u32, Box<[u8]>)>()
    }

    /// Drops a message; tells how many bytes of it were held.
    fn forget(&mut self, sequence: u16) -> usize {
        let held = |message: &Message| message.pieces.iter().map(|(_, bytes)| bytes.len()).sum();
        let place = self.messages.iter().position(|message| message.sequence == sequence);
        place.map_or(0, |place| held(&self.messages.swap_remove(place)))
    }

    /// Keeps what is new of a fragment; tells how many bytes, or nothing if a limit or a contradiction forbids it.
    fn hold(&mut self, fragment: &Fragment<'_>, room: usize) -> Option<usize> {
        let known = self.messages.iter().position(|it| it.sequence == fragment.sequence);
        let place = known.unwrap_or(self.messages.len());
        if known.is_none() {
            if self.messages.len() >= MESSAGES_MAX || fragment.message_len as usize > HELD_MAX {
                return None;
            }
            self.messages.push(Message {
                kind: fragment.kind,
                len: fragment.message_len,
                sequence: fragment.sequence,
                pieces: Vec::new(),
            });
        }
        let message = self.messages.get_mut(place)?;
        if message.kind != fragment.kind || message.len != fragment.message_len {
            return None;
        }
        message.hold(fragment, room)
    }

    fn whole(&self, sequence: u16) -> Option<Vec<u8>> {
        self.messages.iter().find(|message| message.sequence == sequence)?.whole()
    }
}

impl Message {
    /// Keeps a fragment that is not within another one.
    fn hold(&mut self, fragment: &Fragment<'_>, room: usize) -> Option<usize> {
        let (start, len) = (fragment.offset, fragment.data.len());
        let end = start + len as u32;
        let covers = |(offset, bytes): &(u32, Box<[u8]>)| {
            *offset <= start && end <= *offset + bytes.len() as u32
        };
        if len == 0
            || len > room
            || self.pieces.len() >= PIECES_MAX
            || self.pieces.iter().any(covers)
        {
            return None;
        }
        let place = self.pieces.partition_point(|(offset, _)| *offset <= start);
        self.pieces.insert(place, (start, fragment.data.into()));
        Some(len)
    }

    /// The whole body, if no byte is missing. Where fragments overlap, the one that begins first holds.
    fn whole(&self) -> Option<Vec<u8>> {
        let mut end = 0;
        for (offset, bytes) in &self.pieces {
            if *offset > end {
                return None;
            }
            end = end.max(offset + bytes.len() as u32);
        }
        if end < self.len {
            return None;
        }
        let mut body: Vec<u8> = Vec::with_capacity(self.len as usize);
        for (offset, bytes) in &self.pieces {
            let known = body.len().saturating_sub(*offset as usize);
            body.extend(bytes.get(known..).unwrap_or_default());
        }
        Some(body)
    }
}

#[cfg(test)]
mod tests {
    use rheos_core::Direction;
    use rheos_wire::tls::Carrier;

    use super::*;

    fn fragment(sequence: u16, offset: u32, len: u32, data: &[u8]) -> Vec<u8> {
        let mut record = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0];
        record.extend((12 + data.len() as u16).to_be_bytes());
        record.push(4);
        record.extend(&len.to_be_bytes()[1..]);
        record.extend(sequence.to_be_bytes());
        record.extend(&offset.to_be_bytes()[1..]);
        record.extend(&(data.len() as u32).to_be_bytes()[1..]);
        record.extend(data);
        record
    }

    fn read(datagrams: &mut Datagrams, handshake: &mut Handshake, bytes: &[u8]) -> bool {
        let (direction, ts) = (Direction::Backward, Timestamp::from_nanos(1));
        let sent_len = bytes.len() as u32;
        datagrams.read(&Datagram { direction, ts, bytes, sent_len }, handshake)
    }

    #[test]
    fn fragments_in_any_order_and_over_each_other() {
        let (mut datagrams, mut handshake) = (Datagrams::default(), Handshake::new(Carrier::Dtls));
        for (offset, data) in [(4, &[5, 6][..]), (0, &[1]), (0, &[1]), (3, &[4, 5])] {
            assert!(read(&mut datagrams, &mut handshake, &fragment(3, offset, 6, data)));
            assert!(!handshake.has_new_ticket());
        }
        assert_eq!(datagrams.held, 5);
        assert!(read(&mut datagrams, &mut handshake, &fragment(3, 1, 6, &[2, 3, 4])));
        assert!(handshake.has_new_ticket());
        assert_eq!(datagrams.held, 0);
        // Sent once more: done already.
        read(&mut datagrams, &mut handshake, &fragment(3, 0, 6, &[1]));
        assert_eq!(datagrams.held, 0);
    }

    #[test]
    fn the_body_is_joined_in_order() {
        let piece = |offset, bytes: &[u8]| (offset, Box::from(bytes));
        let pieces = vec![piece(0, &[1, 2]), piece(1, &[9, 3]), piece(2, &[9]), piece(3, &[4])];
        let message = Message { kind: 1, len: 4, sequence: 0, pieces };
        assert_eq!(message.whole(), Some(vec![1, 2, 3, 4]));
    }

    #[test]
    fn what_is_held_is_bounded() {
        let (mut datagrams, mut handshake) = (Datagrams::default(), Handshake::new(Carrier::Dtls));
        for number in 0..2000_u32 {
            let data = vec![7; 1000];
            let bytes = fragment((number % 70) as u16, number % 13 * 1000, 16_000, &data);
            let more = read(&mut datagrams, &mut handshake, &bytes);
            assert_eq!(more, number < u32::from(DATAGRAMS_MAX) - 1);
            let lists = MESSAGES_MAX * 2 * (size_of::<Message>() + PIECES_MAX * 24);
            assert!(datagrams.held() <= HELD_MAX + lists, "{}", datagrams.held());
            if !more {
                break;
            }
        }
        assert_eq!(datagrams.sides[1].messages.len(), MESSAGES_MAX);
    }
}
