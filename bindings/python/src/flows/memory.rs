//! Memory shared with Python: the `unsafe` of this crate, but for the two slots of `FlowBatch` that call into it.
//!
//! Two things cannot be said without: records lent to Python by the buffer protocol (PEP 3118), and memory of Python
//! that records are written into.

#![allow(unsafe_code)]

use std::ffi::{CStr, c_int, c_void};
use std::ptr;
use std::sync::{Arc, Mutex, PoisonError};

use bytemuck::Pod;
use pyo3::buffer::PyUntypedBuffer;
use pyo3::exceptions::PyBufferError;
use pyo3::ffi;
use pyo3::prelude::*;
use rheos_core::{FlowRecord, WideRecord};

use crate::error;

/// Buffers that are kept for the next batch, so that it needs no fresh pages.
const KEPT_MAX: usize = 2;
/// Longest of such a buffer: 32 MiB.
const KEPT_BYTES_MAX: usize = 32 << 20;

/// Buffers of batches that are gone.
#[derive(Clone, Debug)]
pub(super) struct Pool<T>(Arc<Mutex<Vec<Vec<T>>>>);

/// Records in memory that goes back to its pool.
#[derive(Debug)]
pub(super) struct Records<T> {
    records: Vec<T>,
    pool: Pool<T>,
}

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T: Pod> Pool<T> {
    /// Room for so many records; `None` if there is not the memory.
    pub(super) fn room(&self, count: usize) -> Option<Records<T>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().position(|room| room.len() == count);
        let records = match found {
            Some(place) => kept.swap_remove(place),
            None => bytemuck::allocation::try_zeroed_vec(count).ok()?,
        };
        Some(Records { records, pool: self.clone() })
    }
}

impl<T> Records<T> {
    /// What lies there.
    pub(super) fn as_slice(&self) -> &[T] {
        &self.records
    }

    /// To be filled, before anyone else sees it.
    pub(super) fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.records
    }

    /// Without what is behind the first `count`.
    pub(super) fn truncate(&mut self, count: usize) {
        self.records.truncate(count);
    }
}

impl<T> Drop for Records<T> {
    fn drop(&mut self) {
        let bytes = size_of_val(self.records.as_slice());
        if bytes == 0 || bytes > KEPT_BYTES_MAX {
            return;
        }
        let mut kept = self.pool.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == KEPT_MAX {
            kept.remove(0);
        }
        kept.push(std::mem::take(&mut self.records));
    }
}

/// Records that Python sees as such.
pub(super) trait Lent: Pod {
    /// Their layout in the words of PEP 3118: standard sizes, no padding, and each field lies where it would lie with
    /// padding as well.
    const FORMAT: &CStr;
}

/// A text that ends with its only zero.
const fn format(text: &'static str) -> &'static CStr {
    match CStr::from_bytes_with_nul(text.as_bytes()) {
        Ok(format) => format,
        Err(_) => panic!("it ends with its only zero"),
    }
}

impl Lent for FlowRecord {
    const FORMAT: &CStr = format(concat!(
        "T{=Q:timestamp:I:source_ip:I:destination_ip:H:source_port:H:destination_port:",
        "I:packet_length:B:protocol:B:flags:B:pattern:B:tcp_flags:I:stream_id:}\0"
    ));
}

impl Lent for WideRecord {
    const FORMAT: &CStr = format(concat!(
        "T{=Q:first:Q:last:Q:bytes:Q:packets:Q:flow_id:(16)B:source_ip:(16)B:destination_ip:",
        "I:stream_id:H:input_interface:H:output_interface:H:source_port:H:destination_port:",
        "B:protocol:B:tcp_flags:B:tos:B:flags:B:pattern:B:label:B:end_reason:B:source_prefix:",
        "I:source_as:}\0"
    ));
}

/// Shape and stride of a view: made and freed with it.
struct Row {
    shape: ffi::Py_ssize_t,
    stride: ffi::Py_ssize_t,
}

/// Lends records that `owner` holds: for reading, as one row.
///
/// # Safety
///
/// `view` is the place that Python wants filled. `records` is memory of `owner` that stays where it is and is not
/// written as long as `owner` lives.
pub(super) unsafe fn lend<T: Lent>(
    owner: Bound<'_, PyAny>,
    records: &[T],
    view: *mut ffi::Py_buffer,
    flags: c_int,
) -> PyResult<()> {
    if view.is_null() {
        return Err(PyBufferError::new_err("no view to fill"));
    }
    if flags & ffi::PyBUF_WRITABLE == ffi::PyBUF_WRITABLE {
        let message = "records of a batch are only for reading\nhint: copy them, or use `fill()`";
        return Err(PyBufferError::new_err(message));
    }
    let wants = |flag| flags & flag == flag;
    let bytes: &[u8] = bytemuck::cast_slice(records);
    let row = Box::into_raw(Box::new(Row {
        shape: records.len().cast_signed(),
        stride: size_of::<T>().cast_signed(),
    }));
    // SAFETY: `view` is valid for writing, says the caller; `row` was just made and lives until `give_back`; the pointer
    // to the records is not written through, since the view is read-only.
    unsafe {
        (*view).buf = bytes.as_ptr().cast_mut().cast::<c_void>();
        (*view).len = bytes.len().cast_signed();
        (*view).readonly = 1;
        (*view).itemsize = size_of::<T>().cast_signed();
        (*view).format =
            if wants(ffi::PyBUF_FORMAT) { T::FORMAT.as_ptr().cast_mut() } else { ptr::null_mut() };
        (*view).ndim = 1;
        (*view).shape = if wants(ffi::PyBUF_ND) { &raw mut (*row).shape } else { ptr::null_mut() };
        (*view).strides =
            if wants(ffi::PyBUF_STRIDES) { &raw mut (*row).stride } else { ptr::null_mut() };
        (*view).suboffsets = ptr::null_mut();
        (*view).internal = row.cast::<c_void>();
        (*view).obj = owner.into_ptr();
    }
    Ok(())
}

/// Frees what [`lend`] has put beside a view.
///
/// # Safety
///
/// `view` was filled by [`lend`] and is given back once.
pub(super) unsafe fn give_back(view: *mut ffi::Py_buffer) {
    // SAFETY: `internal` is the box that `lend` has put there, and nothing uses it any more.
    unsafe {
        if let Some(row) = ptr::NonNull::new((*view).internal.cast::<Row>()) {
            drop(Box::from_raw(row.as_ptr()));
            (*view).internal = ptr::null_mut();
        }
    }
}

/// Memory of Python that records fit into.
pub(super) enum Room<'a> {
    Narrow(&'a mut [FlowRecord]),
    Wide(&'a mut [WideRecord]),
}

/// Python's memory, held in place.
pub(super) struct Borrowed(PyUntypedBuffer);

/// Whether two formats of PEP 3118 name the same fields: byte order and padding left out, for one kind of machine and
/// two layouts without padding. `L` and `Q` have 64 bits where all fields sum up to a record.
fn same_fields(format: &CStr, known: &CStr) -> bool {
    fn fields(format: &CStr) -> impl Iterator<Item = u8> {
        let bytes = format.to_bytes().iter().copied().filter(|c| !b"@=<^ \n".contains(c));
        bytes.map(|c| if c == b'L' { b'Q' } else { c })
    }
    fields(format).eq(fields(known))
}

impl Borrowed {
    /// What `given` lends for writing.
    pub(super) fn new(given: &Bound<'_, PyAny>) -> PyResult<Self> {
        let wrong = |what: &str| {
            let hint = "use `numpy.empty(n, dtype=rheos.flowgen.RECORD_DTYPE)`, or a bytearray of 32 * n bytes";
            Err(error::flows(
                given.py(),
                &format!("cannot fill this: {what}"),
                Some(hint.to_owned()),
            ))
        };
        let Ok(buffer) = PyUntypedBuffer::get(given) else {
            return wrong("it lends no memory (buffer protocol)");
        };
        if buffer.readonly() {
            return wrong("it is only for reading");
        }
        if !buffer.is_c_contiguous() {
            return wrong("its items do not lie one behind the other");
        }
        let format = buffer.format();
        let known = |of: &CStr| same_fields(format, of) || is_plain(format);
        let size = match buffer.item_size() {
            1 if matches!(format.to_bytes(), b"B" | b"b" | b"c" | b"") => size_of::<FlowRecord>(),
            size @ 32 if known(FlowRecord::FORMAT) => size,
            size @ 96 if known(WideRecord::FORMAT) => size,
            _ => return wrong("its items are no records"),
        };
        if buffer.len_bytes() % size != 0 {
            return wrong("it does not hold a whole number of records");
        }
        if buffer.len_bytes() > 0 && buffer.buf_ptr().addr() % align_of::<FlowRecord>() != 0 {
            return wrong("it does not begin at a multiple of 8 bytes");
        }
        Ok(Self(buffer))
    }

    /// The memory as records.
    pub(super) fn room(&mut self) -> Room<'_> {
        if self.0.item_size() == size_of::<WideRecord>() {
            Room::Wide(self.slice())
        } else {
            Room::Narrow(self.slice())
        }
    }

    fn slice<T: Pod>(&mut self) -> &mut [T] {
        let count = self.0.len_bytes() / size_of::<T>();
        if count == 0 {
            return &mut [];
        }
        // SAFETY: `new` has seen that the memory is for writing, without gaps, and aligned for both kinds of records,
        // which any bytes are one of. The exporter keeps it in place as long as the view is held. What other threads do
        // to it meanwhile is theirs to order, as with every function that fills an array.
        unsafe { std::slice::from_raw_parts_mut(self.0.buf_ptr().cast::<T>(), count) }
    }
}

/// Items of bytes without fields: `V32` of NumPy.
fn is_plain(format: &CStr) -> bool {
    let format = format.to_bytes();
    format.ends_with(b"x") && format.iter().all(|c| c.is_ascii_digit() || *c == b'x')
}
