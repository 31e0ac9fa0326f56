//! Protocols without columns that go over to TLS within a connection: XMPP (RFC 6120 §5), NNTP (RFC 4642), PostgreSQL
//! and MySQL.
//!
//! Whatever was agreed in which words, the client then begins a TLS handshake where a line or message of the
//! protocol would begin. So lines or messages are stepped over, and the first record of a handshake in their place
//! hands the connection over.

use rheos_wire::App;

use super::{Chunk, Detect, Dissector, Start, Taken, Wants};

/// Bytes of a side that are read at most: what goes over to TLS does so early.
const BYTES_MAX: u64 = 4096;

/// Waits for a handshake.
#[derive(Debug)]
pub struct StartTls {
    app: App,
    read: [u64; 2],
    /// The client's handshake was seen.
    pub upgraded: bool,
}

/// What stands at the beginning of a line or message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A line or message of so many bytes.
    Message(usize),
    /// The first record of a TLS handshake.
    Handshake,
    /// Too few bytes to tell.
    Short,
    /// Nothing that this protocol says.
    Strange,
}

/// Whether bytes begin as a record with a ClientHello does (RFC 8446 §5.1).
pub(super) fn handshake(bytes: &[u8]) -> Next {
    match bytes {
        [0x16, 3, 0..=4, _, _, 1, ..] => Next::Handshake,
        []
        | [0x16]
        | [0x16, 3]
        | [0x16, 3, 0..=4]
        | [0x16, 3, 0..=4, _]
        | [0x16, 3, 0..=4, _, _] => Next::Short,
        _ => Next::Strange,
    }
}

/// So many bytes of a chunk were messages before any TLS; the flow is let go on when there are too many, or a gap.
pub(super) fn go_on(read: &mut [u64; 2], chunk: &Chunk<'_>, taken: usize) -> Taken {
    let read = &mut read[chunk.direction.index()];
    *read += taken as u64;
    let waiting = (chunk.bytes.len() - taken) as u64;
    if *read + waiting > BYTES_MAX || chunk.gap {
        return Taken::enough();
    }
    Taken::first(taken)
}

fn next(app: App, from_client: bool, bytes: &[u8]) -> Next {
    if from_client {
        match handshake(bytes) {
            Next::Strange => {}
            found => return found,
        }
    }
    let len = match app {
        App::Postgres if !from_client => match bytes {
            // One letter answers the request; anything else goes on in clear text.
            [b'S'] => Some(1),
            _ => return Next::Strange,
        },
        App::Postgres => match bytes.first_chunk::<8>() {
            Some([0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f]) => Some(8),
            Some(_) => return Next::Strange,
            None => None,
        },
        App::Mysql => bytes.first_chunk::<4>().map(|&[low, middle, high, _]| {
            4 + (usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low))
        }),
        // XML has no lines: what is not the handshake's first byte is said.
        App::Xmpp => {
            Some(bytes.iter().position(|&byte| byte == 0x16).unwrap_or(bytes.len()).max(1))
        }
        _ => bytes.iter().position(|&byte| byte == b'\n').map(|end| end + 1),
    };
    len.map_or(Next::Short, Next::Message)
}

impl Detect for StartTls {
    const APPS: &'static [App] = &[App::Xmpp, App::Nntp, App::Postgres, App::Mysql];

    fn begin(start: &Start) -> Self {
        Self { app: start.app, read: [0; 2], upgraded: false }
    }
}

impl Dissector for StartTls {
    fn on_stream(&mut self, chunk: Chunk<'_>) -> Taken {
        let mut at = 0;
        // Each turn but the last takes one byte at least.
        while let Some(rest) = chunk.bytes.get(at..).filter(|rest| !rest.is_empty()) {
            // Who began is a guess where no SYN was seen: the side with the handshake is the client.
            let either = handshake(rest) == Next::Handshake;
            let client = either || chunk.direction == rheos_core::Direction::Forward;
            match next(self.app, client, rest) {
                Next::Handshake => {
                    self.upgraded = true;
                    return Taken::then(at, Wants::Become(App::Tls));
                }
                Next::Message(len) if len <= rest.len() => at += len,
                Next::Message(_) | Next::Short => break,
                Next::Strange => return Taken::enough(),
            }
        }
        go_on(&mut self.read, &chunk, at)
    }

    fn heap_bytes(&self) -> usize {
        0
    }
}

#[cfg(test)]
mod tests {
    use rheos_core::{Direction, Timestamp};

    use super::*;

    const HELLO: &[u8] = &[0x16, 3, 1, 0, 80, 1, 0, 0, 76];

    fn reader(app: App) -> StartTls {
        StartTls::begin(&Start { app, datagrams: false, ports: [1, 2], tls_message_max: 1 })
    }

    fn say(reader: &mut StartTls, direction: Direction, bytes: &[u8]) -> Taken {
        let ts = Timestamp::from_nanos(0);
        reader.on_stream(Chunk { direction, ts, bytes, gap: false })
    }

    #[test]
    fn lines_are_stepped_over_up_to_the_handshake() {
        let mut nntp = reader(App::Nntp);
        let (client, server) = (Direction::Forward, Direction::Backward);
        assert_eq!(say(&mut nntp, server, b"200 hello\r\n"), Taken::first(11));
        assert_eq!(say(&mut nntp, client, b"GROUP x\r\nSTAR"), Taken::first(9));
        assert_eq!(say(&mut nntp, client, b"STARTTLS\r\n"), Taken::first(10));
        assert_eq!(say(&mut nntp, client, &HELLO[..3]), Taken::first(0));
        let taken = say(&mut nntp, client, HELLO);
        assert_eq!(taken, Taken::then(0, Wants::Become(App::Tls)));
        assert!(nntp.upgraded);
    }

    #[test]
    fn messages_are_stepped_over_too() {
        let client = Direction::Forward;
        let become_tls = Wants::Become(App::Tls);
        let request = [0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f];
        let both = [&request[..], HELLO].concat();
        assert_eq!(say(&mut reader(App::Postgres), client, &both), Taken::then(8, become_tls));
        let refused = say(&mut reader(App::Postgres), Direction::Backward, b"N");
        assert_eq!(refused, Taken::enough());
        let mysql = [&[4, 0, 0, 1, 9, 9, 9, 9][..], HELLO].concat();
        assert_eq!(say(&mut reader(App::Mysql), client, &mysql), Taken::then(8, become_tls));
        let xmpp = [b"<starttls/>", HELLO].concat();
        assert_eq!(say(&mut reader(App::Xmpp), client, &xmpp), Taken::then(11, become_tls));
    }

    #[test]
    fn what_does_not_go_over_is_let_go() {
        let mut nntp = reader(App::Nntp);
        let line = [&[b'x'; 998][..], b"\r\n"].concat();
        for _ in 0..4 {
            assert_eq!(say(&mut nntp, Direction::Forward, &line), Taken::first(1000));
        }
        assert_eq!(say(&mut nntp, Direction::Forward, &line), Taken::enough());
        assert_eq!(say(&mut reader(App::Nntp), Direction::Forward, &[b'x'; 5000]), Taken::enough());
    }
}
