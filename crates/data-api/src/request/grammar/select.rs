//! `select=`: fields, casts, aggregates, embedded and spread relations.

use super::super::ast::{Aggregate, Field, Join, SelectField, SelectItem, SelectRelation};
use super::super::parser::{Parsed, Parser};
use super::field::{cast, field, name};
use super::{lexeme, parenthesized};

/// How deep relations may be embedded in each other. Each level is a subquery; nobody writes a dozen by hand.
const DEEPEST: usize = 64;

/// All items, possibly none.
pub(crate) fn items(parser: &mut Parser<'_>) -> Parsed<Vec<SelectItem>> {
    items_at(parser, 0)
}

fn items_at(parser: &mut Parser<'_>, depth: usize) -> Parsed<Vec<SelectItem>> {
    let found = parser.optional(|parser| {
        parser.separated(|parser| item(parser, depth), |parser| lexeme(parser, |parser| parser.character(',')))
    })?;
    Ok(found.unwrap_or_default())
}

fn item(parser: &mut Parser<'_>, depth: usize) -> Parsed<SelectItem> {
    let with_items = |parser: &mut Parser<'_>, head: fn(&mut Parser<'_>) -> Parsed<SelectRelation>| {
        let mut relation = parser.attempt(head)?;
        if depth == DEEPEST {
            return parser.labelled("fewer than 64 relations within each other", Parser::pass);
        }
        relation.items = parenthesized(parser, |parser| items_at(parser, depth + 1))?;
        Ok(SelectItem::Relation(relation))
    };
    parser.choice(&[&|parser| with_items(parser, spread), &|parser| with_items(parser, relation), &|parser| {
        select_field(parser).map(SelectItem::Field)
    }])
}

fn alias(parser: &mut Parser<'_>) -> Parsed<Option<String>> {
    parser.optional(|parser| {
        parser.attempt(|parser| {
            let alias = name(parser)?;
            parser.character(':')?;
            parser.not_followed_by(|parser| parser.character(':'))?;
            Ok(alias)
        })
    })
}

fn relation(parser: &mut Parser<'_>) -> Parsed<SelectRelation> {
    lexeme(parser, |parser| {
        let alias = alias(parser)?;
        let name = name(parser)?;
        if name == "count" {
            return parser.pass();
        }
        let (hint, join) = embed_parameters(parser)?;
        parser.attempt(|parser| parser.ahead(|parser| parser.literal("(")))?;
        Ok(SelectRelation { name, alias, hint, join, spread: false, items: Vec::new() })
    })
}

fn spread(parser: &mut Parser<'_>) -> Parsed<SelectRelation> {
    lexeme(parser, |parser| {
        parser.literal("...")?;
        let name = name(parser)?;
        let (hint, join) = embed_parameters(parser)?;
        parser.attempt(|parser| parser.ahead(|parser| parser.literal("(")))?;
        Ok(SelectRelation { name, alias: None, hint, join, spread: true, items: Vec::new() })
    })
}

enum EmbedParameter {
    Hint(String),
    Join(Join),
}

/// `!hint!inner`, in any order.
fn embed_parameters(parser: &mut Parser<'_>) -> Parsed<(Option<String>, Option<Join>)> {
    let (mut hint, mut join) = (None, None);
    for _ in 0..2 {
        match parser.optional(embed_parameter)? {
            Some(EmbedParameter::Hint(name)) => hint = hint.or(Some(name)),
            Some(EmbedParameter::Join(kind)) => join = join.or(Some(kind)),
            None => {}
        }
    }
    Ok((hint, join))
}

fn embed_parameter(parser: &mut Parser<'_>) -> Parsed<EmbedParameter> {
    parser.character('!')?;
    parser.choice(&[
        &|parser| parser.attempt(|parser| parser.literal("left").map(|()| EmbedParameter::Join(Join::Left))),
        &|parser| parser.attempt(|parser| parser.literal("inner").map(|()| EmbedParameter::Join(Join::Inner))),
        &|parser| parser.attempt(|parser| name(parser).map(EmbedParameter::Hint)),
    ])
}

fn select_field(parser: &mut Parser<'_>) -> Parsed<SelectField> {
    let whole_row = || Field { name: "*".to_owned(), path: Vec::new() };
    lexeme(parser, |parser| {
        parser.choice(&[
            &|parser| {
                parser.attempt(|parser| {
                    parser.literal("*")?;
                    item_end(parser)?;
                    Ok(SelectField {
                        field: whole_row(),
                        aggregate: None,
                        aggregate_cast: None,
                        cast: None,
                        alias: None,
                    })
                })
            },
            &|parser| {
                parser.attempt(|parser| {
                    let alias = alias(parser)?;
                    parser.literal("count()")?;
                    let aggregate_cast = parser.optional(cast)?;
                    item_end(parser)?;
                    let aggregate = Some(Aggregate::Count);
                    Ok(SelectField { field: whole_row(), aggregate, aggregate_cast, cast: None, alias })
                })
            },
            &|parser| {
                let alias = alias(parser)?;
                let field = field(parser)?;
                let cast_before = parser.optional(cast)?;
                let aggregate = parser.optional(|parser| {
                    parser.attempt(|parser| {
                        parser.character('.')?;
                        let aggregate = aggregate(parser)?;
                        parser.literal("()")?;
                        Ok(aggregate)
                    })
                })?;
                let aggregate_cast = parser.optional(cast)?;
                item_end(parser)?;
                Ok(SelectField { field, aggregate, aggregate_cast, cast: cast_before, alias })
            },
        ])
    })
}

fn aggregate(parser: &mut Parser<'_>) -> Parsed<Aggregate> {
    let named =
        |aggregate: Aggregate| move |parser: &mut Parser<'_>| parser.literal(aggregate.name()).map(|()| aggregate);
    parser.choice(&[
        &named(Aggregate::Sum),
        &named(Aggregate::Avg),
        &named(Aggregate::Count),
        &|parser| parser.attempt(named(Aggregate::Max)),
        &|parser| parser.attempt(named(Aggregate::Min)),
    ])
}

fn item_end(parser: &mut Parser<'_>) -> Parsed<()> {
    parser.choice(&[
        &|parser| parser.attempt(|parser| parser.ahead(|parser| parser.literal(")"))),
        &|parser| parser.attempt(|parser| parser.ahead(|parser| parser.literal(","))),
        &|parser| parser.attempt(Parser::end),
    ])
}
