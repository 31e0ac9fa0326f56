//! Templates that exporters have told, kept within a limit.

use std::collections::HashMap;
use std::net::IpAddr;

use super::collect::Malformed;
use super::exporter::Protocol;
use super::fields::Meaning;
use super::template::{REVERSE_PEN, VARIABLE};

/// Fields of a template at most.
const FIELDS_MAX: usize = 512;

/// Who told a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Teller {
    pub(super) exporter: IpAddr,
    pub(super) protocol: Protocol,
    pub(super) domain: u32,
}

/// One field of a told template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ToldField {
    pub(super) meaning: Meaning,
    pub(super) reverse: bool,
    pub(super) len: u16,
}

/// A told template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template {
    pub(super) fields: Box<[ToldField]>,
    /// Whether its data are about the exporter and not flows.
    pub(super) options: bool,
    /// No record is shorter.
    pub(super) len_min: usize,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Cache {
    templates: HashMap<(Teller, u16), Template>,
}

impl Cache {
    pub(super) fn get(&self, teller: Teller, id: u16) -> Option<&Template> {
        self.templates.get(&(teller, id))
    }

    /// Keeps a template; false when there are `limit` of them already.
    pub(super) fn insert(
        &mut self,
        teller: Teller,
        id: u16,
        template: Template,
        limit: usize,
    ) -> bool {
        if let Some(known) = self.templates.get_mut(&(teller, id)) {
            *known = template;
            return true;
        }
        if self.templates.len() >= limit {
            return false;
        }
        self.templates.insert((teller, id), template);
        true
    }

    /// Forgets a template that was withdrawn (RFC 7011 §8.1).
    pub(super) fn remove(&mut self, teller: Teller, id: u16) {
        self.templates.remove(&(teller, id));
    }

    /// Forgets all templates of a teller, of flows or of options.
    pub(super) fn remove_all(&mut self, teller: Teller, options: bool) {
        self.templates.retain(|(by, _), template| *by != teller || template.options != options);
    }

    pub(super) fn len(&self) -> usize {
        self.templates.len()
    }
}

/// Reads the fields of a template; returns it and the bytes behind them.
///
/// NetFlow 9's scope fields are numbered on their own (RFC 3954 §6.1), so that `scope` many mean nothing here.
pub(super) fn read_fields(
    mut bytes: &[u8],
    count: usize,
    scope: usize,
    protocol: Protocol,
    options: bool,
) -> Result<(Template, &[u8]), Malformed> {
    if count == 0 || count > FIELDS_MAX || scope > count {
        return Err(Malformed::TemplateFields);
    }
    let mut fields = Vec::with_capacity(count);
    let mut len_min = 0;
    for index in 0..count {
        let (head, rest) = bytes.split_first_chunk::<4>().ok_or(Malformed::TemplateTruncated)?;
        bytes = rest;
        let mut element = u16::from_be_bytes([head[0], head[1]]);
        let len = u16::from_be_bytes([head[2], head[3]]);
        let mut reverse = false;
        let mut known = true;
        if protocol == Protocol::Ipfix && element & 0x8000 != 0 {
            element &= 0x7fff;
            let (pen, rest) = bytes.split_first_chunk::<4>().ok_or(Malformed::TemplateTruncated)?;
            bytes = rest;
            reverse = u32::from_be_bytes(*pen) == REVERSE_PEN;
            known = reverse;
        }
        if index < scope && protocol == Protocol::NetFlow9 {
            known = false;
        }
        let meaning = if known { Meaning::of(element) } else { Meaning::Skip };
        let variable = protocol == Protocol::Ipfix && len == VARIABLE;
        len_min += if variable { 1 } else { usize::from(len) };
        fields.push(ToldField { meaning, reverse, len });
    }
    if len_min == 0 {
        return Err(Malformed::TemplateFields);
    }
    Ok((Template { fields: fields.into(), options, len_min }, bytes))
}
