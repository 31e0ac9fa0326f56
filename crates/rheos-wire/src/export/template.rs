//! The templates that an exporter writes: which information elements (IANA, RFC 7012) stand in its records.
//!
//! Their order is that of the fields in `layout`; a test compares the lengths.

use super::exporter::Times;
use super::message::Dialect;
use super::slot::Writer;

/// Information elements by IANA's numbers; NetFlow 9 gave most of them theirs (RFC 3954 §8).
pub(super) mod element {
    pub(in crate::export) const OCTETS: u16 = 1;
    pub(in crate::export) const PACKETS: u16 = 2;
    pub(in crate::export) const PROTOCOL: u16 = 4;
    pub(in crate::export) const TOS: u16 = 5;
    pub(in crate::export) const TCP_FLAGS: u16 = 6;
    pub(in crate::export) const SOURCE_PORT: u16 = 7;
    pub(in crate::export) const SOURCE_V4: u16 = 8;
    pub(in crate::export) const SOURCE_V4_PREFIX: u16 = 9;
    pub(in crate::export) const INPUT: u16 = 10;
    pub(in crate::export) const DESTINATION_PORT: u16 = 11;
    pub(in crate::export) const DESTINATION_V4: u16 = 12;
    pub(in crate::export) const DESTINATION_V4_PREFIX: u16 = 13;
    pub(in crate::export) const OUTPUT: u16 = 14;
    pub(in crate::export) const SOURCE_AS: u16 = 16;
    pub(in crate::export) const DESTINATION_AS: u16 = 17;
    pub(in crate::export) const LAST_UPTIME: u16 = 21;
    pub(in crate::export) const FIRST_UPTIME: u16 = 22;
    pub(in crate::export) const SOURCE_V6: u16 = 27;
    pub(in crate::export) const DESTINATION_V6: u16 = 28;
    pub(in crate::export) const SOURCE_V6_PREFIX: u16 = 29;
    pub(in crate::export) const DESTINATION_V6_PREFIX: u16 = 30;
    pub(in crate::export) const ICMP_V4: u16 = 32;
    pub(in crate::export) const SAMPLING_INTERVAL: u16 = 34;
    pub(in crate::export) const SAMPLING_ALGORITHM: u16 = 35;
    pub(in crate::export) const EXPORTED_OCTETS: u16 = 40;
    pub(in crate::export) const EXPORTED_MESSAGES: u16 = 41;
    pub(in crate::export) const EXPORTED_FLOWS: u16 = 42;
    pub(in crate::export) const SAMPLER_RANDOM_INTERVAL: u16 = 50;
    pub(in crate::export) const OCTETS_TOTAL: u16 = 85;
    pub(in crate::export) const PACKETS_TOTAL: u16 = 86;
    pub(in crate::export) const END_REASON: u16 = 136;
    pub(in crate::export) const ICMP_V6: u16 = 139;
    pub(in crate::export) const FLOW_ID: u16 = 148;
    pub(in crate::export) const DOMAIN: u16 = 149;
    pub(in crate::export) const FIRST_SECONDS: u16 = 150;
    pub(in crate::export) const LAST_SECONDS: u16 = 151;
    pub(in crate::export) const FIRST_MILLIS: u16 = 152;
    pub(in crate::export) const LAST_MILLIS: u16 = 153;
    pub(in crate::export) const FIRST_MICROS: u16 = 154;
    pub(in crate::export) const LAST_MICROS: u16 = 155;
    pub(in crate::export) const FIRST_NANOS: u16 = 156;
    pub(in crate::export) const LAST_NANOS: u16 = 157;
    pub(in crate::export) const FIRST_DELTA_MICROS: u16 = 158;
    pub(in crate::export) const LAST_DELTA_MICROS: u16 = 159;
    pub(in crate::export) const BOOT_MILLIS: u16 = 160;
    pub(in crate::export) const ICMP_TYPE_V4: u16 = 176;
    pub(in crate::export) const ICMP_CODE_V4: u16 = 177;
    pub(in crate::export) const ICMP_TYPE_V6: u16 = 178;
    pub(in crate::export) const ICMP_CODE_V6: u16 = 179;
    pub(in crate::export) const DOMAIN_NAME: u16 = 300;
    pub(in crate::export) const SAMPLING_PACKET_SPACE: u16 = 306;
}

/// The private enterprise number of reverse elements (RFC 5103 §6.1).
pub(super) const REVERSE_PEN: u32 = 29_305;
/// The length of elements whose values tell their own (RFC 7011 §7).
pub(super) const VARIABLE: u16 = 0xffff;

/// Numbers of our templates.
pub(super) mod id {
    pub(in crate::export) const FLOW_V4: u16 = 256;
    pub(in crate::export) const FLOW_V6: u16 = 257;
    pub(in crate::export) const BIFLOW_V4: u16 = 258;
    pub(in crate::export) const BIFLOW_V6: u16 = 259;
    pub(in crate::export) const SAMPLING: u16 = 260;
    pub(in crate::export) const STATISTICS: u16 = 261;
    pub(in crate::export) const NAME: u16 = 262;
}

/// One field of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) element: u16,
    pub(super) len: u16,
    pub(super) reverse: bool,
}

const fn field(element: u16, len: u16) -> Field {
    Field { element, len, reverse: false }
}

const fn reverse(element: u16, len: u16) -> Field {
    Field { element, len, reverse: true }
}

const fn times(times: Times) -> [(u16, u16); 2] {
    match times {
        Times::Uptime => [(element::FIRST_UPTIME, 4), (element::LAST_UPTIME, 4)],
        Times::Millis => [(element::FIRST_MILLIS, 8), (element::LAST_MILLIS, 8)],
        Times::Micros => [(element::FIRST_MICROS, 8), (element::LAST_MICROS, 8)],
        Times::Nanos => [(element::FIRST_NANOS, 8), (element::LAST_NANOS, 8)],
    }
}

/// The fields of a flow's record.
pub(super) fn flow_fields(v6: bool, format: Times, biflow: bool) -> Vec<Field> {
    use element as e;
    let icmp = if v6 { e::ICMP_V6 } else { e::ICMP_V4 };
    let (source, destination, source_prefix, destination_prefix, len) = if v6 {
        (e::SOURCE_V6, e::DESTINATION_V6, e::SOURCE_V6_PREFIX, e::DESTINATION_V6_PREFIX, 16)
    } else {
        (e::SOURCE_V4, e::DESTINATION_V4, e::SOURCE_V4_PREFIX, e::DESTINATION_V4_PREFIX, 4)
    };
    let mut fields = vec![
        field(source, len),
        field(destination, len),
        field(e::SOURCE_PORT, 2),
        field(e::DESTINATION_PORT, 2),
        field(e::PROTOCOL, 1),
        field(e::TCP_FLAGS, 1),
        field(e::TOS, 1),
        field(e::END_REASON, 1),
        field(icmp, 2),
        field(e::INPUT, 4),
        field(e::OUTPUT, 4),
        field(e::SOURCE_AS, 4),
        field(source_prefix, 1),
        field(e::OCTETS, 8),
        field(e::PACKETS, 8),
        field(e::FLOW_ID, 8),
    ];
    fields.extend(times(format).map(|(element, len)| field(element, len)));
    if biflow {
        fields.extend([
            field(e::DESTINATION_AS, 4),
            field(destination_prefix, 1),
            reverse(e::OCTETS, 8),
            reverse(e::PACKETS, 8),
        ]);
        fields.extend(times(format).map(|(element, len)| reverse(element, len)));
        fields.extend([reverse(e::TCP_FLAGS, 1), reverse(e::TOS, 1), reverse(e::END_REASON, 1)]);
    }
    fields
}

/// The templates of flows and options as they stand in a message, and how many they are.
pub(super) fn write_all(
    dialect: Dialect,
    format: Times,
    biflows: bool,
    name: bool,
) -> (Vec<u8>, u16) {
    let mut bytes = vec![0; 2048];
    let mut out = Writer::new(&mut bytes, 0);
    let mut count = 2;
    let set = out.at();
    out.u16(dialect.template_set());
    out.u16(0);
    write_template(&mut out, id::FLOW_V4, &flow_fields(false, format, false));
    write_template(&mut out, id::FLOW_V6, &flow_fields(true, format, false));
    if biflows {
        write_template(&mut out, id::BIFLOW_V4, &flow_fields(false, format, true));
        write_template(&mut out, id::BIFLOW_V6, &flow_fields(true, format, true));
        count += 2;
    }
    dialect.close(&mut out, set);
    let mut options = vec![
        (
            id::SAMPLING,
            vec![field(element::SAMPLING_INTERVAL, 4), field(element::SAMPLING_ALGORITHM, 1)],
        ),
        (
            id::STATISTICS,
            vec![
                field(element::EXPORTED_MESSAGES, 8),
                field(element::EXPORTED_FLOWS, 8),
                field(element::EXPORTED_OCTETS, 8),
            ],
        ),
    ];
    if name && dialect == Dialect::Ipfix {
        options.push((id::NAME, vec![field(element::DOMAIN_NAME, VARIABLE)]));
    }
    count += options.len() as u16;
    for (id, fields) in options {
        let set = out.at();
        out.u16(dialect.options_set());
        out.u16(0);
        write_options_template(&mut out, dialect, id, &fields);
        dialect.close(&mut out, set);
    }
    let len = out.at();
    bytes.truncate(len);
    (bytes, count)
}

fn write_template(out: &mut Writer<'_>, id: u16, fields: &[Field]) {
    out.u16(id);
    out.u16(fields.len() as u16);
    for field in fields {
        write_field(out, *field);
    }
}

fn write_field(out: &mut Writer<'_>, field: Field) {
    // RFC 7011 §3.2: the first bit tells that an enterprise number follows.
    out.u16(field.element | (u16::from(field.reverse) << 15));
    out.u16(field.len);
    if field.reverse {
        out.u32(REVERSE_PEN);
    }
}

/// Options about the exporter as a whole: the scope is NetFlow 9's "system", or IPFIX's domain.
fn write_options_template(out: &mut Writer<'_>, dialect: Dialect, id: u16, fields: &[Field]) {
    out.u16(id);
    match dialect {
        Dialect::NetFlow9 => {
            out.u16(4);
            out.u16(4 * fields.len() as u16);
            write_field(out, field(1, 4));
        }
        Dialect::Ipfix => {
            out.u16(1 + fields.len() as u16);
            out.u16(1);
            write_field(out, field(element::DOMAIN, 4));
        }
    }
    for field in fields {
        write_field(out, *field);
    }
}
