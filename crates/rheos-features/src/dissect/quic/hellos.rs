//! What both sides say first in their CRYPTO streams, and what is kept of it.

use rheos_wire::quic::{GoogleHello, TransportParameters, Version, parameters};
use rheos_wire::tls::extension::kinds as extensions;
use rheos_wire::tls::handshake::{HEADER_LEN, HandshakeHeader, kinds};
use rheos_wire::tls::{Carrier, ClientFacts, ClientHello, NAME_MAX, ServerFacts, ServerHello};

use super::crypto::CryptoStream;

/// Identifiers of transport parameters that are kept.
const PARAMETERS_MAX: usize = 64;
/// Versions of a client's list that are kept.
pub(super) const VERSIONS_MAX: usize = 32;

/// What is kept of the client's transport parameters (RFC 9000 §18.2).
#[derive(Debug, Default)]
pub struct Parameters {
    /// Idle timeout in milliseconds.
    pub max_idle_timeout_ms: Option<u64>,
    /// Largest UDP payload that the client takes, in bytes.
    pub max_udp_payload_size: Option<u64>,
    /// Bytes that the server may send before the client asks for more.
    pub initial_max_data: Option<u64>,
    /// Bidirectional streams that the server may open at first.
    pub initial_max_streams_bidi: Option<u64>,
    /// Connection ids of the server that the client keeps.
    pub active_connection_id_limit: Option<u64>,
    /// Largest DATAGRAM frame that the client takes, in bytes (RFC 9221).
    pub max_datagram_frame_size: Option<u64>,
    /// Identifiers of all parameters in ascending order, reserved ones left out; at most 64.
    pub ids: Box<[u64]>,
    /// Versions that the client offers, its first choice first (RFC 9368 §3); at most 32.
    pub versions: Box<[Version]>,
    /// Google's name of its client.
    pub user_agent: Option<Box<str>>,
}

impl Parameters {
    fn new(extension: &[u8]) -> Self {
        let list = TransportParameters::new(extension);
        let number = |id| list.get(id).and_then(|parameter| parameter.number());
        let kept = list.clone().filter(|parameter| !parameter.is_grease()).map(|p| p.id);
        let mut ids: Vec<u64> = kept.take(PARAMETERS_MAX).collect();
        ids.sort_unstable();
        // The chosen version comes before those that are available.
        let versions = list.get(parameters::VERSION_INFORMATION);
        let available = versions.and_then(|versions| versions.value.get(4..)).unwrap_or_default();
        let available = available.as_chunks::<4>().0.iter().copied().map(u32::from_be_bytes);
        let user_agent = list.get(parameters::GOOGLE_USER_AGENT);
        Self {
            max_idle_timeout_ms: number(parameters::MAX_IDLE_TIMEOUT),
            max_udp_payload_size: number(parameters::MAX_UDP_PAYLOAD_SIZE),
            initial_max_data: number(parameters::INITIAL_MAX_DATA),
            initial_max_streams_bidi: number(parameters::INITIAL_MAX_STREAMS_BIDI),
            active_connection_id_limit: number(parameters::ACTIVE_CONNECTION_ID_LIMIT),
            max_datagram_frame_size: number(parameters::MAX_DATAGRAM_FRAME_SIZE),
            ids: ids.into(),
            versions: available.map(Version).take(VERSIONS_MAX).collect(),
            user_agent: user_agent.map(|parameter| text(parameter.value)),
        }
    }

    fn heap_bytes(&self) -> usize {
        size_of_val(&*self.ids)
            + size_of_val(&*self.versions)
            + self.user_agent.as_ref().map_or(0, |name| name.len())
    }
}

/// What is kept of a client that speaks Google's own handshake.
#[derive(Debug)]
struct GoogleClient {
    server_name: Option<Box<str>>,
    user_agent: Option<Box<str>>,
}

/// At most [`NAME_MAX`] bytes as text; other bytes than UTF-8 are replaced by U+FFFD.
fn text(bytes: &[u8]) -> Box<str> {
    String::from_utf8_lossy(bytes.get(..NAME_MAX).unwrap_or(bytes)).into()
}

/// How far a side's stream was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Progress {
    /// The hello is not whole yet.
    #[default]
    Waits,
    /// The hello was read.
    Read,
    /// The stream does not begin with a hello.
    Other,
}

/// The hellos of a connection.
#[derive(Debug, Default)]
pub(super) struct Hellos {
    client: Option<Box<ClientFacts>>,
    google: Option<Box<GoogleClient>>,
    parameters: Option<Box<Parameters>>,
    server: Option<Box<ServerFacts>>,
    asks_again: bool,
}

impl Hellos {
    pub(super) fn client(&self) -> Option<&ClientFacts> {
        self.client.as_deref()
    }

    pub(super) fn parameters(&self) -> Option<&Parameters> {
        self.parameters.as_deref()
    }

    pub(super) fn server(&self) -> Option<&ServerFacts> {
        self.server.as_deref()
    }

    /// Whether the server asked for another ClientHello.
    pub(super) fn asks_again(&self) -> bool {
        self.asks_again
    }

    pub(super) fn server_name(&self) -> Option<&str> {
        match (&self.client, &self.google) {
            (Some(client), _) => client.server_name.as_deref(),
            (None, Some(google)) => google.server_name.as_deref(),
            (None, None) => None,
        }
    }

    pub(super) fn user_agent(&self) -> Option<&str> {
        match (&self.parameters, &self.google) {
            (Some(parameters), _) => parameters.user_agent.as_deref(),
            (None, Some(google)) => google.user_agent.as_deref(),
            (None, None) => None,
        }
    }

    /// Reads the client's hello if it is whole.
    pub(super) fn read_client(&mut self, stream: &CryptoStream, version: Version) -> Progress {
        let bytes = stream.ready();
        if !version.has_tls() {
            return self.read_google(bytes);
        }
        match message(bytes, kinds::CLIENT_HELLO) {
            Ok(Some(body)) => {
                let Some(hello) = ClientHello::parse(body, Carrier::Quic) else {
                    return Progress::Other;
                };
                let find = |kind| hello.extensions().find(kind);
                let parameters = find(extensions::QUIC_TRANSPORT_PARAMETERS)
                    .or_else(|| find(extensions::QUIC_TRANSPORT_PARAMETERS_DRAFT));
                self.parameters = parameters.map(|list| Box::new(Parameters::new(list)));
                self.client = Some(Box::new(ClientFacts::new(&hello, Carrier::Quic)));
                Progress::Read
            }
            Ok(None) => Progress::Waits,
            Err(()) => Progress::Other,
        }
    }

    fn read_google(&mut self, bytes: &[u8]) -> Progress {
        let Some(hello) = GoogleHello::parse(bytes) else {
            let begins = bytes.iter().zip(b"CHLO").all(|(byte, wanted)| byte == wanted);
            return if begins { Progress::Waits } else { Progress::Other };
        };
        if bytes.len() < hello.message_len() {
            return Progress::Waits;
        }
        self.google = Some(Box::new(GoogleClient {
            server_name: hello.server_name().map(text),
            user_agent: hello.user_agent().map(text),
        }));
        Progress::Read
    }

    /// Reads the server's hello if it is whole, a request for another ClientHello before it.
    pub(super) fn read_server(&mut self, stream: &mut CryptoStream, version: Version) -> Progress {
        if !version.has_tls() {
            return Progress::Other;
        }
        loop {
            let body = match message(stream.ready(), kinds::SERVER_HELLO) {
                Ok(Some(body)) => body,
                Ok(None) => return Progress::Waits,
                Err(()) => return Progress::Other,
            };
            let Some(hello) = ServerHello::parse(body) else { return Progress::Other };
            if !hello.is_retry() || self.asks_again {
                self.server = Some(Box::new(ServerFacts::new(&hello)));
                return Progress::Read;
            }
            // Once at most (RFC 8446 §4.1.4).
            self.asks_again = true;
            let len = HEADER_LEN + body.len();
            stream.take(len);
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let client =
            self.client.as_ref().map_or(0, |facts| size_of::<ClientFacts>() + facts.heap_bytes());
        let server =
            self.server.as_ref().map_or(0, |facts| size_of::<ServerFacts>() + facts.heap_bytes());
        let parameters =
            self.parameters.as_ref().map_or(0, |list| size_of::<Parameters>() + list.heap_bytes());
        let google = self.google.as_ref().map_or(0, |google| {
            let names = [&google.server_name, &google.user_agent];
            size_of::<GoogleClient>()
                + names.into_iter().flatten().map(|name| name.len()).sum::<usize>()
        });
        client + server + parameters + google
    }
}

/// The body of the handshake message that `bytes` begin with: none while it is not whole, an error if it is of another
/// kind or longer than a stream may hold.
fn message(bytes: &[u8], kind: u8) -> Result<Option<&[u8]>, ()> {
    if bytes.first().is_some_and(|first| *first != kind) {
        return Err(());
    }
    let Some(header) = HandshakeHeader::parse(bytes) else { return Ok(None) };
    let len = header.len as usize;
    if HEADER_LEN + len > super::crypto::BYTES_MAX {
        return Err(());
    }
    Ok(bytes.get(HEADER_LEN..).and_then(|rest| rest.get(..len)))
}
