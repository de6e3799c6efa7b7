//! What a query string says, before anybody knows which tables there are.

/// A column, possibly with a way into the JSON it holds: `data->items->0->>name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) path: Vec<JsonStep>,
}

/// One arrow of a JSON path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JsonStep {
    /// `->>`, which gives text; otherwise `->`, which gives JSON.
    pub(crate) as_text: bool,
    pub(crate) operand: JsonOperand,
}

/// What an arrow points to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum JsonOperand {
    Key(String),
    /// With its sign.
    Index(String),
}

/// A type to cast to. Types cannot be parameters and cannot be quoted (`"double precision"` is none), so this one is made of
/// letters, digits, underscores and spaces alone; the grammar is its only maker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CastType(String);

impl CastType {
    /// None when it holds anything that SQL could take for something else than a name.
    pub(crate) fn new(name: &str) -> Option<Self> {
        let plain = |character: char| character.is_alphanumeric() || matches!(character, '_' | ' ');
        (!name.is_empty() && name.chars().all(plain)).then(|| Self(name.to_owned()))
    }

    pub(crate) fn as_sql(&self) -> &str {
        &self.0
    }
}

/// A function over many rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aggregate {
    Sum,
    Avg,
    Max,
    Min,
    Count,
}

impl Aggregate {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Avg => "avg",
            Self::Max => "max",
            Self::Min => "min",
            Self::Count => "count",
        }
    }
}

/// One item of `select=`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SelectItem {
    Field(SelectField),
    Relation(SelectRelation),
}

/// `alias:field::cast.aggregate()::cast`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SelectField {
    pub(crate) field: Field,
    pub(crate) aggregate: Option<Aggregate>,
    pub(crate) aggregate_cast: Option<CastType>,
    pub(crate) cast: Option<CastType>,
    pub(crate) alias: Option<String>,
}

/// `alias:relation!hint!inner(items)`, or with `...` before it: its columns among those of its parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SelectRelation {
    pub(crate) name: String,
    pub(crate) alias: Option<String>,
    pub(crate) hint: Option<String>,
    pub(crate) join: Option<Join>,
    pub(crate) spread: bool,
    pub(crate) items: Vec<SelectItem>,
}

/// Whether a row without related rows stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Join {
    Inner,
    Left,
}

/// The embedded relations on the way to what something applies to; empty for the table itself.
pub(crate) type EmbedPath = Vec<String>;

/// `field=not.operation`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) field: Field,
    pub(crate) negated: bool,
    pub(crate) operation: Operation,
}

/// What a field is held against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Operation {
    Simple(SimpleOperator, String),
    Quantifiable(QuantifiableOperator, Option<Quantifier>, String),
    In(Vec<String>),
    Is(IsValue),
    IsDistinct(String),
    FullText(FullTextOperator, Option<String>, String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SimpleOperator {
    NotEqual,
    Contains,
    Contained,
    Overlaps,
    StrictlyLeft,
    StrictlyRight,
    NotExtendsRight,
    NotExtendsLeft,
    Adjacent,
}

/// Operators that may stand before `any` and `all`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QuantifiableOperator {
    Equal,
    GreaterOrEqual,
    Greater,
    LessOrEqual,
    Less,
    Like,
    CaseInsensitiveLike,
    Match,
    CaseInsensitiveMatch,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quantifier {
    Any,
    All,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FullTextOperator {
    Query,
    Plain,
    Phrase,
    Web,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IsValue {
    Null,
    NotNull,
    True,
    False,
    Unknown,
}

/// `and(a.eq.1,or(…))`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LogicTree {
    Junction { negated: bool, operator: LogicOperator, branches: Vec<LogicTree> },
    Filter(Filter),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogicOperator {
    And,
    Or,
}

/// One item of `order=`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OrderTerm {
    /// An embedded relation whose field it is: `relation(field)`.
    pub(crate) relation: Option<String>,
    pub(crate) field: Field,
    pub(crate) direction: Option<Direction>,
    pub(crate) nulls: Option<Nulls>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Ascending,
    Descending,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nulls {
    First,
    Last,
}
