//! Media types: what a client accepts, and what a body is.

use std::fmt;

/// A media type that means something here, or any other.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum MediaType {
    Json,
    GeoJson,
    Csv,
    PlainText,
    Xml,
    OpenApi,
    Form,
    Bytes,
    Any,
    Other(String),
    /// An array whose objects have no nulls.
    StrippedArray,
    /// Exactly one object.
    Object {
        stripped: bool,
    },
    /// How Postgres would do it.
    Plan {
        of: Box<MediaType>,
        format: PlanFormat,
        options: Vec<PlanOption>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum PlanFormat {
    Json,
    Text,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum PlanOption {
    Analyze,
    Verbose,
    Settings,
    Buffers,
    Wal,
}

impl PlanOption {
    const ALL: [Self; 5] = [Self::Analyze, Self::Verbose, Self::Settings, Self::Buffers, Self::Wal];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Analyze => "analyze",
            Self::Verbose => "verbose",
            Self::Settings => "settings",
            Self::Buffers => "buffers",
            Self::Wal => "wal",
        }
    }
}

impl MediaType {
    /// Reads a media type with its parameters; what is not understood is [`Other`](Self::Other).
    pub(crate) fn parse(text: &str) -> Self {
        let (name, parameters) = split(text);
        let parameter = |wanted: &str| {
            parameters.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.as_str())
        };
        let stripped = parameter("nulls") == Some("stripped");
        let plan = |format| {
            let asked: Vec<&str> = parameter("options").unwrap_or_default().split('|').collect();
            Self::Plan {
                of: Box::new(Self::parse(parameter("for").unwrap_or("application/json"))),
                format,
                options: PlanOption::ALL.into_iter().filter(|option| asked.contains(&option.name())).collect(),
            }
        };
        match name.to_ascii_lowercase().as_str() {
            "application/json" => Self::Json,
            "application/geo+json" => Self::GeoJson,
            "text/csv" => Self::Csv,
            "text/plain" => Self::PlainText,
            "text/xml" => Self::Xml,
            "application/openapi+json" => Self::OpenApi,
            "application/x-www-form-urlencoded" => Self::Form,
            "application/octet-stream" => Self::Bytes,
            "application/vnd.pgrst.plan" | "application/vnd.pgrst.plan+text" => plan(PlanFormat::Text),
            "application/vnd.pgrst.plan+json" => plan(PlanFormat::Json),
            "application/vnd.pgrst.object+json" | "application/vnd.pgrst.object" => Self::Object { stripped },
            "application/vnd.pgrst.array+json" | "application/vnd.pgrst.array" if stripped => Self::StrippedArray,
            "application/vnd.pgrst.array+json" | "application/vnd.pgrst.array" => Self::Json,
            "*/*" => Self::Any,
            _ => Self::Other(text.to_owned()),
        }
    }

    /// All that `Accept` names, the dearest first: by quality, then by how particular they are.
    pub(crate) fn accepted(header: &str) -> Vec<Self> {
        let mut ranked: Vec<(f64, i64, String)> = header
            .split(',')
            .map(|item| {
                let item: String = item.chars().filter(|character| *character != ' ').collect();
                let (name, quality) = match item.split_once(";q=") {
                    Some((name, rest)) => (name, rest.split(';').next().and_then(|text| text.parse().ok())),
                    None => (item.as_str(), None),
                };
                let count = |wanted| name.chars().filter(|character| *character == wanted).count();
                let particular = count(';') as i64 - count('*') as i64;
                (quality.unwrap_or(1.0), particular, name.to_owned())
            })
            .collect();
        // Stable: of two equal ones the first stays first.
        ranked.sort_by(|one, two| two.0.total_cmp(&one.0).then(two.1.cmp(&one.1)));
        ranked.into_iter().map(|(_, _, name)| Self::parse(&name)).collect()
    }

    /// The value of `Content-Type`.
    pub(crate) fn content_type(&self) -> String {
        match self {
            Self::Bytes | Self::Other(_) => self.to_string(),
            _ => format!("{self}; charset=utf-8"),
        }
    }

    /// Whether a result must be exactly one row.
    pub(crate) fn is_singular(&self) -> bool {
        matches!(self, Self::Object { .. })
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Json => "application/json",
            Self::GeoJson => "application/geo+json",
            Self::Csv => "text/csv",
            Self::PlainText => "text/plain",
            Self::Xml => "text/xml",
            Self::OpenApi => "application/openapi+json",
            Self::Form => "application/x-www-form-urlencoded",
            Self::Bytes => "application/octet-stream",
            Self::Any => "*/*",
            Self::Other(text) => text,
            Self::StrippedArray => "application/vnd.pgrst.array+json;nulls=stripped",
            Self::Object { stripped: true } => "application/vnd.pgrst.object+json;nulls=stripped",
            Self::Object { stripped: false } => "application/vnd.pgrst.object+json",
            Self::Plan { of, format, options } => {
                let format = if *format == PlanFormat::Json { "json" } else { "text" };
                write!(formatter, "application/vnd.pgrst.plan+{format}; for=\"{of}\"")?;
                if !options.is_empty() {
                    let names: Vec<&str> = options.iter().map(|option| option.name()).collect();
                    write!(formatter, "; options={}", names.join("|"))?;
                }
                return Ok(());
            }
        })
    }
}

/// `type/subtype` and the parameters; values may be quoted. Reading stops where it makes no sense any more.
fn split(text: &str) -> (&str, Vec<(String, String)>) {
    let (name, mut rest) = text.find(';').map_or((text, ""), |at| text.split_at(at));
    let mut parameters = Vec::new();
    while let Some(after) = rest.trim_start().strip_prefix(';') {
        let Some((key, value)) = after.split_once('=') else { break };
        let value = value.trim_start();
        let (value, remaining) = match value.strip_prefix('"') {
            Some(quoted) => match quoted.split_once('"') {
                Some(parts) => parts,
                None => break,
            },
            None => {
                let plain = |character: char| character.is_alphanumeric() || matches!(character, '|' | '-');
                value.split_at(value.find(|character| !plain(character)).unwrap_or(value.len()))
            }
        };
        parameters.push((key.trim().to_owned(), value.to_owned()));
        rest = remaining;
    }
    (name.trim(), parameters)
}
