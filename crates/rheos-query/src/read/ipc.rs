//! Arrow IPC, streams and files: a file is a stream between its first and its last bytes.

use std::io::Read;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::reader::StreamDecoder;

use super::feed::Reader;
use crate::{BLOCK_ROWS, Error, FlowColumn, FlowColumns};

/// Bytes that are read at once.
const READ_BYTES: usize = 4 << 20;
/// `ARROW1` and two zeros at the beginning of a file.
const MAGIC_BYTES: u64 = 8;

/// Record batches in order.
pub(super) struct IpcFeed {
    reader: Reader,
    decoder: StreamDecoder,
    buffer: Buffer,
    /// The rest of a batch that has more rows than a block.
    rest: Option<RecordBatch>,
    bytes: u64,
    /// The first bytes of a file are no part of the stream.
    skip: u64,
    /// Size of the file, whose footer is no part of the stream either.
    size: Option<u64>,
    has_begun: bool,
    at_end: bool,
}

impl IpcFeed {
    pub(super) fn of_stream(reader: Reader) -> Self {
        Self {
            reader,
            decoder: StreamDecoder::new(),
            buffer: Buffer::from_vec(Vec::<u8>::new()),
            rest: None,
            bytes: 0,
            skip: 0,
            size: None,
            has_begun: false,
            at_end: false,
        }
    }

    pub(super) fn of_file(reader: Reader, size: u64) -> Self {
        Self { skip: MAGIC_BYTES, size: Some(size), ..Self::of_stream(reader) }
    }

    pub(super) fn take_bytes(&mut self) -> u64 {
        std::mem::take(&mut self.bytes)
    }

    /// The next batch, of at most as many rows as a block has.
    pub(super) fn next(&mut self, name: &str) -> Result<Option<RecordBatch>, Error> {
        let batch = match self.rest.take() {
            Some(rest) => rest,
            None => match self.decode(name)? {
                Some(batch) => batch,
                None => return Ok(None),
            },
        };
        if batch.num_rows() <= BLOCK_ROWS {
            return Ok(Some(batch));
        }
        self.rest = Some(batch.slice(BLOCK_ROWS, batch.num_rows() - BLOCK_ROWS));
        Ok(Some(batch.slice(0, BLOCK_ROWS)))
    }

    fn decode(&mut self, name: &str) -> Result<Option<RecordBatch>, Error> {
        loop {
            if self.buffer.is_empty() && !self.fill(name)? {
                let ended = self.decoder.finish();
                return ended.map(|()| None).map_err(|error| Self::damaged(name, &error));
            }
            // The decoder copies fields of damaged messages unchecked into sizes, and panics over some.
            let (decoder, buffer) = (&mut self.decoder, &mut self.buffer);
            let decoded =
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| decoder.decode(buffer)));
            match decoded {
                Ok(Ok(Some(batch))) => return Ok(Some(batch)),
                Ok(Ok(None)) => {}
                // After the end of the stream comes a file's footer.
                Ok(Err(_)) if self.size.is_some() && self.decoder.finish().is_ok() => {
                    self.at_end = true;
                    self.buffer = Buffer::from_vec(Vec::<u8>::new());
                }
                Ok(Err(error)) => return Err(Self::damaged(name, &error)),
                Err(_) => return Err(Self::damaged(name, &"the decoder gave up")),
            }
        }
    }

    #[cold]
    fn damaged(name: &str, reason: &dyn ToString) -> Error {
        Error::damaged(name, "a record batch", reason)
    }

    fn fill(&mut self, name: &str) -> Result<bool, Error> {
        if self.at_end {
            return Ok(false);
        }
        let io = |error| Error::io("read", name, error);
        if self.skip > 0 {
            std::io::copy(&mut self.reader.by_ref().take(self.skip), &mut std::io::sink())
                .map_err(io)?;
            self.bytes += std::mem::take(&mut self.skip);
        }
        let mut bytes = Vec::with_capacity(READ_BYTES);
        let read = self.reader.by_ref().take(READ_BYTES as u64).read_to_end(&mut bytes);
        read.map_err(io)?;
        self.bytes += bytes.len() as u64;
        self.at_end = bytes.is_empty();
        let is_first = self.size.is_some() && !std::mem::replace(&mut self.has_begun, true);
        self.buffer = Buffer::from_vec(bytes);
        if is_first {
            // Zeros pad the magic, to a multiple of 8 bytes; read as a length, they would end the stream.
            let zeros = self.buffer.iter().take_while(|&&byte| byte == 0).count();
            self.buffer.advance(zeros / 8 * 8);
        }
        Ok(!self.at_end)
    }
}

/// The columns of flows that a batch has.
pub(super) fn columns(batch: &RecordBatch) -> FlowColumns {
    batch.schema_ref().fields().iter().filter_map(|field| FlowColumn::named(field.name())).collect()
}
