//! Names of application protocols, as columns tell them.

use std::fmt;

macro_rules! apps {
    ($($(#[$doc:meta])* $app:ident = $name:literal,)+) => {
        /// What is spoken inside a flow.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum App { $($(#[$doc])* $app,)+ }

        impl App {
            /// Every protocol that has a name.
            pub const ALL: &'static [Self] = &[$(Self::$app,)+];

            /// The name in lower case, as columns hold it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$app => $name,)+ }
            }
        }
    };
}

// To add one: a line here, and a detector in rheos-features/src/dissect.
apps! {
    /// Transport Layer Security and SSL 3.0 (RFC 8446 and its elders).
    Tls = "tls",
    /// Datagram TLS (RFC 9147 and its elders).
    Dtls = "dtls",
    /// RFC 9000; what is inside it is told by its ALPN.
    Quic = "quic",
    /// Over UDP or TCP (RFC 1035).
    Dns = "dns",
    /// Multicast DNS (RFC 6762).
    Mdns = "mdns",
    /// Link-local multicast name resolution (RFC 4795).
    Llmnr = "llmnr",
    /// RFC 4253.
    Ssh = "ssh",
    /// HTTP/1.0 and HTTP/1.1 (RFC 9112).
    Http = "http",
    /// HTTP/2 in clear text (RFC 9113).
    Http2 = "http2",
    /// After an upgrade from HTTP/1 (RFC 6455).
    WebSocket = "websocket",
    /// The PROXY protocol, versions 1 and 2, that goes before another one (HAProxy).
    Proxy = "proxy",
}

impl fmt::Display for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_lower_case_and_unique() {
        for (i, app) in App::ALL.iter().enumerate() {
            let name = app.name();
            assert!(
                name.len() <= 16
                    && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
            );
            assert!(App::ALL[..i].iter().all(|other| other.name() != name), "{name}");
        }
    }
}
