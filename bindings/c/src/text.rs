//! Records as text: CSV, JSON and JSON Lines, as the older generator wrote them.

use std::ffi::c_char;
use std::slice;

use rheos_core::FlowRecord;
use rheos_gen::flows::{FlowText, TextFormat};

use crate::error::{Error, handed_out, nothing, reporting};
use crate::guarded;

/// How records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum Layout {
    /// `timestamp,src_ip,dst_ip,src_port,dst_port,protocol,length` and lines like it.
    Csv = 1,
    /// The lines without the first.
    CsvWithoutHeader = 2,
    /// One object in each line.
    JsonLines = 3,
    /// One array in one line.
    Json = 4,
    /// One array, an indented line for each key.
    JsonPretty = 5,
}

/// Writes records as text, into memory of its own that is used again for the next ones.
#[derive(Debug)]
pub struct Text {
    text: FlowText,
    bytes: Vec<u8>,
}

/// A writer of one `rheos_layout`. Null for others.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_text_new(layout: u32, error: *mut *mut Error) -> *mut Text {
    let work = || {
        let format = match layout {
            l if l == Layout::Csv as u32 => TextFormat::Csv,
            l if l == Layout::CsvWithoutHeader as u32 => TextFormat::CsvWithoutHeader,
            l if l == Layout::JsonLines as u32 => TextFormat::JsonLines,
            l if l == Layout::Json as u32 => TextFormat::Json,
            l if l == Layout::JsonPretty as u32 => TextFormat::JsonPretty,
            _ => return Err(Error::argument("there is no such layout", "use one of rheos_layout")),
        };
        Ok(handed_out(Text { text: FlowText::new(format), bytes: Vec::new() }))
    };
    // SAFETY: null or a place for an error, as the interface asks.
    unsafe { reporting(error, nothing(), work) }
}

/// Frees a writer, and the text that it gave.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_text_free(text: *mut Text) {
    if !text.is_null() {
        // SAFETY: made by `Box::into_raw`, and freed once, as the interface asks.
        drop(unsafe { Box::from_raw(text) });
    }
}

/// What `write` makes, and its length; empty for a null writer.
unsafe fn made(
    text: *mut Text,
    length: *mut usize,
    write: impl FnOnce(&mut FlowText, &mut Vec<u8>),
) -> *const c_char {
    // SAFETY: null or live and used by this thread only, as the interface asks.
    let (text, length) = unsafe { (text.as_mut(), length.as_mut()) };
    let bytes = text.map(|text| {
        text.bytes.clear();
        guarded((), || write(&mut text.text, &mut text.bytes));
        &text.bytes
    });
    if let Some(length) = length {
        *length = bytes.map_or(0, Vec::len);
    }
    bytes.map_or(c"".as_ptr(), |bytes| bytes.as_ptr().cast())
}

/// What comes before the first record; lives until the next call. It does not end with a zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_text_begin(text: *mut Text, length: *mut usize) -> *const c_char {
    // SAFETY: as the interface asks.
    unsafe { made(text, length, FlowText::begin) }
}

/// The text of records; lives until the next call. It does not end with a zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_text_rows(
    text: *mut Text,
    records: *const FlowRecord,
    count: usize,
    length: *mut usize,
) -> *const c_char {
    let records: &[FlowRecord] = if records.is_null() {
        &[]
    } else {
        // SAFETY: `count` records lie there, as the interface asks.
        unsafe { slice::from_raw_parts(records, count) }
    };
    // SAFETY: as the interface asks.
    unsafe { made(text, length, |text, out| text.rows(records, out)) }
}

/// What comes behind the last record; lives until the next call. It does not end with a zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_text_end(text: *mut Text, length: *mut usize) -> *const c_char {
    // SAFETY: as the interface asks.
    unsafe { made(text, length, FlowText::end) }
}
