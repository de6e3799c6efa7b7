//! `Prefer` (RFC 7240): how a client wants to be answered. The first of several equal names counts.

use http::HeaderMap;

/// What was preferred and understood, and what was not understood.
#[derive(Debug, Clone, Default)]
pub(crate) struct Preferences {
    pub(crate) resolution: Option<Resolution>,
    pub(crate) representation: Option<Representation>,
    pub(crate) count: Option<Count>,
    pub(crate) transaction: Option<TransactionEnd>,
    pub(crate) missing: Option<Missing>,
    pub(crate) handling: Option<Handling>,
    pub(crate) timezone: Option<String>,
    pub(crate) max_affected: Option<i64>,
    pub(crate) unknown: Vec<String>,
}

/// A preference that is one of a few words.
trait Word: Copy + Sized + 'static {
    const WORDS: &'static [(&'static str, Self)];

    fn among(preferences: &[&str]) -> Option<Self> {
        preferences
            .iter()
            .find_map(|preference| Self::WORDS.iter().find(|(word, _)| word == preference).map(|(_, value)| *value))
    }

    fn knows(preference: &str) -> bool {
        Self::WORDS.iter().any(|(word, _)| *word == preference)
    }
}

macro_rules! word {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $name { $($(#[$variant_meta])* $variant),+ }

        impl Word for $name {
            const WORDS: &'static [(&'static str, Self)] = &[$(($word, Self::$variant)),+];
        }

        impl $name {
            fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
    };
}

word!(
    /// What happens to a row that is there already.
    Resolution { MergeDuplicates = "resolution=merge-duplicates", IgnoreDuplicates = "resolution=ignore-duplicates" }
);
word!(
    /// What a write answers.
    Representation { Full = "return=representation", Minimal = "return=minimal", HeadersOnly = "return=headers-only" }
);
word!(
    /// How the total is found.
    Count { Exact = "count=exact", Planned = "count=planned", Estimated = "count=estimated" }
);
word!(
    /// How the transaction ends.
    TransactionEnd { Commit = "tx=commit", Rollback = "tx=rollback" }
);
word!(
    /// What a column gets that the payload does not name.
    Missing { Default = "missing=default", Null = "missing=null" }
);
word!(
    /// Whether unknown preferences are refused.
    Handling { Strict = "handling=strict", Lenient = "handling=lenient" }
);

impl Count {
    /// Whether rows are counted one by one, at least up to a bound.
    pub(crate) fn counts(self) -> bool {
        matches!(self, Self::Exact | Self::Estimated)
    }

    /// Whether the planner is asked.
    pub(crate) fn asks_planner(self) -> bool {
        matches!(self, Self::Planned | Self::Estimated)
    }
}

impl Preferences {
    /// Counts where the planner was to be asked.
    pub(crate) fn forget_planner(&mut self) {
        self.count = self.count.map(|count| if count.asks_planner() { Count::Exact } else { count });
    }

    /// All `Prefer` headers together. `tx=` counts only where the configuration lets clients choose.
    pub(crate) fn parse(headers: &HeaderMap, transaction_end_is_theirs: bool) -> Self {
        let all: Vec<&str> = headers
            .get_all("prefer")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .collect();
        let after = |prefix: &str| all.iter().find_map(|preference| preference.strip_prefix(prefix));
        let known = |preference: &str| {
            Resolution::knows(preference)
                || Representation::knows(preference)
                || Count::knows(preference)
                || TransactionEnd::knows(preference)
                || Missing::knows(preference)
                || Handling::knows(preference)
                || preference.starts_with("timezone=")
                || preference.starts_with("max-affected=")
        };
        Self {
            resolution: Resolution::among(&all),
            representation: Representation::among(&all),
            count: Count::among(&all),
            transaction: TransactionEnd::among(&all).filter(|_| transaction_end_is_theirs),
            missing: Missing::among(&all),
            handling: Handling::among(&all),
            timezone: after("timezone=").map(str::to_owned),
            max_affected: after("max-affected=").and_then(|number| number.parse().ok()),
            unknown: all
                .iter()
                .filter(|preference| !known(preference))
                .map(|&preference| preference.to_owned())
                .collect(),
        }
    }

    /// Whether unknown and unmet preferences are errors.
    pub(crate) fn strict(&self) -> bool {
        self.handling == Some(Handling::Strict)
    }

    /// `Preference-Applied`, if anything was.
    pub(crate) fn applied(&self) -> Option<String> {
        let mut applied: Vec<String> = Vec::new();
        applied.extend(self.resolution.map(|word| word.as_str().to_owned()));
        applied.extend(self.missing.map(|word| word.as_str().to_owned()));
        applied.extend(self.representation.map(|word| word.as_str().to_owned()));
        applied.extend(self.count.map(|word| word.as_str().to_owned()));
        applied.extend(self.transaction.map(|word| word.as_str().to_owned()));
        applied.extend(self.handling.map(|word| word.as_str().to_owned()));
        applied.extend(self.timezone.as_ref().map(|timezone| format!("timezone={timezone}")));
        if self.strict() {
            applied.extend(self.max_affected.map(|number| format!("max-affected={number}")));
        }
        (!applied.is_empty()).then(|| applied.join(", "))
    }
}
