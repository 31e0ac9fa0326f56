//! SMB headers: version 1 ([MS-CIFS] 2.2.3.1), versions 2 and 3 ([MS-SMB2] 2.2.1).

/// Bytes of a message's beginning that are looked at, or all of a shorter one.
pub const HEAD_BYTES: usize = 1024;
/// Compounded messages that are looked at, at most.
pub const COMPOUNDED_MAX: usize = 16;

/// Bytes of a header of version 2 and 3.
const HEADER_2: usize = 64;

/// Negotiate, version 1 and version 2.
const NEGOTIATE: [u8; 2] = [0x72, 0];
/// Session setup, version 1 and version 2.
const SESSION_SETUP: [u8; 2] = [0x73, 1];

/// A message's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// 1; or 2 for versions 2 and 3.
    pub version: u8,
    /// See [`command_name`].
    pub command: u8,
    /// From a server.
    pub response: bool,
    /// Of a response: the NT status.
    pub status: u32,
    /// What follows the header, as far as it is there.
    pub body: &'a [u8],
}

impl Header<'_> {
    /// Whether the response tells of an error: severity 3 ([MS-ERREF] 2.3); a further step of authentication
    /// (`STATUS_MORE_PROCESSING_REQUIRED`) is none.
    pub const fn is_error(&self) -> bool {
        const MORE_PROCESSING: u32 = 0xc000_0016;
        self.response && self.status >> 30 == 3 && self.status != MORE_PROCESSING
    }

    /// Asks or tells who the client is.
    pub fn is_session_setup(&self) -> bool {
        self.command == SESSION_SETUP[usize::from(self.version == 2)]
    }
}

/// The headers in one message, of which the first may chain others to it (version 2 and 3).
#[derive(Clone, Debug)]
pub struct Headers<'a> {
    rest: &'a [u8],
    left: usize,
}

impl<'a> Headers<'a> {
    /// Those in `bytes`, which begin after the four bytes of the NetBIOS session.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, left: COMPOUNDED_MAX }
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = Header<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let bytes = std::mem::take(&mut self.rest);
        let le32 =
            |head: &[u8], at: usize| Some(u32::from_le_bytes(*head.get(at..)?.first_chunk()?));
        match bytes {
            [0xff, b'S', b'M', b'B', ..] => {
                let (head, body) = bytes.split_first_chunk::<32>()?;
                let status = le32(head, 5)?;
                Some(Header {
                    version: 1,
                    command: head[4],
                    response: head[9] & 0x80 != 0,
                    status,
                    body,
                })
            }
            [0xfe, b'S', b'M', b'B', ..] => {
                let (head, body) = bytes.split_first_chunk::<HEADER_2>()?;
                let next = usize::try_from(le32(head, 20)?).ok()?;
                let body = match next.checked_sub(HEADER_2) {
                    Some(len) if next.is_multiple_of(8) => {
                        self.rest = bytes.get(next..).unwrap_or_default();
                        body.get(..len).unwrap_or(body)
                    }
                    _ => body,
                };
                let response = head[16] & 1 != 0;
                Some(Header {
                    version: 2,
                    command: head[12],
                    response,
                    status: le32(head, 8)?,
                    body,
                })
            }
            _ => None,
        }
    }
}

/// What a server chose of the versions that a client offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// Revision: 1 for version 1; 0x0202, 0x0210, 0x0300, 0x0302 or 0x0311; 0x02ff is still to be negotiated.
    pub revision: u16,
    /// The server wants every message signed.
    pub signing_required: bool,
}

impl Dialect {
    /// As people write it.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.revision {
            1 => "1",
            0x0202 => "2.0.2",
            0x0210 => "2.1",
            0x0300 => "3.0",
            0x0302 => "3.0.2",
            0x0311 => "3.1.1",
            _ => return None,
        })
    }
}

/// What the answer to a negotiation in `bytes` chooses ([MS-CIFS] 2.2.4.52.2, [MS-SMB2] 2.2.4).
pub fn dialect(bytes: &[u8]) -> Option<Dialect> {
    let header = Headers::new(bytes).next().filter(|header| header.response)?;
    match header.version {
        1 if header.command == NEGOTIATE[0] => {
            // Number of words, index of the dialect (0xffff: none), security mode.
            let &[words, low, high, mode] = header.body.first_chunk()?;
            let chosen = words > 0 && [low, high] != [0xff; 2];
            chosen.then_some(Dialect { revision: 1, signing_required: mode & 8 != 0 })
        }
        2 if header.command == NEGOTIATE[1] && header.status == 0 => {
            let &[65, 0, mode, _, low, high] = header.body.first_chunk()? else { return None };
            let revision = u16::from_le_bytes([low, high]);
            Some(Dialect { revision, signing_required: mode & 2 != 0 })
        }
        _ => None,
    }
}

/// Whether a session setup in `bytes` carries a message of NTLM ([MS-NLMP] 2.2.1).
pub fn tells_ntlm(bytes: &[u8]) -> bool {
    let holds = |body: &[u8]| body.windows(8).any(|part| part == b"NTLMSSP\0");
    Headers::new(bytes).any(|header| header.is_session_setup() && holds(header.body))
}

/// What a command is called.
pub const fn command_name(version: u8, command: u8) -> Option<&'static str> {
    Some(match (version, command) {
        (1, 0x72) | (2, 0) => "negotiate",
        (1, 0x73) | (2, 1) => "session-setup",
        (1, 0x74) | (2, 2) => "logoff",
        (1, 0x75) | (2, 3) => "tree-connect",
        (1, 0x71) | (2, 4) => "tree-disconnect",
        (1, 0xa2) | (2, 5) => "create",
        (1, 0x04) | (2, 6) => "close",
        (1, 0x05) | (2, 7) => "flush",
        (1, 0x2e) | (2, 8) => "read",
        (1, 0x2f) | (2, 9) => "write",
        (1, 0x24) | (2, 10) => "lock",
        (2, 11) => "ioctl",
        (1, 0xa4) | (2, 12) => "cancel",
        (1, 0x2b) | (2, 13) => "echo",
        (2, 14) => "query-directory",
        (2, 15) => "change-notify",
        (2, 16) => "query-info",
        (2, 17) => "set-info",
        (2, 18) => "oplock-break",
        (1, 0x06) => "delete",
        (1, 0x07) => "rename",
        (1, 0x25) => "transaction",
        (1, 0x2d) => "open",
        (1, 0x32) => "transaction2",
        (1, 0x34) => "find-close",
        (1, 0xa0) => "nt-transaction",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header_2(command: u8, flags: u8, status: u32, next: u8) -> Vec<u8> {
        let mut bytes = b"\xfeSMB\x40\0\0\0".to_vec();
        bytes.extend(status.to_le_bytes());
        bytes.extend([command, 0, 0, 0, flags, 0, 0, 0, next, 0, 0, 0]);
        bytes.resize(HEADER_2, 0);
        bytes
    }

    #[test]
    fn version_2_negotiates_and_compounds() {
        let mut answer = header_2(0, 1, 0, 0);
        answer.extend([65, 0, 3, 0, 0x11, 3]);
        let chosen = dialect(&answer).unwrap();
        assert_eq!((chosen.name(), chosen.signing_required), (Some("3.1.1"), true));
        assert_eq!(dialect(&header_2(0, 0, 0, 0)), None, "a request");
        let compound = [header_2(5, 0, 0, 72), vec![0; 8], header_2(6, 0, 0, 0)].concat();
        let commands: Vec<u8> = Headers::new(&compound).map(|header| header.command).collect();
        assert_eq!(commands, [5, 6]);
        let refused = header_2(1, 1, 0xc000_006d, 0);
        assert!(Headers::new(&refused).next().unwrap().is_error());
        let more = header_2(1, 1, 0xc000_0016, 0);
        assert!(!Headers::new(&more).next().unwrap().is_error());
        let setup = [header_2(1, 0, 0, 0), b"xxNTLMSSP\0\x01".to_vec()].concat();
        assert!(tells_ntlm(&setup) && !tells_ntlm(&compound));
    }

    #[test]
    fn version_1_negotiates() {
        let mut answer = b"\xffSMB\x72\0\0\0\0\x80".to_vec();
        answer.resize(32, 0);
        answer.extend([17, 5, 0, 0x0f]);
        let chosen = dialect(&answer).unwrap();
        assert_eq!((chosen.name(), chosen.signing_required), (Some("1"), true));
        answer[33..35].copy_from_slice(&[0xff, 0xff]);
        assert_eq!(dialect(&answer), None, "no dialect suits");
        assert_eq!(command_name(1, 0x72), command_name(2, 0));
    }
}
