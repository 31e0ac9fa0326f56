//! How many threads are meant.

/// As many as told; 0 is one per processor.
pub(crate) fn threads(told: usize) -> usize {
    match told {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        told => told,
    }
}
