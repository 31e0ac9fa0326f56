//! Interfaces of several sources, numbered together.

use std::collections::HashMap;

use crate::error::Error;
use crate::info::InterfaceInfo;

/// Gives interfaces of several sources one number each. Interfaces of different sources that are
/// described alike share a number (rotated files of one capture); those of one source never do.
#[derive(Debug, Default)]
pub(crate) struct InterfaceTable {
    numbers: HashMap<(usize, u16), u16>,
    known: Vec<InterfaceInfo>,
    /// The last answer: frames of one interface come in runs.
    last: Option<((usize, u16), u16)>,
}

impl InterfaceTable {
    /// The interfaces in the order of their numbers.
    pub(crate) fn interfaces(&self) -> &[InterfaceInfo] {
        &self.known
    }

    /// The number of an interface that was numbered before.
    pub(crate) fn known(&self, from: (usize, u16)) -> Option<u16> {
        self.numbers.get(&from).copied()
    }

    /// The number of an interface; new ones get the next one.
    #[inline]
    pub(crate) fn number(
        &mut self,
        from: (usize, u16),
        interface: &InterfaceInfo,
    ) -> Result<u16, Error> {
        if let Some((last, number)) = self.last
            && last == from
        {
            return Ok(number);
        }
        let number = match self.numbers.get(&from) {
            Some(&number) => number,
            None => self.add(from, interface)?,
        };
        self.last = Some((from, number));
        Ok(number)
    }

    fn add(&mut self, from: (usize, u16), interface: &InterfaceInfo) -> Result<u16, Error> {
        let taken =
            |number: u16| self.numbers.iter().any(|(&(s, _), &n)| s == from.0 && n == number);
        let alike = (0u16..)
            .zip(&self.known)
            .find(|&(number, known)| alike(known, interface) && !taken(number));
        let number = if let Some((number, _)) = alike {
            number
        } else {
            let Ok(number) = u16::try_from(self.known.len()) else {
                return Err(Error::TooManyInterfaces { limit: usize::from(u16::MAX) + 1 });
            };
            self.known.push(interface.clone());
            number
        };
        self.numbers.insert(from, number);
        Ok(number)
    }
}

/// Whether two descriptions say the same, whatever was counted and however times were written.
fn alike(a: &InterfaceInfo, b: &InterfaceInfo) -> bool {
    a.link == b.link
        && a.snap_len == b.snap_len
        && a.fcs_len == b.fcs_len
        && a.name == b.name
        && a.description == b.description
        && a.filter == b.filter
        && a.os == b.os
        && a.hardware == b.hardware
        && a.speed == b.speed
}
