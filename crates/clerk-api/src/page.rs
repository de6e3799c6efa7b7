//! One page of a list, in either shape that Clerk answers in.

use serde::Deserialize;
use serde_json::value::RawValue;

/// The largest page that Clerk gives.
pub const LARGEST_PAGE: usize = 500;

/// `[…]` or `{"data": […], "total_count": 7}`: the version of the API, the list and a parameter decide.
#[derive(Debug)]
pub(crate) struct RawPage {
    pub(crate) objects: Vec<Box<RawValue>>,
    pub(crate) total: Option<u64>,
}

impl RawPage {
    pub(crate) fn parse(body: &[u8]) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Enveloped {
            data: Vec<Box<RawValue>>,
            total_count: Option<u64>,
        }
        if body.trim_ascii_start().first() == Some(&b'[') {
            return Ok(Self { objects: serde_json::from_slice(body)?, total: None });
        }
        let Enveloped { data, total_count } = serde_json::from_slice(body)?;
        Ok(Self { objects: data, total: total_count })
    }
}

/// What a walk must know of an object to go on from it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, Deserialize)]
pub struct Mark {
    /// The object's id.
    pub id: String,
    /// When Clerk made it, in milliseconds; none where Clerk does not say.
    pub created_at: Option<i64>,
}

impl Mark {
    /// Of an object as Clerk sent it; none when it has no id.
    pub fn of(object: &RawValue) -> Option<Self> {
        serde_json::from_str(object.get()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_shapes_are_read_and_objects_stay_as_they_came() {
        let bare = RawPage::parse(b" [ {\"id\": 1e2} ]").unwrap();
        assert_eq!((bare.objects[0].get(), bare.total), ("{\"id\": 1e2}", None));
        let enveloped = RawPage::parse(b"{\"total_count\":9,\"data\":[{},{}],\"new\":1}").unwrap();
        assert_eq!((enveloped.objects.len(), enveloped.total), (2, Some(9)));
        for wrong in ["", "{}", "7", "[", "{\"data\":{}}"] {
            assert!(RawPage::parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_mark_is_lenient_in_all_but_the_id() {
        let mark = |text: &str| Mark::of(&RawValue::from_string(text.to_owned()).unwrap());
        let of = |created_at| Some(Mark { id: "user_ada".to_owned(), created_at });
        assert_eq!(mark(r#"{"id":"user_ada","created_at":7,"x":[]}"#), of(Some(7)));
        assert_eq!(mark(r#"{"id":"user_ada","created_at":null}"#), of(None));
        assert_eq!(mark(r#"{"id":null}"#), None);
    }
}
