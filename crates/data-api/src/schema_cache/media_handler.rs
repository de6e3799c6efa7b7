//! Who makes which media type of a result.

use std::collections::HashMap;

use crate::identifier::Qualified;
use crate::request::media_type::MediaType;

/// Turns rows into a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Handler {
    /// The array of all rows, or what a function's result is as JSON.
    Json,
    /// One row.
    SingleJson {
        stripped: bool,
    },
    /// The array of all rows, without nulls.
    StrippedArray,
    GeoJson,
    Csv,
    /// Somebody's own aggregate or function.
    Custom {
        function: Qualified,
        target: Target,
    },
    /// Nobody looks at the body.
    None,
}

/// What a handler is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Target {
    Anything,
    Relation(Qualified),
}

/// Handlers and the media types they make, by what they are for and what was asked for.
#[derive(Debug, Clone)]
pub(crate) struct MediaHandlers(HashMap<(Target, MediaType), (Handler, MediaType)>);

impl MediaHandlers {
    pub(crate) fn new() -> Self {
        let builtin = [
            (MediaType::Any, Handler::Json, MediaType::Json),
            (MediaType::Json, Handler::Json, MediaType::Json),
            (MediaType::Csv, Handler::Csv, MediaType::Csv),
            (MediaType::GeoJson, Handler::GeoJson, MediaType::GeoJson),
        ];
        let with_target = |(asked, handler, made)| ((Target::Anything, asked), (handler, made));
        Self(builtin.into_iter().map(with_target).collect())
    }

    /// Somebody's own handler wins over a built-in one. `*/*` makes bytes, unless it says otherwise.
    pub(super) fn insert(&mut self, function: Qualified, target: Target, media_type: &str) {
        let asked = MediaType::parse(media_type);
        let made = if asked == MediaType::Any { MediaType::Bytes } else { asked.clone() };
        self.0.insert((target.clone(), asked), (Handler::Custom { function, target }, made));
    }

    /// The handler for `relation`'s whole rows, or for anything.
    pub(crate) fn find(
        &self,
        relation: &Qualified,
        media_type: &MediaType,
        whole_rows: bool,
    ) -> Option<&(Handler, MediaType)> {
        let of_relation = |media_type: &MediaType| {
            let key = (Target::Relation(relation.clone()), media_type.clone());
            self.0.get(&key).filter(|_| whole_rows)
        };
        of_relation(&MediaType::Any)
            .or_else(|| of_relation(media_type))
            .or_else(|| self.0.get(&(Target::Anything, media_type.clone())))
    }
}
