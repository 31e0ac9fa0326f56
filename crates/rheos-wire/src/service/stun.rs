//! STUN and TURN messages (RFC 8489 §5, RFC 8656).

use crate::walk::be16;

/// Attributes that are looked at, at most.
const ATTRIBUTES_MAX: usize = 32;

/// A message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Method in the upper six bits and class in the lower two; see [`kind_name`].
    pub kind: u8,
    /// SOFTWARE.
    pub software: Option<&'a [u8]>,
    /// The sender is told its address as others see it (MAPPED-ADDRESS or XOR-MAPPED-ADDRESS).
    pub maps: bool,
}

impl<'a> Message<'a> {
    /// Reads a datagram; `None` for methods beyond those of STUN and TURN.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (head, mut rest) = bytes.split_first_chunk::<20>()?;
        let word = be16(head, 0);
        // The class lies in bits 4 and 8, the method around them.
        let class = (word >> 4 & 1) | (word >> 7 & 2);
        let method = (word & 0xf) | (word >> 1 & 0x70) | (word >> 2 & 0xf80);
        if word >> 14 != 0 || method > 0x3f {
            return None;
        }
        let kind = (method << 2 | class) as u8;
        let mut message = Self { kind, software: None, maps: false };
        for _ in 0..ATTRIBUTES_MAX {
            let Some((head, after)) = rest.split_first_chunk::<4>() else { break };
            let len = usize::from(be16(head, 2));
            let Some(value) = after.get(..len) else { break };
            match be16(head, 0) {
                0x8022 => message.software = Some(value),
                0x0001 | 0x0020 => message.maps = true,
                _ => {}
            }
            rest = after.get(len.next_multiple_of(4)..).unwrap_or_default();
        }
        Some(message)
    }
}

/// Methods, and what they are called as request, indication, success and error.
const METHODS: &[(u8, [&str; 4])] = &[
    (1, ["binding-request", "binding-indication", "binding-success", "binding-error"]),
    (3, ["allocate-request", "allocate-indication", "allocate-success", "allocate-error"]),
    (4, ["refresh-request", "refresh-indication", "refresh-success", "refresh-error"]),
    (6, ["send-request", "send-indication", "send-success", "send-error"]),
    (7, ["data-request", "data-indication", "data-success", "data-error"]),
    (8, ["permission-request", "permission-indication", "permission-success", "permission-error"]),
    (9, ["channel-request", "channel-indication", "channel-success", "channel-error"]),
];

/// What a message is called.
pub fn kind_name(kind: u8) -> Option<&'static str> {
    let (_, names) = METHODS.iter().find(|(method, _)| *method == kind >> 2)?;
    names.get(usize::from(kind & 3)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_attributes() {
        let mut bytes = vec![1, 1, 0, 20, 0x21, 0x12, 0xa4, 0x42];
        bytes.resize(20, 0);
        bytes
            .extend([0x80, 0x22, 0, 3, b'a', b'b', b'c', 0, 0, 0x20, 0, 8, 0, 1, 0, 0, 1, 2, 3, 4]);
        let message = Message::parse(&bytes).unwrap();
        assert_eq!(kind_name(message.kind), Some("binding-success"));
        assert_eq!((message.software, message.maps), (Some(&b"abc"[..]), true));
        bytes[..2].copy_from_slice(&[0, 3]);
        assert_eq!(
            Message::parse(&bytes).and_then(|it| kind_name(it.kind)),
            Some("allocate-request")
        );
        bytes[..2].copy_from_slice(&[0, 0x16]);
        assert_eq!(
            Message::parse(&bytes).and_then(|it| kind_name(it.kind)),
            Some("send-indication")
        );
        assert_eq!(Message::parse(&bytes[..19]), None);
        bytes[0] = 0xc0;
        assert_eq!(Message::parse(&bytes), None);
    }
}
