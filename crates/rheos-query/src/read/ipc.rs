//! Arrow IPC, streams and files: a file is a stream between its first and its last bytes.
//!
//! Messages are cut out of the stream here, and what they promise is looked at before they are decoded: a damaged
//! length would make the decoder ask for any amount of memory.

use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::reader::StreamDecoder;
use arrow_ipc::{Message, root_as_message};

use super::feed::Reader;
use crate::{BLOCK_ROWS, Error, FlowColumn, FlowColumns};

/// `ARROW1` and two zeros at the beginning of a file.
const MAGIC_BYTES: u64 = 8;
/// The length of the footer and `ARROW1` at the end of a file.
const TRAILER_BYTES: usize = 10;
/// Before the length of a message; older writers left it out.
const CONTINUATION: [u8; 4] = [0xff; 4];
/// Longest description of a message, and longest footer of a file.
const METADATA_BYTES_MAX: usize = 64 << 20;
/// Longest message.
const BODY_BYTES_MAX: u64 = 16 << 30;
/// What a compressed message may become at least; longer ones so many times their length.
const PLAIN_BYTES_MAX: u64 = 1 << 30;
const PLAIN_TIMES_MAX: u64 = 1024;
/// Most rows of a record batch.
const ROWS_MAX: i64 = 1 << 31;

/// Record batches in order.
pub(super) struct IpcFeed {
    reader: Reader,
    decoder: StreamDecoder,
    /// The rest of a batch that has more rows than a block.
    rest: Option<RecordBatch>,
    bytes: u64,
    /// Whether it lies between the first and the last bytes of a file.
    is_file: bool,
    has_begun: bool,
    at_end: bool,
}

impl IpcFeed {
    pub(super) fn of_stream(reader: Reader) -> Self {
        Self {
            reader,
            decoder: StreamDecoder::new(),
            rest: None,
            bytes: 0,
            is_file: false,
            has_begun: false,
            at_end: false,
        }
    }

    pub(super) fn of_file(reader: Reader) -> Self {
        Self { is_file: true, ..Self::of_stream(reader) }
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
        while !self.at_end {
            let message = self.message(name)?;
            let mut buffer = Buffer::from_vec(message);
            // The decoder copies fields of damaged messages unchecked into sizes, and panics over some.
            let decoder = &mut self.decoder;
            let decoded = catch_unwind(AssertUnwindSafe(|| decoder.decode(&mut buffer)));
            let decoded = decoded.map_err(|_| damaged(name, &"the decoder gave up"))?;
            if let Some(batch) = decoded.map_err(|error| damaged(name, &error))? {
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }

    /// The bytes of the next message, or those of the end.
    fn message(&mut self, name: &str) -> Result<Vec<u8>, Error> {
        if self.is_file && !self.has_begun {
            self.read(name, MAGIC_BYTES, &mut Vec::new())?;
        }
        let mut bytes = Vec::new();
        self.read(name, 4, &mut bytes)?;
        // Zeros pad the magic to more than 8 bytes; read as a length, they would end the stream.
        while self.is_file && !self.has_begun && bytes == [0; 4] {
            bytes.clear();
            self.read(name, 4, &mut bytes)?;
        }
        self.has_begun = true;
        if bytes == CONTINUATION {
            self.read(name, 4, &mut bytes)?;
        } else if self.is_file && bytes != [0; 4] {
            return self.footer(name, bytes);
        }
        let length = bytes.last_chunk::<4>().map_or(0, |length| u32::from_le_bytes(*length));
        if length == 0 {
            // The end of the stream, with its mark or without.
            if !matches!(bytes.len(), 0 | 4 | 8) {
                return Err(damaged(name, &"it is cut off"));
            }
            return self.end(name, bytes);
        }
        let start = bytes.len();
        if length as usize > METADATA_BYTES_MAX {
            return Err(damaged(name, &format_args!("a message is described by {length} bytes")));
        }
        self.read(name, length.into(), &mut bytes)?;
        let body = body_bytes(bytes.get(start..).unwrap_or_default());
        let body = body.map_err(|reason| damaged(name, &reason))?;
        let whole = bytes.len() as u64 + body;
        self.read(name, body, &mut bytes)?;
        if (bytes.len() as u64) < whole {
            return Err(damaged(name, &"it is cut off"));
        }
        check_plain(bytes.get(start..).unwrap_or_default(), length as usize)
            .map_err(|reason| damaged(name, &reason))?;
        Ok(bytes)
    }

    /// Of a file whose stream has no mark at its end, these are the first bytes of the footer.
    fn footer(&mut self, name: &str, mut bytes: Vec<u8>) -> Result<Vec<u8>, Error> {
        self.read(name, METADATA_BYTES_MAX as u64, &mut bytes)?;
        let length = bytes.len().checked_sub(TRAILER_BYTES);
        let trailer = length.and_then(|length| bytes.get(length..)?.split_first_chunk::<4>());
        let told = trailer.filter(|(_, magic)| *magic == b"ARROW1").map(|(told, _)| *told);
        if told.and_then(|told| usize::try_from(u32::from_le_bytes(told)).ok()) != length {
            return Err(damaged(name, &"where a message should begin, there is none"));
        }
        self.end(name, Vec::new())
    }

    /// After the last message; a file's footer tells only where its messages are.
    fn end(&mut self, name: &str, mark: Vec<u8>) -> Result<Vec<u8>, Error> {
        self.at_end = true;
        let mut rest = Vec::new();
        if self.is_file {
            self.read(name, METADATA_BYTES_MAX as u64, &mut rest)?;
        }
        Ok(if mark.is_empty() { vec![0; 4] } else { mark })
    }

    /// Appends so many bytes, if there are.
    fn read(&mut self, name: &str, count: u64, bytes: &mut Vec<u8>) -> Result<(), Error> {
        let read = self.reader.by_ref().take(count).read_to_end(bytes);
        self.bytes += read.map_err(|error| Error::io("read", name, error))? as u64;
        Ok(())
    }
}

#[cold]
fn damaged(name: &str, reason: &dyn ToString) -> Error {
    Error::damaged(name, "a record batch", reason)
}

fn parsed(metadata: &[u8]) -> Result<Message<'_>, String> {
    root_as_message(metadata).map_err(|_| "a message is not described as one".to_owned())
}

/// How many bytes follow the description of a message.
fn body_bytes(metadata: &[u8]) -> Result<u64, String> {
    let length = parsed(metadata)?.bodyLength();
    let known = u64::try_from(length).ok().filter(|length| *length <= BODY_BYTES_MAX);
    known.ok_or_else(|| format!("a message has {length} bytes"))
}

/// Looks at what a message, its description and its body, asks memory for.
fn check_plain(message: &[u8], metadata_bytes: usize) -> Result<(), String> {
    let Some((metadata, body)) = message.split_at_checked(metadata_bytes) else {
        return Err("it is cut off".to_owned());
    };
    let message = parsed(metadata)?;
    let dictionary = message.header_as_dictionary_batch().and_then(|batch| batch.data());
    let Some(batch) = message.header_as_record_batch().or(dictionary) else { return Ok(()) };
    if !(0..=ROWS_MAX).contains(&batch.length()) {
        return Err(format!("it has {} rows", batch.length()));
    }
    if batch.compression().is_none() {
        return Ok(());
    }
    let mut plain = 0_u64;
    for buffer in batch.buffers().into_iter().flatten() {
        let (start, length) = (usize::try_from(buffer.offset()), usize::try_from(buffer.length()));
        let (Ok(start), Ok(length)) = (start, length) else {
            return Err("a buffer lies outside of it".to_owned());
        };
        let bytes = start.checked_add(length).and_then(|end| body.get(start..end));
        let bytes = bytes.ok_or("a buffer lies outside of it")?;
        // In front of what is compressed stands its plain length, or -1 where it is not.
        let told = bytes.first_chunk().map_or(0, |told| i64::from_le_bytes(*told));
        plain = plain.saturating_add(u64::try_from(told).unwrap_or(0));
    }
    let most = (body.len() as u64).saturating_mul(PLAIN_TIMES_MAX).max(PLAIN_BYTES_MAX);
    if plain > most {
        return Err(format!("{} compressed bytes claim to be {plain}", body.len()));
    }
    Ok(())
}

/// The columns of flows that a batch has.
pub(super) fn columns(batch: &RecordBatch) -> FlowColumns {
    batch.schema_ref().fields().iter().filter_map(|field| FlowColumn::named(field.name())).collect()
}
