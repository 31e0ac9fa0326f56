//! HTTP/1.1 heads (RFC 9112).

use std::io::Write;

use super::super::message::{Body, Message};
use super::name;

const AGENTS: &[&str] = &[
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
    "curl/8.8.0",
];

const PATHS: &[&str] = &[
    "/",
    "/index.html",
    "/assets/app.js",
    "/assets/site.css",
    "/images/",
    "/api/v1/items",
    "/search?q=",
];

// Writing into a `Vec` cannot fail, so its result says nothing.

pub(crate) fn request(message: &Message, out: &mut Vec<u8>) {
    let mut rng = message.key.child(1).rng();
    let path = rng.pick(PATHS);
    let agent = rng.pick(AGENTS);
    let (method, number) = (if message.body_len > 0 { "POST" } else { "GET" }, rng.below(100_000));
    let host = name(message.name);
    let _ = write!(
        out,
        "{method} {path}{number} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {agent}\r\nAccept: */*\r\nAccept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\n"
    );
    if message.body_len > 0 {
        let _ = write!(out, "Content-Type: text/plain\r\nContent-Length: {}\r\n", message.body_len);
    }
    out.extend_from_slice(b"\r\n");
}

pub(crate) fn response(message: &Message, out: &mut Vec<u8>) {
    let mut rng = message.key.child(1).rng();
    let status = match rng.below(20) {
        0 => "404 Not Found",
        _ => "200 OK",
    };
    let kind = match message.body {
        Body::Text => "text/html; charset=utf-8",
        _ => "application/octet-stream",
    };
    let _ = write!(
        out,
        "HTTP/1.1 {status}\r\nServer: nginx\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nETag: \"{:016x}\"\r\nConnection: keep-alive\r\n\r\n",
        message.body_len,
        rng.bits()
    );
}
