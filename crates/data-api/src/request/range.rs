//! Which rows are wanted: `limit` and `offset`, or the `Range` header, and how the answer says which were given.

use http::{HeaderMap, StatusCode};

/// Rows from `lower` to `upper`, both included, counted from zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RowRange {
    pub(crate) lower: i64,
    pub(crate) upper: Option<i64>,
}

impl RowRange {
    pub(crate) const ALL: Self = Self { lower: 0, upper: None };
    /// `limit=0`: the one empty range that may be asked for.
    pub(crate) const NONE: Self = Self { lower: 0, upper: Some(-1) };

    pub(crate) fn is_empty(self) -> bool {
        self.upper.is_some_and(|upper| upper < self.lower)
    }

    fn is_limit_zero(self) -> bool {
        self.upper == Self::NONE.upper
    }

    fn intersection(self, other: Self) -> Self {
        let upper = match (self.upper, other.upper) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        };
        Self { lower: self.lower.max(other.lower), upper }
    }

    /// At most `limit` rows of it.
    pub(crate) fn restricted(self, limit: Option<i64>) -> Self {
        let Some(limit) = limit else { return self };
        let upper = self.lower.saturating_add(limit).saturating_sub(1);
        Self { lower: self.lower, upper: Some(self.upper.map_or(upper, |present| present.min(upper))) }
    }

    /// [`restricted`](Self::restricted), where nothing stays nothing.
    pub(crate) fn capped(self, max_rows: Option<i64>) -> Self {
        if self.is_limit_zero() { Self::NONE } else { self.restricted(max_rows) }
    }

    pub(crate) fn limit(self) -> Option<i64> {
        self.upper.map(|upper| upper.saturating_sub(self.lower).saturating_add(1))
    }

    /// From the parameters `limit` and `offset` of one level; a parameter that is no number is as good as none.
    pub(crate) fn from_parameters(limit: Option<&str>, offset: Option<&str>) -> Self {
        let number = |text: &str| text.trim().parse::<i64>().ok();
        let limited = Self::ALL.restricted(limit.and_then(number));
        match offset {
            None => limited,
            Some(offset) => {
                let lower = number(offset).unwrap_or(0);
                match limit {
                    None => Self { lower, upper: None },
                    Some(_) => Self { lower, upper: None }.restricted(Some(limited.limit().unwrap_or(0))),
                }
            }
        }
    }

    /// `Range: 0-9`; anything else is no range. Only `GET` has one (RFC 9110 §14.2).
    fn from_header(headers: &HeaderMap) -> Self {
        let parsed = || {
            let (lower, upper) = headers.get("range")?.to_str().ok()?.split_once('-')?;
            let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
            if lower.is_empty() || !digits(lower) || !digits(upper) {
                return None;
            }
            let upper = if upper.is_empty() { None } else { Some(upper.parse().ok()?) };
            Some(Self { lower: lower.parse().ok()?, upper })
        };
        parsed().unwrap_or(Self::ALL)
    }
}

/// Why a range cannot be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RangeError {
    NegativeLimit,
    LowerAboveUpper,
    /// Behind the last row.
    OutOfBounds {
        lower: i64,
        total: i64,
    },
}

/// The range of the root level, of the header and the parameters together.
pub(crate) fn top_level(get: bool, headers: &HeaderMap, parameters: RowRange) -> Result<RowRange, RangeError> {
    let header = if get { RowRange::from_header(headers) } else { RowRange::ALL };
    if parameters.is_limit_zero() {
        return Ok(RowRange::NONE);
    }
    let both = header.intersection(parameters);
    match () {
        () if header.is_empty() => Err(RangeError::LowerAboveUpper),
        () if both.is_empty() || parameters.is_empty() => Err(RangeError::NegativeLimit),
        () => Ok(both),
    }
}

/// The status and `Content-Range` of `given` rows out of `total`.
pub(crate) fn answer(range: RowRange, given: i64, total: Option<i64>) -> (StatusCode, String) {
    let (lower, upper) = (range.lower, range.lower.saturating_add(given) - 1);
    let status = match total {
        Some(total) if lower > total => StatusCode::RANGE_NOT_SATISFIABLE,
        Some(total) if given < total => StatusCode::PARTIAL_CONTENT,
        _ => StatusCode::OK,
    };
    (status, content_range(lower, upper, total))
}

/// `0-9/25`, `0-9/*`, `*/0`.
pub(crate) fn content_range(lower: i64, upper: i64, total: Option<i64>) -> String {
    let rows = if total != Some(0) && lower <= upper { format!("{lower}-{upper}") } else { "*".to_owned() };
    match total {
        Some(total) => format!("{rows}/{total}"),
        None => format!("{rows}/*"),
    }
}
