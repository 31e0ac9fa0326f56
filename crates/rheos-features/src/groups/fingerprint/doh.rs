//! Signs of DNS over HTTPS (RFC 8484).

use rheos_wire::tls::ClientFacts;

use super::Sign;
use crate::dissect::Dissection;

/// Names of public resolvers that answer over HTTPS, as their operators publish them. A name below one counts too.
const RESOLVERS: &[&str] = &[
    "cloudflare-dns.com",
    "one.one.one.one",
    "dns.google",
    "dns.google.com",
    "dns.quad9.net",
    "dns9.quad9.net",
    "dns10.quad9.net",
    "dns11.quad9.net",
    "doh.opendns.com",
    "doh.familyshield.opendns.com",
    "dns.umbrella.com",
    "doh.cleanbrowsing.org",
    "dns.adguard-dns.com",
    "dns.adguard.com",
    "dns.nextdns.io",
    "dns.controld.com",
    "freedns.controld.com",
    "dns.mullvad.net",
    "doh.mullvad.net",
    "dns0.eu",
    "doh.dns.sb",
    "doh.li",
    "dns.alidns.com",
    "doh.pub",
    "doh.360.cn",
    "dns.twnic.tw",
    "public.dns.iij.jp",
    "doh.libredns.gr",
    "doh.xfinity.com",
    "unfiltered.adguard-dns.com",
];

/// The signs of DNS over HTTPS in a flow.
pub(super) fn signs(read: &Dissection) -> impl Iterator<Item = Sign> {
    let tls = read.tls().and_then(|tls| tls.handshake().client());
    let client = tls.or_else(|| read.quic().and_then(|quic| quic.client_hello()));
    let resolver = client.is_some_and(is_resolver);
    let http = resolver && client.is_some_and(|client| client.alpn().any(|alpn| is_http(&alpn)));
    let clear = read.http1().and_then(|http| http.response.as_ref()?.content_type.as_deref());
    let message = clear.is_some_and(|kind| kind.eq_ignore_ascii_case("application/dns-message"));
    [("resolver", 0.7, resolver), ("http", 0.15, http), ("content_type", 1.0, message)]
        .into_iter()
        .filter_map(|(name, weight, seen)| seen.then_some((name, weight)))
}

fn is_resolver(client: &ClientFacts) -> bool {
    client.server_name.as_deref().is_some_and(is_resolver_name)
}

fn is_resolver_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    RESOLVERS.iter().any(|resolver| {
        let before = name.strip_suffix(resolver);
        before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
    })
}

fn is_http(alpn: &str) -> bool {
    alpn == "h2" || alpn == "h3" || alpn.starts_with("h3-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolvers_are_known_by_name_and_by_what_is_below() {
        for name in
            ["dns.google", "mozilla.cloudflare-dns.com", "abc123.dns.nextdns.io", "DNS.Quad9.net"]
        {
            assert!(is_resolver_name(name), "{name}");
        }
        for name in ["google", "notcloudflare-dns.com", "dns.google.evil.example", ""] {
            assert!(!is_resolver_name(name), "{name}");
        }
    }
}
