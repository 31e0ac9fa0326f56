//! What flows are grouped by, and how those values become one packed key.

use std::fmt;
use std::net::IpAddr;
use std::ops::Range;
use std::str::FromStr;

use rheos_core::suggest::nearest;
use rheos_core::{Nanos, Timestamp};

use super::index::PackedKey;
use crate::block::{MAPPED, address_of, is_v4};
use crate::{Column, Error, FlowBlock, FlowColumn, FlowColumns, Kind};

/// Widest packed key.
pub(super) const BITS_MAX: u32 = 512;

/// One part of a group's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// A column's value.
    Column(FlowColumn),
    /// The network of an address: the leading bits that are kept of IPv4 and of IPv6.
    Network {
        /// Source or destination address.
        column: FlowColumn,
        /// Of 32.
        v4: u8,
        /// Of 128.
        v6: u8,
    },
    /// When it began, in steps of so many nanoseconds since the epoch.
    Time {
        /// Width of a step, not 0.
        step: Nanos,
    },
}

/// What flows are grouped by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// The parts, first the one that sorts first.
    pub parts: Vec<Key>,
    /// Both directions are one group: the end with the lower address and port stands as the source.
    pub both_directions: bool,
}

/// Words for keys: the short one that nfdump uses, and the column.
const WORDS: [(&str, FlowColumn); 22] = [
    ("srcip", FlowColumn::SrcIp),
    ("dstip", FlowColumn::DstIp),
    ("srcport", FlowColumn::SrcPort),
    ("dstport", FlowColumn::DstPort),
    ("proto", FlowColumn::Protocol),
    ("flags", FlowColumn::TcpFlags),
    ("tos", FlowColumn::Tos),
    ("inif", FlowColumn::InputInterface),
    ("outif", FlowColumn::OutputInterface),
    ("srcas", FlowColumn::SrcAs),
    ("dstas", FlowColumn::DstAs),
    ("srcmask", FlowColumn::SrcMask),
    ("dstmask", FlowColumn::DstMask),
    ("stream", FlowColumn::StreamId),
    ("pattern", FlowColumn::Pattern),
    ("label", FlowColumn::Label),
    ("endreason", FlowColumn::EndReason),
    ("flowid", FlowColumn::FlowId),
    ("first", FlowColumn::First),
    ("last", FlowColumn::Last),
    ("packets", FlowColumn::Packets),
    ("bytes", FlowColumn::Bytes),
];

const FIVE: [Key; 5] = [
    Key::Column(FlowColumn::SrcIp),
    Key::Column(FlowColumn::DstIp),
    Key::Column(FlowColumn::SrcPort),
    Key::Column(FlowColumn::DstPort),
    Key::Column(FlowColumn::Protocol),
];

/// The column that a key's word or a column's name means.
pub(super) fn column_of(word: &str) -> Option<FlowColumn> {
    let short = WORDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(word));
    short.map(|&(_, column)| column).or_else(|| FlowColumn::named(word))
}

/// Comma-separated: `srcip`, `srcip/24`, `srcip/24/64`, `dstport`, `time/60s`, `5tuple`, `biflow`, ...
impl FromStr for Keys {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut keys = Self::default();
        for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            match word.to_ascii_lowercase().as_str() {
                "5tuple" | "record" => keys.parts.extend(FIVE),
                "biflow" => {
                    keys.parts.extend(FIVE);
                    keys.both_directions = true;
                }
                _ => keys.parts.push(part(word)?),
            }
        }
        let bits: u32 = keys.parts.iter().map(|part| part.bits(true)).sum();
        if bits > BITS_MAX {
            return Err(Error::KeysTooWide { bits, max: BITS_MAX });
        }
        Ok(keys)
    }
}

fn part(word: &str) -> Result<Key, Error> {
    let unknown = |hint: String| Error::UnknownWord { what: "key", word: word.to_owned(), hint };
    let (name, suffix) = word.split_once('/').map_or((word, None), |(n, s)| (n, Some(s)));
    let examples = "keys are `srcip`, `dstip/24`, `srcport`, `proto`, `time/60s`, `5tuple`, ...";
    if name == "time" {
        let step = suffix.unwrap_or("1m").parse::<Nanos>().ok().filter(|step| step.0 > 0);
        let step = step.ok_or_else(|| unknown("give a step such as `time/60s`".to_owned()))?;
        return Ok(Key::Time { step });
    }
    let (base, only) = match name {
        "srcip4" | "srcip6" => ("srcip", name.strip_prefix("srcip")),
        "dstip4" | "dstip6" => ("dstip", name.strip_prefix("dstip")),
        name => (name, None),
    };
    let Some(column) = column_of(base) else {
        let near = nearest(base, WORDS.iter().map(|&(name, _)| name));
        return Err(unknown(near.map_or(examples.to_owned(), |n| format!("did you mean `{n}`?"))));
    };
    let Some(suffix) = suffix else { return Ok(Key::Column(column)) };
    if column.kind() != Kind::Address {
        return Err(unknown(format!("only addresses have a prefix: write `{base}`")));
    }
    let prefix = |text: &str, max: u8| text.parse::<u8>().ok().filter(|n| *n <= max);
    let wrong =
        || unknown("prefixes are `srcip/24`, or `srcip/24/64` for IPv4 and IPv6".to_owned());
    let (v4, v6) = match (suffix.split_once('/'), only) {
        (Some((v4, v6)), None) => (prefix(v4, 32), prefix(v6, 128)),
        (None, Some("4")) => (prefix(suffix, 32), Some(128)),
        (None, Some("6")) => (Some(32), prefix(suffix, 128)),
        // A prefix alone is one of IPv4 up to 32 bits, and of IPv6 from there on.
        (None, None) => match prefix(suffix, 128) {
            Some(n) if n <= 32 => (Some(n), Some(64)),
            n => (Some(32), n),
        },
        _ => return Err(wrong()),
    };
    let (Some(v4), Some(v6)) = (v4, v6) else { return Err(wrong()) };
    Ok(Key::Network { column, v4, v6 })
}

/// As in `--by`.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |column| WORDS.iter().find(|(_, c)| *c == column).map_or("", |(word, _)| word);
        match *self {
            Self::Column(column) => f.write_str(word(column)),
            Self::Network { column, v4, v6: 64 } => write!(f, "{}/{v4}", word(column)),
            Self::Network { column, v4, v6 } => write!(f, "{}/{v4}/{v6}", word(column)),
            Self::Time { step } => write!(f, "time/{step}"),
        }
    }
}

impl Key {
    pub(super) fn column(self) -> FlowColumn {
        match self {
            Self::Column(column) | Self::Network { column, .. } => column,
            Self::Time { .. } => FlowColumn::First,
        }
    }

    /// Its name as a column of a table: `src_ip`, `time`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Column(column) | Self::Network { column, .. } => column.name(),
            Self::Time { .. } => "time",
        }
    }

    /// Bits of its values, with addresses of 128 bits if `is_wide`.
    pub(super) fn bits(self, is_wide: bool) -> u32 {
        match self.column().kind() {
            Kind::U8 => 8,
            Kind::U16 => 16,
            Kind::U32 => 32,
            Kind::Address if !is_wide => 32,
            Kind::U64 => 64,
            Kind::Address => 128,
        }
    }

    /// A value as people and files tell it; addresses as 128 bits.
    pub(super) fn value(self, bits: u128) -> KeyValue {
        match self {
            Self::Time { .. } | Self::Column(FlowColumn::First | FlowColumn::Last) => {
                KeyValue::Time(Timestamp::from_nanos(bits as u64))
            }
            Self::Network { column: _, v4, v6 } => {
                let prefix = if is_v4(bits) { v4 } else { v6 };
                KeyValue::Address(address_of(bits), prefix)
            }
            Self::Column(column) if column.kind() == Kind::Address => {
                KeyValue::Address(address_of(bits), if is_v4(bits) { 32 } else { 128 })
            }
            Self::Column(_) => KeyValue::Number(bits as u64),
        }
    }

    /// Appends its value of each row from `start` on to the keys.
    fn append<K: PackedKey>(self, block: &FlowBlock, is_wide: bool, start: usize, keys: &mut [K]) {
        let bits = self.bits(is_wide);
        let Some(column) = block.column(self.column()) else {
            let none = if bits == 128 { MAPPED } else { 0 };
            for key in keys {
                key.push(bits, none);
            }
            return;
        };
        let (mask4, mask6) = match self {
            Self::Network { v4, v6, .. } => (
                u32::MAX.checked_shl(32 - u32::from(v4)).unwrap_or(0),
                u128::MAX.checked_shl(128 - u32::from(v6)).unwrap_or(0),
            ),
            _ => (u32::MAX, u128::MAX),
        };
        let rows = keys.iter_mut();
        match (self, column) {
            (Self::Time { step }, Column::U64(values)) => {
                // A step of nothing is one nanosecond.
                let step = step.0.max(1);
                rows.zip(&values[start..])
                    .for_each(|(key, &v)| key.push(64, (v - v % step).into()));
            }
            (_, Column::U8(values)) => {
                rows.zip(&values[start..]).for_each(|(key, &v)| key.push(8, v.into()));
            }
            (_, Column::U16(values)) => {
                rows.zip(&values[start..]).for_each(|(key, &v)| key.push(16, v.into()));
            }
            (_, Column::U32(values)) => {
                rows.zip(&values[start..]).for_each(|(key, &v)| key.push(32, v.into()));
            }
            (_, Column::U64(values)) => {
                rows.zip(&values[start..]).for_each(|(key, &v)| key.push(64, v.into()));
            }
            (_, Column::V4(values)) if !is_wide => {
                rows.zip(&values[start..]).for_each(|(key, &v)| key.push(32, (v & mask4).into()));
            }
            (_, Column::V4(values)) => rows
                .zip(&values[start..])
                .for_each(|(key, &v)| key.push(128, MAPPED | u128::from(v & mask4))),
            (_, Column::V6(values)) => rows.zip(&values[start..]).for_each(|(key, &v)| {
                let kept = if is_v4(v) { MAPPED | u128::from(v as u32 & mask4) } else { v & mask6 };
                key.push(128, kept);
            }),
        }
    }
}

/// One part of a group's key, told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyValue {
    /// A number.
    Number(u64),
    /// An address, and how many of its bits were kept.
    Address(IpAddr, u8),
    /// A moment, or the beginning of a step of time.
    Time(Timestamp),
}

/// `443`, `10.0.0.0/24`, `2023-11-14T22:13:20Z`.
impl fmt::Display for KeyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Address(address @ IpAddr::V4(_), 32) | Self::Address(address, 128) => {
                write!(f, "{address}")
            }
            Self::Address(address, prefix) => write!(f, "{address}/{prefix}"),
            Self::Time(time) => write!(f, "{}", rheos_core::units::human::rfc3339(*time)),
        }
    }
}

impl Keys {
    /// The columns that they need.
    pub fn columns(&self) -> FlowColumns {
        self.parts.iter().map(|part| part.column()).collect()
    }

    pub(super) fn bits(&self, is_wide: bool) -> u32 {
        self.parts.iter().map(|part| part.bits(is_wide)).sum()
    }

    /// The packed keys of some rows of a block: few enough that their keys stay in the cache.
    pub(super) fn pack<K: PackedKey>(
        &self,
        block: &FlowBlock,
        is_wide: bool,
        rows: Range<usize>,
        keys: &mut Vec<K>,
    ) {
        keys.clear();
        keys.resize(rows.len(), K::default());
        for part in &self.parts {
            part.append(block, is_wide, rows.start, keys);
        }
    }

    /// The parts of a packed key; addresses as 128 bits.
    pub(super) fn unpack<K: PackedKey>(&self, mut key: K, is_wide: bool) -> Vec<u128> {
        let mut values: Vec<u128> = self
            .parts
            .iter()
            .rev()
            .map(|part| {
                let value = key.pop(part.bits(is_wide));
                let is_v4 = !is_wide && part.column().kind() == Kind::Address;
                if is_v4 { MAPPED | value } else { value }
            })
            .collect();
        values.reverse();
        values
    }
}

/// The block with source and destination swapped where the source is the higher end.
pub(super) fn with_ends_in_order(block: &FlowBlock) -> FlowBlock {
    use FlowColumn::{DstIp, DstPort, SrcIp, SrcPort};
    let end = |ip, port, row| (block.value(ip, row), block.value(port, row));
    let rows = 0..block.len();
    let swapped: Vec<bool> =
        rows.map(|row| end(SrcIp, SrcPort, row) > end(DstIp, DstPort, row)).collect();
    let mut ordered = block.clone();
    for (here, there) in [(SrcIp, DstIp), (DstIp, SrcIp), (SrcPort, DstPort), (DstPort, SrcPort)] {
        let chosen = swapped.iter().enumerate();
        let value =
            |(row, &swap): (usize, &bool)| block.value(if swap { there } else { here }, row);
        let values = chosen.map(value);
        let column = match (block.column(here), block.column(there)) {
            (Some(Column::V4(_)), Some(Column::V4(_))) => {
                Column::V4(values.map(|v| v as u32).collect())
            }
            (Some(Column::V4(_) | Column::V6(_)), _) => Column::V6(values.collect()),
            _ => Column::U16(values.map(|v| v as u16).collect()),
        };
        ordered = ordered.with(here, column);
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_written_as_nfdump_does() {
        let parsed = |text: &str| text.parse::<Keys>().unwrap();
        let shown = |text: &str| {
            let parts: Vec<String> = parsed(text).parts.iter().map(ToString::to_string).collect();
            parts.join(",")
        };
        assert_eq!(shown("srcip4/24, dstip6/56,SrcPort"), "srcip/24/128,dstip/32/56,srcport");
        assert_eq!(shown("srcip/24,dstip/48,time/5m"), "srcip/24,dstip/32/48,time/5m");
        assert_eq!(shown("5tuple"), "srcip,dstip,srcport,dstport,proto");
        assert!(parsed("biflow").both_directions);
        assert_eq!(shown("byte_count"), "bytes");
        for (text, hint) in [
            ("scrip", "did you mean `srcip`?"),
            ("srcport/3", "only addresses have a prefix: write `srcport`"),
            ("srcip/200", "prefixes are `srcip/24`, or `srcip/24/64` for IPv4 and IPv6"),
            ("time/0", "give a step such as `time/60s`"),
        ] {
            let error = text.parse::<Keys>().expect_err(text);
            assert_eq!(error.hint().as_deref(), Some(hint), "{text}");
        }
        assert!("5tuple,5tuple".parse::<Keys>().is_err(), "too wide");
    }
}
