//! Application data: well-formed, from a key, of no one in particular.

pub(crate) mod dns;
pub(crate) mod http;
pub(crate) mod mqtt;
pub(crate) mod session;
pub(crate) mod small;
pub(crate) mod ssh;
pub(crate) mod tls;

/// Names of servers, all under domains reserved for examples and tests (RFC 2606, RFC 6761).
pub(crate) const NAMES: &[&str] = &[
    "www.example.org",
    "www.example.com",
    "www.example.net",
    "cdn.example.com",
    "static.example.net",
    "img.example.org",
    "api.example.com",
    "mail.example.org",
    "login.example.net",
    "news.example.com",
    "video.example.org",
    "shop.example.com",
    "maps.example.net",
    "updates.example.org",
    "telemetry.example.com",
    "docs.example.net",
    "files.corp.test",
    "git.corp.test",
    "wiki.corp.test",
    "build.corp.test",
    "search.example",
    "weather.example",
    "music.example",
    "forum.example",
];

/// The name of this number.
pub(crate) fn name(n: u8) -> &'static str {
    NAMES[usize::from(n) % NAMES.len()]
}
