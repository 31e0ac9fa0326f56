//! Rows of text on their way into columns.

use std::borrow::Cow;

use rheos_core::Timestamp;
use rheos_core::filter::protocol_name;

use crate::block::{MAPPED, is_v4};
use crate::{Column, FlowBlock, FlowColumn, FlowColumns, Kind};

/// Columns that grow by rows; a row that turns out bad is taken back.
pub(super) struct Rows {
    len: usize,
    pub(super) columns: Vec<(FlowColumn, Values)>,
    /// Columns that any row had.
    pub(super) found: FlowColumns,
    /// Rows that were not understood.
    pub(super) bad: u64,
    /// Where the first of them begins, and what is wrong.
    pub(super) first_bad: Option<(u64, Cow<'static, str>)>,
}

/// The values of one column.
pub(super) enum Values {
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
    U64(Vec<u64>),
    /// As long as all are IPv4.
    V4(Vec<u32>),
    V6(Vec<u128>),
}

impl Values {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::U8 => Self::U8(Vec::new()),
            Kind::U16 => Self::U16(Vec::new()),
            Kind::U32 => Self::U32(Vec::new()),
            Kind::U64 => Self::U64(Vec::new()),
            Kind::Address => Self::V4(Vec::new()),
        }
    }

    fn resize(&mut self, len: usize) {
        match self {
            Self::U8(values) => values.resize(len, 0),
            Self::U16(values) => values.resize(len, 0),
            Self::U32(values) | Self::V4(values) => values.resize(len, 0),
            Self::U64(values) => values.resize(len, 0),
            Self::V6(values) => values.resize(len, MAPPED),
        }
    }

    /// Appends a number; false if it does not fit.
    #[inline]
    pub(super) fn push(&mut self, number: u64) -> bool {
        fn fit<T: TryFrom<u64>>(values: &mut Vec<T>, number: u64) -> bool {
            T::try_from(number).map(|number| values.push(number)).is_ok()
        }
        match self {
            Self::U8(values) => fit(values, number),
            Self::U16(values) => fit(values, number),
            Self::U32(values) | Self::V4(values) => fit(values, number),
            Self::U64(values) => fit(values, number),
            Self::V6(values) => {
                let fits = u32::try_from(number).is_ok();
                values.push(MAPPED | u128::from(number));
                fits
            }
        }
    }

    /// Appends an address; the first IPv6 one makes the column wide.
    pub(super) fn push_address(&mut self, address: u128) {
        match self {
            Self::V4(values) if is_v4(address) => values.push(address as u32),
            Self::V4(values) => {
                let mut wide: Vec<u128> =
                    values.iter().map(|&value| MAPPED | u128::from(value)).collect();
                wide.push(address);
                *self = Self::V6(wide);
            }
            Self::V6(values) => values.push(address),
            _ => {}
        }
    }
}

impl Rows {
    pub(super) fn new(wanted: FlowColumns) -> Self {
        let columns = wanted.iter().map(|column| (column, Values::new(column.kind()))).collect();
        Self { len: 0, columns, found: FlowColumns::NONE, bad: 0, first_bad: None }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// The place of a column among those that are wanted.
    pub(super) fn place(&self, column: FlowColumn) -> Option<usize> {
        self.columns.iter().position(|(known, _)| *known == column)
    }

    /// A row is whole.
    #[inline]
    pub(super) const fn done(&mut self) {
        self.len += 1;
    }

    /// So many rows are whole.
    pub(super) const fn done_with(&mut self, rows: usize) {
        self.len += rows;
    }

    /// What was appended of rows that are not whole is taken back.
    pub(super) fn take_back(&mut self) {
        self.columns.iter_mut().for_each(|(_, values)| values.resize(self.len));
    }

    /// A row is whole, but for columns that it does not have.
    pub(super) fn done_with_gaps(&mut self) {
        self.len += 1;
        self.columns.iter_mut().for_each(|(_, values)| values.resize(self.len));
    }

    /// What was appended of a row is taken back.
    #[cold]
    pub(super) fn bad(&mut self, offset: u64, reason: Cow<'static, str>) {
        self.take_back();
        self.bad += 1;
        self.first_bad.get_or_insert((offset, reason));
    }

    /// Appends a value that is written as text to a column: whether it was understood.
    pub(super) fn push_text(&mut self, place: usize, text: &str) -> bool {
        let Some((column, values)) = self.columns.get_mut(place) else { return true };
        let text = text.trim();
        if column.kind() == Kind::Address {
            let address =
                if text.is_empty() { Some(MAPPED) } else { crate::convert::address(text) };
            // Addresses as numbers are what the records themselves hold.
            let address = address.or_else(|| Some(MAPPED | u128::from(text.parse::<u32>().ok()?)));
            return address.map(|address| values.push_address(address)).is_some();
        }
        let number = if text.is_empty() { Some(0) } else { number(*column, text) };
        number.is_some_and(|number| values.push(number))
    }

    pub(super) fn into_block(self) -> FlowBlock {
        let block = FlowBlock::new(self.len);
        self.columns.into_iter().fold(block, |block, (column, values)| {
            let values = match values {
                Values::U8(values) => Column::U8(values.into()),
                Values::U16(values) => Column::U16(values.into()),
                Values::U32(values) => Column::U32(values.into()),
                Values::U64(values) => Column::U64(values.into()),
                Values::V4(values) => Column::V4(values.into()),
                Values::V6(values) => Column::V6(values.into()),
            };
            block.with(column, values)
        })
    }
}

/// A number that is not written as plain digits: names of protocols, times, hexadecimal.
fn number(column: FlowColumn, text: &str) -> Option<u64> {
    if let Ok(number) = text.parse::<u64>() {
        return Some(number);
    }
    match column {
        FlowColumn::First | FlowColumn::Last => {
            text.parse::<Timestamp>().ok().map(Timestamp::as_nanos)
        }
        FlowColumn::Protocol => (0..=u8::MAX)
            .find(|&number| protocol_name(number).is_some_and(|n| n.eq_ignore_ascii_case(text)))
            .map(u64::from),
        _ => u64::from_str_radix(text.strip_prefix("0x")?, 16).ok(),
    }
}
