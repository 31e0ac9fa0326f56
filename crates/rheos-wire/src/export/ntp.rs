//! Times of IPFIX in 64-bit NTP format (RFC 7011 §6.1.9 and §6.1.10): seconds since 1900 and a binary fraction.
//!
//! Fractions are rounded up when written and down when read, so that whole nanoseconds and microseconds come
//! back as they were. The seconds wrap in 2036; read values below 2^31 are taken for the time after that.

/// Seconds from 1900 to 1970 (RFC 5905 §6).
const UNIX: u64 = 2_208_988_800;
const NANOS: u64 = 1_000_000_000;
const MICROS: u64 = 1_000_000;

/// `dateTimeNanoseconds` of nanoseconds since 1970.
#[inline]
pub(super) const fn of_nanos(nanos: u64) -> u64 {
    let fraction = ((nanos % NANOS) << 32).div_ceil(NANOS);
    ((nanos / NANOS + UNIX) << 32) | fraction
}

/// `dateTimeMicroseconds` of nanoseconds since 1970: the lowest 11 bits are zero.
#[inline]
pub(super) const fn of_micros(nanos: u64) -> u64 {
    let micros = (nanos % NANOS) / 1000;
    let fraction = (micros << 32).div_ceil(MICROS).next_multiple_of(1 << 11);
    ((nanos / NANOS + UNIX) << 32) | fraction
}

/// Nanoseconds since 1970 of a `dateTimeNanoseconds`.
pub(super) const fn to_nanos(ntp: u64) -> u64 {
    seconds(ntp) * NANOS + (((ntp & 0xffff_ffff) * NANOS) >> 32)
}

/// Nanoseconds since 1970, in whole microseconds, of a `dateTimeMicroseconds`.
pub(super) const fn to_micros(ntp: u64) -> u64 {
    let fraction = ntp & 0xffff_f800;
    seconds(ntp) * NANOS + ((fraction * MICROS) >> 32) * 1000
}

const fn seconds(ntp: u64) -> u64 {
    let seconds = ntp >> 32;
    let era = if seconds < 1 << 31 { 1 << 32 } else { 0 };
    (seconds + era).saturating_sub(UNIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_back_as_they_were() {
        for second in [0, 1_704_067_200, 2_085_978_495, 2_085_978_496, 3_000_000_000] {
            for nano in [0, 1, 999, 1000, 123_456_789, 499_999_999, 500_000_000, 999_999_999] {
                let time = second * NANOS + nano;
                assert_eq!(to_nanos(of_nanos(time)), time);
                assert_eq!(to_micros(of_micros(time)), time / 1000 * 1000);
                assert_eq!(of_micros(time) & 0x7ff, 0);
            }
        }
    }

    #[test]
    fn half_a_second_is_half_the_fraction() {
        assert_eq!(of_nanos(NANOS / 2), (UNIX << 32) | 0x8000_0000);
        assert_eq!(of_micros(NANOS / 2), (UNIX << 32) | 0x8000_0000);
    }
}
