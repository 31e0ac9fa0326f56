//! How RDP connections begin: X.224 connection request and confirm ([MS-RDPBCGR] 2.2.1.1, 2.2.1.2) in TPKT
//! (RFC 1006).

/// Length of a TPKT header.
pub const TPKT: usize = 4;

/// The first message of a side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection<'a> {
    /// A request; else the answer to it.
    pub request: bool,
    /// Routing token or cookie of a request: the line before what is negotiated.
    pub cookie: Option<&'a [u8]>,
    /// Requested protocols as bits, or the one that was chosen.
    pub protocols: Option<u32>,
    /// The answer is a failure with this code.
    pub failure: Option<u32>,
}

impl<'a> Connection<'a> {
    /// Reads one TPKT message.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        const REQUEST: u8 = 0xe0;
        const CONFIRM: u8 = 0xd0;
        let (head, body) = bytes.split_first_chunk::<11>()?;
        let request = match (head[0], head[5] & 0xf0) {
            (3, REQUEST) => true,
            (3, CONFIRM) => false,
            _ => return None,
        };
        let line = body.windows(2).position(|end| end == b"\r\n").filter(|_| request);
        let cookie = line.and_then(|end| body.get(..end));
        let rest = body.get(line.map_or(0, |end| end + 2)..).unwrap_or_default();
        // Type, flags, length (8, little-endian), value.
        let negotiation = rest.first_chunk::<8>().filter(|it| it[2..4] == [8, 0]);
        let value = negotiation.map(|it| u32::from_le_bytes([it[4], it[5], it[6], it[7]]));
        let kind = negotiation.map(|it| it[0]);
        let told = |wanted: u8| value.filter(|_| kind == Some(wanted));
        Some(Self {
            request,
            cookie,
            protocols: told(if request { 1 } else { 2 }),
            failure: told(3).filter(|_| !request),
        })
    }

    /// The name in a cookie: `Cookie: mstshash=<name>`.
    pub fn user(&self) -> Option<&'a [u8]> {
        self.cookie?.strip_prefix(b"Cookie: mstshash=")
    }
}

/// Protocols by bit ([MS-RDPBCGR] 2.2.1.1.1); without any of them it is RDP's own security.
const PROTOCOLS: &[(u32, &str)] =
    &[(1, "tls"), (2, "credssp"), (4, "rdstls"), (8, "credssp-early"), (16, "aad")];

/// Appends the names of protocols, joined by `,`.
pub fn push_protocols(out: &mut String, bits: u32) {
    if bits == 0 {
        out.push_str("rdp");
    }
    let mut first = true;
    for (_, name) in PROTOCOLS.iter().filter(|(bit, _)| bits & bit != 0) {
        if !std::mem::take(&mut first) {
            out.push(',');
        }
        out.push_str(name);
    }
    if bits != 0 && first {
        out.push_str("other");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_confirms() {
        let mut request = vec![3, 0, 0, 0x2b, 0x26, 0xe0, 0, 0, 0, 0, 0];
        request.extend(b"Cookie: mstshash=eltons\r\n");
        request.extend([1, 0, 8, 0, 3, 0, 0, 0]);
        let connection = Connection::parse(&request).unwrap();
        assert_eq!(connection.user(), Some(&b"eltons"[..]));
        assert_eq!((connection.request, connection.protocols), (true, Some(3)));
        let mut confirm = vec![3, 0, 0, 0x13, 0x0e, 0xd0, 0, 0, 0x12, 0x34, 0];
        confirm.extend([2, 0, 8, 0, 2, 0, 0, 0]);
        let connection = Connection::parse(&confirm).unwrap();
        assert_eq!((connection.request, connection.protocols), (false, Some(2)));
        confirm[11] = 3;
        let connection = Connection::parse(&confirm).unwrap();
        assert_eq!((connection.protocols, connection.failure), (None, Some(2)));
        assert_eq!(Connection::parse(&confirm[..10]), None);
        let names = |bits| {
            let mut out = String::new();
            push_protocols(&mut out, bits);
            out
        };
        assert_eq!((names(0), names(3)), ("rdp".into(), "tls,credssp".into()));
        assert_eq!((names(32), names(48)), ("other".into(), "aad".into()));
    }
}
