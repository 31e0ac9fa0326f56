//! A wide record as an object.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use rheos_core::WideRecord;

/// One made flow with its totals, of IPv4 or IPv6: what a generator gives whose configuration has IPv6 subnets or models
/// of a real network.
///
/// >>> from rheos.flowgen import FlowGenerator
/// >>> flow = next(FlowGenerator.from_config("campus.yaml"))
/// >>> flow.packets >= 1 and flow.last >= flow.first
/// True
#[pyclass(frozen, eq, module = "rheos.flowgen", name = "WideRecord")]
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Wide(pub(crate) WideRecord);

/// An address as a number: 32 bits for IPv4, 128 for IPv6.
fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_bits().into(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// An address with its port, IPv6 in brackets (RFC 3986 section 3.2.2).
fn endpoint(address: IpAddr, port: u16) -> String {
    std::net::SocketAddr::new(address, port).to_string()
}

#[pymethods]
impl Wide {
    /// First packet: nanoseconds since the Unix epoch.
    #[getter]
    fn first(&self) -> u64 {
        self.0.first
    }

    /// Last packet: nanoseconds since the Unix epoch.
    #[getter]
    fn last(&self) -> u64 {
        self.0.last
    }

    /// Octets of all IP packets.
    #[getter]
    fn bytes(&self) -> u64 {
        self.0.bytes
    }

    /// Number of packets.
    #[getter]
    fn packets(&self) -> u64 {
        self.0.packets
    }

    /// The same for both directions and all parts of one conversation; 0 where unknown.
    #[getter]
    fn flow_id(&self) -> u64 {
        self.0.flow_id
    }

    /// Address as a number in host order, of 32 or 128 bits.
    #[getter]
    fn source_ip(&self) -> u128 {
        number(self.0.source())
    }

    /// Address as a number in host order, of 32 or 128 bits.
    #[getter]
    fn destination_ip(&self) -> u128 {
        number(self.0.destination())
    }

    /// Address as text.
    #[getter]
    fn source_ip_str(&self) -> String {
        self.0.source().to_string()
    }

    /// Address as text.
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

    /// All TCP flags of its packets, by OR.
    #[getter]
    fn tcp_flags(&self) -> u8 {
        self.0.tcp_flags
    }

    /// Bit 0: it runs from server to client; bit 1: its addresses are IPv6.
    #[getter]
    fn flags(&self) -> u8 {
        self.0.flags
    }

    /// Which of the configuration's patterns made it, counted from 0.
    #[getter]
    fn pattern(&self) -> u8 {
        self.0.pattern
    }

    /// Index of the ground-truth label; 0 is background.
    #[getter]
    fn label(&self) -> u8 {
        self.0.label
    }

    /// Which stream made it.
    #[getter]
    fn stream_id(&self) -> u32 {
        self.0.stream_id
    }

    /// All of it, addresses as texts.
    fn to_dict<'py>(this: &Bound<'py, Self>) -> PyResult<Bound<'py, PyDict>> {
        const ADDRESSES: [&str; 2] = ["source_ip", "destination_ip"];
        const FIELDS: [&str; 15] = [
            "first",
            "last",
            "bytes",
            "packets",
            "flow_id",
            "source_ip",
            "destination_ip",
            "source_port",
            "destination_port",
            "protocol",
            "tcp_flags",
            "flags",
            "pattern",
            "label",
            "stream_id",
        ];
        let dict = PyDict::new(this.py());
        for name in FIELDS {
            let text = ADDRESSES.contains(&name).then(|| format!("{name}_str"));
            dict.set_item(name, this.getattr(text.as_deref().unwrap_or(name))?)?;
        }
        Ok(dict)
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.0.hash(&mut hasher);
        hasher.finish()
    }

    fn __repr__(&self) -> String {
        let r = &self.0;
        format!(
            "WideRecord({} -> {}, proto={}, packets={}, bytes={}, first={}, last={})",
            endpoint(r.source(), r.source_port),
            endpoint(r.destination(), r.destination_port),
            r.protocol,
            r.packets,
            r.bytes,
            r.first,
            r.last
        )
    }
}
