//! A time as people read it, without a calendar library.

use std::fmt;

use crate::model::UnixSeconds;

const SECONDS_A_DAY: u64 = 86_400;
/// Days in 400 years of the Gregorian calendar, after which it repeats.
const DAYS_AN_ERA: u64 = 146_097;
/// From 0000-03-01 to 1970-01-01. Years that begin in March have their leap day at the end.
const DAYS_BEFORE_1970: u64 = 719_468;
/// 10000-01-01: later years do not fit into RFC 3339.
const END: UnixSeconds = 253_402_300_800;

/// Displays `2027-01-15 08:00:00 UTC`.
pub(super) struct Utc(pub(super) UnixSeconds);

impl Utc {
    /// The form of RFC 3339, for machines.
    pub(super) fn rfc3339(&self) -> String {
        self.to_string().replacen(' ', "T", 1).replace(" UTC", "Z")
    }
}

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 >= END {
            return write!(f, "{}", self.0);
        }
        let (year, month, day) = date(self.0 / SECONDS_A_DAY);
        let second = self.0 % SECONDS_A_DAY;
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
    }
}

/// Year, month and day of a day since 1970-01-01.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + DAYS_BEFORE_1970;
    let (era, day) = (days / DAYS_AN_ERA, days % DAYS_AN_ERA);
    // A leap day every 4 years (1,460 days), none every 100 (36,524), but one every 400.
    let year = (day - day / 1_460 + day / 36_524 - day / (DAYS_AN_ERA - 1)) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // From March on, five months always have 153 days.
    let month = (5 * day + 2) / 153;
    let day_of_month = day - (153 * month + 2) / 5 + 1;
    let in_next_year = month >= 10;
    let calendar_month = if in_next_year { month - 9 } else { month + 3 };
    (era * 400 + year + u64::from(in_next_year), calendar_month, day_of_month)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        for (seconds, expected) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_399, "2000-02-28 23:59:59 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (1_709_210_096, "2024-02-29 12:34:56 UTC"),
            (1_800_000_000, "2027-01-15 08:00:00 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
            (END - 1, "9999-12-31 23:59:59 UTC"),
            (u64::MAX, "18446744073709551615"),
        ] {
            assert_eq!(Utc(seconds).to_string(), expected);
        }
        assert_eq!(Utc(1_800_000_000).rfc3339(), "2027-01-15T08:00:00Z");
    }
}
