//! One test of one column.

use arrow_buffer::ArrowNativeType;
use fearless_simd::Level;

use crate::block::is_v4;
use crate::{Column, FlowBlock, FlowColumn, FlowColumns, Rate};

const TCP: u8 = 6;

/// A test of every row of a column.
#[derive(Clone, Debug)]
pub(super) enum Test {
    /// A number lies in one of these ranges: sorted, apart, ends inclusive; none is never.
    Number { column: FlowColumn, ranges: Vec<(u64, u64)> },
    /// A 16-bit number is in this set of 65536 bits.
    Set { column: FlowColumn, bits: Box<[u64; 1024]> },
    /// A number that follows from several columns lies in the range.
    Rate { rate: Rate, low: u64, high: u64 },
    /// An address lies in one of these ranges.
    Address { column: FlowColumn, ranges: Ranges },
    /// The addresses are IPv4, or IPv6.
    Version { v4: bool },
    /// TCP with any of the flags, or all.
    Flags { mask: u8, any: bool },
}

/// Ranges of addresses: sorted, apart, ends inclusive.
#[derive(Clone, Debug, Default)]
pub(super) struct Ranges {
    pub(super) v4: Vec<(u32, u32)>,
    /// None of these addresses is an IPv4 one.
    pub(super) v6: Vec<(u128, u128)>,
}

impl Test {
    pub(super) fn columns(&self) -> FlowColumns {
        match self {
            Self::Number { column, .. }
            | Self::Set { column, .. }
            | Self::Address { column, .. } => FlowColumns::of(&[*column]),
            Self::Rate { rate, .. } => rate.columns(),
            Self::Version { .. } => FlowColumns::of(&[FlowColumn::SrcIp]),
            Self::Flags { .. } => FlowColumns::of(&[FlowColumn::Protocol, FlowColumn::TcpFlags]),
        }
    }

    pub(super) fn cost(&self) -> u32 {
        match self {
            Self::Number { ranges, .. } if ranges.len() <= 1 => 1,
            Self::Number { .. } | Self::Rate { .. } => 20,
            Self::Set { .. } => 4,
            Self::Flags { .. } | Self::Version { .. } => 2,
            Self::Address { ranges, .. } if ranges.v4.len() + ranges.v6.len() <= 1 => 2,
            Self::Address { .. } => 15,
        }
    }

    /// Whether no value between the bounds passes.
    pub(super) fn excludes(&self, bounds: &dyn Fn(FlowColumn) -> Option<(u64, u64)>) -> bool {
        let outside = |column, ranges: Vec<(u64, u64)>| {
            bounds(column)
                .is_some_and(|(min, max)| ranges.iter().all(|&(low, high)| high < min || low > max))
        };
        match self {
            Self::Number { column, ranges } => outside(*column, ranges.clone()),
            Self::Address { column, ranges } if ranges.v6.is_empty() => {
                outside(*column, ranges.v4.iter().map(|&(a, b)| (a.into(), b.into())).collect())
            }
            _ => false,
        }
    }

    /// Clears the bytes of the rows from `start` on that do not pass.
    pub(super) fn refine(&self, block: &FlowBlock, start: usize, bytes: &mut [u8]) {
        match self {
            Self::Number { column, ranges } => match block.column(*column) {
                Some(Column::U8(v)) => numbers(&v[start..], ranges, bytes),
                Some(Column::U16(v)) => numbers(&v[start..], ranges, bytes),
                Some(Column::U32(v) | Column::V4(v)) => numbers(&v[start..], ranges, bytes),
                Some(Column::U64(v)) => numbers(&v[start..], ranges, bytes),
                Some(Column::V6(_)) | None => constant(within(ranges, &0), bytes),
            },
            Self::Set { column, bits } => match block.column(*column) {
                Some(Column::U16(values)) => {
                    for (byte, &value) in bytes.iter_mut().zip(&values[start..]) {
                        *byte &= (bits[usize::from(value >> 6)] >> (value & 63)) as u8 & 1;
                    }
                }
                _ => constant(bits[0] & 1 == 1, bytes),
            },
            Self::Rate { rate, low, high } => {
                for (i, byte) in bytes.iter_mut().enumerate().filter(|(_, byte)| **byte == 1) {
                    let value = rate.at(block, start + i);
                    *byte = u8::from(*low <= value && value <= *high);
                }
            }
            Self::Address { column, ranges } => match block.column(*column) {
                Some(Column::V4(values)) => numbers_u32(&values[start..], &ranges.v4, bytes),
                Some(Column::V6(values)) => wide(&values[start..], ranges, bytes),
                _ => constant(within(&ranges.v4, &0), bytes),
            },
            Self::Version { v4 } => match block.column(FlowColumn::SrcIp) {
                Some(Column::V6(values)) => {
                    for (byte, &value) in bytes.iter_mut().zip(&values[start..]) {
                        *byte &= u8::from(is_v4(value) == *v4);
                    }
                }
                _ => constant(*v4, bytes),
            },
            Self::Flags { mask, any } => {
                let flags = block.u8s(FlowColumn::TcpFlags);
                let protocols = block.u8s(FlowColumn::Protocol);
                let (Some(flags), Some(protocols)) = (flags, protocols) else {
                    return constant(false, bytes);
                };
                let rows = flags[start..].iter().zip(&protocols[start..]);
                for (byte, (&flags, &protocol)) in bytes.iter_mut().zip(rows) {
                    let set = flags & mask;
                    let wanted = if *any { set != 0 } else { set == *mask };
                    *byte &= u8::from((protocol == TCP) & wanted);
                }
            }
        }
    }
}

fn constant(passes: bool, bytes: &mut [u8]) {
    if !passes {
        bytes.fill(0);
    }
}

/// Whether one of the sorted ranges holds the value.
fn within<T: Ord>(ranges: &[(T, T)], value: &T) -> bool {
    let after = ranges.partition_point(|(low, _)| low <= value);
    after.checked_sub(1).and_then(|i| ranges.get(i)).is_some_and(|(_, high)| value <= high)
}

/// Numbers narrower than the ranges' bounds: those bounds are cut to what the type holds.
fn numbers<T>(values: &[T], ranges: &[(u64, u64)], bytes: &mut [u8])
where
    T: ArrowNativeType + Ord + TryFrom<u64> + Into<u64>,
{
    if let [(low, high)] = ranges {
        // A bound that the type cannot hold lies above all its values.
        let Ok(low) = T::try_from(*low) else { return bytes.fill(0) };
        return match T::try_from(*high) {
            Ok(high) if low == high => each(values, bytes, |value| value == low),
            Ok(high) => each(values, bytes, |value| low <= value && value <= high),
            Err(_) => each(values, bytes, |value| low <= value),
        };
    }
    each(values, bytes, |value| within(ranges, &value.into()));
}

fn numbers_u32(values: &[u32], ranges: &[(u32, u32)], bytes: &mut [u8]) {
    match *ranges {
        [] => bytes.fill(0),
        [(low, high)] => {
            // One comparison: what is below wraps around to the top.
            let span = high - low;
            each(values, bytes, |value| value.wrapping_sub(low) <= span);
        }
        _ => each(values, bytes, |value| within(ranges, &value)),
    }
}

fn wide(values: &[u128], ranges: &Ranges, bytes: &mut [u8]) {
    each(values, bytes, |value| {
        if is_v4(value) { within(&ranges.v4, &(value as u32)) } else { within(&ranges.v6, &value) }
    });
}

/// One test of every value, in the widest vectors that the processor has.
#[inline]
fn each<T: Copy>(values: &[T], bytes: &mut [u8], passes: impl Fn(T) -> bool) {
    #[allow(
        clippy::inline_always,
        reason = "the caller decides for which processor it is compiled"
    )]
    #[inline(always)]
    fn all<T: Copy>(values: &[T], bytes: &mut [u8], passes: impl Fn(T) -> bool) {
        for (byte, &value) in bytes.iter_mut().zip(values) {
            *byte &= u8::from(passes(value));
        }
    }
    fearless_simd::dispatch!(Level::new(), _ => all(values, bytes, passes));
}
