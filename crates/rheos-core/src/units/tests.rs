//! Every type: accepted forms, refused forms with their words, and that what is printed parses back.

use std::fmt::{Debug, Display};

use proptest::prelude::*;

use super::*;
use crate::Timestamp;

fn refused<T: FromStr<Err = UnitError> + Debug>(text: &str, part: &str) {
    let error = text.parse::<T>().unwrap_err();
    let shown = error.to_string();
    assert!(shown.contains(part), "{text}: {shown}");
    assert!(shown.contains(&error.input) && shown.contains(error.example), "{shown}");
}

#[test]
fn counts() {
    for (text, n) in [
        ("0", 0),
        ("4M", 4_000_000),
        ("10k", 10_000),
        ("10K", 10_000),
        ("1_000_000", 1_000_000),
        ("1.5G", 1_500_000_000),
        (" 3 T ", 3_000_000_000_000),
    ] {
        assert_eq!(text.parse(), Ok(Count(n)), "{text}");
    }
    refused::<Count>("", "empty");
    refused::<Count>("many", "no number");
    refused::<Count>("-5", "no number");
    refused::<Count>("4X", "unknown unit `X`");
    refused::<Count>("1.5", "not a whole number");
    refused::<Count>("99999999999T", "more than");
    assert_eq!(Count(4_000_000).to_string(), "4M");
    assert_eq!(Count(1_873_201).to_string(), "1873201");
}

#[test]
fn bytes() {
    for (text, n) in [
        ("1500", 1500),
        ("1500B", 1500),
        ("64KB", 64_000),
        ("64kB", 64_000),
        ("1MiB", 1 << 20),
        ("2GiB", 2 << 30),
        ("0.5KiB", 512),
        ("1.5GB", 1_500_000_000),
    ] {
        assert_eq!(text.parse(), Ok(Bytes(n)), "{text}");
    }
    refused::<Bytes>("2Gbps", "unknown unit `Gbps`");
    refused::<Bytes>("0.3KiB", "whole number of bytes");
    assert_eq!(Bytes(2 << 30).to_string(), "2GiB");
    assert_eq!(Bytes(64_000).to_string(), "64kB");
    assert_eq!(Bytes(1501).to_string(), "1501B");
    assert_eq!(Bytes(0).to_string(), "0");
}

#[test]
fn bit_rates() {
    for (text, n) in [
        ("40Gbps", 40_000_000_000),
        ("100M", 100_000_000),
        ("2.5Gbit/s", 2_500_000_000),
        ("9600", 9600),
    ] {
        assert_eq!(text.parse(), Ok(BitRate(n)), "{text}");
    }
    refused::<BitRate>("40GiB", "unknown unit `GiB`");
    assert_eq!(BitRate(40_000_000_000).to_string(), "40Gbps");
}

#[test]
fn spans() {
    for (text, n) in [
        ("0", 0),
        ("0s", 0),
        ("30m", 1_800_000_000_000),
        ("1s500ms", 1_500_000_000),
        ("1 h 30 min", 5_400_000_000_000),
        ("1.5h", 5_400_000_000_000),
        ("250ms", 250_000_000),
        ("10us", 10_000),
        ("10\u{b5}s", 10_000),
        ("1d", 86_400_000_000_000),
        ("7ns", 7),
    ] {
        assert_eq!(text.parse(), Ok(Nanos(n)), "{text}");
    }
    refused::<Nanos>("30", "no unit");
    refused::<Nanos>("5 parsecs", "unknown unit `parsecs`");
    refused::<Nanos>("500ms1s", "`s` comes after");
    refused::<Nanos>("1s1s", "`s` comes after");
    refused::<Nanos>("0.5ns", "whole number of nanoseconds");
    refused::<Nanos>("999999d", "more than 584 years");
    refused::<Nanos>("1s x", "no number at `x`");
    refused::<Nanos>("1sx", "unknown unit `sx`");
    assert_eq!(Nanos(1_500_000_000).to_string(), "1s500ms");
    assert_eq!(Nanos(0).to_string(), "0s");
}

#[test]
fn percentages() {
    assert_eq!("0.5%".parse(), Ok(Percent(0.5)));
    assert_eq!("100 %".parse(), Ok(Percent(100.0)));
    assert_eq!("0".parse(), Ok(Percent::ZERO));
    refused::<Percent>("0.5", "no unit");
    refused::<Percent>("101%", "more than 100%");
    refused::<Percent>("-1%", "no number");
    refused::<Percent>("1 percent", "unknown unit `percent`");
    assert_eq!(Percent::new(f64::NAN), None);
    assert_eq!(Percent(0.5).to_string(), "0.5%");
}

#[test]
fn long_inputs_are_cut_in_errors() {
    let error = "x".repeat(1000).parse::<Count>().unwrap_err();
    assert!(error.to_string().len() < 200);
}

fn round_trip<T>(value: &T) -> Result<(), TestCaseError>
where
    T: FromStr<Err = UnitError> + Display + PartialEq + Debug,
{
    let text = value.to_string();
    let back = text.parse::<T>();
    prop_assert_eq!(back.as_ref(), Ok(value), "{}", text);
    Ok(())
}

/// Numbers of every size, whole multiples of units among them.
fn any_size() -> impl Strategy<Value = u64> {
    let scale = prop::sample::select(vec![1, 1_000, 1_000_000, 1 << 10, 1 << 20, 1 << 30]);
    prop_oneof![any::<u64>(), (0..10_000_u64, scale).prop_map(|(n, s)| n * s)]
}

proptest! {
    #[test]
    fn what_is_printed_parses_back(n in any_size(), percent in 0.0..=100.0_f64) {
        round_trip(&Count(n))?;
        round_trip(&Bytes(n))?;
        round_trip(&BitRate(n))?;
        round_trip(&Nanos(n))?;
        round_trip(&Timestamp::from_nanos(n))?;
        round_trip(&Percent(percent))?;
        let moment = Timestamp::from_nanos(n);
        prop_assert_eq!(human::rfc3339(moment).to_string().parse(), Ok(moment));
    }

    #[test]
    fn no_text_panics(text in any::<String>(), number in "[0-9._]{0,60}[a-zA-Z%/ ]{0,6}") {
        for text in [text, number] {
            let _ = text.parse::<Count>();
            let _ = text.parse::<Bytes>();
            let _ = text.parse::<BitRate>();
            let _ = text.parse::<Nanos>();
            let _ = text.parse::<Percent>();
            let _ = text.parse::<Timestamp>();
        }
    }

    #[test]
    fn people_always_get_something(n in any::<u64>(), x in any::<f64>()) {
        prop_assert!(!human::grouped(n).to_string().is_empty());
        prop_assert!(!human::bytes(n).to_string().is_empty());
        prop_assert!(!human::duration(Nanos(n)).to_string().is_empty());
        prop_assert!(!human::count(x).to_string().is_empty());
        prop_assert!(!human::bit_rate(x).to_string().is_empty());
        prop_assert!(!human::percent(x).to_string().is_empty());
    }
}
