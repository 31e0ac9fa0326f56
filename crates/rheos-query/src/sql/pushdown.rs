//! Conditions of a query as tests of our readers: they read fewer columns and skip parts of files.
//!
//! Only comparisons of columns that every file has are handed over, and tests that keep every row that the query
//! wants: it looks at those rows again itself.

use std::net::IpAddr;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use rheos_core::filter::FlowFilter;

use super::functions::IN_NETWORK;
use crate::{FlowColumn, FlowColumns};

/// How deep conditions may be nested.
const DEPTH_MAX: u32 = 16;

/// A flow filter that every row passes for which the condition is true, if there is one on `columns`.
pub(super) fn filter(expr: &Expr, columns: FlowColumns) -> Option<FlowFilter> {
    FlowFilter::parse(&text(expr, columns, 0)?).ok()
}

fn text(expr: &Expr, columns: FlowColumns, depth: u32) -> Option<String> {
    if depth > DEPTH_MAX {
        return None;
    }
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op: op @ (Operator::And | Operator::Or), right }) => {
            let word = if *op == Operator::And { "and" } else { "or" };
            let (left, right) = (text(left, columns, depth + 1)?, text(right, columns, depth + 1)?);
            Some(format!("({left}) {word} ({right})"))
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match (&**left, &**right) {
            (Expr::Column(column), Expr::Literal(value, _)) => {
                comparison(named(&column.name, columns)?, *op, value)
            }
            (Expr::Literal(value, _), Expr::Column(column)) => {
                comparison(named(&column.name, columns)?, op.swap()?, value)
            }
            _ => None,
        },
        Expr::Between(between) if !between.negated => {
            let Expr::Column(column) = &*between.expr else { return None };
            let column = named(&column.name, columns)?;
            let (Expr::Literal(low, _), Expr::Literal(high, _)) = (&*between.low, &*between.high)
            else {
                return None;
            };
            let low = comparison(column, Operator::GtEq, low)?;
            let high = comparison(column, Operator::LtEq, high)?;
            Some(format!("({low} and {high})"))
        }
        Expr::InList(list) if !list.negated => {
            let Expr::Column(column) = &*list.expr else { return None };
            let column = named(&column.name, columns)?;
            let one = |value: &Expr| match value {
                Expr::Literal(value, _) => comparison(column, Operator::Eq, value),
                _ => None,
            };
            let any = list.list.iter().map(one).collect::<Option<Vec<_>>>()?.join(" or ");
            (!any.is_empty()).then(|| format!("({any})"))
        }
        Expr::ScalarFunction(call) if call.name() == IN_NETWORK => {
            let [Expr::Column(column), Expr::Literal(network, _)] = call.args.as_slice() else {
                return None;
            };
            let network = network.try_as_str()??;
            // The function says what is wrong with networks that are none.
            network.parse::<rheos_core::filter::Network>().ok()?;
            Some(format!("{} net {network}", side(named(&column.name, columns)?)?))
        }
        _ => None,
    }
}

fn named(name: &str, columns: FlowColumns) -> Option<FlowColumn> {
    FlowColumn::named(name).filter(|column| columns.contains(*column))
}

const fn side(column: FlowColumn) -> Option<&'static str> {
    match column {
        FlowColumn::SrcIp => Some("src"),
        FlowColumn::DstIp => Some("dst"),
        _ => None,
    }
}

fn comparison(column: FlowColumn, op: Operator, value: &ScalarValue) -> Option<String> {
    let sign = match op {
        Operator::Eq => "=",
        Operator::NotEq => "!=",
        Operator::Lt => "<",
        Operator::LtEq => "<=",
        Operator::Gt => ">",
        Operator::GtEq => ">=",
        _ => return None,
    };
    if let Some(side) = side(column) {
        let text = value.try_as_str()??;
        // As text, only the usual way to write an address is equal to it.
        let address: IpAddr = text.parse().ok().filter(|a: &IpAddr| a.to_string() == text)?;
        return match sign {
            "=" => Some(format!("{side} ip {address}")),
            "!=" => Some(format!("not {side} ip {address}")),
            _ => None,
        };
    }
    let (word, unit) = match column {
        FlowColumn::SrcPort | FlowColumn::DstPort => {
            let side = if column == FlowColumn::SrcPort { "src" } else { "dst" };
            let number = number(value)?;
            // In the filter only these protocols have ports; the column is there for all.
            return Some(format!("({side} port {sign} {number} or not (tcp or udp or sctp))"));
        }
        FlowColumn::Packets => ("packets", ""),
        FlowColumn::Bytes => ("bytes", ""),
        FlowColumn::First => ("first", "ns"),
        FlowColumn::Last => ("last", "ns"),
        FlowColumn::Protocol if sign == "=" => {
            return Some(format!("proto {}", number(value)?));
        }
        _ => return None,
    };
    let number = number(value)?;
    Some(format!("{word} {sign} {number}{unit}"))
}

/// A number that is not negative.
fn number(value: &ScalarValue) -> Option<u64> {
    let signed = |number: i64| u64::try_from(number).ok();
    match *value {
        ScalarValue::UInt8(Some(n)) => Some(n.into()),
        ScalarValue::UInt16(Some(n)) => Some(n.into()),
        ScalarValue::UInt32(Some(n)) => Some(n.into()),
        ScalarValue::UInt64(Some(n)) => Some(n),
        ScalarValue::Int8(Some(n)) => signed(n.into()),
        ScalarValue::Int16(Some(n)) => signed(n.into()),
        ScalarValue::Int32(Some(n)) => signed(n.into()),
        ScalarValue::Int64(Some(n)) | ScalarValue::TimestampNanosecond(Some(n), _) => signed(n),
        _ => None,
    }
}
