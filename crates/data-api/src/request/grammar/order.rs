//! `order=`.

use super::super::ast::{Direction, Nulls, OrderTerm};
use super::super::parser::{Parsed, Parser};
use super::field::{field, name};
use super::{delimiter, lexeme, parenthesized};

/// `name.desc.nullslast,client(name)`.
pub(crate) fn terms(parser: &mut Parser<'_>) -> Parsed<Vec<OrderTerm>> {
    parser.separated(
        |parser| {
            lexeme(parser, |parser| {
                parser.either(
                    |parser| {
                        parser.attempt(|parser| {
                            let relation = name(parser)?;
                            let field = parenthesized(parser, field)?;
                            ending(parser, Some(relation), field)
                        })
                    },
                    |parser| {
                        let field = field(parser)?;
                        ending(parser, None, field)
                    },
                )
            })
        },
        |parser| parser.character(','),
    )
}

fn ending(parser: &mut Parser<'_>, relation: Option<String>, field: super::super::ast::Field) -> Parsed<OrderTerm> {
    let direction = parser.optional(|parser| {
        parser.either(
            |parser| suffix(parser, "asc", Direction::Ascending),
            |parser| suffix(parser, "desc", Direction::Descending),
        )
    })?;
    let nulls = parser.optional(|parser| {
        parser.either(
            |parser| suffix(parser, "nullsfirst", Nulls::First),
            |parser| suffix(parser, "nullslast", Nulls::Last),
        )
    })?;
    parser.either(
        |parser| parser.attempt(|parser| parser.ahead(|parser| parser.character(',').map(drop))),
        |parser| parser.attempt(Parser::end),
    )?;
    Ok(OrderTerm { relation, field, direction, nulls })
}

fn suffix<T>(parser: &mut Parser<'_>, word: &str, value: T) -> Parsed<T> {
    parser.attempt(|parser| {
        delimiter(parser)?;
        parser.literal(word)?;
        Ok(value)
    })
}
