//! Signs of Tor's link protocol inside TLS.
//!
//! Source: the Tor specifications, tor-spec.txt section 2 (link protocol: names in certificates are random host names,
//! issuer and subject differ), and what clients send as server name: `www.`, 4 to 25 characters of base32, `.com`.

use super::Sign;
use crate::dissect::Dissection;
use crate::dissect::tls::Tls;

/// The signs of Tor in a flow.
pub(super) fn signs(read: &Dissection) -> impl Iterator<Item = Sign> {
    let handshake = read.tls().map(Tls::handshake);
    let client = handshake.and_then(|handshake| handshake.client());
    let label = client.and_then(|client| random_label(client.server_name.as_deref()?));
    let digits = label.is_some_and(|label| label.bytes().any(|byte| byte.is_ascii_digit()));
    let no_alpn = label.is_some() && client.is_some_and(|client| client.alpn().next().is_none());
    let leaf = handshake.and_then(|handshake| handshake.chain()?.leaf.as_ref());
    let certificate = leaf.is_some_and(|leaf| are_random(&leaf.subject, &leaf.issuer));
    [
        ("server_name", 0.3, label.is_some()),
        ("digits", 0.25, digits),
        ("no_alpn", 0.15, no_alpn),
        ("certificate", 0.7, certificate),
    ]
    .into_iter()
    .filter_map(|(name, weight, seen)| seen.then_some((name, weight)))
}

/// The middle of `www.<4 to 25 characters of base32>.com` or `.net`.
fn random_label(host: &str) -> Option<&str> {
    let middle = host.strip_prefix("www.")?;
    let middle = middle.strip_suffix(".com").or_else(|| middle.strip_suffix(".net"))?;
    let base32 = |byte: u8| matches!(byte, b'a'..=b'z' | b'2'..=b'7');
    ((4..=25).contains(&middle.len()) && middle.bytes().all(base32)).then_some(middle)
}

/// Whether both names are a random host and nothing else, and not the same.
fn are_random(subject: &str, issuer: &str) -> bool {
    let host = |name: &str| name.strip_prefix("CN=").and_then(random_label).map(str::to_owned);
    matches!((host(subject), host(issuer)), (Some(subject), Some(issuer)) if subject != issuer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_random_by_their_form() {
        assert_eq!(random_label("www.ct7ctrgb6cr7.com"), Some("ct7ctrgb6cr7"));
        assert_eq!(random_label("www.facebook.com"), Some("facebook"), "the form is a weak sign");
        for host in [
            "ct7ctrgb6cr7.com",
            "www.abc.com",
            "www.with-dash.com",
            "www.x1y8.org",
            "www.a8b9c.com",
        ] {
            assert_eq!(random_label(host), None, "{host}");
        }
        assert!(are_random("CN=www.axslhtfqq.net", "CN=www.hkkch64skp7am.com"));
        assert!(!are_random("CN=www.axslhtfqq.net", "CN=www.axslhtfqq.net"));
        assert!(!are_random("CN=www.example.net,O=Example", "CN=www.hkkch64skp7am.com"));
    }
}
