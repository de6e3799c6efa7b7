//! What a condition comes to without a row and without a caller: yes, no, null, or that depends.
//!
//! Constants are folded with the three answers of SQL. Only what certainly is so is said: what is not understood depends.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::syntax::{
    arguments, bare, called, child, claims_or_caller, has_token, is_null, is_true, names, operands, operator,
    reads_rows, string,
};

/// What Postgres would say without a row and a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Truth {
    Yes,
    No,
    Null,
    /// That depends.
    Open,
}

impl std::ops::Not for Truth {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            other => other,
        }
    }
}

impl Truth {
    /// Only what is certainly true is known; the rest depends.
    fn or_open(self) -> Self {
        if self == Self::Yes { self } else { Self::Open }
    }
}

impl From<bool> for Truth {
    fn from(truth: bool) -> Self {
        if truth { Self::Yes } else { Self::No }
    }
}

/// The condition, or the parts of it that look like a question, where they are true without being written `true`.
pub(super) fn in_disguise(condition: &SyntaxNode, not_null: &dyn Fn(&str) -> bool) -> Vec<SyntaxNode> {
    if !is_true(condition) && fold(condition, not_null) == Truth::Yes {
        return vec![condition.clone()];
    }
    // `1 = 1 and …` asks nothing and takes nothing away.
    let pretends = |part: &SyntaxNode| reads_rows(part) || claims_or_caller(part);
    let mut found: Vec<SyntaxNode> = Vec::new();
    for part in condition.descendants().filter(|part| pretends(part) && fold(part, &|_| false) == Truth::Yes) {
        if !found.iter().any(|outer| outer.text_range().contains_range(part.text_range())) {
            found.push(part);
        }
    }
    found
}

fn fold(node: &SyntaxNode, not_null: &dyn Fn(&str) -> bool) -> Truth {
    if let Some(value) = cast_to_boolean(node) {
        return value;
    }
    let node = bare(node);
    match node.kind() {
        SyntaxKind::LITERAL if has_token(&node, SyntaxKind::TRUE_KW) => Truth::Yes,
        SyntaxKind::LITERAL if has_token(&node, SyntaxKind::FALSE_KW) => Truth::No,
        SyntaxKind::LITERAL if has_token(&node, SyntaxKind::NULL_KW) => Truth::Null,
        SyntaxKind::PREFIX_EXPR if has_token(&node, SyntaxKind::NOT_KW) => {
            node.children().next().map_or(Truth::Open, |inner| !fold(&inner, not_null))
        }
        SyntaxKind::BIN_EXPR => fold_binary(&node, not_null),
        SyntaxKind::CALL_EXPR if called(&node).as_deref() == Some("coalesce") => {
            match arguments(&node).first().map(|first| fold(first, not_null)) {
                Some(Truth::Yes) => Truth::Yes,
                _ => Truth::Open,
            }
        }
        SyntaxKind::CASE_EXPR => {
            let complete = child(&node, SyntaxKind::ELSE_CLAUSE).is_some();
            let mut results = branches(&node).filter_map(|branch| branch.last_child());
            Truth::from(complete && results.all(|result| fold(&result, not_null) == Truth::Yes)).or_open()
        }
        _ => Truth::Open,
    }
}

fn branches(case: &SyntaxNode) -> impl Iterator<Item = SyntaxNode> {
    let is_branch = |node: &SyntaxNode| matches!(node.kind(), SyntaxKind::WHEN_CLAUSE | SyntaxKind::ELSE_CLAUSE);
    case.children()
        .flat_map(
            |inner| if inner.kind() == SyntaxKind::WHEN_CLAUSE_LIST { inner.children().collect() } else { vec![inner] },
        )
        .filter(is_branch)
}

/// `'t'::boolean`
fn cast_to_boolean(node: &SyntaxNode) -> Option<Truth> {
    let to = (node.kind() == SyntaxKind::CAST_EXPR).then(|| node.last_child()).flatten()?;
    let is_boolean = matches!(to.text().to_string().to_lowercase().as_str(), "bool" | "boolean");
    let text = string(node).filter(|_| is_boolean)?.to_lowercase();
    Some(match text.as_str() {
        "t" | "true" | "on" | "yes" | "1" => Truth::Yes,
        "f" | "false" | "off" | "no" | "0" => Truth::No,
        _ => Truth::Open,
    })
}

fn fold_binary(node: &SyntaxNode, not_null: &dyn Fn(&str) -> bool) -> Truth {
    let Some((left, right)) = operands(node) else { return Truth::Open };
    let operator = operator(node);
    match operator.as_str() {
        "and" | "or" => {
            let decides = Truth::from(operator == "or");
            match (fold(&left, not_null), fold(&right, not_null)) {
                (left, right) if left == decides || right == decides => decides,
                (left, right) if left == right => left,
                _ => Truth::Open,
            }
        }
        "is" | "isnot" => {
            let (left_truth, asked) = (fold(&left, not_null), fold(&right, not_null));
            let column = bare(&left);
            let is_column = matches!(column.kind(), SyntaxKind::NAME_REF | SyntaxKind::FIELD_EXPR);
            let never_null =
                is_column && asked == Truth::Null && names(&column).last().is_some_and(|column| not_null(column));
            let is = match (left_truth, asked) {
                _ if never_null => Truth::No,
                (Truth::Open, _) | (_, Truth::Open) => Truth::Open,
                (left, asked) => Truth::from(left == asked),
            };
            if operator == "isnot" { !is } else { is }
        }
        // Two constants. What is written differently may still be the same (1 and 1.0).
        "=" | "<=" | ">=" => match (constant(&left), constant(&right)) {
            (Some(left), Some(right)) if left == right => Truth::Yes,
            _ => Truth::Open,
        },
        "<>" | "!=" => match (number(&left), number(&right)) {
            (Some(left), Some(right)) => Truth::from(left != right),
            _ => match (string(&left), string(&right)) {
                (Some(left), Some(right)) => Truth::from(left != right),
                _ => Truth::Open,
            },
        },
        "<" | ">" => match (number(&left), number(&right)) {
            (Some(left), Some(right)) => Truth::from(if operator == "<" { left < right } else { left > right }),
            _ => Truth::Open,
        },
        _ => Truth::Open,
    }
}

/// A literal that is not null, as it is written.
fn constant(node: &SyntaxNode) -> Option<String> {
    let node = bare(node);
    (node.kind() == SyntaxKind::LITERAL && !is_null(&node)).then(|| node.text().to_string())
}

fn number(node: &SyntaxNode) -> Option<i64> {
    constant(node)?.parse().ok()
}
