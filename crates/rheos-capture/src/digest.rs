//! The SHA-256 of a file, worked out while it is read.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

/// What went by so far.
#[derive(Debug, Default)]
struct State {
    hash: Sha256,
    ended: bool,
}

/// The hash of a file that is being read; its clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct FileDigest(Arc<Mutex<State>>);

impl FileDigest {
    /// The hash of the whole file; nothing if it was not read to its end.
    pub(crate) fn whole(&self) -> Option<[u8; 32]> {
        // A panic between two updates leaves a hash that nobody asks for.
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.ended.then(|| state.hash.clone().finalize().into())
    }
}

/// Hashes the bytes that go through.
pub(crate) struct Digested<R> {
    inner: R,
    digest: FileDigest,
}

impl<R> Digested<R> {
    pub(crate) fn new(inner: R, digest: FileDigest) -> Self {
        Self { inner, digest }
    }
}

impl<R: Read> Read for Digested<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        let mut state = self.digest.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.hash.update(buf.get(..n).unwrap_or_default());
        state.ended |= n == 0 && !buf.is_empty();
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_file_has_a_hash() {
        let digest = FileDigest::default();
        let mut reader = Digested::new(&b"abc"[..], digest.clone());
        let mut two = [0; 2];
        assert_eq!(reader.read(&mut two).unwrap(), 2);
        assert_eq!(digest.whole(), None);
        reader.read_to_end(&mut Vec::new()).unwrap();
        // FIPS 180-4, the example of one block.
        let hash = digest.whole().unwrap();
        assert_eq!(hash[..4], [0xba, 0x78, 0x16, 0xbf]);
        assert_eq!(hash[28..], [0xf2, 0x00, 0x15, 0xad]);
    }
}
