use super::*;

fn tree(text: &str) -> Parsed<Node> {
    parse(text, &Arc::from(""))
}

/// A tree without lines, numbers as text.
fn plain(node: &Node) -> serde_json::Value {
    match &node.value {
        Value::Nothing => serde_json::Value::Null,
        Value::Text(text) => text.as_str().into(),
        Value::List(items) => items.iter().map(plain).collect(),
        Value::Section(members) => {
            members.iter().map(|(key, node)| (key.clone(), plain(node))).collect()
        }
    }
}

/// The same of another reader's tree.
fn expected(value: &serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Bool(_) | serde_json::Value::Number(_) => value.to_string().into(),
        serde_json::Value::Array(items) => items.iter().map(expected).collect(),
        serde_json::Value::Object(members) => {
            members.iter().map(|(key, value)| (key.clone(), expected(value))).collect()
        }
        _ => value.clone(),
    }
}

/// Texts that both readers must take or both refuse, with the same tree.
const TEXTS: [&str; 34] = [
    "null",
    " {} ",
    "[]",
    "[1, 2,3 ]",
    r#"{"a": {"b": [null, true, false, "x"]}}"#,
    r#""\u00e9\n\t\"\\\/\b\f\r""#,
    r#""\ud83d\ude00""#,
    r#""\ud83d""#,
    r#""\ude00""#,
    r#""\ud83d\u0041""#,
    r#""\u12""#,
    r#""\x""#,
    r#""open"#,
    "\"a\nb\"",
    "0",
    "-0",
    "01",
    "-01",
    "1.",
    ".5",
    "+1",
    "1e5",
    "1.5E-3",
    "1e",
    "--1",
    "nul",
    "[1,]",
    "{\"a\":1,}",
    "{a:1}",
    "[1 2]",
    "1 2",
    "",
    "[",
    "{\"a\"",
];

#[test]
fn what_another_reader_takes_is_taken_alike() {
    for text in TEXTS {
        match (tree(text), serde_json::from_str::<serde_json::Value>(text)) {
            // The other reader writes powers of ten its own way.
            (Ok(node), Ok(value)) if !matches!(text, "1e5" | "1.5E-3") => {
                let (ours, theirs) = (plain(&node), expected(&value));
                assert!(ours == theirs || text == "-0", "{text}: {ours} {theirs}");
            }
            (Ok(_), Ok(_)) | (Err(_), Err(_)) => {}
            (ours, theirs) => panic!("{text}: {ours:?} {theirs:?}"),
        }
    }
}

#[test]
fn numbers_stay_as_written_and_lines_are_counted() {
    let node =
        tree("{\n\"a\": 1704067200.123456789,\n\n\"b\": 18446744073709551616}").expect("JSON");
    let a = node.get("a").map(|n| (n.value.clone(), n.line));
    assert_eq!(a, Some((Value::Text("1704067200.123456789".to_owned()), 2)));
    assert_eq!(node.get("b").map(|n| n.line), Some(4));
    assert_eq!(tree("{\"a\": 1,\n\"a\": 2}").map_err(|e| e.0), Err(2));
}

#[test]
fn depth_is_bounded() {
    for depth in [40, 100_000] {
        assert!(tree(&"[".repeat(depth)).is_err());
        assert!(tree(&"{\"a\":".repeat(depth)).is_err());
    }
    assert!(tree(&format!("{}{}", "[".repeat(30), "]".repeat(30))).is_ok());
}
