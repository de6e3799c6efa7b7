//! "Perhaps you meant …": the most similar of a set of names.
//!
//! Names are compared by the pairs and triples of letters they share, then the best of these by edit distance. The thresholds and
//! the normalization follow the `fuzzyset` family of libraries, so that hints are those that PostgREST gives.

use std::collections::HashMap;

/// Between which lengths of letter groups is looked, the longest first.
const GROUP_LENGTHS: [usize; 2] = [3, 2];
/// How many candidates by shared groups are compared letter by letter.
const CANDIDATES: usize = 50;
/// Below this nothing is similar.
pub(crate) const LOOSE: f64 = 0.33;
/// For names that are not to be guessed at from afar.
pub(crate) const CLOSE: f64 = 0.75;

/// A set of names to be compared with.
#[derive(Debug, Clone, Default)]
pub(crate) struct SimilarNames(Vec<String>);

impl<S: Into<String>> FromIterator<S> for SimilarNames {
    fn from_iter<I: IntoIterator<Item = S>>(names: I) -> Self {
        Self(names.into_iter().map(Into::into).collect())
    }
}

impl SimilarNames {
    /// The best match that is at least as similar as `least`.
    pub(crate) fn best(&self, name: &str, least: f64) -> Option<&str> {
        self.ranked(name, least).first().map(|(_, name)| *name)
    }

    /// All matches, the most similar first; 1.0 is the same name.
    pub(crate) fn ranked(&self, name: &str, least: f64) -> Vec<(f64, &str)> {
        let wanted = name.to_lowercase();
        if let Some(same) = self.0.iter().find(|known| known.to_lowercase() == wanted) {
            return vec![(1.0, same)];
        }
        GROUP_LENGTHS
            .into_iter()
            .map(|length| self.ranked_by_groups(&wanted, length, least))
            .find(|ranked| !ranked.is_empty())
            .unwrap_or_default()
    }

    fn ranked_by_groups(&self, wanted: &str, length: usize, least: f64) -> Vec<(f64, &str)> {
        let groups = groups(wanted, length);
        let mut ranked: Vec<(f64, &str, String)> = self
            .0
            .iter()
            .filter_map(|known| {
                let lower = known.to_lowercase();
                let theirs = self::groups(&lower, length);
                let shared: usize =
                    groups.iter().map(|(group, count)| count * theirs.get(group).copied().unwrap_or_default()).sum();
                let score = shared as f64 / (magnitude(&groups) * magnitude(&theirs));
                (shared > 0).then_some((score, known.as_str(), lower))
            })
            .collect();
        ranked.sort_by(|one, two| two.0.total_cmp(&one.0));
        ranked.truncate(CANDIDATES);
        let mut ranked: Vec<(f64, &str)> =
            ranked.into_iter().map(|(_, known, lower)| (closeness(wanted, &lower), known)).collect();
        ranked.sort_by(|one, two| two.0.total_cmp(&one.0));
        ranked.retain(|(score, _)| *score >= least);
        ranked
    }
}

fn groups(text: &str, length: usize) -> HashMap<Vec<char>, usize> {
    let kept = |character: &char| {
        character.is_ascii_alphanumeric() || matches!(character, '\u{c0}'..='\u{ff}' | ',' | ' ' | '_')
    };
    let mut letters = vec!['-'];
    letters.extend(text.chars().filter(kept));
    letters.push('-');
    while letters.len() < length {
        letters.push('-');
    }
    let mut groups = HashMap::new();
    for group in letters.windows(length) {
        *groups.entry(group.to_vec()).or_default() += 1;
    }
    groups
}

fn magnitude(groups: &HashMap<Vec<char>, usize>) -> f64 {
    groups.values().map(|count| (count * count) as f64).sum::<f64>().sqrt()
}

/// 1 for the same text, 0 for nothing in common.
fn closeness(one: &str, two: &str) -> f64 {
    let (one, two): (Vec<char>, Vec<char>) = (one.chars().collect(), two.chars().collect());
    let longest = one.len().max(two.len());
    if longest == 0 {
        return 1.0;
    }
    1.0 - distance(&one, &two) as f64 / longest as f64
}

/// How many letters must be changed, added or removed (Levenshtein).
fn distance(one: &[char], two: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=two.len()).collect();
    for (index, letter) in one.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], index + 1);
        for (column, other) in two.iter().enumerate() {
            let changed = diagonal + usize::from(letter != other);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[two.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_finds_its_name_and_a_stranger_finds_none() {
        let names: SimilarNames = ["rivers", "bridges", "ferries"].into_iter().collect();
        assert_eq!(names.best("river", CLOSE), Some("rivers"));
        assert_eq!(names.best("BRIDGES", CLOSE), Some("bridges"));
        assert_eq!(names.best("mountains", LOOSE), None);
    }

    #[test]
    fn distance_counts_changes() {
        let of = |one: &str, two: &str| distance(&one.chars().collect::<Vec<_>>(), &two.chars().collect::<Vec<_>>());
        assert_eq!((of("ferry", "ferries"), of("", "abc"), of("same", "same")), (3, 3, 0));
    }
}
