//! SSH up to the new keys; what comes after them is only counted.

use rheos_core::Direction;
use rheos_wire::App;
use rheos_wire::ssh::{
    self, HostKey, Identification, KexInit, LINES_BEFORE_MAX, Line, List, Offers, PacketHeader,
    PacketStart, Role, agreed_version, message,
};

use super::{Chunk, Detect, Dissector, Sides, Start, Taken, Verdict, Wants};

/// Longest identification that is kept (RFC 4253 §4.2).
pub const IDENTIFICATION_MAX: usize = 255;
/// Longest KEXINIT that is read; common ones have 1 to 3 KiB, and all must read 32 KiB (RFC 4253 §6.1).
pub const KEXINIT_MAX: usize = 65_536;
/// Longest KEXINIT that is kept until both sides have said theirs. Of a longer one remains its fingerprint.
pub const KEXINIT_KEPT_MAX: usize = 16_384;
/// Longest answer of a key exchange in which a host key is looked for.
pub const REPLY_MAX: usize = 32_768;

/// What both sides say.
#[derive(Debug, Default)]
pub struct Ssh {
    /// Of the initiator and the responder.
    ends: [End; 2],
}

/// What one side says.
#[derive(Debug, Default)]
pub struct End {
    stage: Stage,
    identification: Option<Box<[u8]>>,
    kexinit: Option<Box<[u8]>>,
    /// As if it were the client's, and as if it were the server's.
    hassh: Option<[[u8; 16]; 2]>,
    host_key: Option<Box<HostKeyTold>>,
    /// Lines before the identification.
    pub lines_before: u32,
    /// Bytes of the KEXINIT message, also of one that is too long to be kept; 0 without one.
    pub kexinit_len: u32,
    /// Packets in clear with a message of the key exchange.
    pub kex_packets: u32,
    /// All that follows is encrypted.
    pub newkeys: bool,
    /// Pieces of the stream with encrypted bytes, as they came in order.
    pub encrypted_pieces: u64,
    /// Encrypted bytes.
    pub encrypted_bytes: u64,
}

/// A host key.
#[derive(Debug, PartialEq, Eq)]
pub struct HostKeyTold {
    /// Its format.
    pub format: Box<[u8]>,
    /// Its fingerprint as OpenSSH prints it.
    pub fingerprint: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Greeting,
    Packets,
    Encrypted,
    /// Bytes are lost, or are not SSH.
    Unreadable,
}

/// What was made of the bytes at hand.
enum Step {
    /// So many are done with.
    Done(usize),
    /// More are needed.
    Wait,
    /// A packet of this length is of no interest.
    Pass(usize),
    /// No step leads further: the stage decides.
    Stay,
}

impl Ssh {
    /// Who is the client: the initiator, unless what both say tells the other way round. Only a server sends lines
    /// before its identification and a host key, and some names are offered by one side only.
    pub fn client(&self) -> Direction {
        let [forward, backward] = &self.ends;
        let swapped = forward.is_server() || backward.is_client();
        let straight = forward.is_client() || backward.is_server();
        if swapped && !straight { Direction::Backward } else { Direction::Forward }
    }

    /// What one side said.
    pub fn end(&self, direction: Direction) -> &End {
        &self.ends[direction.index()]
    }

    /// The version of the protocol that both come to speak; `None` while one identification is not known.
    pub fn version(&self) -> Option<u8> {
        let [one, other] = self.ends.each_ref().map(|end| end.identification()?.offers());
        agreed_version(one?, other?)
    }

    /// What one side offers; `None` in version 1, whose packets are others.
    pub fn offers(&self, direction: Direction) -> Option<KexInit<'_>> {
        if self.is_version_1() { None } else { self.end(direction).kexinit() }
    }

    /// The fingerprint of what one side offers in its role.
    pub fn hassh(&self, direction: Direction, role: Role) -> Option<[u8; 16]> {
        let hashes = self.end(direction).hassh.filter(|_| !self.is_version_1())?;
        Some(hashes[role as usize])
    }

    fn is_version_1(&self) -> bool {
        let offers = |end: &End| end.identification().and_then(|id| id.offers());
        self.ends.iter().any(|end| offers(end) == Some(Offers::One))
    }
}

impl Detect for Ssh {
    const APPS: &'static [App] = &[App::Ssh];

    fn begin(_: &Start) -> Self {
        Self::default()
    }

    /// Either side begins with an identification; only a server says other lines before it.
    fn detect_stream(sides: &Sides<'_>) -> Verdict {
        const MARK: &[u8] = b"SSH-";
        let [client, server] = sides.bytes;
        let told = [client, server].map(ssh::detect);
        let other = !client.starts_with(MARK) && !MARK.starts_with(client);
        if told.contains(&Some(true)) {
            Verdict::yes(App::Ssh, "ssh.identification", 1.0)
        } else if other || told.contains(&Some(false)) {
            Verdict::No
        } else {
            Verdict::More
        }
    }
}

impl Dissector for Ssh {
    fn on_stream(&mut self, chunk: Chunk<'_>) -> Taken {
        let end = &mut self.ends[chunk.direction.index()];
        if chunk.gap && end.stage != Stage::Encrypted {
            end.stage = Stage::Unreadable;
        }
        let mut at = 0;
        while let Some(rest) = chunk.bytes.get(at..).filter(|rest| !rest.is_empty()) {
            match end.step(rest) {
                Step::Done(taken) => at += taken,
                Step::Wait => return Taken::first(at),
                Step::Pass(len) if len <= rest.len() => at += len,
                Step::Pass(len) => {
                    let skip = (len - rest.len()) as u64;
                    return Taken { consumed: chunk.bytes.len(), skip, wants: Wants::More };
                }
                Step::Stay => break,
            }
        }
        let wants = match end.stage {
            Stage::Unreadable => Wants::Nothing,
            _ => Wants::More,
        };
        Taken { consumed: chunk.bytes.len(), skip: 0, wants }
    }

    fn is_certain(&self) -> bool {
        self.ends.iter().any(|end| end.hassh.is_some())
    }

    fn heap_bytes(&self) -> usize {
        self.ends.iter().map(End::heap_bytes).sum()
    }
}

impl End {
    /// Its identification.
    pub fn identification(&self) -> Option<Identification<'_>> {
        Identification::parse(self.identification.as_deref()?)
    }

    /// The host key that it proved to have.
    pub fn host_key(&self) -> Option<&HostKeyTold> {
        self.host_key.as_deref()
    }

    fn kexinit(&self) -> Option<KexInit<'_>> {
        KexInit::parse(self.kexinit.as_deref()?)
    }

    fn is_server(&self) -> bool {
        let names: [&[u8]; 2] = [b"ext-info-s", b"kex-strict-s-v00@openssh.com"];
        self.lines_before > 0 || self.host_key.is_some() || self.names_any(names)
    }

    fn is_client(&self) -> bool {
        self.names_any([b"ext-info-c", b"kex-strict-c-v00@openssh.com"])
    }

    fn names_any(&self, names: [&[u8]; 2]) -> bool {
        let has = |init: KexInit<'_>| names.iter().any(|name| init.has(List::KeyExchange, name));
        self.kexinit().is_some_and(has)
    }

    fn step(&mut self, bytes: &[u8]) -> Step {
        match self.stage {
            Stage::Greeting => self.greeting(bytes),
            Stage::Packets => self.packet(bytes),
            Stage::Encrypted => {
                self.encrypted_pieces += 1;
                self.encrypted_bytes += bytes.len() as u64;
                Step::Stay
            }
            Stage::Unreadable => Step::Stay,
        }
    }

    fn greeting(&mut self, bytes: &[u8]) -> Step {
        match Line::first(bytes) {
            Line::Whole(line, len) => {
                if let Some(identification) = Identification::parse(line) {
                    self.stage = match identification.offers() {
                        Some(Offers::Two | Offers::Both) => Stage::Packets,
                        _ => Stage::Unreadable,
                    };
                    self.identification = Some(cut(line, IDENTIFICATION_MAX).into());
                } else {
                    self.lines_before += 1;
                    if self.lines_before > LINES_BEFORE_MAX {
                        self.stage = Stage::Unreadable;
                    }
                }
                Step::Done(len)
            }
            Line::Partial => Step::Wait,
            Line::TooLong => {
                self.stage = Stage::Unreadable;
                Step::Stay
            }
        }
    }

    fn packet(&mut self, bytes: &[u8]) -> Step {
        let header = match PacketHeader::read(bytes) {
            PacketStart::Header(header) => header,
            PacketStart::Partial => return Step::Wait,
            PacketStart::Invalid => {
                self.stage = Stage::Unreadable;
                return Step::Stay;
            }
        };
        let longest = match header.code {
            message::KEXINIT => KEXINIT_MAX,
            code if message::is_of_server(code) => REPLY_MAX,
            _ => 0,
        };
        if header.message_len() <= longest {
            let Some(message) = header.message(bytes) else { return Step::Wait };
            self.on_message(header.code, message);
        }
        if header.code == message::KEXINIT {
            self.kexinit_len = header.message_len() as u32;
        }
        self.kex_packets += u32::from(message::is_key_exchange(header.code));
        if header.code == message::NEWKEYS {
            self.newkeys = true;
            self.stage = Stage::Encrypted;
        }
        Step::Pass(header.len)
    }

    fn on_message(&mut self, code: u8, message: &[u8]) {
        if code == message::KEXINIT {
            let (None, Some(init)) = (&self.hassh, KexInit::parse(message)) else { return };
            self.hassh = Some([Role::Client, Role::Server].map(|role| ssh::hassh(&init, role)));
            if message.len() <= KEXINIT_KEPT_MAX {
                self.kexinit = Some(message.into());
            }
        } else if let (None, Some(key)) = (&self.host_key, HostKey::in_reply(message)) {
            let fingerprint = key.fingerprint();
            self.host_key = Some(Box::new(HostKeyTold { format: key.format.into(), fingerprint }));
        }
    }

    fn heap_bytes(&self) -> usize {
        let key = self.host_key.as_ref().map_or(0, |key| {
            size_of::<HostKeyTold>() + key.format.len() + key.fingerprint.capacity()
        });
        let len = |bytes: &Option<Box<[u8]>>| bytes.as_ref().map_or(0, |bytes| bytes.len());
        len(&self.identification) + len(&self.kexinit) + key
    }
}

fn cut(bytes: &[u8], len: usize) -> &[u8] {
    bytes.get(..len).unwrap_or(bytes)
}
