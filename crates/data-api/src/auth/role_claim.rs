//! Where in the claims the role stands: `.role`, `.app."my roles"[0]`, `$.roles[?(@ == "editor")]`.

use serde_json::Value;

/// A way into the claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RoleClaim(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
    /// The first string that compares so; the last step.
    First(Comparison, String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equals,
    Differs,
    StartsWith,
    EndsWith,
    Contains,
}

/// The longer ones first: `==` begins `==^`.
const COMPARISONS: &[(&str, Comparison)] = &[
    ("==^", Comparison::EndsWith),
    ("^==", Comparison::StartsWith),
    ("*==", Comparison::Contains),
    ("==", Comparison::Equals),
    ("!=", Comparison::Differs),
];

impl Default for RoleClaim {
    fn default() -> Self {
        Self(vec![Step::Key("role".to_owned())])
    }
}

impl RoleClaim {
    /// None when it is no path.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut rest = text.strip_prefix('$').unwrap_or(text);
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let (step, after) = step(rest)?;
            if matches!(step, Step::First(..)) && !after.is_empty() {
                return None;
            }
            steps.push(step);
            rest = after;
        }
        (!steps.is_empty()).then_some(Self(steps))
    }

    pub(crate) fn find<'a>(&self, claims: &'a Value) -> Option<&'a Value> {
        self.0.iter().try_fold(claims, |value, step| match step {
            Step::Key(key) => value.as_object()?.get(key),
            Step::Index(index) => value.as_array()?.get(*index),
            Step::First(comparison, wanted) => {
                value.as_array()?.iter().find(|item| item.as_str().is_some_and(|text| comparison.holds(text, wanted)))
            }
        })
    }
}

impl Comparison {
    fn holds(self, text: &str, wanted: &str) -> bool {
        match self {
            Self::Equals => text == wanted,
            Self::Differs => text != wanted,
            Self::StartsWith => text.starts_with(wanted),
            Self::EndsWith => text.ends_with(wanted),
            Self::Contains => text.contains(wanted),
        }
    }
}

fn step(text: &str) -> Option<(Step, &str)> {
    if let Some(after) = text.strip_prefix("[?(@") {
        let after = after.trim_start();
        let (sign, comparison) = COMPARISONS.iter().find(|(sign, _)| after.starts_with(sign))?;
        let (wanted, after) = quoted(after[sign.len()..].trim_start())?;
        return Some((Step::First(*comparison, wanted), after.trim_start().strip_prefix(")]")?));
    }
    if let Some(after) = text.strip_prefix('[') {
        if after.starts_with(['"', '\'']) {
            let (key, after) = quoted(after)?;
            return Some((Step::Key(key), after.strip_prefix(']')?));
        }
        let (index, after) = after.split_once(']')?;
        return Some((Step::Index(index.parse().ok()?), after));
    }
    let after = text.strip_prefix('.')?;
    if after.starts_with('"') {
        let (key, after) = quoted(after)?;
        return Some((Step::Key(key), after));
    }
    let plain = |character: char| character.is_alphanumeric() || matches!(character, '_' | '$' | '@');
    let end = after.find(|character| !plain(character)).unwrap_or(after.len());
    (end > 0).then(|| (Step::Key(after[..end].to_owned()), &after[end..]))
}

/// A text between double or single quotes.
fn quoted(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let (inner, after) = text[1..].split_once(quote)?;
    Some((inner.to_owned(), after))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_lead_to_the_role() {
        let claims = json!({ "role": "a", "app": { "my roles": ["b", "c_admin"] } });
        let found = |path: &str| RoleClaim::parse(path).unwrap().find(&claims).cloned();
        assert_eq!(found(".role"), Some(json!("a")));
        assert_eq!(found("$.app[\"my roles\"][0]"), Some(json!("b")));
        assert_eq!(found(r#".app."my roles"[?(@ ==^ "_admin")]"#), Some(json!("c_admin")));
        assert_eq!(found(".app.missing"), None);
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for text in ["", "$", "role", ".a..b", ".a[", ".a[x]", r#".a[?(@ ~ "x")]"#, r#".a[?(@ == "x")].b"#] {
            assert_eq!(RoleClaim::parse(text), None, "{text}");
        }
    }
}
