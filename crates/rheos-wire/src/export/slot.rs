//! Writing fields one after the other into bytes of known length.

/// A place of `N` bytes. Lengths are constants once inlined, so that no check is left in the loop.
pub(super) struct Slot<'a, const N: usize> {
    bytes: &'a mut [u8; N],
    at: usize,
}

impl<'a, const N: usize> Slot<'a, N> {
    #[inline]
    pub(super) const fn new(bytes: &'a mut [u8; N]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next `K` bytes.
    ///
    /// # Panics
    /// When a layout is longer than its slot: a mistake of the layout, found by any test that writes one record.
    #[inline]
    pub(super) fn put<const K: usize>(&mut self, value: [u8; K]) {
        self.bytes[self.at..self.at + K].copy_from_slice(&value);
        self.at += K;
    }

    /// Whether it is full: every field was written.
    #[inline]
    pub(super) const fn is_full(&self) -> bool {
        self.at == N
    }
}

/// A growing part of a datagram: headers and templates, which are few.
pub(super) struct Writer<'a> {
    bytes: &'a mut [u8],
    at: usize,
}

impl<'a> Writer<'a> {
    /// Writes from `at` on.
    pub(super) const fn new(bytes: &'a mut [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// Appends; what does not fit is not written, and the caller's room was checked before.
    pub(super) fn put(&mut self, value: &[u8]) {
        let end = self.at + value.len();
        if let Some(place) = self.bytes.get_mut(self.at..end) {
            place.copy_from_slice(value);
        }
        self.at = end;
    }

    pub(super) fn u8(&mut self, value: u8) {
        self.put(&[value]);
    }

    pub(super) fn u16(&mut self, value: u16) {
        self.put(&value.to_be_bytes());
    }

    pub(super) fn u32(&mut self, value: u32) {
        self.put(&value.to_be_bytes());
    }

    pub(super) fn u64(&mut self, value: u64) {
        self.put(&value.to_be_bytes());
    }

    /// Writes a length that is known only now into an earlier place.
    pub(super) fn patch(&mut self, at: usize, value: u16) {
        if let Some(place) = self.bytes.get_mut(at..at + 2) {
            place.copy_from_slice(&value.to_be_bytes());
        }
    }

    /// Zeros up to the next multiple of four (of the datagram, which its sets begin on).
    pub(super) fn pad(&mut self) {
        while !self.at.is_multiple_of(4) {
            self.u8(0);
        }
    }
}
