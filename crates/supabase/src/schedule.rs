//! When a job of `pg_cron` runs: the five fields of cron in UTC, or every so many seconds.

use jiff::civil::DateTime;

/// A schedule that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Schedule {
    /// `30 seconds`.
    Seconds(i64),
    /// `0 3 * * 1-5`: which minutes, hours, days, months and days of the week.
    Cron(Box<[Field; 5]>),
}

/// The values that a field allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    /// One bit for each.
    bits: u64,
    /// Whether it says nothing.
    is_any: bool,
}

/// The smallest and the largest value of each field. Sunday is 0 and 7.
const RANGES: [(u32, u32); 5] = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)];
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

impl Schedule {
    /// None when it is no schedule.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        if let Some(number) = text.strip_suffix("seconds").or_else(|| text.strip_suffix("second")) {
            let seconds = number.trim().parse().ok()?;
            return (1..=59).contains(&seconds).then_some(Self::Seconds(seconds));
        }
        let text = match text.as_str() {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            other => other,
        };
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields.try_into().ok()?;
        Some(Self::Cron(Box::new([
            Field::parse(minute, RANGES[0], &[])?,
            Field::parse(hour, RANGES[1], &[])?,
            Field::parse(day, RANGES[2], &[])?,
            Field::parse(month, RANGES[3], &MONTHS)?,
            Field::parse(weekday, RANGES[4], &DAYS)?,
        ])))
    }

    /// Whether it is due at `second` (since 1970) which is `moment` in UTC.
    pub(crate) fn is_due(&self, second: i64, moment: DateTime) -> bool {
        let fields = match self {
            Self::Seconds(every) => return second % every == 0,
            Self::Cron(fields) => fields,
        };
        let [minute, hour, day, month, weekday] = &**fields;
        let has = |field: &Field, value: i8| u32::try_from(value).is_ok_and(|value| field.bits & (1 << value) != 0);
        let days = has(day, moment.day());
        let weekdays = has(weekday, moment.weekday().to_sunday_zero_offset());
        // Where both are said, one of them is enough: cron's oldest surprise.
        let is_day = if day.is_any || weekday.is_any { days && weekdays } else { days || weekdays };
        moment.second() == 0
            && has(minute, moment.minute())
            && has(hour, moment.hour())
            && has(month, moment.month())
            && is_day
    }
}

impl Field {
    fn parse(text: &str, (least, most): (u32, u32), names: &[&str]) -> Option<Self> {
        let number = |text: &str| {
            let named = names.iter().position(|name| *name == text).and_then(|position| u32::try_from(position).ok());
            let value = named.map(|position| position + least).or_else(|| text.parse().ok())?;
            (least..=most).contains(&value).then_some(value)
        };
        let mut bits = 0;
        for part in text.split(',') {
            let (range, step) = match part.split_once('/') {
                Some((range, step)) => (range, step.parse().ok().filter(|step| *step > 0)?),
                None => (part, 1),
            };
            let (from, to) = match range.split_once('-') {
                _ if range == "*" => (least, most),
                Some((from, to)) => (number(from)?, number(to)?),
                // `5/10`: from 5 on.
                None if part.contains('/') => (number(range)?, most),
                None => (number(range)?, number(range)?),
            };
            if from > to {
                return None;
            }
            for value in (from..=to).step_by(step) {
                bits |= 1_u64 << value;
            }
        }
        if most == 7 && bits & (1 << 7) != 0 {
            bits |= 1;
        }
        Some(Self { bits, is_any: text == "*" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(schedule: &str, moment: &str) -> bool {
        let moment: DateTime = moment.parse().unwrap();
        let second = moment.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp().as_second();
        Schedule::parse(schedule).unwrap().is_due(second, moment)
    }

    #[test]
    fn schedules_are_due_when_cron_says() {
        // 2026-11-22 is a Sunday.
        for (schedule, moment) in [
            ("* * * * *", "2026-11-22T12:34:00"),
            ("34 12 * * *", "2026-11-22T12:34:00"),
            ("*/17 * * * *", "2026-11-22T12:34:00"),
            ("4/10 * * * *", "2026-11-22T12:34:00"),
            ("30-40 10-14 22 11 *", "2026-11-22T12:34:00"),
            ("34 12 * nov sun", "2026-11-22T12:34:00"),
            ("34 12 * * 7", "2026-11-22T12:34:00"),
            ("34 12 1 * 0", "2026-11-22T12:34:00"),
            ("@hourly", "2026-11-22T12:00:00"),
            ("5 seconds", "2026-11-22T12:34:05"),
        ] {
            assert!(due(schedule, moment), "{schedule}");
        }
        for (schedule, moment) in [
            ("* * * * *", "2026-11-22T12:34:01"),
            ("34 12 * * 1-5", "2026-11-22T12:34:00"),
            ("34 12 1 * *", "2026-11-22T12:34:00"),
            ("34 12 1 * 1", "2026-11-22T12:34:00"),
            ("7 seconds", "2026-11-22T12:34:05"),
        ] {
            assert!(!due(schedule, moment), "{schedule}");
        }
    }

    #[test]
    fn what_is_no_schedule_is_none() {
        for text in [
            "",
            "* * * *",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "*/0 * * * *",
            "5-1 * * * *",
            "0 seconds",
            "90 seconds",
            "a * * * *",
        ] {
            assert_eq!(Schedule::parse(text), None, "{text}");
        }
    }
}
