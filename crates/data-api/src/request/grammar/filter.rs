//! `field=operator.value`.

use super::super::ast::{FullTextOperator, IsValue, Operation, QuantifiableOperator, Quantifier, SimpleOperator};
use super::super::parser::{Alternative, Parsed, Parser};
use super::field::identifier;
use super::{delimiter, lexeme, parenthesized, quoted_value};

/// Reads the value of an operator: to the end of the text, or to the next comma within `and(…)`.
pub(super) type Value = fn(&mut Parser<'_>) -> Parsed<String>;

const SIMPLE: &[(&str, SimpleOperator)] = &[
    ("neq", SimpleOperator::NotEqual),
    ("cs", SimpleOperator::Contains),
    ("cd", SimpleOperator::Contained),
    ("ov", SimpleOperator::Overlaps),
    ("sl", SimpleOperator::StrictlyLeft),
    ("sr", SimpleOperator::StrictlyRight),
    ("nxr", SimpleOperator::NotExtendsRight),
    ("nxl", SimpleOperator::NotExtendsLeft),
    ("adj", SimpleOperator::Adjacent),
];

const QUANTIFIABLE: &[(&str, QuantifiableOperator)] = &[
    ("eq", QuantifiableOperator::Equal),
    ("gte", QuantifiableOperator::GreaterOrEqual),
    ("gt", QuantifiableOperator::Greater),
    ("lte", QuantifiableOperator::LessOrEqual),
    ("lt", QuantifiableOperator::Less),
    ("like", QuantifiableOperator::Like),
    ("ilike", QuantifiableOperator::CaseInsensitiveLike),
    ("match", QuantifiableOperator::Match),
    ("imatch", QuantifiableOperator::CaseInsensitiveMatch),
];

const FULL_TEXT: &[(&str, FullTextOperator)] = &[
    ("fts", FullTextOperator::Query),
    ("plfts", FullTextOperator::Plain),
    ("phfts", FullTextOperator::Phrase),
    ("wfts", FullTextOperator::Web),
];

const IS: &[(&str, IsValue)] = &[
    ("null", IsValue::Null),
    ("not_null", IsValue::NotNull),
    ("true", IsValue::True),
    ("false", IsValue::False),
    ("unknown", IsValue::Unknown),
];

/// `not.eq.5`, whose value is all that follows.
pub(crate) fn condition(parser: &mut Parser<'_>) -> Parsed<(bool, Operation)> {
    condition_with(parser, |parser| parser.run(|_| true))
}

pub(super) fn condition_with(parser: &mut Parser<'_>, value: Value) -> Parsed<(bool, Operation)> {
    let negated = parser.either(
        |parser| {
            parser.attempt(|parser| {
                parser.literal("not")?;
                delimiter(parser)?;
                Ok(true)
            })
        },
        |_| Ok(false),
    )?;
    let operation = parser.labelled("operator (eq, gt, ...)", |parser| {
        parser.choice(&[
            &|parser| {
                parser.attempt(|parser| operator(parser, "in"))?;
                list(parser).map(Operation::In)
            },
            &|parser| {
                parser.attempt(|parser| operator(parser, "is"))?;
                is_value(parser).map(Operation::Is)
            },
            &|parser| {
                parser.attempt(|parser| operator(parser, "isdistinct"))?;
                value(parser).map(Operation::IsDistinct)
            },
            &|parser| parser.attempt(|parser| full_text(parser, value)),
            &|parser| parser.attempt(|parser| simple(parser, value)),
            &|parser| parser.attempt(|parser| quantifiable(parser, value)),
        ])
    })?;
    Ok((negated, operation))
}

fn operator(parser: &mut Parser<'_>, name: &str) -> Parsed<()> {
    parser.literal(name)?;
    delimiter(parser)
}

/// The first of `names` that stands here.
fn one_of<T: Copy>(parser: &mut Parser<'_>, names: &[(&str, T)]) -> Parsed<T> {
    let alternatives: Vec<_> = names
        .iter()
        .map(|(name, meaning)| {
            move |parser: &mut Parser<'_>| parser.attempt(|parser| parser.literal(name).map(|()| *meaning))
        })
        .collect();
    let alternatives: Vec<Alternative<'_, '_, T>> = alternatives.iter().map(|alternative| alternative as _).collect();
    parser.choice(&alternatives)
}

fn simple(parser: &mut Parser<'_>, value: Value) -> Parsed<Operation> {
    let operator = parser.labelled("unknown single value operator", |parser| one_of(parser, SIMPLE))?;
    delimiter(parser)?;
    Ok(Operation::Simple(operator, value(parser)?))
}

fn quantifiable(parser: &mut Parser<'_>, value: Value) -> Parsed<Operation> {
    let operator = parser.labelled("unknown single value operator", |parser| one_of(parser, QUANTIFIABLE))?;
    let quantifier = parser.optional(|parser| {
        parser.attempt(|parser| {
            parenthesized(parser, |parser| {
                parser.either(
                    |parser| parser.attempt(|parser| parser.literal("any").map(|()| Quantifier::Any)),
                    |parser| parser.literal("all").map(|()| Quantifier::All),
                )
            })
        })
    })?;
    delimiter(parser)?;
    Ok(Operation::Quantifiable(operator, quantifier, value(parser)?))
}

fn full_text(parser: &mut Parser<'_>, value: Value) -> Parsed<Operation> {
    let operator = one_of(parser, FULL_TEXT)?;
    let language = parser.optional(|parser| parser.attempt(|parser| parenthesized(parser, identifier)))?;
    delimiter(parser)?;
    Ok(Operation::FullText(operator, language, value(parser)?))
}

fn is_value(parser: &mut Parser<'_>) -> Parsed<IsValue> {
    parser.labelled("isVal: (null, not_null, true, false, unknown)", |parser| {
        let alternatives: Vec<_> = IS
            .iter()
            .map(|(name, value)| move |parser: &mut Parser<'_>| parser.attempt(|parser| any_case(parser, name, *value)))
            .collect();
        let alternatives: Vec<Alternative<'_, '_, IsValue>> =
            alternatives.iter().map(|alternative| alternative as _).collect();
        parser.choice(&alternatives)
    })
}

fn any_case<T>(parser: &mut Parser<'_>, name: &str, value: T) -> Parsed<T> {
    for character in name.chars() {
        parser
            .either(|parser| parser.character(character), |parser| parser.character(character.to_ascii_uppercase()))?;
    }
    Ok(value)
}

/// `(a,"b,c",d)`.
fn list(parser: &mut Parser<'_>) -> Parsed<Vec<String>> {
    lexeme(parser, |parser| parser.character('('))?;
    let elements = parser.separated(
        |parser| parser.either(|parser| parser.attempt(closed_quoted_value), up_to_comma),
        |parser| parser.character(','),
    )?;
    lexeme(parser, |parser| parser.character(')'))?;
    Ok(elements)
}

/// A quoted value with nothing between it and the comma or parenthesis.
pub(super) fn closed_quoted_value(parser: &mut Parser<'_>) -> Parsed<String> {
    let value = quoted_value(parser)?;
    parser.not_followed_by(|parser| parser.one(|character| !matches!(character, ',' | ')')))?;
    Ok(value)
}

pub(super) fn up_to_comma(parser: &mut Parser<'_>) -> Parsed<String> {
    parser.run(|character| !matches!(character, ',' | ')'))
}
