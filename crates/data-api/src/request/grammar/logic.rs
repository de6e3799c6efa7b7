//! `and=(…)` and `or=(…)`.

use super::super::ast::{EmbedPath, Filter, LogicOperator, LogicTree};
use super::super::parser::{Parsed, Parser};
use super::field::{field, name};
use super::filter::{closed_quoted_value, condition_with, up_to_comma};
use super::{delimiter, lexeme};

/// How deep conditions may stand within each other: each level is one of the stack.
const DEEPEST: usize = 128;

/// The key: `clients.not.or` → the way to `clients`, and `not.or`.
pub(crate) fn path(parser: &mut Parser<'_>) -> Parsed<(EmbedPath, String)> {
    let mut names = parser.separated(name, delimiter)?;
    let operator = names.pop().unwrap_or_default();
    let negated = operator == "not" || names.iter().any(|name| name == "not");
    names.retain(|name| name != "not");
    Ok((names, if negated { format!("not.{operator}") } else { operator }))
}

/// `and(a.eq.1,not.or(b.eq.2,c.is.null))`.
pub(crate) fn tree(parser: &mut Parser<'_>) -> Parsed<LogicTree> {
    tree_at(parser, 0)
}

fn tree_at(parser: &mut Parser<'_>, depth: usize) -> Parsed<LogicTree> {
    if depth == DEEPEST {
        return parser.labelled("fewer than 128 conditions within each other", Parser::pass);
    }
    parser.either(
        |parser| parser.attempt(filter).map(LogicTree::Filter),
        |parser| {
            let negated = parser.labelled("negation operator (not)", |parser| {
                parser.either(
                    |parser| {
                        parser.attempt(|parser| {
                            parser.literal("not")?;
                            delimiter(parser)?;
                            Ok(true)
                        })
                    },
                    |_| Ok(false),
                )
            })?;
            let operator = parser.labelled("logic operator (and, or)", |parser| {
                parser.either(
                    |parser| parser.attempt(|parser| parser.literal("and").map(|()| LogicOperator::And)),
                    |parser| parser.literal("or").map(|()| LogicOperator::Or),
                )
            })?;
            lexeme(parser, |parser| parser.character('('))?;
            let branches = parser.separated(
                |parser| tree_at(parser, depth + 1),
                |parser| lexeme(parser, |parser| parser.character(',')),
            )?;
            lexeme(parser, |parser| parser.character(')'))?;
            Ok(LogicTree::Junction { negated, operator, branches })
        },
    )
}

fn filter(parser: &mut Parser<'_>) -> Parsed<Filter> {
    let field = field(parser)?;
    delimiter(parser)?;
    let (negated, operation) = condition_with(parser, value)?;
    Ok(Filter { field, negated, operation })
}

fn value(parser: &mut Parser<'_>) -> Parsed<String> {
    parser.choice(&[&|parser| parser.attempt(closed_quoted_value), &|parser| parser.attempt(array), &up_to_comma])
}

/// `{1,2}`: its commas separate nothing here.
fn array(parser: &mut Parser<'_>) -> Parsed<String> {
    parser.literal("{")?;
    let inner = parser.run(|character| !matches!(character, '{' | '}'))?;
    parser.literal("}")?;
    Ok(format!("{{{inner}}}"))
}
