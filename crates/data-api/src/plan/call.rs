//! Which function is called, and with what.

use std::collections::{BTreeSet, HashMap};

use bytes::Bytes;

use super::mutate::needed;
use super::read::{Condition, ReadNode};
use crate::error::NoFunction;
use crate::error::SchemaError;
use crate::identifier::Qualified;
use crate::request::media_type::MediaType;
use crate::request::payload::Payload;
use crate::request::{ApiRequest, CallMethod};
use crate::schema_cache::{Function, Parameter, SchemaCache};

/// A function call.
#[derive(Debug, Clone)]
pub(crate) struct CallPlan {
    pub(crate) function: Qualified,
    pub(crate) arguments: Arguments,
    /// The result is values, not rows.
    pub(crate) scalar: bool,
    /// The columns of the result that are needed.
    pub(crate) returning: BTreeSet<String>,
    /// Those that are filtered by.
    pub(crate) filtered: BTreeSet<String>,
}

#[derive(Debug, Clone)]
pub(crate) enum Arguments {
    /// The whole body is the one argument.
    Body { parameter: Parameter, body: Bytes },
    /// Taken out of a JSON body.
    Json { parameters: Vec<Parameter>, body: Bytes },
    /// From the query string or a form.
    Named(Vec<(Parameter, Argument)>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Argument {
    One(String),
    Many(Vec<String>),
}

/// The function that `name` and the names of the arguments mean.
pub(super) fn find<'a>(
    cache: &'a SchemaCache,
    name: &Qualified,
    given: &BTreeSet<String>,
    content_type: &MediaType,
    by: CallMethod,
) -> Result<&'a Function, SchemaError> {
    let post = by == CallMethod::Post;
    let overloads = cache.functions.get(name).map_or(&[][..], Vec::as_slice);
    let by_name: Vec<&Function> =
        overloads.iter().filter(|function| takes(function, given, content_type, post)).collect();
    let candidates = if by_name.is_empty() {
        overloads.iter().filter(|function| post && takes_body(function, content_type)).collect()
    } else {
        by_name
    };
    match candidates.as_slice() {
        [only] => Ok(only),
        [] => Err(SchemaError::NoFunction(Box::new(NoFunction {
            similar: NoFunction::similar(cache, &name.schema, &name.name, given),
            schema: name.schema.clone(),
            name: name.name.clone(),
            arguments: given.clone(),
            content_type: content_type.clone(),
            post,
        }))),
        several => Err(SchemaError::AmbiguousFunction(several.iter().map(|&function| function.clone()).collect())),
    }
}

/// Every argument has a parameter, and every parameter without a default has an argument.
fn takes(function: &Function, given: &BTreeSet<String>, content_type: &MediaType, post: bool) -> bool {
    if function.parameters.is_empty() {
        let body_is_argument = matches!(content_type, MediaType::Bytes | MediaType::PlainText | MediaType::Xml);
        return given.is_empty() && !(post && body_is_argument);
    }
    let named = |name: &String| function.parameters.iter().any(|parameter| parameter.name == *name);
    given.iter().all(named)
        && function
            .parameters
            .iter()
            .filter(|parameter| parameter.required)
            .all(|parameter| given.contains(&parameter.name))
}

/// One parameter without a name, of a type that a body of this kind can be.
fn takes_body(function: &Function, content_type: &MediaType) -> bool {
    let [parameter] = function.parameters.as_slice() else { return false };
    let types: &[&str] = match content_type {
        MediaType::Json => &["json", "jsonb"],
        MediaType::PlainText => &["text"],
        MediaType::Xml => &["xml"],
        MediaType::Bytes => &["bytea"],
        _ => &[],
    };
    parameter.name.is_empty() && types.contains(&parameter.type_name.as_str())
}

/// The call of `function` that `request` asks for.
pub(super) fn plan(function: &Function, request: &ApiRequest, by: CallMethod, read: &ReadNode) -> CallPlan {
    let raw = || request.payload.as_ref().and_then(|payload| payload.raw()).cloned().unwrap_or_default();
    let pairs: Option<&[(String, String)]> = match (&request.payload, by.is_read()) {
        (_, true) => Some(&request.query.arguments),
        (Some(Payload::Form { pairs, .. }), _) => Some(pairs),
        _ => None,
    };
    let given = given(request, by);
    let arguments = match (function.parameters.as_slice(), pairs) {
        ([parameter], pairs) if parameter.name.is_empty() => {
            let body = pairs.map_or_else(raw, |pairs| object(pairs).into());
            Arguments::Body { parameter: parameter.clone(), body }
        }
        (parameters, Some(pairs)) => Arguments::Named(named(parameters, pairs)),
        (parameters, None) => Arguments::Json {
            parameters: parameters.iter().filter(|parameter| given.contains(&parameter.name)).cloned().collect(),
            body: raw(),
        },
    };
    CallPlan {
        function: function.qualified(),
        arguments,
        scalar: function.returns_scalar() || function.returns_set_of_scalar(),
        returning: needed(read, &[]),
        filtered: filtered(read),
    }
}

/// The names of the arguments.
pub(super) fn given(request: &ApiRequest, by: CallMethod) -> BTreeSet<String> {
    if by.is_read() {
        request.query.arguments.iter().map(|(name, _)| name.clone()).collect()
    } else {
        request.columns.clone()
    }
}

fn object(pairs: &[(String, String)]) -> String {
    let object: serde_json::Map<String, serde_json::Value> =
        pairs.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    serde_json::Value::Object(object).to_string()
}

/// A variadic parameter takes all values under its name; of any other the last counts.
fn named(parameters: &[Parameter], pairs: &[(String, String)]) -> Vec<(Parameter, Argument)> {
    let mut values: HashMap<&str, Vec<&str>> = HashMap::new();
    for (name, value) in pairs {
        values.entry(name).or_default().push(value);
    }
    parameters
        .iter()
        .filter_map(|parameter| {
            let values = values.get(parameter.name.as_str())?;
            let argument = if parameter.variadic {
                Argument::Many(values.iter().map(|&value| value.to_owned()).collect())
            } else {
                Argument::One((*values.last()?).to_owned())
            };
            Some((parameter.clone(), argument))
        })
        .collect()
}

/// The columns of the result that its own conditions name.
fn filtered(read: &ReadNode) -> BTreeSet<String> {
    fn look(condition: &Condition, names: &mut BTreeSet<String>) {
        match condition {
            Condition::Junction { branches, .. } => branches.iter().for_each(|branch| look(branch, names)),
            Condition::Filter { column, .. } => {
                names.insert(column.name.clone());
            }
            // Asked of the embedded rows, which the call knows nothing of.
            Condition::HasRows { .. } => {}
        }
    }
    let mut names = BTreeSet::new();
    for condition in &read.conditions {
        look(condition, &mut names);
    }
    names
}
