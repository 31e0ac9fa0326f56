//! The generator: records into memory that the caller owns.

use std::slice;

use rheos_core::{FlowRecord, RecordFlags, WideRecord};
use rheos_gen::flows::{CHECKPOINT_BYTES, Checkpoint, FlowColumns, FlowGenerator};

use crate::config::Config;
use crate::error::{Error, ErrorCode, handed_out, nothing, object, object_mut, reporting};
use crate::guarded;

/// Makes the records of a configuration. Record `i` depends on the configuration and `i` only.
#[derive(Clone, Debug)]
pub struct Generator(FlowGenerator);

/// Length of a checkpoint in bytes.
pub const RHEOS_CHECKPOINT_BYTES: usize = 32;
const _: () = assert!(RHEOS_CHECKPOINT_BYTES == CHECKPOINT_BYTES);

/// In the flags of a record: it runs from server to client.
pub const RHEOS_FLAG_REVERSED: u8 = 1;
/// In the flags of a record: its addresses are IPv6.
pub const RHEOS_FLAG_IPV6: u8 = 2;
/// In the flags of a record: a later part of a flow that the active timeout has cut.
pub const RHEOS_FLAG_CONTINUED: u8 = 4;
const _: () = assert!(
    RHEOS_FLAG_REVERSED == RecordFlags::REVERSED
        && RHEOS_FLAG_IPV6 == RecordFlags::IPV6
        && RHEOS_FLAG_CONTINUED == RecordFlags::CONTINUED
);

/// What has been made so far.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct Stats {
    /// Records up to the position.
    pub flows: u64,
    /// Simulated time from the start to the next record, in nanoseconds.
    pub elapsed: u64,
    /// The moment of the next record, in nanoseconds since the Unix epoch.
    pub current: u64,
    /// Records per second of simulated time; 0 before any has passed.
    pub flows_per_second: f64,
    /// Mean length of a record in bytes, as the configuration makes it.
    pub mean_size: f64,
}

/// Where the fields of records go: arrays with room for as many values as there are records, or null to leave a
/// field out.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Columns {
    /// Nanoseconds since the Unix epoch.
    pub timestamp: *mut u64,
    /// IPv4 address as a number in host order.
    pub source_ip: *mut u32,
    /// IPv4 address as a number in host order.
    pub destination_ip: *mut u32,
    /// TCP or UDP port.
    pub source_port: *mut u16,
    /// TCP or UDP port.
    pub destination_port: *mut u16,
    /// Length in bytes.
    pub packet_length: *mut u32,
    /// IANA protocol number.
    pub protocol: *mut u8,
    /// `RHEOS_FLAG_REVERSED` and others.
    pub flags: *mut u8,
    /// Index of the pattern in the configuration.
    pub pattern: *mut u8,
    /// Which stream made it.
    pub stream_id: *mut u32,
}

/// A generator at its first record. Null on failure, with an error that names key and remedy.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_generator_new(
    config: *const Config,
    error: *mut *mut Error,
) -> *mut Generator {
    let work = || {
        // SAFETY: null or live, as the interface asks.
        let plan = unsafe { object(config, "config") }?.flows.plan();
        let plan = plan.map_err(|e| Error::from_flow(ErrorCode::Config, &e))?;
        Ok(handed_out(Generator(FlowGenerator::new(plan))))
    };
    // SAFETY: null or a place for an error, as the interface asks.
    unsafe { reporting(error, nothing(), work) }
}

/// Frees a generator.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_generator_free(generator: *mut Generator) {
    if !generator.is_null() {
        // SAFETY: made by `Box::into_raw`, and freed once, as the interface asks.
        drop(unsafe { Box::from_raw(generator) });
    }
}

/// A copy that stands at the same record. Null of null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_generator_clone(generator: *const Generator) -> *mut Generator {
    // SAFETY: null or live, as the interface asks.
    let generator = unsafe { generator.as_ref() };
    guarded(nothing(), || generator.map_or(nothing(), |g| handed_out(g.clone())))
}

/// A generator for part number `part` of `parts` of the records that are left: all parts together make them all, each
/// once, in order. Null unless `part < parts`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_generator_part(
    generator: *const Generator,
    part: u32,
    parts: u32,
) -> *mut Generator {
    // SAFETY: null or live, as the interface asks.
    let generator = unsafe { generator.as_ref() };
    guarded(nothing(), || {
        let parts = generator.filter(|_| part < parts).map(|g| g.0.split(parts));
        let part =
            parts.and_then(|mut all| (!all.is_empty()).then(|| all.swap_remove(part as usize)));
        part.map_or(nothing(), |part| handed_out(Generator(part)))
    })
}

/// Memory of the caller as a slice; empty if it is null.
unsafe fn room<'a, T>(start: *mut T, count: usize) -> &'a mut [T] {
    if start.is_null() {
        return &mut [];
    }
    // SAFETY: the caller has room for `count` values there, and uses it for nothing else meanwhile.
    unsafe { slice::from_raw_parts_mut(start, count) }
}

/// Fills memory from its generator; how many records were made.
unsafe fn fill<T>(
    generator: *mut Generator,
    records: *mut T,
    count: usize,
    how: impl FnOnce(&mut FlowGenerator, &mut [T]) -> usize,
) -> usize {
    // SAFETY: null or live and used by this thread only, as the interface asks.
    let Some(generator) = (unsafe { generator.as_mut() }) else { return 0 };
    // SAFETY: null or room for `count` records, as the interface asks.
    let records = unsafe { room(records, count) };
    guarded(0, || how(&mut generator.0, records))
}

/// Puts the next record into `record`: 1 if there was one, 0 at the end, -1 for null pointers or a configuration with
/// IPv6 addresses, whose records only `rheos_generator_fill_wide` makes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_generator_next(
    generator: *mut Generator,
    record: *mut FlowRecord,
) -> i32 {
    // SAFETY: null or live, as the interface asks.
    let (generator, record) = unsafe { (generator.as_mut(), record.as_mut()) };
    let (Some(generator), Some(record)) = (generator, record) else { return -1 };
    if !generator.0.is_narrow() {
        return -1;
    }
    guarded(-1, || match generator.0.next() {
        Some(next) => {
            *record = next;
            1
        }
        None => 0,
    })
}

/// Fills `records` with the next ones; returns how many, fewer than `count` only at the end. A configuration with IPv6
/// addresses gives none, see `rheos_generator_is_narrow`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_generator_fill(
    generator: *mut Generator,
    records: *mut FlowRecord,
    count: usize,
) -> usize {
    // SAFETY: as the interface asks.
    unsafe { fill(generator, records, count, FlowGenerator::fill) }
}

/// Like `rheos_generator_fill`, on up to `threads` threads: the same records in the same places.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_generator_fill_parallel(
    generator: *mut Generator,
    records: *mut FlowRecord,
    count: usize,
    threads: usize,
) -> usize {
    // SAFETY: as the interface asks.
    unsafe { fill(generator, records, count, |g, out| g.fill_parallel(out, threads)) }
}

/// Like `rheos_generator_fill`, for IPv4 and IPv6.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_generator_fill_wide(
    generator: *mut Generator,
    records: *mut WideRecord,
    count: usize,
) -> usize {
    // SAFETY: as the interface asks.
    unsafe { fill(generator, records, count, FlowGenerator::fill_wide) }
}

/// Like `rheos_generator_fill`, one array for each field that is wanted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_generator_fill_columns(
    generator: *mut Generator,
    columns: *const Columns,
    count: usize,
) -> usize {
    // SAFETY: null or live, as the interface asks.
    let (generator, columns) = unsafe { (generator.as_mut(), columns.as_ref()) };
    let (Some(generator), Some(columns)) = (generator, columns) else { return 0 };
    // SAFETY: each is null or has room for `count` values, as the interface asks.
    let mut out = unsafe {
        FlowColumns {
            timestamp: column(columns.timestamp, count),
            source_ip: column(columns.source_ip, count),
            destination_ip: column(columns.destination_ip, count),
            source_port: column(columns.source_port, count),
            destination_port: column(columns.destination_port, count),
            packet_length: column(columns.packet_length, count),
            protocol: column(columns.protocol, count),
            flags: column(columns.flags, count),
            pattern: column(columns.pattern, count),
            stream_id: column(columns.stream_id, count),
        }
    };
    guarded(0, || generator.0.fill_columns(&mut out))
}

unsafe fn column<'a, T>(start: *mut T, count: usize) -> Option<&'a mut [T]> {
    // SAFETY: null or room for `count` values, as the caller says.
    (!start.is_null()).then(|| unsafe { room(start, count) })
}

/// Whether the records fit `rheos_flow_record`: all addresses are IPv4.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_generator_is_narrow(generator: *const Generator) -> bool {
    // SAFETY: null or live, as the interface asks.
    unsafe { generator.as_ref() }.is_some_and(|g| g.0.is_narrow())
}

/// The index of the next record.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_generator_index(generator: *const Generator) -> u64 {
    // SAFETY: null or live, as the interface asks.
    unsafe { generator.as_ref() }.map_or(0, |g| g.0.index())
}

/// How many records are left before the limits; astronomically many without any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_generator_remaining(generator: *const Generator) -> u64 {
    // SAFETY: null or live, as the interface asks.
    unsafe { generator.as_ref() }.map_or(0, |g| g.0.remaining())
}

/// The moment of record `index`, in nanoseconds since the Unix epoch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_generator_moment(generator: *const Generator, index: u64) -> u64 {
    // SAFETY: null or live, as the interface asks.
    unsafe { generator.as_ref() }.map_or(0, |g| g.0.plan().moment(index).as_nanos())
}

/// Goes to record `index`, or to the end if that is earlier; costs nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_generator_seek(generator: *mut Generator, index: u64) {
    // SAFETY: null or live, as the interface asks.
    if let Some(generator) = unsafe { generator.as_mut() } {
        guarded((), || generator.0.seek(index));
    }
}

/// Fills `stats`; false for null pointers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_generator_stats(
    generator: *const Generator,
    stats: *mut Stats,
) -> bool {
    // SAFETY: null or live, as the interface asks.
    let (generator, stats) = unsafe { (generator.as_ref(), stats.as_mut()) };
    let (Some(generator), Some(stats)) = (generator, stats) else { return false };
    let now = generator.0.stats();
    *stats = Stats {
        flows: now.flows,
        elapsed: now.elapsed.0,
        current: now.current.as_nanos(),
        flows_per_second: now.flows_per_second,
        mean_size: generator.0.plan().mean_size(),
    };
    true
}

/// Writes where the generator stands into `RHEOS_CHECKPOINT_BYTES` bytes; false for null pointers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_generator_checkpoint(
    generator: *const Generator,
    bytes: *mut u8,
) -> bool {
    // SAFETY: null or live, as the interface asks.
    let Some(generator) = (unsafe { generator.as_ref() }) else { return false };
    // SAFETY: null or room for a checkpoint, as the interface asks.
    let room = unsafe { room(bytes, RHEOS_CHECKPOINT_BYTES) };
    let checkpoint = guarded(None, || Some(generator.0.checkpoint().to_bytes()));
    match checkpoint {
        Some(checkpoint) if room.len() == checkpoint.len() => {
            room.copy_from_slice(&checkpoint);
            true
        }
        _ => false,
    }
}

/// Goes on from a checkpoint of a generator of the same configuration.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rheos_generator_restore(
    generator: *mut Generator,
    bytes: *const u8,
    count: usize,
    error: *mut *mut Error,
) -> bool {
    let work = || {
        // SAFETY: null or live, as the interface asks.
        let generator = unsafe { object_mut(generator, "generator") }?;
        let bytes: &[u8] = if bytes.is_null() {
            &[]
        } else {
            // SAFETY: `count` bytes lie there, as the interface asks.
            unsafe { slice::from_raw_parts(bytes, count) }
        };
        let checkpoint = Checkpoint::from_bytes(bytes);
        let restored = checkpoint.and_then(|checkpoint| generator.0.restore(checkpoint));
        restored.map_err(|e| Error::from_flow(ErrorCode::Checkpoint, &e))?;
        Ok(true)
    };
    // SAFETY: null or a place for an error, as the interface asks.
    unsafe { reporting(error, false, work) }
}
