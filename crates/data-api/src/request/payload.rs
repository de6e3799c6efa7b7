//! The body of a request: which columns or arguments it names, and the JSON that Postgres gets.
//!
//! Postgres takes the body apart (`json_to_recordset`), so it is handed on as it came. Here only the keys are read, in one
//! pass that keeps no values; and only where the client did not name them itself with `columns=`.

use std::collections::BTreeSet;
use std::fmt;

use bytes::Bytes;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::media_type::MediaType;

/// What a body holds.
#[derive(Debug, Clone)]
pub(crate) enum Payload {
    /// JSON whose objects all have these keys.
    Json { raw: Bytes, keys: BTreeSet<String> },
    /// JSON that nobody looked into.
    RawJson(Bytes),
    /// The arguments of a function.
    Form { pairs: Vec<(String, String)>, keys: BTreeSet<String> },
    /// The one argument of a function.
    Raw(Bytes),
}

impl Payload {
    /// What Postgres gets.
    pub(crate) fn raw(&self) -> Option<&Bytes> {
        match self {
            Self::Json { raw, .. } | Self::RawJson(raw) | Self::Raw(raw) => Some(raw),
            Self::Form { .. } => None,
        }
    }

    /// Reads `body` as `content_type` for a table, or for a `function`. With `columns`, JSON is not looked into.
    pub(crate) fn read(
        body: &Bytes,
        content_type: &MediaType,
        function: bool,
        columns: Option<&BTreeSet<String>>,
    ) -> Result<Self, String> {
        match content_type {
            MediaType::Json if columns.is_some() => Ok(Self::RawJson(body.clone())),
            MediaType::Json if body.is_empty() && function => {
                Ok(Self::Json { raw: body.clone(), keys: BTreeSet::new() })
            }
            MediaType::Json => match keys_of(body) {
                Ok(Shape::Rows(keys)) => Ok(Self::Json { raw: body.clone(), keys }),
                Ok(Shape::Other) => Ok(Self::Json { raw: Bytes::from_static(b"[]"), keys: BTreeSet::new() }),
                Ok(Shape::Uneven) => Err("All object keys must match".to_owned()),
                Err(_) => Err("Empty or invalid json".to_owned()),
            },
            MediaType::Csv => from_csv(body),
            MediaType::Form if function => {
                let pairs = form(body);
                let keys = pairs.iter().map(|(key, _)| key.clone()).collect();
                Ok(Self::Form { pairs, keys })
            }
            MediaType::Form => {
                let object: Map<String, Value> =
                    form(body).into_iter().map(|(key, value)| (key, Value::String(value))).collect();
                let keys = object.keys().cloned().collect();
                Ok(Self::Json { raw: Value::Object(object).to_string().into(), keys })
            }
            MediaType::PlainText | MediaType::Xml | MediaType::Bytes if function => Ok(Self::Raw(body.clone())),
            other => Err(format!("Content-Type not acceptable: {other}")),
        }
    }
}

fn form(body: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(body).map(|(key, value)| (key.into_owned(), value.into_owned())).collect()
}

/// A header line with names, then rows; `NULL` is null and everything else a string.
fn from_csv(body: &[u8]) -> Result<Payload, String> {
    const UNEVEN: &str = "All lines must have same number of fields";
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(body);
    let names = reader.headers().map_err(|error| error.to_string())?.clone();
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| error.to_string())?;
        if record.len() != names.len() {
            return Err(UNEVEN.to_owned());
        }
        let value = |text: &str| if text == "NULL" { Value::Null } else { Value::from(text) };
        let row: Map<String, Value> =
            names.iter().zip(&record).map(|(name, text)| (name.to_owned(), value(text))).collect();
        rows.push(Value::Object(row));
    }
    let keys = if rows.is_empty() { BTreeSet::new() } else { names.iter().map(str::to_owned).collect() };
    Ok(Payload::Json { raw: Value::Array(rows).to_string().into(), keys })
}

/// What a JSON text is, as far as its keys go.
enum Shape {
    /// An object, or an array of objects with the same keys.
    Rows(BTreeSet<String>),
    /// An array of anything else.
    Uneven,
    /// A number, string, boolean or null.
    Other,
}

fn keys_of(body: &[u8]) -> Result<Shape, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let shape = ShapeReader { rows: true }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(shape)
}

/// Reads the keys of an object and skips its values; of an array only where `rows` are wanted.
#[derive(Clone, Copy)]
struct ShapeReader {
    rows: bool,
}

impl<'de> DeserializeSeed<'de> for ShapeReader {
    type Value = Shape;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Shape, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ShapeReader {
    type Value = Shape;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Shape, A::Error> {
        let mut keys = BTreeSet::new();
        while let Some((key, _)) = map.next_entry::<String, IgnoredAny>()? {
            // Postgres would cut it off and take it for another name.
            if key.contains('\0') {
                return Err(A::Error::custom("a key holds a NUL"));
            }
            keys.insert(key);
        }
        Ok(Shape::Rows(keys))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Shape, A::Error> {
        if !self.rows {
            while sequence.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(Shape::Other);
        }
        let mut first: Option<BTreeSet<String>> = None;
        let mut even = true;
        while let Some(element) = sequence.next_element_seed(Self { rows: false })? {
            match element {
                Shape::Rows(keys) => match &first {
                    None => first = Some(keys),
                    Some(known) => even &= *known == keys,
                },
                _ => even = false,
            }
        }
        Ok(if even { Shape::Rows(first.unwrap_or_default()) } else { Shape::Uneven })
    }

    fn visit_bool<E>(self, _: bool) -> Result<Shape, E> {
        Ok(Shape::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Shape, E> {
        Ok(Shape::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Shape, E> {
        Ok(Shape::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Shape, E> {
        Ok(Shape::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Shape, E> {
        Ok(Shape::Other)
    }

    fn visit_unit<E>(self) -> Result<Shape, E> {
        Ok(Shape::Other)
    }
}
