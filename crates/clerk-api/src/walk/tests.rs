//! Walks through a list that changes under them.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// Clerk, in memory: objects in the order of their making.
#[derive(Debug, Default)]
struct Shelf {
    objects: Vec<(String, i64)>,
    made: i64,
    next: u32,
}

/// What happens to the shelf between two pages.
#[derive(Debug, Clone)]
enum Happening {
    /// So many are made, all in one millisecond or each in its own.
    Make(usize, bool),
    /// So many in a row are deleted, from this part of the shelf (per mille).
    Delete(usize, usize),
    /// The object that was seen last is deleted.
    DeleteLastSeen,
}

impl Shelf {
    fn make(&mut self, count: usize, at_once: bool) {
        self.made += 1;
        for _ in 0..count {
            self.objects.push((format!("user_{:08}", self.next), self.made));
            self.next += 1;
            self.made += i64::from(!at_once);
        }
    }

    fn happen(&mut self, happening: &Happening, last_seen: Option<&str>) {
        match happening {
            Happening::Make(count, at_once) => self.make(*count, *at_once),
            Happening::Delete(count, place) => {
                let begin = self.objects.len() * place / 1000;
                let end = self.objects.len().min(begin + count);
                self.objects.drain(begin..end);
            }
            Happening::DeleteLastSeen => self.objects.retain(|(id, _)| Some(id.as_str()) != last_seen),
        }
    }

    /// What Clerk answers; none when it does not know the cursor.
    fn answer(&self, order: Order, question: &Question, limit: usize) -> Option<Vec<Box<RawValue>>> {
        let mut shown: Vec<_> = self.objects.iter().collect();
        if order == Order::NewestFirst {
            shown.reverse();
        }
        let from = match question {
            Question::From(offset) => *offset,
            Question::After(id) => shown.iter().position(|(shown, _)| shown == id)? + 1,
            Question::MadeAfter(made) => shown.iter().position(|(_, at)| at > made).unwrap_or(shown.len()),
        };
        let page = shown.into_iter().skip(from).take(limit);
        Some(page.map(|(id, made)| raw(&format!(r#"{{"created_at":{made},"id":"{id}"}}"#))).collect())
    }
}

fn raw(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).unwrap()
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let one = prop_oneof![
        (1..40usize, any::<bool>()).prop_map(|(count, at_once)| Happening::Make(count, at_once)),
        (1..60usize, 0..1000usize).prop_map(|(count, place)| Happening::Delete(count, place)),
        Just(Happening::DeleteLastSeen),
    ];
    prop::collection::vec(one, 0..12)
}

/// Walks the shelf while things happen; a new process goes on from the cursor after each page when `killed`.
fn walk(shelf: &mut Shelf, order: Order, happenings: &[Happening], killed: bool) -> Vec<String> {
    const PAGE: usize = 20;
    let (mut seen, mut happenings) = (Vec::new(), happenings.iter());
    let mut steps = Steps::new(order, 1, PAGE, i64::MAX, Cursor::default());
    for _ in 0..10_000 {
        let Some(question) = steps.question() else { return seen };
        match shelf.answer(order, &question, PAGE) {
            None => steps.refused(),
            Some(objects) => {
                let Some(fresh) = steps.take(&question, objects) else { continue };
                seen.extend(fresh.iter().map(|object| Mark::of(object).unwrap().id));
                if killed {
                    let kept = serde_json::to_string(&steps.cursor).unwrap();
                    steps = Steps::new(order, 1, PAGE, i64::MAX, serde_json::from_str(&kept).unwrap());
                }
                if let Some(happening) = happenings.next() {
                    shelf.happen(happening, seen.last().map(String::as_str));
                }
            }
        }
    }
    panic!("the walk does not end");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn whoever_lives_through_a_walk_is_seen(
        begin in 0..200usize, at_once in any::<bool>(), happenings in happenings(), killed in any::<bool>(),
        order in prop_oneof![Just(Order::Cursor), Just(Order::OldestFirst), Just(Order::NewestFirst)],
    ) {
        let mut shelf = Shelf::default();
        shelf.make(begin, at_once);
        let before: BTreeSet<String> = shelf.objects.iter().map(|(id, _)| id.clone()).collect();
        let seen: BTreeSet<String> = walk(&mut shelf, order, &happenings, killed).into_iter().collect();
        let missed: Vec<_> =
            shelf.objects.iter().filter(|(id, _)| before.contains(id) && !seen.contains(id)).collect();
        prop_assert!(missed.is_empty(), "{order:?} missed {missed:?}");
    }
}

#[test]
fn nothing_is_seen_twice_while_nothing_changes() {
    for order in [Order::Cursor, Order::OldestFirst, Order::NewestFirst] {
        for (count, at_once) in [(0, false), (1, false), (19, true), (20, false), (21, false), (400, true)] {
            for killed in [false, true] {
                let mut shelf = Shelf::default();
                shelf.make(count, at_once);
                assert_eq!(walk(&mut shelf, order, &[], killed).len(), count, "{order:?} {count} {killed}");
            }
        }
    }
}

#[test]
fn a_list_in_two_parts_is_walked_twice() {
    let mut steps = Steps::new(Order::OldestFirst, 2, 4, i64::MAX, Cursor::default());
    for part in 0..2 {
        assert_eq!((steps.cursor.part, steps.question()), (part, Some(Question::From(0))));
        let first = [r#"{"id":"a"}"#, r#"{"id":"b"}"#, r#"{"id":"c"}"#, r#"{"id":"d"}"#].map(raw).to_vec();
        assert_eq!(steps.take(&Question::From(0), first).map(|fresh| fresh.len()), Some(4));
        assert_eq!(steps.question(), Some(Question::From(3)));
        let second = [r#"{"id":"d"}"#, r#"{"id":"e"}"#].map(raw).to_vec();
        assert_eq!(steps.take(&Question::From(3), second).map(|fresh| fresh.len()), Some(1));
    }
    assert_eq!(steps.question(), None);
}

#[test]
fn a_walk_ends_although_somebody_signs_up_before_every_page() {
    let mut shelf = Shelf::default();
    shelf.make(30, false);
    let (began, mut pages) = (shelf.made, 0);
    let mut steps = Steps::new(Order::Cursor, 1, 20, began, Cursor::default());
    while let Some(question) = steps.question() {
        shelf.make(1, false);
        let answer = shelf.answer(Order::Cursor, &question, 20).unwrap();
        steps.take(&question, answer);
        pages += 1;
        assert!(pages < 10, "it does not end");
    }
}
