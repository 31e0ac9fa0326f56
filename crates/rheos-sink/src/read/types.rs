//! The narrowest type that holds all values of a column: truth value, whole number, number, text.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, UInt64Array,
};
use arrow_schema::{Field, Schema};
use serde_json::Value;

/// The rows with text columns of nothing but numbers or truth values turned into such. A number keeps its text when it
/// is written again: what has leading zeros or a plus is none, but an identifier.
pub fn typed(rows: &RecordBatch) -> RecordBatch {
    let schema = rows.schema();
    let columns: Vec<ArrayRef> = rows.columns().iter().map(of_texts).collect();
    let fields = schema.fields().iter().zip(&columns);
    let fields: Vec<Field> = fields
        .map(|(field, array)| {
            Field::new(field.name(), array.data_type().clone(), true)
                .with_metadata(field.metadata().clone())
        })
        .collect();
    let schema = Schema::new_with_metadata(fields, schema.metadata().clone());
    RecordBatch::try_new(Arc::new(schema), columns).unwrap_or_else(|_| rows.clone())
}

fn of_texts(array: &ArrayRef) -> ArrayRef {
    let Some(texts) = array.as_string_opt::<i32>() else { return Arc::clone(array) };
    if texts.iter().all(|text| text.is_none()) {
        return Arc::clone(array);
    }
    if let Some(values) = all(texts.iter(), truth) {
        return Arc::new(BooleanArray::from(values));
    }
    if let Some(values) = all(texts.iter(), |text| whole(text)?.parse().ok()) {
        return Arc::new(Int64Array::from(values));
    }
    if let Some(values) = all(texts.iter(), |text| whole(text)?.parse().ok()) {
        return Arc::new(UInt64Array::from(values));
    }
    if let Some(values) = all(texts.iter(), number) {
        return Arc::new(Float64Array::from(values));
    }
    Arc::clone(array)
}

/// All values as `one` reads them; nothing if it cannot read one of them.
fn all<'a, T>(
    texts: impl Iterator<Item = Option<&'a str>>,
    one: impl Fn(&'a str) -> Option<T>,
) -> Option<Vec<Option<T>>> {
    texts.map(|text| text.map_or(Some(None), |text| one(text).map(Some))).collect()
}

fn truth(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

/// Digits, perhaps after a minus, without leading zeros.
fn whole(text: &str) -> Option<&str> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = digits == "0" || !digits.starts_with('0');
    (plain && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
        .then_some(text)
}

/// A finite number: digits with a point or an exponent.
fn number(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let before = unsigned.split(['.', 'e', 'E']).next().unwrap_or_default();
    whole(before)?;
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

/// Values of JSON: of one type, or text; lists and objects as their text.
pub(super) fn of_json(values: &[Value]) -> ArrayRef {
    let some = || values.iter().filter(|value| !value.is_null());
    let each = values.iter();
    if some().next().is_none() {
        Arc::new(StringArray::new_null(values.len()))
    } else if some().all(Value::is_boolean) {
        Arc::new(each.map(Value::as_bool).collect::<BooleanArray>())
    } else if some().all(Value::is_i64) {
        Arc::new(each.map(Value::as_i64).collect::<Int64Array>())
    } else if some().all(Value::is_u64) {
        Arc::new(each.map(Value::as_u64).collect::<UInt64Array>())
    } else if some().all(Value::is_number) {
        Arc::new(each.map(Value::as_f64).collect::<Float64Array>())
    } else {
        let text = |value: &Value| match value {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        };
        Arc::new(each.map(text).collect::<StringArray>())
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::Array as _;
    use arrow_schema::DataType;

    use super::*;

    fn kind(texts: &[Option<&str>]) -> DataType {
        let array: ArrayRef = Arc::new(StringArray::from(texts.to_vec()));
        of_texts(&array).data_type().clone()
    }

    #[test]
    fn the_narrowest_type_that_holds_all() {
        assert_eq!(kind(&[Some("1"), None, Some("-7")]), DataType::Int64);
        assert_eq!(kind(&[Some("1"), Some("18446744073709551615")]), DataType::UInt64);
        assert_eq!(kind(&[Some("1"), Some("0.5"), Some("1e-9")]), DataType::Float64);
        assert_eq!(kind(&[Some("True"), Some("false")]), DataType::Boolean);
        for text in ["007", "+1", "nan", "inf", "1_000", "", " 1", "1.2.3", "0x1f", ".5"] {
            assert_eq!(kind(&[Some(text)]), DataType::Utf8, "{text}");
        }
        assert_eq!(kind(&[None, None]), DataType::Utf8);
    }

    #[test]
    fn mixed_json_is_text() {
        let values = [Value::from(1), Value::from("x"), Value::Null];
        let array = of_json(&values);
        assert_eq!(array.as_string::<i32>().value(0), "1");
        assert!(array.is_null(2));
        assert_eq!(of_json(&[Value::from(u64::MAX)]).data_type(), &DataType::UInt64);
    }
}
