//! Paths: what can be done with relations and functions.

use serde_json::{Map, Value, json};

use super::{object, summary, types};
use crate::schema_cache::{Function, Parameter, Table, Volatility};

pub(super) fn paths<'a>(
    tables: &'a [&Table],
    functions: &'a [&Function],
) -> impl Iterator<Item = (String, Value)> + 'a {
    let root = json!({
        "get": {
            "tags": ["Introspection"],
            "summary": "OpenAPI description (this document)",
            "produces": ["application/openapi+json", "application/json"],
            "responses": { "200": { "description": "OK" } },
        }
    });
    let of_tables = tables.iter().map(|table| (format!("/{}", table.name), of_table(table)));
    // Of functions of one name, the last is described.
    let last = functions
        .iter()
        .enumerate()
        .filter(|(number, function)| functions.get(number + 1).is_none_or(|next| next.name != function.name));
    let of_functions = last.map(|(_, function)| (format!("/rpc/{}", function.name), of_function(function)));
    std::iter::once(("/".to_owned(), root)).chain(of_tables).chain(of_functions)
}

fn references(names: impl IntoIterator<Item = String>) -> Value {
    names.into_iter().map(|name| json!({ "$ref": format!("#/parameters/{name}") })).collect()
}

fn of_table(table: &Table) -> Value {
    let name = &table.name;
    let operation = |parameters: Vec<String>, status: &str, response: Value| {
        let comment = table.description.as_deref().map(summary);
        object([
            ("tags", Some(json!([name]))),
            ("summary", comment.map(|(first, _)| first.into())),
            ("description", comment.and_then(|(_, rest)| rest).map(Value::from)),
            ("parameters", Some(references(parameters))),
            ("responses", Some(json!({ status: response }))),
        ])
    };
    let filters: Vec<String> =
        table.columns.values().map(|column| format!("rowFilter.{name}.{}", column.name)).collect();
    let filters_and =
        |more: &[&str]| filters.iter().cloned().chain(more.iter().map(|&more| more.to_owned())).collect::<Vec<_>>();
    let body = format!("body.{name}");
    let rows = json!({
        "description": "OK",
        "schema": { "type": "array", "items": { "$ref": format!("#/definitions/{name}") } },
    });
    let reading = ["select", "order", "range", "rangeUnit", "offset", "limit", "preferCount"];
    let mut get = operation(filters_and(&reading), "200", rows);
    get["responses"]["206"] = json!({ "description": "Partial Content" });
    let mut path = json!({ "get": get });
    if table.insertable || table.updatable || table.deletable {
        let created = json!({ "description": "Created" });
        let posted = vec![body.clone(), "select".to_owned(), "preferPost".to_owned()];
        path["post"] = operation(posted, "201", created);
        let done = || json!({ "description": "No Content" });
        path["patch"] = operation(filters_and(&[&body, "preferReturn"]), "204", done());
        path["delete"] = operation(filters_and(&["preferReturn"]), "204", done());
    }
    path
}

fn of_function(function: &Function) -> Value {
    let operation = |parameters: Value| {
        let comment = function.description.as_deref().map(summary);
        object([
            ("tags", Some(json!([format!("(rpc) {}", function.name)]))),
            ("summary", comment.map(|(first, _)| first.into())),
            ("description", comment.and_then(|(_, rest)| rest).map(Value::from)),
            (
                "produces",
                Some(json!([
                    "application/json",
                    "application/vnd.pgrst.object+json;nulls=stripped",
                    "application/vnd.pgrst.object+json"
                ])),
            ),
            ("parameters", parameters.as_array().is_some_and(|list| !list.is_empty()).then_some(parameters)),
            ("responses", Some(json!({ "200": { "description": "OK" } }))),
        ])
    };
    let mut path = Map::new();
    if function.volatility != Volatility::Volatile {
        path.insert("get".to_owned(), operation(function.parameters.iter().map(query_parameter).collect()));
    }
    let arguments = json!({ "name": "args", "required": true, "in": "body", "schema": arguments(function) });
    path.insert("post".to_owned(), operation(json!([arguments, { "$ref": "#/parameters/preferParams" }])));
    Value::Object(path)
}

fn arguments(function: &Function) -> Value {
    let properties: Map<String, Value> = function
        .parameters
        .iter()
        .map(|parameter| {
            let property = object([
                ("type", types::kind(&parameter.type_name).map(Value::from)),
                ("format", Some(types::format(&parameter.type_name).into())),
                ("items", types::items(&parameter.type_name)),
            ]);
            (parameter.name.clone(), property)
        })
        .collect();
    let required: Vec<&str> = function
        .parameters
        .iter()
        .filter(|parameter| parameter.required)
        .map(|parameter| parameter.name.as_str())
        .collect();
    object([
        ("type", Some("object".into())),
        ("description", function.description.as_deref().map(Value::from)),
        ("properties", (!properties.is_empty()).then_some(Value::Object(properties))),
        ("required", (!required.is_empty()).then(|| json!(required))),
    ])
}

fn query_parameter(parameter: &Parameter) -> Value {
    let name = &parameter.type_name;
    let kind = types::kind(name);
    if parameter.variadic {
        let element = types::element(name).unwrap_or(name);
        let items =
            object([("type", types::kind(element).map(Value::from)), ("format", Some(types::format(element).into()))]);
        return json!({
            "name": parameter.name,
            "required": parameter.required,
            "in": "query",
            "type": kind.unwrap_or("string"),
            "collectionFormat": "multi",
            "items": items,
        });
    }
    json!({
        "name": parameter.name,
        "required": parameter.required,
        "in": "query",
        "format": types::format(name),
        // In a query an array is written `{…}`, and everything has to have a type.
        "type": kind.filter(|kind| *kind != "array").unwrap_or("string"),
    })
}
