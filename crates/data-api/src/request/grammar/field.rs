//! Names, and fields with a way into their JSON.

use super::super::ast::{CastType, Field, JsonOperand, JsonStep};
use super::super::parser::{Parsed, Parser};
use super::{lexeme, quoted_value};

/// A column, relation, constraint or parameter.
pub(crate) fn name(parser: &mut Parser<'_>) -> Parsed<String> {
    parser.labelled("field name (* or [a..z0..9_$])", |parser| {
        parser.either(quoted_value, |parser| joined_by_dashes(parser, identifier))
    })
}

/// Names between commas: `columns=` and `on_conflict=`.
pub(crate) fn names(parser: &mut Parser<'_>) -> Parsed<Vec<String>> {
    parser.separated(name, |parser| lexeme(parser, |parser| parser.character(',')))
}

/// `a.b.c` → the embedded relations `a`, `b` and the field `c`.
pub(crate) fn tree_path(parser: &mut Parser<'_>) -> Parsed<(Vec<String>, Field)> {
    let mut names = parser.separated(name, super::delimiter)?;
    let path = parser.optional(json_path)?.unwrap_or_default();
    let name = names.pop().unwrap_or_default();
    Ok((names, Field { name, path }))
}

pub(super) fn field(parser: &mut Parser<'_>) -> Parsed<Field> {
    lexeme(parser, |parser| Ok(Field { name: name(parser)?, path: parser.optional(json_path)?.unwrap_or_default() }))
}

pub(super) fn identifier(parser: &mut Parser<'_>) -> Parsed<String> {
    let characters = parser.some(identifier_character)?;
    Ok(characters.into_iter().collect::<String>().trim().to_owned())
}

pub(super) fn cast(parser: &mut Parser<'_>) -> Parsed<CastType> {
    parser.literal("::")?;
    let name = identifier(parser)?;
    match CastType::new(&name) {
        Some(cast) => Ok(cast),
        None => parser.labelled("a type made of letters, digits, _ and spaces", Parser::pass),
    }
}

fn identifier_character(parser: &mut Parser<'_>) -> Parsed<char> {
    parser.choice(&[
        &|parser| parser.labelled("letter", |parser| parser.one(char::is_alphabetic)),
        &|parser| parser.labelled("digit", |parser| parser.one(|character| character.is_ascii_digit())),
        &|parser| parser.one(|character| matches!(character, '_' | ' ' | '$')),
    ])
}

fn joined_by_dashes(parser: &mut Parser<'_>, part: fn(&mut Parser<'_>) -> Parsed<String>) -> Parsed<String> {
    // `->` begins a JSON path and is no dash.
    let dash = |parser: &mut Parser<'_>| {
        parser.attempt(|parser| {
            parser.character('-')?;
            parser.not_followed_by(|parser| parser.character('>'))
        })
    };
    Ok(parser.separated(part, dash)?.join("-"))
}

fn json_path(parser: &mut Parser<'_>) -> Parsed<Vec<JsonStep>> {
    parser.many(|parser| {
        let as_text = parser.either(
            |parser| parser.attempt(|parser| parser.literal("->>").map(|()| true)),
            |parser| parser.attempt(|parser| parser.literal("->").map(|()| false)),
        )?;
        let operand = parser.either(|parser| parser.attempt(index), |parser| parser.attempt(key))?;
        Ok(JsonStep { as_text, operand })
    })
}

fn index(parser: &mut Parser<'_>) -> Parsed<JsonOperand> {
    let sign = parser.optional(|parser| parser.character('-'))?.unwrap_or('+');
    let digits =
        parser.some(|parser| parser.labelled("digit", |parser| parser.one(|character| character.is_ascii_digit())))?;
    let follows = |literal: &'static str| {
        move |parser: &mut Parser<'_>| parser.attempt(|parser| parser.ahead(|parser| parser.literal(literal)))
    };
    parser.choice(&[&follows("->"), &follows("::"), &follows("."), &follows(","), &|parser| {
        parser.attempt(Parser::end)
    }])?;
    Ok(JsonOperand::Index(std::iter::once(sign).chain(digits).collect()))
}

fn key(parser: &mut Parser<'_>) -> Parsed<JsonOperand> {
    let plain = |parser: &mut Parser<'_>| -> Parsed<String> {
        let reserved = |character| matches!(character, '(' | '-' | ':' | '.' | ',' | '>' | ')');
        let characters = parser.some(|parser| parser.one(|character| !reserved(character)))?;
        Ok(characters.into_iter().collect::<String>().trim().to_owned())
    };
    let name = parser.either(quoted_value, |parser| {
        parser.labelled("any non reserved character different from: .,>()", |parser| joined_by_dashes(parser, plain))
    })?;
    Ok(JsonOperand::Key(name))
}
