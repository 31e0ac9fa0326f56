//! Functions that queries about flows need and SQL lacks.
//!
//! | function | gives |
//! |---|---|
//! | `in_network(address, '10.0.0.0/8')` | whether the address lies in the network |
//! | `network(address, 24)`, `network6(address, 24, 64)` | its network, by the prefix length of IPv4, and of IPv6 |
//! | `ip_version(address)` | 4 or 6 |
//! | `protocol_name(protocol)` | IANA's keyword in lower case: `tcp`; else the number |
//! | `service_name(port)` | the usual service of a port: `https`; null if there is none |

use std::net::IpAddr;
use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, StringBuilder, UInt8Builder};
use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, UInt8Type, UInt16Type};
use arrow_array::{Array, ArrayRef, StringArray};
use arrow_schema::DataType;
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::{ColumnarValue, Volatility, create_udf};
use datafusion::prelude::SessionContext;
use rheos_core::filter::{Network, protocol_name, service_name};

/// The function that readers can test themselves.
pub(super) const IN_NETWORK: &str = "in_network";

type Function = fn(&[ArrayRef]) -> Result<ArrayRef>;

/// Makes all functions known.
pub(super) fn register(context: &SessionContext) {
    use DataType::{Boolean, Int64, UInt8, UInt16, Utf8};
    let functions: [(&str, &[DataType], DataType, Function); 6] = [
        (IN_NETWORK, &[Utf8, Utf8], Boolean, in_network),
        ("network", &[Utf8, Int64], Utf8, network),
        ("network6", &[Utf8, Int64, Int64], Utf8, network),
        ("ip_version", &[Utf8], UInt8, ip_version),
        ("protocol_name", &[UInt8], Utf8, name_of_protocol),
        ("service_name", &[UInt16], Utf8, name_of_service),
    ];
    for (name, arguments, result, function) in functions {
        let call = move |arguments: &[ColumnarValue]| {
            let is_scalar = arguments.iter().all(|a| matches!(a, ColumnarValue::Scalar(_)));
            let told = function(&ColumnarValue::values_to_arrays(arguments)?)?;
            if is_scalar {
                let value = datafusion::common::ScalarValue::try_from_array(&told, 0)?;
                return Ok(ColumnarValue::Scalar(value));
            }
            Ok(ColumnarValue::Array(told))
        };
        let arguments = arguments.to_vec();
        context.register_udf(create_udf(
            name,
            arguments,
            result,
            Volatility::Immutable,
            Arc::new(call),
        ));
    }
}

/// Texts of addresses; a text that is none is null.
fn addresses(array: &ArrayRef) -> impl Iterator<Item = Option<IpAddr>> + '_ {
    let text: &StringArray = array.as_string();
    text.iter().map(|text| text.and_then(|text| text.parse().ok()))
}

#[cold]
fn wrong(what: &str, got: impl std::fmt::Display, expected: &str) -> DataFusionError {
    DataFusionError::Execution(format!("{what} `{got}` is not {expected}"))
}

fn in_network(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [address, network] = arguments else {
        return Err(wrong("a call of", IN_NETWORK, "with an address and a network"));
    };
    let networks: &StringArray = network.as_string();
    let mut told = BooleanBuilder::with_capacity(address.len());
    // Nearly always one network for all rows.
    let mut known: Option<(&str, Network)> = None;
    for (address, text) in addresses(address).zip(networks) {
        let (Some(address), Some(text)) = (address, text) else {
            told.append_null();
            continue;
        };
        let network = match known {
            Some((of, network)) if of == text => network,
            _ => text.parse().map_err(|_| wrong("the network", text, "one like `10.0.0.0/8`"))?,
        };
        known = Some((text, network));
        told.append_value(network.contains(address));
    }
    Ok(Arc::new(told.finish()))
}

fn network(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let (address, v4, v6) = match arguments {
        [address, prefix] => (address, prefix, prefix),
        [address, v4, v6] => (address, v4, v6),
        _ => return Err(wrong("a call of", "network", "with an address and a prefix length")),
    };
    let (v4, v6) = (v4.as_primitive::<Int64Type>(), v6.as_primitive::<Int64Type>());
    let mut told = StringBuilder::with_capacity(address.len(), address.len() * 18);
    for (row, address) in addresses(address).enumerate() {
        let (lengths, most) = match address {
            Some(IpAddr::V4(_)) => (v4, 32),
            Some(IpAddr::V6(_)) => (v6, 128),
            None => {
                told.append_null();
                continue;
            }
        };
        let length = lengths.value(row);
        let network = u8::try_from(length)
            .ok()
            .filter(|&length| length <= most)
            .zip(address)
            .and_then(|(length, address)| Network::new(address, length));
        let network = network
            .ok_or_else(|| wrong("the prefix length", length, &format!("from 0 to {most}")))?;
        told.append_value(network.to_string());
    }
    Ok(Arc::new(told.finish()))
}

#[expect(clippy::unnecessary_wraps, reason = "functions have one type")]
fn ip_version(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let mut told = UInt8Builder::new();
    for address in arguments.iter().flat_map(addresses) {
        told.append_option(address.map(|address| if address.is_ipv4() { 4 } else { 6 }));
    }
    Ok(Arc::new(told.finish()))
}

#[expect(clippy::unnecessary_wraps, reason = "functions have one type")]
fn name_of_protocol(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let numbers = arguments.iter().flat_map(AsArray::as_primitive::<UInt8Type>);
    let name = |number: u8| protocol_name(number).map_or(number.to_string(), str::to_owned);
    Ok(Arc::new(numbers.map(|number| number.map(name)).collect::<StringArray>()))
}

#[expect(clippy::unnecessary_wraps, reason = "functions have one type")]
fn name_of_service(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let ports = arguments.iter().flat_map(AsArray::as_primitive::<UInt16Type>);
    Ok(Arc::new(ports.map(|port| port.and_then(service_name)).collect::<StringArray>()))
}
