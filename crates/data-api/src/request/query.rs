//! The query string: which parameter is what.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::percent_decode;

use super::Malformed;
use super::ast::{EmbedPath, Field, Filter, LogicTree, OrderTerm, SelectItem};
use super::grammar::{self, field, filter, logic, order, read, select};
use super::range::RowRange;

/// A query string, understood.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    /// Sorted and encoded anew, for `Content-Location`.
    pub(crate) canonical: String,
    /// What is no filter in the call of a function: its arguments.
    pub(crate) arguments: Vec<(String, String)>,
    /// `limit` and `offset` of every level, by the way to it.
    pub(crate) ranges: Vec<(EmbedPath, RowRange)>,
    pub(crate) order: Vec<(EmbedPath, Vec<OrderTerm>)>,
    pub(crate) logic: Vec<(EmbedPath, LogicTree)>,
    pub(crate) columns: Option<BTreeSet<String>>,
    pub(crate) select: Vec<SelectItem>,
    pub(crate) filters: Vec<(EmbedPath, Filter)>,
    /// The parameters that are filters, as they were written.
    pub(crate) filter_keys: BTreeSet<String>,
    pub(crate) on_conflict: Option<Vec<String>>,
}

impl Query {
    /// Understands `text`. In a `function` call by GET, a parameter that is no filter is an argument.
    pub(crate) fn parse(text: &str, function: bool) -> Result<Self, Malformed> {
        let pairs = pairs(text)?;
        let present: Vec<(&str, &str)> =
            pairs.iter().filter_map(|(key, value)| Some((key.as_str(), value.as_deref()?))).collect();
        let first = |name: &str| pairs.iter().find(|(key, _)| key == name).and_then(|(_, value)| value.as_deref());
        let ending = |words: &'static [&'static str]| {
            present.iter().filter(move |(key, _)| key.rsplit('.').next().is_some_and(|last| words.contains(&last)))
        };
        let order = ending(&["order"]).map(|(key, value)| parse_order(key, value)).collect::<Result<_, _>>()?;
        let logic = ending(&["and", "or"]).map(|(key, value)| parse_logic(key, value)).collect::<Result<_, _>>()?;
        let columns = first("columns")
            .map(|text| read(|| format!("failed to parse columns parameter ({text})"), text, field::names))
            .transpose()?
            .map(BTreeSet::from_iter);
        let selected = first("select").unwrap_or("*");
        let select = read(|| format!("failed to parse select parameter ({selected})"), selected, select::items)?;
        let (mut filters, mut arguments, mut filter_keys) = (Vec::new(), Vec::new(), BTreeSet::new());
        for (key, value) in present.iter().filter(|(key, _)| is_filter(key)) {
            filter_keys.insert((*key).to_owned());
            match parse_filter(key, value, function)? {
                (path, Parameter::Filter(filter)) => filters.push((path, filter)),
                (_, Parameter::Argument(name)) => arguments.push((name, (*value).to_owned())),
            }
        }
        let on_conflict = first("on_conflict")
            .map(|text| read(|| format!("failed to parse on_conflict parameter ({text})"), text, field::names))
            .transpose()?;
        let ranges = parse_ranges(&present)?;
        let canonical = canonical(&pairs);
        Ok(Self { canonical, arguments, ranges, order, logic, columns, select, filters, filter_keys, on_conflict })
    }

    /// The range of the root level, before the header.
    pub(crate) fn root_range(&self) -> RowRange {
        self.ranges.iter().find(|(path, _)| path.is_empty()).map_or(RowRange::ALL, |(_, range)| *range)
    }

    /// Filters of the table itself.
    pub(crate) fn root_filters(&self) -> impl Iterator<Item = &Filter> {
        self.filters.iter().filter(|(path, _)| path.is_empty()).map(|(_, filter)| filter)
    }
}

const RESERVED: &[&str] = &["select", "columns", "on_conflict"];
const RESERVED_ENDINGS: &[&str] = &["order", "limit", "offset", "and", "or"];

fn is_filter(key: &str) -> bool {
    !RESERVED.contains(&key) && !key.rsplit('.').next().is_some_and(|last| RESERVED_ENDINGS.contains(&last))
}

fn parse_order(key: &str, value: &str) -> Result<(EmbedPath, Vec<OrderTerm>), Malformed> {
    let (path, _) = read(|| format!("failed to parse tree path ({key})"), key, field::tree_path)?;
    Ok((path, read(|| format!("failed to parse order ({value})"), value, order::terms)?))
}

fn parse_logic(key: &str, value: &str) -> Result<(EmbedPath, LogicTree), Malformed> {
    let (path, operator) = read(|| format!("failed to parse logic path ({key})"), key, logic::path)?;
    // The operator stands in the key: `or=(…)` is read as `or(…)`, as it is written further in.
    let whole = format!("{operator}{value}");
    Ok((path, read(|| format!("failed to parse logic tree ({value})"), &whole, logic::tree)?))
}

enum Parameter {
    Filter(Filter),
    Argument(String),
}

fn parse_filter(key: &str, value: &str, function: bool) -> Result<(EmbedPath, Parameter), Malformed> {
    let (path, field): (EmbedPath, Field) =
        read(|| format!("failed to parse tree path ({key})"), key, field::tree_path)?;
    let condition = read(
        || format!("failed to parse filter ({value})"),
        value,
        |parser| {
            if function { parser.optional(filter::condition) } else { filter::condition(parser).map(Some) }
        },
    )?;
    let parameter = match condition {
        Some((negated, operation)) => Parameter::Filter(Filter { field, negated, operation }),
        None => Parameter::Argument(field.name),
    };
    Ok((path, parameter))
}

fn parse_ranges(present: &[(&str, &str)]) -> Result<Vec<(EmbedPath, RowRange)>, Malformed> {
    let mut levels: BTreeMap<&str, (Option<&str>, Option<&str>)> = BTreeMap::new();
    for (key, value) in present {
        let (level, word) = key.rsplit_once('.').unwrap_or(("", key));
        match word {
            "limit" => levels.entry(level).or_default().0 = Some(value),
            "offset" => levels.entry(level).or_default().1 = Some(value),
            _ => {}
        }
    }
    levels
        .into_iter()
        .map(|(level, (limit, offset))| {
            let path = match level {
                "" => EmbedPath::new(),
                level => {
                    let key = format!("{level}.limit");
                    grammar::read(|| format!("failed to parse tree path ({key})"), &key, field::tree_path)?.0
                }
            };
            Ok((path, RowRange::from_parameters(limit, offset)))
        })
        .collect()
}

/// Keys and values, decoded; a key without `=` has no value. `;` separates as `&` does.
pub(crate) fn pairs(text: &str) -> Result<Vec<(String, Option<String>)>, Malformed> {
    let decode = |part: &str| {
        let spaced = part.replace('+', " ");
        let text = percent_decode(spaced.as_bytes()).decode_utf8().map_err(|_| Malformed {
            message: "the query string is not UTF-8".to_owned(),
            details: format!("found bytes that are no text in `{part}`"),
        })?;
        // Postgres has no such names and values; it would cut a name off there and take it for another.
        if text.contains('\0') {
            return Err(Malformed {
                message: "the query string holds a NUL byte".to_owned(),
                details: "expected text that Postgres can hold".to_owned(),
            });
        }
        Ok(text.into_owned())
    };
    text.split(['&', ';'])
        .filter(|part| !part.is_empty())
        .map(|part| match part.split_once('=') {
            Some((key, value)) => Ok((decode(key)?, Some(decode(value)?))),
            None => Ok((decode(part)?, None)),
        })
        .collect()
}

/// Sorted by key; values of one key between commas; everything but letters, digits and `-_.~` encoded.
fn canonical(pairs: &[(String, Option<String>)]) -> String {
    let mut by_key: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (key, value) in pairs {
        by_key.entry(key).or_default().push(encoded(value.as_deref().unwrap_or_default()));
    }
    let parameters: Vec<String> =
        by_key.into_iter().map(|(key, values)| format!("{}={}", encoded(key), values.join(","))).collect();
    parameters.join("&")
}

/// RFC 3986's unreserved characters stay.
const KEPT: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

pub(crate) fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, KEPT).to_string()
}
