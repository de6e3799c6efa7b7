//! Short words for walking squawk's tree: names, calls, literals.

use squawk_syntax::{SyntaxKind, SyntaxNode, SyntaxToken};

use crate::TableName;

pub(crate) fn child(node: &SyntaxNode, kind: SyntaxKind) -> Option<SyntaxNode> {
    node.children().find(|child| child.kind() == kind)
}

pub(crate) fn descendants(node: &SyntaxNode, kind: SyntaxKind) -> impl Iterator<Item = SyntaxNode> {
    node.descendants().filter(move |inner| inner.kind() == kind)
}

pub(super) fn has_token(node: &SyntaxNode, kind: SyntaxKind) -> bool {
    node.children_with_tokens().any(|element| element.kind() == kind)
}

/// The names in a path or reference, outermost first: `public.notes` → ["public", "notes"].
pub(crate) fn names(node: &SyntaxNode) -> Vec<String> {
    node.descendants_with_tokens()
        .filter_map(|element| element.into_token())
        .filter(|token| {
            !token.kind().is_trivia() && token.kind() != SyntaxKind::DOT && token.kind() != SyntaxKind::ONLY_KW
        })
        .map(|token| name(token.text()))
        .collect()
}

/// As Postgres reads it: lower case unless it is quoted.
fn name(text: &str) -> String {
    match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(quoted) => quoted.replace("\"\"", "\""),
        None => text.to_lowercase(),
    }
}

/// The table that a reference names.
pub(crate) fn table_name(node: &SyntaxNode) -> Option<TableName> {
    let mut names = names(node);
    let table = names.pop()?;
    Some(TableName { schema: names.pop().unwrap_or_else(|| "public".to_owned()), table })
}

/// What stands inside parentheses, casts and `(select …)` without a table.
pub(crate) fn bare(node: &SyntaxNode) -> SyntaxNode {
    let inner = match node.kind() {
        SyntaxKind::PAREN_EXPR | SyntaxKind::CAST_EXPR => node.children().next(),
        SyntaxKind::SELECT if child(node, SyntaxKind::FROM_CLAUSE).is_none() => {
            descendants(node, SyntaxKind::TARGET).next().and_then(|target| target.children().next())
        }
        _ => None,
    };
    inner.map_or_else(|| node.clone(), |inner| bare(&inner))
}

/// The value of a string literal, within parentheses and casts.
pub(super) fn string(node: &SyntaxNode) -> Option<String> {
    let node = bare(node);
    if node.kind() != SyntaxKind::LITERAL {
        return None;
    }
    let token = node.first_token().filter(|token| token.kind() == SyntaxKind::STRING)?;
    Some(token.text().trim_matches('\'').replace("''", "'"))
}

pub(super) fn is_true(node: &SyntaxNode) -> bool {
    let node = bare(node);
    node.kind() == SyntaxKind::LITERAL && has_token(&node, SyntaxKind::TRUE_KW)
}

pub(super) fn is_null(node: &SyntaxNode) -> bool {
    let node = bare(node);
    node.kind() == SyntaxKind::LITERAL && has_token(&node, SyntaxKind::NULL_KW)
}

/// `auth.uid` of a call `auth.uid()`.
pub(crate) fn called(call: &SyntaxNode) -> Option<String> {
    if call.kind() != SyntaxKind::CALL_EXPR {
        return None;
    }
    let function = call.children().next()?;
    matches!(function.kind(), SyntaxKind::NAME_REF | SyntaxKind::FIELD_EXPR).then(|| names(&function).join("."))
}

/// The arguments of a call.
pub(super) fn arguments(call: &SyntaxNode) -> Vec<SyntaxNode> {
    child(call, SyntaxKind::ARG_LIST)
        .map(|list| {
            list.children()
                .map(|argument| {
                    if argument.kind() == SyntaxKind::ARG {
                        argument.children().next().unwrap_or(argument)
                    } else {
                        argument
                    }
                })
                .collect()
        })
        .unwrap_or_default()
}

/// The operator of a binary expression, without blanks: `=`, `and`, `isnot`, `->>`; nothing for what is none.
pub(crate) fn operator(expression: &SyntaxNode) -> String {
    let Some((left, right)) = operands(expression) else { return String::new() };
    let between = |token: &SyntaxToken| {
        let range = token.text_range();
        range.start() >= left.text_range().end() && range.end() <= right.text_range().start()
    };
    expression
        .descendants_with_tokens()
        .filter_map(|element| element.into_token())
        .filter(|token| between(token) && !token.kind().is_trivia())
        .map(|token| token.text().to_lowercase())
        .collect()
}

/// Both sides of a binary expression. Operators of several words (`is not`) are nodes of their own between them.
pub(crate) fn operands(expression: &SyntaxNode) -> Option<(SyntaxNode, SyntaxNode)> {
    if expression.kind() != SyntaxKind::BIN_EXPR {
        return None;
    }
    let (left, right) = (expression.first_child()?, expression.last_child()?);
    (left != right).then_some((left, right))
}

/// Whether the expression reads a column of some row.
pub(crate) fn reads_columns(node: &SyntaxNode) -> bool {
    descendants(node, SyntaxKind::NAME_REF).any(|name| {
        !name.parent().is_some_and(|parent| {
            parent.kind() == SyntaxKind::CALL_EXPR
                || parent.kind() == SyntaxKind::FIELD_EXPR
                    && parent.parent().is_some_and(|call| call.kind() == SyntaxKind::CALL_EXPR)
        })
    })
}

/// Whether it reads a row, its own or another table's.
pub(super) fn reads_rows(node: &SyntaxNode) -> bool {
    reads_columns(node) || descendants(node, SyntaxKind::FROM_CLAUSE).next().is_some()
}

/// Whether it asks about the caller at all.
pub(super) fn claims_or_caller(node: &SyntaxNode) -> bool {
    descendants(node, SyntaxKind::CALL_EXPR).any(|call| {
        called(&call).is_some_and(|function| {
            function.starts_with("auth.") || function.starts_with("clerk.") || function == "current_setting"
        })
    })
}
