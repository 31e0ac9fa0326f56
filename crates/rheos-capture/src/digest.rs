//! The SHA-256 of a file, worked out while it is read: on a thread of its own, as it takes as long as all the rest
//! does for a few columns.

use std::io::{self, Read};
use std::mem;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use sha2::{Digest, Sha256};

/// Bytes that are handed to the thread at once. What is smaller is hashed where it is read.
const CHUNK_BYTES: usize = 256 << 10;

/// Chunks that wait for the thread; then the reader waits.
const CHUNKS_MAX: usize = 4;

type Hash = [u8; 32];

/// The hash of a file, which is known when the file was read to its end.
#[derive(Debug)]
enum Outcome {
    Known(Hash),
    /// The thread that still hashes the last chunks.
    Running(JoinHandle<Hash>),
}

/// The hash of a file that is being read; its clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct FileDigest(Arc<Mutex<Option<Outcome>>>);

impl FileDigest {
    /// The hash of the whole file; nothing if it was not read to its end, or was asked for before.
    pub(crate) fn whole(&self) -> Option<Hash> {
        let outcome = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        match outcome? {
            Outcome::Known(hash) => Some(hash),
            Outcome::Running(thread) => thread.join().ok(),
        }
    }

    fn set(&self, outcome: Outcome) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
    }
}

/// Hashes the bytes that go through.
pub(crate) struct Digested<R> {
    inner: R,
    digest: FileDigest,
    /// What was read since the last chunk.
    chunk: Vec<u8>,
    hasher: Option<Hasher>,
    ended: bool,
}

/// The thread that hashes, and the ways to and from it.
struct Hasher {
    full: SyncSender<Vec<u8>>,
    empty: Receiver<Vec<u8>>,
    thread: JoinHandle<Hash>,
}

impl Hasher {
    fn start() -> io::Result<Self> {
        let (full, chunks) = sync_channel::<Vec<u8>>(CHUNKS_MAX);
        // One more, for the chunk that the thread holds: giving back never waits.
        let (back, empty) = sync_channel(CHUNKS_MAX + 1);
        let hash = move || {
            let mut hash = Sha256::new();
            for mut chunk in chunks {
                hash.update(&chunk);
                chunk.clear();
                // The reader may be gone already.
                let _ = back.try_send(chunk);
            }
            hash.finalize().into()
        };
        let thread = thread::Builder::new().name("sha256".to_owned()).spawn(hash)?;
        Ok(Self { full, empty, thread })
    }

    /// Takes a full chunk and gives an empty one.
    fn exchange(&self, chunk: Vec<u8>) -> io::Result<Vec<u8>> {
        let gone = |_| io::Error::other("the thread that hashes the capture has ended");
        self.full.send(chunk).map_err(gone)?;
        Ok(self.empty.try_recv().unwrap_or_else(|_| Vec::with_capacity(CHUNK_BYTES)))
    }
}

impl<R> Digested<R> {
    pub(crate) fn new(inner: R, digest: FileDigest) -> Self {
        Self { inner, digest, chunk: Vec::new(), hasher: None, ended: false }
    }

    fn take_in(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let room = CHUNK_BYTES - self.chunk.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.chunk.extend_from_slice(now);
            bytes = later;
            if self.chunk.len() == CHUNK_BYTES {
                let hasher = match self.hasher.take() {
                    Some(hasher) => hasher,
                    None => Hasher::start()?,
                };
                self.chunk = hasher.exchange(mem::take(&mut self.chunk))?;
                self.hasher = Some(hasher);
            }
        }
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        let rest = mem::take(&mut self.chunk);
        self.digest.set(match self.hasher.take() {
            None => Outcome::Known(Sha256::digest(&rest).into()),
            Some(hasher) => {
                hasher.exchange(rest)?;
                // With `full` gone the thread ends.
                Outcome::Running(hasher.thread)
            }
        });
        Ok(())
    }
}

impl<R: Read> Read for Digested<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.take_in(buf.get(..n).unwrap_or_default())?;
        if n == 0 && !buf.is_empty() && !self.ended {
            self.ended = true;
            self.end()?;
        }
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

    #[test]
    fn chunks_do_not_change_the_hash() {
        for len in [0, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 11 * CHUNK_BYTES + 7] {
            let bytes: Vec<u8> = (0..len).map(|i| (i * 31 % 251) as u8).collect();
            let digest = FileDigest::default();
            let mut reader = Digested::new(&bytes[..], digest.clone());
            let mut part = vec![0; 100_003];
            while reader.read(&mut part).unwrap() > 0 {}
            // Reading on after the end changes nothing.
            assert_eq!(reader.read(&mut part).unwrap(), 0);
            assert_eq!(digest.whole(), Some(Sha256::digest(&bytes).into()), "{len}");
        }
    }

    #[test]
    fn a_file_that_is_left_early_has_no_hash_and_its_thread_ends() {
        let bytes = vec![7; 3 * CHUNK_BYTES];
        let digest = FileDigest::default();
        let mut reader = Digested::new(&bytes[..], digest.clone());
        let mut most = vec![0; 2 * CHUNK_BYTES + 1];
        reader.read_exact(&mut most).unwrap();
        let thread = reader.hasher.take().map(|hasher| hasher.thread).unwrap();
        drop(reader);
        assert_eq!(
            thread.join().unwrap(),
            <[u8; 32]>::from(Sha256::digest(&most[..2 * CHUNK_BYTES]))
        );
        assert_eq!(digest.whole(), None);
    }
}
