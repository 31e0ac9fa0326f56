//! What SSH peers say, byte by byte.

/// A string of RFC 4251.
pub(crate) fn string(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes()[..], bytes].concat()
}

/// A packet in clear: padded with at least 4 bytes to a multiple of 8.
pub(crate) fn packet(message: &[u8]) -> Vec<u8> {
    let padding = 4 + (8 - (5 + message.len() + 4) % 8) % 8;
    let length = (1 + message.len() + padding) as u32;
    [&length.to_be_bytes()[..], &[padding as u8], message, &vec![0xee; padding]].concat()
}

/// A KEXINIT packet with these ten lists.
pub(crate) fn kexinit(lists: [&str; 10], guess: bool) -> Vec<u8> {
    let mut message = vec![20];
    message.extend([0xc0; 16]);
    for list in lists {
        message.extend(string(list.as_bytes()));
    }
    message.push(u8::from(guess));
    message.extend([0; 4]);
    packet(&message)
}

pub(crate) const CLIENT: [&str; 10] = [
    "curve25519-sha256,ecdh-sha2-nistp256,ext-info-c,kex-strict-c-v00@openssh.com",
    "ssh-ed25519,rsa-sha2-512",
    "aes128-ctr,aes256-ctr",
    "chacha20-poly1305@openssh.com,aes256-ctr",
    "hmac-sha1,hmac-sha2-256,hmac-md5",
    "hmac-sha2-256",
    "none,zlib",
    "none,zlib",
    "",
    "",
];

pub(crate) const SERVER: [&str; 10] = [
    "ecdh-sha2-nistp256,curve25519-sha256,kex-strict-s-v00@openssh.com",
    "rsa-sha2-512,ssh-ed25519",
    "aes256-ctr,aes128-ctr",
    "aes256-ctr,chacha20-poly1305@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-512,hmac-sha2-256",
    "zlib",
    "none",
    "",
    "",
];

/// The server's key: format and 32 bytes.
pub(crate) fn host_key() -> Vec<u8> {
    [string(b"ssh-ed25519"), string(&[7; 32])].concat()
}

/// The server's answer in the key exchange.
pub(crate) fn reply() -> Vec<u8> {
    packet(&[&[31][..], &string(&host_key()), &string(&[1; 32]), &string(b"signature")].concat())
}

pub(crate) fn newkeys() -> Vec<u8> {
    packet(&[21])
}

/// All that a client says: identification, KEXINIT, its key, NEWKEYS, 40 encrypted bytes.
pub(crate) fn client() -> Vec<u8> {
    let key = packet(&[&[30][..], &string(&[9; 32])].concat());
    let begin = b"SSH-2.0-Cl_1.0 hello there\r\n";
    [&begin[..], &kexinit(CLIENT, true), &key, &newkeys(), &[0xab; 40]].concat()
}

/// All that a server says: two lines, identification, KEXINIT, answer, NEWKEYS, 64 encrypted bytes.
pub(crate) fn server() -> Vec<u8> {
    let begin = b"Welcome\r\nto all\nSSH-2.0-Srv\xe9_2\r\n";
    [&begin[..], &kexinit(SERVER, false), &reply(), &newkeys(), &[0xcd; 64]].concat()
}
