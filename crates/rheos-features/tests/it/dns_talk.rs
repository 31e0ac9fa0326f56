//! DNS messages, built record by record.

/// A name on the wire.
pub(crate) fn name(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for label in text.split('.').filter(|label| !label.is_empty()) {
        out.push(label.len() as u8);
        out.extend(label.as_bytes());
    }
    out.push(0);
    out
}

/// A question of the Internet's class.
pub(crate) fn question(text: &str, record_type: u16) -> Vec<u8> {
    [&name(text)[..], &record_type.to_be_bytes(), &[0, 1]].concat()
}

/// A record of the Internet's class.
pub(crate) fn record(owner: &[u8], record_type: u16, ttl: u32, data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u16).to_be_bytes();
    [owner, &record_type.to_be_bytes(), &[0, 1], &ttl.to_be_bytes(), &length, data].concat()
}

/// An OPT record: longest message, its TTL field, options.
pub(crate) fn opt(udp_payload: u16, flags: u32, options: &[u8]) -> Vec<u8> {
    let length = (options.len() as u16).to_be_bytes();
    let head = [&[0, 0, 41][..], &udp_payload.to_be_bytes(), &flags.to_be_bytes()].concat();
    [&head[..], &length, options].concat()
}

/// A message of these four sections.
pub(crate) fn message(id: u16, flags: u16, sections: [&[Vec<u8>]; 4]) -> Vec<u8> {
    let mut out = [id.to_be_bytes(), flags.to_be_bytes()].concat();
    for section in sections {
        out.extend((section.len() as u16).to_be_bytes());
    }
    out.extend(sections.concat().concat());
    out
}

/// A query with recursion desired.
pub(crate) fn query(id: u16, text: &str, record_type: u16) -> Vec<u8> {
    message(id, 0x0100, [&[question(text, record_type)], &[], &[], &[]])
}

/// As it goes over TCP.
pub(crate) fn prefixed(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u16).to_be_bytes()[..], message].concat()
}
