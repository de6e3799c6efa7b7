//! From the beginning of a list to its end, while it changes.
//!
//! What lives through the whole walk is seen at least once; what comes or goes meanwhile may be seen or not, and its
//! webhook tells. The two ways of Clerk's lists make that hold differently:
//!
//! - *By cursor* (users): each page begins after the last user of the page before. When that very user is deleted between
//!   two pages, Clerk refuses the cursor, and the walk goes on from the moment at which that user was made. The end is
//!   believed only when Clerk also has nobody younger than the last one, but for those made since the walk began: an
//!   instance where somebody signs up every second would have no end.
//! - *By position* (the rest): a deletion before the position moves everything behind it forward, past the reader. So
//!   pages overlap, and a page counts only when it is recognised as the continuation of what was seen; otherwise the
//!   walk steps back until it is.
//!
//! A [`Cursor`] is data: kept with what was written, it lets another process go on where this one was killed.

use std::time::Duration;

use clerk::{Clock as _, SystemClock, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::list::{List, Order};
use crate::page::{LARGEST_PAGE, Mark, RawPage};
use crate::{ApiError, BackendApi};

/// Pages of 500 whole users take Clerk longer than one object.
const PAGE_TIMEOUT: Duration = Duration::from_secs(30);
/// By how many objects pages by position overlap: so many may be deleted between two pages without a step back.
const OVERLAP: usize = 16;

/// Where a walk stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Which of the list's parts.
    part: usize,
    /// Where the next page begins, in lists by position.
    offset: usize,
    /// The last objects that were seen.
    tail: Vec<Mark>,
    doubt: Doubt,
}

/// A page of a walk, without what the page before had already.
#[derive(Debug)]
pub struct Page {
    /// The objects as Clerk sent them.
    pub objects: Vec<Box<RawValue>>,
    /// A moment before Clerk was asked: whatever happens after it is younger than these objects.
    pub asked_at: Timestamp,
    /// How many there are on all pages of this part, where Clerk says.
    pub total: Option<u64>,
    /// Where the walk stands once these objects are dealt with.
    pub cursor: Cursor,
}

/// A walk through one list.
#[derive(Debug)]
pub struct Walk {
    api: BackendApi,
    list: List,
    page_size: usize,
    steps: Steps,
}

impl Walk {
    /// Begins at the beginning, or where `cursor` says.
    pub fn new(api: BackendApi, list: List, cursor: Option<Cursor>) -> Self {
        Self::in_pages_of(api, list, cursor, LARGEST_PAGE)
    }

    /// As [`new`](Self::new), with other pages than the largest ones: 4 objects at least.
    pub fn in_pages_of(api: BackendApi, list: List, cursor: Option<Cursor>, page_size: usize) -> Self {
        let page_size = page_size.clamp(4, LARGEST_PAGE);
        let began = SystemClock.now().millis();
        let steps = Steps::new(list.order(), list.parts().len(), page_size, began, cursor.unwrap_or_default());
        Self { api, list, page_size, steps }
    }

    /// The next page; none at the end. A page may be empty without being the last.
    ///
    /// # Errors
    /// See [`ApiError`]. The walk stands where it stood.
    pub async fn next(&mut self) -> Result<Option<Page>, ApiError> {
        while let Some(question) = self.steps.question() {
            let asked_at = SystemClock.now();
            let answer = match self.api.page(&self.list, self.steps.cursor.part, &question, self.page_size).await {
                Ok(page) => page,
                Err(error) if matches!(question, Question::After(_)) && error.is_refusal() => {
                    self.steps.refused();
                    continue;
                }
                Err(error) => return Err(error),
            };
            if let Some(objects) = self.steps.take(&question, answer.objects) {
                return Ok(Some(Page { objects, asked_at, total: answer.total, cursor: self.steps.cursor.clone() }));
            }
        }
        Ok(None)
    }
}

/// What is asked for next.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Question {
    /// Those behind this user.
    After(String),
    /// Those made later than this, in milliseconds.
    MadeAfter(i64),
    /// Those from this position on.
    From(usize),
}

/// What the next question is about, in lists by cursor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Doubt {
    #[default]
    None,
    /// The cursor's user is no more.
    CursorGone,
    /// The last page was short: is that the end?
    End,
}

/// The walk without the network.
#[derive(Debug)]
struct Steps {
    order: Order,
    parts: usize,
    page_size: usize,
    overlap: usize,
    /// When the walk began, in milliseconds.
    began: i64,
    cursor: Cursor,
}

impl Steps {
    fn new(order: Order, parts: usize, page_size: usize, began: i64, cursor: Cursor) -> Self {
        let overlap = (page_size / 4).clamp(1, OVERLAP);
        Self { order, parts, page_size, overlap, began, cursor }
    }

    fn question(&self) -> Option<Question> {
        if self.cursor.part >= self.parts {
            return None;
        }
        if self.order != Order::Cursor {
            return Some(Question::From(self.cursor.offset));
        }
        let Some(last) = self.cursor.tail.last() else { return Some(Question::From(0)) };
        Some(match (self.cursor.doubt, last.created_at) {
            // Those of the same millisecond are asked for once more: some may have stood behind the one that is gone.
            (Doubt::CursorGone, Some(made)) => Question::MadeAfter(made.saturating_sub(1)),
            (Doubt::End, Some(made)) => Question::MadeAfter(made),
            // Without a time there is only the beginning.
            (Doubt::CursorGone, None) => Question::From(0),
            _ => Question::After(last.id.clone()),
        })
    }

    /// Clerk does not know the user after whom the page was to begin.
    fn refused(&mut self) {
        self.cursor.doubt = Doubt::CursorGone;
    }

    /// The objects of an answer that were not seen before; none when the answer does not count.
    fn take(&mut self, question: &Question, mut objects: Vec<Box<RawValue>>) -> Option<Vec<Box<RawValue>>> {
        let short = objects.len() < self.page_size;
        let known = self.known(&objects);
        match *question {
            Question::From(offset) if self.order != Order::Cursor => {
                if offset > 0 && known.is_none() && !self.begins_within_what_was_seen(&objects) {
                    self.cursor.offset = offset.saturating_sub(self.page_size - self.overlap);
                    return None;
                }
                self.cursor.offset = (offset + objects.len()).saturating_sub(self.overlap);
                self.remember(&objects);
                if short {
                    self.end_part();
                }
            }
            _ => {
                // Nobody is there at all, nobody behind one who is gone, or nobody younger than the last one.
                let nobody = match self.cursor.doubt {
                    Doubt::End => !self.has_younger(&objects),
                    Doubt::CursorGone => objects.is_empty(),
                    Doubt::None => objects.is_empty() && self.cursor.tail.is_empty(),
                };
                if nobody {
                    self.end_part();
                    return None;
                }
                self.cursor.doubt = if short { Doubt::End } else { Doubt::None };
                self.remember(&objects);
            }
        }
        objects.drain(..known.map_or(0, |position| position + 1));
        Some(objects)
    }

    /// Where in these objects the last one stands that was seen before. Pages overlap by little, so it stands near the
    /// beginning, unless the walk has stepped back.
    fn known(&self, objects: &[Box<RawValue>]) -> Option<usize> {
        if self.cursor.tail.is_empty() {
            return None;
        }
        let in_tail = |object: &RawValue| {
            Mark::of(object).is_some_and(|mark| self.cursor.tail.iter().any(|seen| seen.id == mark.id))
        };
        let first = objects.iter().position(|object| in_tail(object))?;
        let reach = objects.len().min(first + self.cursor.tail.len());
        (first..reach).rev().find(|&position| in_tail(&objects[position]))
    }

    /// Whether the first of these objects comes before the last one that was seen: then nothing lies between.
    fn begins_within_what_was_seen(&self, objects: &[Box<RawValue>]) -> bool {
        let first = objects.first().and_then(|object| Mark::of(object)).and_then(|mark| mark.created_at);
        let last = self.cursor.tail.last().and_then(|mark| mark.created_at);
        match (first, last) {
            (Some(first), Some(last)) if self.order == Order::NewestFirst => first > last,
            (Some(first), Some(last)) => first < last,
            _ => false,
        }
    }

    /// Whether some of these were made after the last one that was seen, and before the walk began.
    fn has_younger(&self, objects: &[Box<RawValue>]) -> bool {
        let last = self.cursor.tail.last().and_then(|mark| mark.created_at);
        let made = objects.iter().filter_map(|object| Mark::of(object)).map(|mark| mark.created_at);
        made.into_iter().any(|made| made > last && made <= Some(self.began))
    }

    fn remember(&mut self, objects: &[Box<RawValue>]) {
        let begin = objects.len().saturating_sub(self.overlap);
        let last: Vec<Mark> = objects[begin..].iter().filter_map(|object| Mark::of(object)).collect();
        if !last.is_empty() {
            self.cursor.tail = last;
        }
    }

    fn end_part(&mut self) {
        self.cursor = Cursor { part: self.cursor.part + 1, ..Cursor::default() };
    }
}

impl BackendApi {
    /// How many objects there are to see, where Clerk can tell: nothing to rely on, but good for a progress bar.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn total(&self, list: &List) -> Result<Option<u64>, ApiError> {
        #[derive(Deserialize)]
        struct Count {
            total_count: u64,
        }
        if *list == List::Users {
            let count: Option<Count> = self.object(&["users", "count"], &[]).await?;
            return Ok(count.map(|count| count.total_count));
        }
        let mut total = None;
        for part in 0..list.parts().len() {
            let page = self.page(list, part, &Question::From(0), 1).await?;
            total = page.total.map(|more| total.unwrap_or(0) + more);
        }
        Ok(total)
    }

    /// The object of this id, out of a list that can be searched: invitations and waitlist entries, which Clerk does not show
    /// one by one, by `query`; domains by their organization.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn find(&self, list: &List, by: (&str, &str), id: &str) -> Result<Option<Box<RawValue>>, ApiError> {
        let (path, limit) = (list.path(), LARGEST_PAGE.to_string());
        for part in list.parts() {
            let mut offset = 0;
            loop {
                let position = offset.to_string();
                let mut query = vec![("limit", limit.as_str()), ("offset", &position), by];
                query.extend(*part);
                let page = self.parse_page(&path, &self.bytes(&path, &query, PAGE_TIMEOUT).await?)?;
                let full = page.objects.len() == LARGEST_PAGE;
                let is_it = |object: &RawValue| Mark::of(object).is_some_and(|mark| mark.id == id);
                if let Some(found) = page.objects.into_iter().find(|object| is_it(object)) {
                    return Ok(Some(found));
                }
                if !full {
                    break;
                }
                offset += LARGEST_PAGE;
            }
        }
        Ok(None)
    }

    /// The user that was made last, of those made before this moment.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn newest_user(&self, before: Timestamp) -> Result<Option<Box<RawValue>>, ApiError> {
        let before = before.millis().to_string();
        let query = [("limit", "1"), ("order_by", "-created_at"), ("created_at_before", before.as_str())];
        let body = self.bytes(&["users"], &query, PAGE_TIMEOUT).await?;
        Ok(self.parse_page(&["users"], &body)?.objects.pop())
    }

    async fn page(&self, list: &List, part: usize, question: &Question, limit: usize) -> Result<RawPage, ApiError> {
        let (path, limit) = (list.path(), limit.to_string());
        let position = match question {
            Question::After(id) => id.clone(),
            Question::MadeAfter(made) => made.to_string(),
            Question::From(offset) => offset.to_string(),
        };
        let mut query = vec![("limit", limit.as_str())];
        if list.order() != Order::NewestFirst {
            query.push(("order_by", "created_at"));
        }
        match question {
            Question::After(_) => query.push(("starting_after", &position)),
            Question::MadeAfter(_) => query.push(("created_at_after", &position)),
            Question::From(0) => {}
            Question::From(_) => query.push(("offset", &position)),
        }
        query.extend(list.within());
        query.extend(list.parts()[part]);
        let body = self.bytes(&path, &query, PAGE_TIMEOUT).await?;
        self.parse_page(&path, &body)
    }

    fn parse_page(&self, path: &[&str], body: &[u8]) -> Result<RawPage, ApiError> {
        RawPage::parse(body).map_err(|source| ApiError::Unreadable { path: crate::shown(path), source })
    }
}

#[cfg(test)]
mod tests;
