//! The first message of Google's own handshake, CHLO, which `Q050` has in place of a TLS ClientHello: a table of tags and
//! ends, then their values.

/// A CHLO.
#[derive(Clone, Copy, Debug)]
pub struct ClientHello<'a> {
    /// Entries of eight bytes: tag, and the end of its value.
    table: &'a [[u8; 8]],
    values: &'a [u8],
}

impl<'a> ClientHello<'a> {
    /// Reads a CHLO that begins with the first byte and may go on after the last. `None` if its table is not whole.
    pub fn parse(message: &'a [u8]) -> Option<Self> {
        let (&[b'C', b'H', b'L', b'O', low, high, _, _], rest) =
            message.split_first_chunk::<8>()?
        else {
            return None;
        };
        let entries = usize::from(u16::from_le_bytes([low, high]));
        let (table, values) = rest.split_at_checked(8 * entries)?;
        Some(Self { table: table.as_chunks().0, values })
    }

    /// The length of the whole message in bytes, by its table.
    pub fn message_len(&self) -> usize {
        let values = self.table.last().map_or(0, |entry| end_of(*entry));
        8 + 8 * self.table.len() + values
    }

    /// The value of a tag, if it is there whole.
    fn find(&self, tag: [u8; 4]) -> Option<&'a [u8]> {
        let place = self.table.iter().position(|entry| entry.starts_with(&tag))?;
        let before = place.checked_sub(1).and_then(|before| self.table.get(before));
        let start = before.map_or(0, |entry| end_of(*entry));
        self.values.get(start..end_of(*self.table.get(place)?))
    }

    /// The server's name.
    pub fn server_name(&self) -> Option<&'a [u8]> {
        self.find(*b"SNI\0")
    }

    /// What the client calls itself.
    pub fn user_agent(&self) -> Option<&'a [u8]> {
        self.find(*b"UAID")
    }
}

fn end_of([_, _, _, _, end @ ..]: [u8; 8]) -> usize {
    u32::from_le_bytes(end) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> Vec<u8> {
        let mut message = b"CHLO\x03\0\0\0".to_vec();
        for (tag, end) in [(b"PAD\0", 3), (b"SNI\0", 8), (b"UAID", 11)] {
            message.extend(tag);
            message.extend(u32::to_le_bytes(end));
        }
        message.extend(b"---a.comua!");
        message
    }

    #[test]
    fn values_are_found_by_their_tags() {
        let message = message();
        let hello = ClientHello::parse(&message).unwrap();
        assert_eq!(hello.server_name(), Some(&b"a.com"[..]));
        assert_eq!(hello.user_agent(), Some(&b"ua!"[..]));
        assert_eq!(hello.message_len(), message.len());
        let cut = ClientHello::parse(&message[..message.len() - 1]).unwrap();
        assert_eq!((cut.server_name(), cut.user_agent()), (Some(&b"a.com"[..]), None));
    }

    #[test]
    fn what_is_no_chlo() {
        let mut message = message();
        assert!(ClientHello::parse(&message[..31]).is_none(), "the table is cut");
        // Ends that fall, and one beyond everything.
        message[20..24].copy_from_slice(&u32::to_le_bytes(1));
        assert_eq!(ClientHello::parse(&message).unwrap().server_name(), None);
        message[20..24].copy_from_slice(&[0xff; 4]);
        assert_eq!(ClientHello::parse(&message).unwrap().server_name(), None);
        message[0] = b'R';
        assert!(ClientHello::parse(&message).is_none());
    }
}
