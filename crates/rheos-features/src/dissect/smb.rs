//! SMB of all versions over TCP, with or without a NetBIOS session (RFC 1002 §4.3): what was agreed, which commands
//! are used.

use rheos_wire::App;
use rheos_wire::service::smb::{Dialect, HEAD_BYTES, Headers, dialect, tells_ntlm};

use super::codes::Codes;
use super::{Chunk, Detect, Dissector, Start, Taken};

/// Bytes before each message: its type and length.
const FRAME: usize = 4;

/// What the messages of a flow say.
#[derive(Debug, Default)]
pub struct Smb {
    /// What was agreed: the last answer, since the first may only ask to negotiate once more.
    pub dialect: Option<Dialect>,
    /// Commands of version 1.
    pub commands_1: Codes,
    /// Commands of versions 2 and 3.
    pub commands_2: Codes,
    /// Messages in clear, compounded ones one by one.
    pub messages: u32,
    /// Responses that tell of an error.
    pub errors: u32,
    /// A session setup carries NTLM.
    pub ntlm: bool,
    /// Encrypted messages.
    pub encrypted: u32,
}

impl Smb {
    /// Takes in a message's beginning.
    fn take(&mut self, bytes: &[u8]) {
        if bytes.starts_with(b"\xfdSMB") {
            self.encrypted = self.encrypted.saturating_add(1);
            return;
        }
        self.dialect = dialect(bytes).or(self.dialect);
        self.ntlm = self.ntlm || tells_ntlm(bytes);
        for header in Headers::new(bytes) {
            self.messages = self.messages.saturating_add(1);
            self.errors = self.errors.saturating_add(u32::from(header.is_error()));
            match header.version {
                1 => self.commands_1.insert(header.command),
                _ => self.commands_2.insert(header.command),
            }
        }
    }
}

impl Detect for Smb {
    const APPS: &'static [App] = &[App::Smb];

    fn begin(_: &Start) -> Self {
        Self::default()
    }
}

impl Dissector for Smb {
    fn on_stream(&mut self, chunk: Chunk<'_>) -> Taken {
        const MESSAGE: u8 = 0;
        if chunk.gap {
            return Taken::enough();
        }
        let mut at = 0;
        // Each turn but the last takes four bytes at least.
        while let Some(rest) = chunk.bytes.get(at..) {
            let Some(&[kind, high, middle, low]) = rest.first_chunk::<FRAME>() else { break };
            let len = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
            // Session request, its answers, and what keeps a session alive.
            if !matches!(kind, MESSAGE | 0x81..=0x85) {
                return Taken::enough();
            }
            if kind == MESSAGE {
                let head = len.min(HEAD_BYTES);
                let Some(bytes) = rest.get(FRAME..FRAME + head) else { break };
                self.take(bytes);
            }
            if FRAME + len > rest.len() {
                return Taken::skip(at, (FRAME + len) as u64);
            }
            at += FRAME + len;
        }
        Taken::first(at)
    }

    fn heap_bytes(&self) -> usize {
        0
    }
}
