//! TLS and DTLS: records, handshake messages, hellos and their extensions.
//!
//! Everything here reads bytes that are there as a whole: a record's header, a handshake message. Putting messages
//! together over records, segments and datagrams is the caller's. Views borrow; [`ClientFacts`] and [`ServerFacts`]
//! are what is kept of hellos.
//!
//! ```
//! use rheos_wire::tls::{Carrier, ClientFacts, ClientHello};
//!
//! // A ClientHello of TLS 1.0 that offers one cipher suite and has no extension.
//! let mut body = vec![3, 1];
//! body.extend([0; 32]);
//! body.extend([0, 0, 2, 0x00, 0x2f, 1, 0]);
//! let hello = ClientHello::parse(&body, Carrier::Tls).unwrap();
//! let facts = ClientFacts::new(&hello, Carrier::Tls);
//! assert_eq!(facts.ja3_text().unwrap(), "769,47,,,");
//! assert_eq!(facts.ja4.to_string(), "t10i010000_ba72b8082249_000000000000");
//! ```

pub mod ciphers;
pub mod dtls;
pub mod extension;
mod facts;
pub mod groups;
pub mod handshake;
mod hello;
mod read;
pub mod record;
pub mod versions;

pub use extension::{Extension, Extensions, KeyShare, is_grease};
pub use facts::{ClientFacts, LIST_MAX, NAME_MAX, ServerFacts, SessionId};
pub use hello::{Carrier, ClientHello, ServerHello};
pub use read::U16s;
pub use record::{Alert, RecordHeader};
