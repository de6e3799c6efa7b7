//! Times and spans as people read and write them. Times are UTC, as in the logs.

use jiff::{SpanRelativeTo, Timestamp, Unit};

/// What `--since` takes, in milliseconds of Unix time: a while ago, or a time.
pub(crate) fn since(text: &str) -> Result<i64, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time.as_millisecond());
    }
    let expected = "expected a while such as `2h`, `30m` or `7d`, or a time such as `2026-11-22T08:00:00Z`";
    let span: jiff::Span = text.parse().map_err(|_| expected.to_owned())?;
    let milliseconds = span
        .total((Unit::Millisecond, SpanRelativeTo::days_are_24_hours()))
        .map_err(|_| format!("months and years are not all of one length; {expected}"))?;
    if milliseconds < 0.0 {
        return Err(format!("that is to come; {expected}"));
    }
    Ok(now() - milliseconds as i64)
}

/// Milliseconds of Unix time.
pub(crate) fn now() -> i64 {
    Timestamp::now().as_millisecond()
}

/// `2026-11-22 08:00:00`.
pub(crate) fn time(milliseconds: i64) -> String {
    formatted(milliseconds, "%F %T")
}

/// `08:00:00.120`.
pub(crate) fn clock(milliseconds: i64) -> String {
    formatted(milliseconds, "%T%.3f")
}

fn formatted(milliseconds: i64, format: &str) -> String {
    Timestamp::from_millisecond(milliseconds)
        .map_or_else(|_| milliseconds.to_string(), |time| time.strftime(format).to_string())
}

/// `3 min ago`, or `in 3 min`.
pub(crate) fn from_now(milliseconds: i64) -> String {
    let ago = now() - milliseconds;
    if ago >= 0 { format!("{} ago", span(ago)) } else { format!("in {}", span(-ago)) }
}

/// A span in the two figures that matter: `142 ms`, `2.1 s`, `3 min`, `5 h`, `12 d`.
pub(crate) fn span(milliseconds: i64) -> String {
    const SECOND: i64 = 1_000;
    const MINUTE: i64 = 60 * SECOND;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    match milliseconds.abs() {
        0..SECOND => format!("{milliseconds} ms"),
        SECOND..10_000 => format!("{:.1} s", milliseconds as f64 / SECOND as f64),
        10_000..120_000 => format!("{} s", milliseconds / SECOND),
        120_000..7_200_000 => format!("{} min", milliseconds / MINUTE),
        7_200_000..172_800_000 => format!("{} h", milliseconds / HOUR),
        _ => format!("{} d", milliseconds / DAY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_while_and_a_time_are_understood() {
        let hours = |text: &str| (now() - since(text).unwrap()) / (60 * 60 * 1000);
        assert_eq!((hours("2h"), hours("90m"), hours("7d"), hours("1 week")), (2, 1, 168, 168));
        assert_eq!(since("2026-11-22T08:00:00Z"), Ok(1_795_334_400_000));
        for nonsense in ["", "soon", "2", "-1h", "1 month"] {
            assert!(since(nonsense).unwrap_err().contains("expected"), "{nonsense}");
        }
    }

    #[test]
    fn spans_have_the_figures_that_matter() {
        let spans: Vec<String> = [0, 999, 1_500, 60_000, 150_000, 7_300_000, 200_000_000, -250].map(span).to_vec();
        assert_eq!(spans, ["0 ms", "999 ms", "1.5 s", "60 s", "2 min", "2 h", "2 d", "-250 ms"]);
    }
}
