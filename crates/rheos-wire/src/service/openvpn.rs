//! OpenVPN packets: their first byte, which is never encrypted (OpenVPN wire protocol, draft of the project, §"Packet
//! format"; `ssl_pkt.h` has the numbers).

/// The first byte of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the packet is for; see [`opcode_name`].
    pub opcode: u8,
    /// Number of the keys that it uses, 0 to 7: 0 for the first, then 1 to 7 in turn.
    pub key_id: u8,
}

impl Header {
    /// Reads the beginning of a packet; `None` for opcodes that do not exist.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let &first = bytes.first()?;
        let opcode = first >> 3;
        opcode_name(opcode)?;
        Some(Self { opcode, key_id: first & 7 })
    }

    /// Whether it carries packets of the tunnel.
    pub const fn is_data(self) -> bool {
        matches!(self.opcode, 6 | 9)
    }

    /// Of a packet that begins a session: which version of that it is.
    pub const fn reset_version(self) -> Option<u8> {
        match self.opcode {
            1 | 2 => Some(1),
            7 | 8 => Some(2),
            10 => Some(3),
            _ => None,
        }
    }
}

/// What an opcode is called.
pub const fn opcode_name(opcode: u8) -> Option<&'static str> {
    Some(match opcode {
        1 => "hard-reset-client-1",
        2 => "hard-reset-server-1",
        3 => "soft-reset",
        4 => "control",
        5 => "ack",
        6 => "data-1",
        7 => "hard-reset-client-2",
        8 => "hard-reset-server-2",
        9 => "data-2",
        10 => "hard-reset-client-3",
        11 => "control-wrapped-key",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes() {
        let reset = Header::parse(&[0x38, 1]).unwrap();
        assert_eq!((reset.opcode, reset.key_id, reset.is_data()), (7, 0, false));
        assert_eq!(reset.reset_version(), Some(2));
        let data = Header::parse(&[0x4b]).unwrap();
        assert_eq!((data.opcode, data.key_id, data.is_data()), (9, 3, true));
        assert_eq!(data.reset_version(), None);
        assert_eq!(
            (Header::parse(&[]), Header::parse(&[0x60]), Header::parse(&[3])),
            (None, None, None)
        );
    }
}
