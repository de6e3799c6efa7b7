//! Reads query parameters as Clerk does: repeated keys are lists, `+` and `-` in front of an id include and exclude.
//!
//! A literal `+` in a query string decodes to a space, and Clerk's own examples write `organization_id=+org_1`, so a
//! leading space counts as `+`. Parameters nobody asks for are ignored, as they are by Clerk.

use std::collections::HashSet;

use clerk::Timestamp;

use crate::{listing::one_of, refusal::Refusal};

/// At most this many values of one list parameter (Clerk: "accepts up to 100").
const LIST_LIMIT: usize = 100;
const PAGE_LIMIT_DEFAULT: i64 = 10;
const PAGE_LIMIT_MAXIMUM: i64 = 500;

/// The decoded parameters of one request, in their order.
#[derive(Debug, Default, Clone)]
pub(crate) struct Query(Vec<(String, String)>);

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) limit: usize,
    pub(crate) offset: usize,
}

/// Ids to include and to exclude; an empty `include` includes everything.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Signed {
    pub(crate) include: HashSet<String>,
    pub(crate) exclude: HashSet<String>,
}

impl Signed {
    pub(crate) fn admits(&self, id: &str) -> bool {
        (self.include.is_empty() || self.include.contains(id)) && !self.exclude.contains(id)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty()
    }
}

impl Query {
    pub(crate) fn parse(raw: &str) -> Self {
        Self(url::form_urlencoded::parse(raw.as_bytes()).into_owned().collect())
    }

    pub(crate) fn from_pairs(pairs: &[(&str, &str)]) -> Self {
        Self(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    /// The first value: Clerk keeps the first when a single-valued parameter is repeated.
    pub(crate) fn first(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn list(&self, name: &str) -> Result<Vec<&str>, Refusal> {
        let values: Vec<&str> = self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect();
        if values.len() > LIST_LIMIT {
            let expected = format!("at most {LIST_LIMIT} values");
            return Err(Refusal::wrong_value(name, &format!("A list of {}", values.len()), &expected));
        }
        Ok(values)
    }

    /// A list whose comparison ignores case, such as e-mail addresses.
    pub(crate) fn lowercase_set(&self, name: &str) -> Result<HashSet<String>, Refusal> {
        Ok(self.list(name)?.into_iter().map(str::to_lowercase).collect())
    }

    pub(crate) fn set(&self, name: &str) -> Result<HashSet<String>, Refusal> {
        Ok(self.list(name)?.into_iter().map(str::to_owned).collect())
    }

    /// The text that objects are searched by, in lower case.
    pub(crate) fn search(&self, name: &str) -> Option<String> {
        self.first(name).filter(|text| !text.is_empty()).map(str::to_lowercase)
    }

    /// The values of a list parameter, each one of a fixed set of words. None means that all are wanted.
    pub(crate) fn words(&self, name: &str, words: &[&str]) -> Result<Vec<String>, Refusal> {
        let values = self.list(name)?.into_iter().filter(|value| !value.is_empty());
        let known = |value: &str| match words.contains(&value) {
            true => Ok(value.to_owned()),
            false => Err(Refusal::wrong_value(name, value, &one_of(words))),
        };
        values.map(known).collect()
    }

    pub(crate) fn signed(&self, name: &str) -> Result<Signed, Refusal> {
        let mut signed = Signed::default();
        for value in self.list(name)? {
            match value.strip_prefix('-') {
                Some(id) => signed.exclude.insert(id.to_owned()),
                None => signed.include.insert(value.trim_start_matches(['+', ' ']).to_owned()),
            };
        }
        Ok(signed)
    }

    pub(crate) fn boolean(&self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.first(name) {
            None | Some("") => Ok(None),
            Some("true" | "1") => Ok(Some(true)),
            Some("false" | "0") => Ok(Some(false)),
            Some(_) => Err(Refusal::wrong_type(name, "boolean")),
        }
    }

    pub(crate) fn timestamp(&self, name: &str) -> Result<Option<Timestamp>, Refusal> {
        Ok(self.integer(name)?.map(Timestamp::from_millis))
    }

    pub(crate) fn page(&self) -> Result<Page, Refusal> {
        let limit = self.integer("limit")?.unwrap_or(PAGE_LIMIT_DEFAULT);
        if !(1..=PAGE_LIMIT_MAXIMUM).contains(&limit) {
            return Err(Refusal::wrong_value("limit", &limit.to_string(), &format!("1 to {PAGE_LIMIT_MAXIMUM}")));
        }
        let offset = self.integer("offset")?.unwrap_or(0);
        let offset =
            usize::try_from(offset).map_err(|_| Refusal::wrong_value("offset", &offset.to_string(), "0 or more"))?;
        Ok(Page { limit: usize::try_from(limit).expect("a limit between 1 and 500 fits"), offset })
    }

    /// `order_by`, split into direction and property; `fallback` is what an absent parameter means.
    pub(crate) fn order<'a>(&'a self, fallback: &'a str) -> (Direction, &'a str) {
        let raw = self.first("order_by").filter(|raw| !raw.is_empty()).unwrap_or(fallback);
        match raw.strip_prefix('-') {
            Some(property) => (Direction::Descending, property),
            None => (Direction::Ascending, raw.trim_start_matches(['+', ' '])),
        }
    }

    fn integer(&self, name: &str) -> Result<Option<i64>, Refusal> {
        match self.first(name) {
            None | Some("") => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| Refusal::wrong_type(name, "integer")),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Ascending,
    Descending,
}

impl Direction {
    pub(crate) fn apply(self, ordering: std::cmp::Ordering) -> std::cmp::Ordering {
        match self {
            Self::Ascending => ordering,
            Self::Descending => ordering.reverse(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_survive_both_spellings_of_plus() {
        let query = Query::parse("user_id=%2Buser_a&user_id=+user_b&user_id=-user_c&user_id=user_d");
        let signed = query.signed("user_id").unwrap();
        assert_eq!(signed.include, ["user_a", "user_b", "user_d"].map(str::to_owned).into());
        assert_eq!(signed.exclude, ["user_c".to_owned()].into());
        assert!(signed.admits("user_a") && !signed.admits("user_c") && !signed.admits("user_e"));
    }

    #[test]
    fn only_exclusions_admit_the_rest() {
        let signed = Query::parse("user_id=-user_c").signed("user_id").unwrap();
        assert!(signed.admits("user_a") && !signed.admits("user_c"));
    }

    #[test]
    fn pages_are_bounded() {
        assert_eq!(Query::parse("").page().unwrap(), Page { limit: 10, offset: 0 });
        assert_eq!(Query::parse("limit=500&offset=20").page().unwrap(), Page { limit: 500, offset: 20 });
        for raw in ["limit=0", "limit=501", "limit=ten", "offset=-1"] {
            assert_eq!(Query::parse(raw).page().unwrap_err().status(), 422, "{raw}");
        }
    }

    #[test]
    fn lists_are_bounded() {
        let raw = vec!["email_address=a%40b.example"; 101].join("&");
        assert_eq!(Query::parse(&raw).list("email_address").unwrap_err().code(), "form_param_value_invalid");
    }

    #[test]
    fn the_first_order_counts() {
        let query = Query::parse("order_by=-username&order_by=created_at");
        assert_eq!(query.order("-created_at"), (Direction::Descending, "username"));
        assert_eq!(Query::parse("order_by=+username").order("-created_at"), (Direction::Ascending, "username"));
        assert_eq!(Query::parse("").order("-created_at"), (Direction::Descending, "created_at"));
    }
}
