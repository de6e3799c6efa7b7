//! Which claim an expression reads: `auth.jwt() -> 'o' ->> 'id'` reads `o`, `id`.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::syntax::{arguments, bare, called, operands, operator, string};

/// One claim that is read.
#[derive(Debug)]
pub(super) struct ClaimPath {
    /// The whole expression.
    pub(super) node: SyntaxNode,
    pub(super) keys: Vec<String>,
    /// Whether the last step leaves JSON (`->`) instead of text (`->>`).
    pub(super) is_json: bool,
}

/// Every claim that is read below `node`, each as far as it goes.
pub(super) fn claim_paths(node: &SyntaxNode) -> Vec<ClaimPath> {
    let mut paths = Vec::new();
    collect(node, &mut paths);
    paths
}

fn collect(node: &SyntaxNode, paths: &mut Vec<ClaimPath>) {
    match keys(node) {
        Some((keys, last)) if !keys.is_empty() => {
            paths.push(ClaimPath { node: node.clone(), keys, is_json: last == "->" })
        }
        _ => {
            for inner in node.children() {
                collect(&inner, paths);
            }
        }
    }
}

/// The keys from the claims to this expression, and the last operator; none when it is something else.
///
/// The parser takes `a -> b ->> c` for `a -> (b ->> c)`; Postgres goes from left to right.
fn keys(node: &SyntaxNode) -> Option<(Vec<String>, String)> {
    let mut last = step(node)?;
    let (object, mut rest) = operands(node)?;
    let mut path = claims(&object)?;
    while let Some(next) = step(&rest) {
        let (key, further) = operands(&rest)?;
        path.push(string(&key)?);
        (last, rest) = (next, further);
    }
    path.push(string(&rest)?);
    Some((path, last))
}

fn step(node: &SyntaxNode) -> Option<String> {
    let operator = (node.kind() == SyntaxKind::BIN_EXPR).then(|| operator(node))?;
    matches!(operator.as_str(), "->" | "->>").then_some(operator)
}

fn claims(node: &SyntaxNode) -> Option<Vec<String>> {
    let node = bare(node);
    match node.kind() {
        SyntaxKind::BIN_EXPR => keys(&node).map(|(keys, _)| keys),
        SyntaxKind::CALL_EXPR => {
            let function = called(&node)?;
            match function.as_str() {
                "auth.jwt" | "clerk.claims" => Some(Vec::new()),
                "current_setting" => {
                    let setting = string(arguments(&node).first()?)?;
                    setting.starts_with("request.jwt.claim").then(Vec::new)
                }
                "nullif" | "coalesce" => claims(arguments(&node).first()?),
                _ => None,
            }
        }
        _ => None,
    }
}
