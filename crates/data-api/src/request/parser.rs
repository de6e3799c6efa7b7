//! A small machine for reading text, whose refusals are part of the wire protocol.
//!
//! Clients see why a query string was not understood: where, what stood there and what could have stood there
//! (`PGRST100`, `details`). PostgREST gives these sentences with the rules of the Parsec family, so they are followed here:
//!
//! * an alternative is tried only if the one before it read nothing; [`Parser::attempt`] makes a failure read nothing;
//! * what could have continued a part that succeeded is remembered until the next character is read ([`Parser::hints`]) and
//!   is told together with what is expected next;
//! * of two failures the one further into the text counts; at the same place they are told together.
//!
//! The machine knows no grammar. It copies no text: offsets are bytes, and become lines and columns only in a refusal.
//!
//! Telling costs far more than reading: every alternative that is not taken leaves a sentence. So a text is read quietly first, and once
//! more, remembering reasons, only if it cannot be read. How far each part reads does not depend on what is remembered.

use std::fmt::Write as _;

/// One part of a refusal, in the order in which a refusal tells them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// A character that fits nowhere, quoted; nothing for the end of the text.
    Met(String),
    /// Something that was understood and is not allowed here; hides what was [`Met`](Self::Met).
    Unwanted(String),
    /// What could have stood here.
    Expected(String),
}

/// Where and why reading stopped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Failure {
    at: usize,
    parts: Vec<Part>,
}

/// What reading a part gives.
pub(crate) type Parsed<T> = Result<T, Failure>;

impl Failure {
    fn nothing(at: usize) -> Self {
        Self { at, parts: Vec::new() }
    }

    fn merged(self, other: Self) -> Self {
        match (self.parts.is_empty(), other.parts.is_empty()) {
            (false, true) => self,
            (true, false) => other,
            _ if self.at > other.at => self,
            _ if self.at < other.at => other,
            _ => {
                let mut both = self;
                both.parts.extend(other.parts);
                both
            }
        }
    }

    fn expecting(&mut self, label: &str) {
        self.parts.retain(|part| !matches!(part, Part::Expected(_)));
        self.parts.push(Part::Expected(label.to_owned()));
    }

    /// `"<what was read>" (line 1, column 4)`.
    pub(crate) fn place(&self, what: &str, text: &str) -> String {
        let (mut line, mut column) = (1, 1);
        for character in text[..self.at].chars() {
            match character {
                '\n' => (line, column) = (line + 1, 1),
                '\t' => column += 8 - (column - 1) % 8,
                _ => column += 1,
            }
        }
        format!("\"{what}\" (line {line}, column {column})")
    }

    /// `unexpected "c" expecting "asc" or "desc"`.
    pub(crate) fn reason(&self) -> String {
        if self.parts.is_empty() {
            return "unknown parse error".to_owned();
        }
        let mut parts = self.parts.clone();
        // Stable: parts of one kind stay in the order in which they were found.
        parts.sort_by_key(|part| match part {
            Part::Met(_) => 0,
            Part::Unwanted(_) => 1,
            Part::Expected(_) => 2,
        });
        let (mut met, mut unwanted, mut expected) = (None, Vec::new(), Vec::new());
        for part in &parts {
            match part {
                Part::Met(text) => met = met.or(Some(text.as_str())),
                Part::Unwanted(text) => unwanted.push(text.as_str()),
                Part::Expected(text) => expected.push(text.as_str()),
            }
        }
        let mut sentences = Vec::new();
        match met {
            Some(text) if unwanted.is_empty() => {
                sentences.push(format!("unexpected {}", if text.is_empty() { "end of input" } else { text }));
            }
            _ => sentences.extend(told("unexpected", &unwanted)),
        }
        sentences.extend(told("expecting", &expected));
        sentences.join(" ")
    }
}

fn told(verb: &str, parts: &[&str]) -> Option<String> {
    let mut distinct: Vec<&str> = Vec::new();
    for part in parts {
        if !part.is_empty() && !distinct.contains(part) {
            distinct.push(part);
        }
    }
    let (last, before) = distinct.split_last()?;
    Some(if before.is_empty() { format!("{verb} {last}") } else { format!("{verb} {} or {last}", before.join(", ")) })
}

/// One of several ways to read on.
pub(crate) type Alternative<'f, 'a, T> = &'f dyn Fn(&mut Parser<'a>) -> Parsed<T>;

/// A text and how far it has been read.
#[derive(Debug)]
pub(crate) struct Parser<'a> {
    text: &'a str,
    at: usize,
    /// Whether reasons are remembered.
    tells: bool,
    /// What could have continued the part that was read last.
    hints: Failure,
}

impl<'a> Parser<'a> {
    /// Reads without remembering why something could not be read.
    pub(crate) fn quiet(text: &'a str) -> Self {
        Self { text, at: 0, tells: false, hints: Failure::default() }
    }

    /// Reads and remembers why.
    pub(crate) fn telling(text: &'a str) -> Self {
        Self { tells: true, ..Self::quiet(text) }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Fails here without a reason: another alternative has it.
    pub(crate) fn pass<T>(&mut self) -> Parsed<T> {
        Err(std::mem::take(&mut self.hints).merged(Failure::nothing(self.at)))
    }

    fn refuse<T>(&mut self, parts: impl FnOnce() -> Vec<Part>) -> Parsed<T> {
        let parts = if self.tells { parts() } else { Vec::new() };
        Err(std::mem::take(&mut self.hints).merged(Failure { at: self.at, parts }))
    }

    fn advance(&mut self, bytes: usize) {
        self.at += bytes;
        self.hints = Failure::nothing(self.at);
    }

    /// One character of a kind.
    pub(crate) fn one(&mut self, of: impl Fn(char) -> bool) -> Parsed<char> {
        match self.rest().chars().next() {
            Some(character) if of(character) => {
                self.advance(character.len_utf8());
                Ok(character)
            }
            Some(character) => self.refuse(|| vec![Part::Met(quoted(&character.to_string()))]),
            None => self.refuse(|| vec![Part::Met(String::new())]),
        }
    }

    /// This character.
    pub(crate) fn character(&mut self, character: char) -> Parsed<char> {
        let label = if self.tells { quoted(&character.to_string()) } else { String::new() };
        self.labelled(&label, |parser| parser.one(|met| met == character))
    }

    /// This text. When its beginning is there, the beginning counts as read: see [`attempt`](Self::attempt).
    pub(crate) fn literal(&mut self, literal: &str) -> Parsed<()> {
        let common: usize = literal
            .chars()
            .zip(self.rest().chars())
            .take_while(|(wanted, met)| wanted == met)
            .map(|(wanted, _)| wanted.len_utf8())
            .sum();
        if common == literal.len() {
            if !literal.is_empty() {
                self.advance(common);
            }
            return Ok(());
        }
        let rest = self.rest();
        let parts = || {
            let met = rest[common..].chars().next().map_or_else(String::new, |met| quoted(&met.to_string()));
            vec![Part::Met(met), Part::Expected(quoted(literal))]
        };
        if common == 0 {
            return self.refuse(parts);
        }
        let failure = Failure { at: self.at, parts: if self.tells { parts() } else { Vec::new() } };
        self.at += common;
        Err(failure)
    }

    /// The end of the text.
    pub(crate) fn end(&mut self) -> Parsed<()> {
        self.labelled("end of input", |parser| match parser.rest().chars().next() {
            Some(met) => parser.refuse(|| vec![Part::Unwanted(quoted_character(met))]),
            None => Ok(()),
        })
    }

    /// Succeeds, having read nothing, where `unwanted` fails.
    pub(crate) fn not_followed_by<T>(&mut self, unwanted: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<()> {
        let (start, entry) = (self.at, std::mem::take(&mut self.hints));
        self.hints = Failure::nothing(start);
        let found = unwanted(self);
        let met = &self.text[start..self.at];
        let after = self.at;
        self.at = start;
        match found {
            Err(failure) => {
                self.hints = entry.merged(failure);
                Ok(())
            }
            Ok(_) => {
                let shown = || met.chars().next().map_or_else(String::new, quoted_character);
                let parts = if self.tells { vec![Part::Unwanted(shown())] } else { Vec::new() };
                Err(entry.merged(Failure { at: after, parts }))
            }
        }
    }

    /// `part`, whose failure without having read anything is told as `label`.
    pub(crate) fn labelled<T>(&mut self, label: &str, part: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        let (start, entry) = (self.at, std::mem::take(&mut self.hints));
        self.hints = Failure::nothing(start);
        let result = part(self);
        if self.at != start {
            return result;
        }
        match result {
            Ok(value) => {
                if !self.hints.parts.is_empty() {
                    self.hints.expecting(label);
                }
                let inner = std::mem::take(&mut self.hints);
                self.hints = entry.merged(inner);
                Ok(value)
            }
            Err(mut failure) => {
                if self.tells {
                    failure.expecting(label);
                }
                Err(entry.merged(failure))
            }
        }
    }

    /// `part`, which has read nothing if it fails.
    pub(crate) fn attempt<T>(&mut self, part: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        let (start, entry) = (self.at, self.hints.clone());
        match part(self) {
            Err(failure) if self.at != start => {
                self.at = start;
                Err(entry.merged(failure))
            }
            result => result,
        }
    }

    /// `part` without moving on.
    pub(crate) fn ahead<T>(&mut self, part: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        let (start, entry) = (self.at, self.hints.clone());
        let value = part(self)?;
        self.at = start;
        self.hints = entry;
        Ok(value)
    }

    /// `first`, or `second` if `first` failed without having read anything.
    pub(crate) fn either<T>(
        &mut self,
        first: impl FnOnce(&mut Self) -> Parsed<T>,
        second: impl FnOnce(&mut Self) -> Parsed<T>,
    ) -> Parsed<T> {
        let start = self.at;
        match first(self) {
            Err(failure) if self.at == start => {
                self.hints = failure;
                second(self)
            }
            result => result,
        }
    }

    /// The first of `alternatives` that reads something or succeeds.
    pub(crate) fn choice<T>(&mut self, alternatives: &[Alternative<'_, 'a, T>]) -> Parsed<T> {
        let start = self.at;
        for alternative in alternatives {
            match alternative(self) {
                Err(failure) if self.at == start => self.hints = failure,
                result => return result,
            }
        }
        Err(std::mem::take(&mut self.hints))
    }

    /// `part`, if it is there.
    pub(crate) fn optional<T>(&mut self, part: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<Option<T>> {
        self.either(|parser| part(parser).map(Some), |_| Ok(None))
    }

    /// `part` as often as it is there.
    pub(crate) fn many<T>(&mut self, part: impl Fn(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut found = Vec::new();
        loop {
            let start = self.at;
            match part(self) {
                Ok(_) if self.at == start => return Ok(found),
                Ok(value) => {
                    found.push(value);
                    self.hints = Failure::nothing(self.at);
                }
                Err(failure) if self.at == start => {
                    self.hints = failure;
                    return Ok(found);
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    /// `part` at least once.
    pub(crate) fn some<T>(&mut self, part: impl Fn(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut found = vec![part(self)?];
        found.extend(self.many(part)?);
        Ok(found)
    }

    /// `part`s with `separator` between them, at least one.
    pub(crate) fn separated<T, S>(
        &mut self,
        part: impl Fn(&mut Self) -> Parsed<T>,
        separator: impl Fn(&mut Self) -> Parsed<S>,
    ) -> Parsed<Vec<T>> {
        let mut found = vec![part(self)?];
        found.extend(self.many(|parser| {
            separator(parser)?;
            part(parser)
        })?);
        Ok(found)
    }

    /// Characters of a kind as long as they come.
    pub(crate) fn run(&mut self, of: impl Fn(char) -> bool) -> Parsed<String> {
        let rest = self.rest();
        let found = &rest[..rest.find(|character| !of(character)).unwrap_or(rest.len())];
        if !found.is_empty() {
            self.advance(found.len());
        }
        if let Err(failure) = self.one(of) {
            self.hints = failure;
        }
        Ok(found.to_owned())
    }
}

/// A text in double quotes, with everything escaped that is not plain ASCII.
fn quoted(text: &str) -> String {
    let mut shown = String::from("\"");
    for character in text.chars() {
        if character == '"' { shown.push_str("\\\"") } else { escape(character, &mut shown) }
    }
    shown.push('"');
    shown
}

/// A character in single quotes.
fn quoted_character(character: char) -> String {
    let mut shown = String::from("'");
    if character == '\'' {
        shown.push_str("\\'")
    } else {
        escape(character, &mut shown)
    }
    shown.push('\'');
    shown
}

fn escape(character: char, shown: &mut String) {
    match character {
        '\\' => shown.push_str("\\\\"),
        '\n' => shown.push_str("\\n"),
        '\t' => shown.push_str("\\t"),
        '\r' => shown.push_str("\\r"),
        ' '..='~' => shown.push(character),
        other => {
            let _ = write!(shown, "\\{}", u32::from(other));
        }
    }
}
