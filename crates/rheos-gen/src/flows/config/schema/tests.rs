use super::*;

#[test]
fn decimals_are_scaled_exactly() {
    for (text, power, expected) in [
        ("10", 9, Some((10_000_000_000, true))),
        ("0.1", 9, Some((100_000_000, true))),
        ("1704067200.123456789", 9, Some((1_704_067_200_123_456_789, true))),
        ("1.7040672e9", 9, Some((1_704_067_200_000_000_000, true))),
        ("2.5E-3", 6, Some((2500, true))),
        ("0.30000000000000004", 9, Some((300_000_000, false))),
        ("0.0000000004", 9, Some((0, false))),
        ("0.0000000005", 9, Some((1, false))),
        ("+7", 0, Some((7, true))),
        ("1_000_000", 0, Some((1_000_000, true))),
        ("0e99", 0, Some((0, true))),
        ("18446744073709551615", 0, Some((u64::MAX, true))),
        ("18446744073709551616", 0, None),
        ("1e99", 0, None),
        ("1e-2147483648", 9, None),
        ("-1", 0, None),
        ("", 0, None),
        (".5", 0, None),
        ("inf", 0, None),
        ("1x", 0, None),
        ("1e", 0, None),
    ] {
        assert_eq!(scaled(text, power), expected, "{text}");
    }
    assert_eq!((exact("1e6"), exact("1.5"), exact("100.0")), (Some(1_000_000), None, Some(100)));
}
