//! One record as an object.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::net::Ipv4Addr;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use rheos_core::FlowRecord;
use rheos_gen::flows::CSV_HEADER;

use crate::error;

/// One made flow: who to whom, when and how long.
///
/// Addresses are numbers in host order; `source_ip_str` and `destination_ip_str` are their texts. `timestamp` counts
/// nanoseconds since the Unix epoch. A record cannot be changed, `replace()` gives a changed copy.
///
/// >>> from rheos.flowgen import FlowRecord
/// >>> FlowRecord("192.168.1.1", "10.0.0.1", 50000, 443, 6, 1704067200000000000, 800)
/// FlowRecord(192.168.1.1:50000 -> 10.0.0.1:443, proto=6, len=800B, ts=1704067200000000000)
#[pyclass(frozen, eq, module = "rheos.flowgen", name = "FlowRecord")]
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Record(pub(crate) FlowRecord);

/// An IPv4 address as people and programs give it.
pub(crate) struct Address(pub(crate) u32);

impl<'py> FromPyObject<'_, 'py> for Address {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(text) = given.cast::<PyString>() {
            let text = text.to_str()?;
            let address: Result<Ipv4Addr, _> = text.parse();
            return address.map(|address| Self(address.to_bits())).map_err(|_| {
                let shown: String = text.chars().take(64).collect();
                let hint = Some("write it like 192.168.1.1".to_owned());
                error::flows(given.py(), &format!("`{shown}` is no IPv4 address"), hint)
            });
        }
        given.extract().map(Self)
    }
}

/// Keys of `to_dict` and of JSON, in order.
pub(crate) const KEYS: [&str; 7] =
    ["src_ip", "dst_ip", "src_port", "dst_port", "protocol", "timestamp", "length"];

impl Record {
    /// What a dictionary with the keys of `to_dict` says.
    pub(crate) fn of_dict(dict: &Bound<'_, PyDict>) -> PyResult<FlowRecord> {
        fn value<'a, T: FromPyObjectOwned<'a>>(
            dict: &Bound<'a, PyDict>,
            key: &'static str,
        ) -> PyResult<T> {
            let value = dict.get_item(key)?.ok_or_else(|| {
                let hint = Some(format!("keys are {}", KEYS.join(", ")));
                error::flows(dict.py(), &format!("a flow has no `{key}`"), hint)
            })?;
            value.extract().map_err(Into::into)
        }
        Ok(FlowRecord {
            timestamp: value(dict, "timestamp")?,
            source_ip: value::<Address>(dict, "src_ip")?.0,
            destination_ip: value::<Address>(dict, "dst_ip")?.0,
            source_port: value(dict, "src_port")?,
            destination_port: value(dict, "dst_port")?,
            packet_length: value(dict, "length")?,
            protocol: value(dict, "protocol")?,
            ..FlowRecord::default()
        })
    }
}

#[pymethods]
impl Record {
    /// A record of these values; addresses as numbers or texts.
    #[new]
    #[pyo3(signature = (
        source_ip=Address(0), destination_ip=Address(0), source_port=0, destination_port=0, protocol=0, timestamp=0,
        packet_length=0, *, flags=0, pattern=0, tcp_flags=0, stream_id=0
    ), text_signature = "(source_ip=0, destination_ip=0, source_port=0, destination_port=0, protocol=0, \
        timestamp=0, packet_length=0, *, flags=0, pattern=0, tcp_flags=0, stream_id=0)")]
    #[allow(clippy::too_many_arguments, reason = "a record's fields, by name")]
    fn new(
        source_ip: Address,
        destination_ip: Address,
        source_port: u16,
        destination_port: u16,
        protocol: u8,
        timestamp: u64,
        packet_length: u32,
        flags: u8,
        pattern: u8,
        tcp_flags: u8,
        stream_id: u32,
    ) -> Self {
        Self(FlowRecord {
            timestamp,
            source_ip: source_ip.0,
            destination_ip: destination_ip.0,
            source_port,
            destination_port,
            packet_length,
            protocol,
            flags,
            pattern,
            tcp_flags,
            stream_id,
        })
    }

    /// IPv4 address as a number in host order.
    #[getter]
    fn source_ip(&self) -> u32 {
        self.0.source_ip
    }

    /// IPv4 address as a number in host order.
    #[getter]
    fn destination_ip(&self) -> u32 {
        self.0.destination_ip
    }

    /// IPv4 address as text.
    #[getter]
    fn source_ip_str(&self) -> String {
        self.0.source().to_string()
    }

    /// IPv4 address as text.
    #[getter]
    fn destination_ip_str(&self) -> String {
        self.0.destination().to_string()
    }

    /// TCP or UDP port.
    #[getter]
    fn source_port(&self) -> u16 {
        self.0.source_port
    }

    /// TCP or UDP port.
    #[getter]
    fn destination_port(&self) -> u16 {
        self.0.destination_port
    }

    /// IANA protocol number.
    #[getter]
    fn protocol(&self) -> u8 {
        self.0.protocol
    }

    /// Nanoseconds since the Unix epoch.
    #[getter]
    fn timestamp(&self) -> u64 {
        self.0.timestamp
    }

    /// Length in bytes.
    #[getter]
    fn packet_length(&self) -> u32 {
        self.0.packet_length
    }

    /// Bit 0: it runs from server to client.
    #[getter]
    fn flags(&self) -> u8 {
        self.0.flags
    }

    /// Which of the configuration's patterns made it, counted from 0.
    #[getter]
    fn pattern(&self) -> u8 {
        self.0.pattern
    }

    /// TCP flags as in the TCP header; 0 where unknown.
    #[getter]
    fn tcp_flags(&self) -> u8 {
        self.0.tcp_flags
    }

    /// Which stream made it.
    #[getter]
    fn stream_id(&self) -> u32 {
        self.0.stream_id
    }

    /// A line of CSV, without a line end.
    fn to_csv(&self) -> String {
        let r = &self.0;
        format!(
            "{},{},{},{},{},{},{}",
            r.timestamp,
            r.source(),
            r.destination(),
            r.source_port,
            r.destination_port,
            r.protocol,
            r.packet_length
        )
    }

    /// The first line of CSV, without a line end.
    #[staticmethod]
    fn csv_header() -> &'static str {
        CSV_HEADER
    }

    /// As JSON tells it: `src_ip`, `dst_ip`, `src_port`, `dst_port`, `protocol`, `timestamp`, `length`.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        let [src_ip, dst_ip, src_port, dst_port, protocol, timestamp, length] = KEYS;
        dict.set_item(src_ip, self.source_ip_str())?;
        dict.set_item(dst_ip, self.destination_ip_str())?;
        dict.set_item(src_port, self.0.source_port)?;
        dict.set_item(dst_port, self.0.destination_port)?;
        dict.set_item(protocol, self.0.protocol)?;
        dict.set_item(timestamp, self.0.timestamp)?;
        dict.set_item(length, self.0.packet_length)?;
        Ok(dict)
    }

    /// A copy with other values of some fields.
    #[pyo3(signature = (**changes))]
    fn replace<'py>(
        this: &Bound<'py, Self>,
        changes: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let fields = PyDict::new(this.py());
        for name in FIELDS {
            fields.set_item(name, this.getattr(name)?)?;
        }
        if let Some(changes) = changes {
            fields.update(changes.as_mapping())?;
        }
        this.get_type().call((), Some(&fields))
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.0.hash(&mut hasher);
        hasher.finish()
    }

    /// What `pickle` needs to make it again.
    fn __getnewargs_ex__<'py>(
        this: &Bound<'py, Self>,
    ) -> PyResult<(Bound<'py, pyo3::types::PyTuple>, Bound<'py, PyDict>)> {
        let fields = PyDict::new(this.py());
        for name in FIELDS {
            fields.set_item(name, this.getattr(name)?)?;
        }
        Ok((pyo3::types::PyTuple::empty(this.py()), fields))
    }

    fn __repr__(&self) -> String {
        let r = &self.0;
        format!(
            "FlowRecord({}:{} -> {}:{}, proto={}, len={}B, ts={})",
            r.source(),
            r.source_port,
            r.destination(),
            r.destination_port,
            r.protocol,
            r.packet_length,
            r.timestamp
        )
    }
}

/// The fields as the constructor names them.
const FIELDS: [&str; 11] = [
    "source_ip",
    "destination_ip",
    "source_port",
    "destination_port",
    "protocol",
    "timestamp",
    "packet_length",
    "flags",
    "pattern",
    "tcp_flags",
    "stream_id",
];
