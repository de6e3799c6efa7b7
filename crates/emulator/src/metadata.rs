//! Metadata: free JSON objects on users, organizations and memberships.
//!
//! `PATCH …/metadata` merges deeply and removes what is `null`; `PUT …/metadata` replaces. Clerk allows 8 KB each.

use serde_json::{Map, Value};

use crate::{
    form::{Field, Form},
    refusal::Refusal,
};

/// Clerk: "public, private and unsafe metadata: 8 KB each".
const SIZE_LIMIT: usize = 8 * 1024;

pub(crate) type Metadata = Map<String, Value>;

/// How a given object meets the one that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MetadataMode {
    Merge,
    Replace,
}

/// Reads one metadata member of a form and refuses what is too large.
pub(crate) fn read(form: &mut Form, name: &str) -> Result<Field<Metadata>, Refusal> {
    let field = form.object(name)?;
    if let Field::Given(object) = &field {
        check_size(name, object)?;
    }
    Ok(field)
}

/// Applies a given object; absent and `null` keep what is there.
pub(crate) fn apply(
    mode: MetadataMode,
    name: &str,
    given: Field<Metadata>,
    target: &mut Metadata,
) -> Result<(), Refusal> {
    let Some(given) = given.given() else { return Ok(()) };
    match mode {
        MetadataMode::Merge => merge(target, given),
        MetadataMode::Replace => *target = given,
    }
    check_size(name, target)
}

fn check_size(name: &str, object: &Metadata) -> Result<(), Refusal> {
    let size = serde_json::to_vec(object).expect("a JSON object has a text form").len();
    if size <= SIZE_LIMIT {
        return Ok(());
    }
    Err(Refusal::form(
        "form_param_exceeds_allowed_size",
        "exceeds maximum size",
        format!("{name} is {size} bytes, the maximum is {SIZE_LIMIT}."),
        name,
    ))
}

fn merge(target: &mut Metadata, given: Metadata) {
    for (key, value) in given {
        match (target.get_mut(&key), value) {
            (_, Value::Null) => {
                target.remove(&key);
            }
            (Some(Value::Object(inner)), Value::Object(given)) => merge(inner, given),
            (_, Value::Object(given)) => {
                let mut inner = Metadata::new();
                merge(&mut inner, given);
                target.insert(key, Value::Object(inner));
            }
            (_, value) => {
                target.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Metadata {
        match value {
            Value::Object(object) => object,
            other => panic!("{other} is no object"),
        }
    }

    #[test]
    fn a_merge_is_deep_and_null_removes() {
        let mut target = object(json!({"plan": "free", "limits": {"seats": 3, "projects": 1}, "tags": ["a"]}));
        let given =
            object(json!({"plan": null, "limits": {"seats": 5, "projects": null}, "tags": ["b"], "new": {"x": null}}));
        apply(MetadataMode::Merge, "public_metadata", Field::Given(given), &mut target).unwrap();
        assert_eq!(Value::Object(target), json!({"limits": {"seats": 5}, "tags": ["b"], "new": {}}));
    }

    #[test]
    fn replacing_forgets_the_rest() {
        let mut target = object(json!({"plan": "free"}));
        apply(MetadataMode::Replace, "public_metadata", Field::Given(object(json!({"seats": 1}))), &mut target)
            .unwrap();
        assert_eq!(Value::Object(target), json!({"seats": 1}));
    }

    #[test]
    fn too_much_is_refused_after_merging() {
        let mut target = object(json!({"a": "x".repeat(5000)}));
        let given = Field::Given(object(json!({"b": "y".repeat(5000)})));
        let refusal = apply(MetadataMode::Merge, "public_metadata", given, &mut target).unwrap_err();
        assert_eq!(refusal.code(), "form_param_exceeds_allowed_size");
    }
}
