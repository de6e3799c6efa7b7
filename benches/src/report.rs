//! Races as a person or a program reads them.
//!
//! The last column of the table, and `ours_to_this` in the JSON, is the claim: ours divided by that row. Above 1 ours is
//! faster. A row that could not be measured says why.

use serde_json::{Value, json};

use crate::machine::{self, Machine};
use crate::measure::{MEASUREMENT, Measured, ROUNDS, Race, Standing};

/// Collects races; prints each when it is over, or all of them as JSON.
pub(crate) struct Report {
    machine: Machine,
    load_before: Option<f64>,
    /// Collected when the output is JSON.
    races: Option<Vec<Value>>,
}

impl Report {
    pub(crate) fn begin(as_json: bool) -> Self {
        let report =
            Self { machine: Machine::here(), load_before: machine::load_average(), races: as_json.then(Vec::new) };
        if !as_json {
            let load = report.load_before.map(|load| format!(", load average {load:.2} before")).unwrap_or_default();
            println!("{}{load}", report.machine);
            println!("median of {ROUNDS} rounds in turns, {} s each", MEASUREMENT.as_secs());
        }
        report
    }

    pub(crate) fn add(&mut self, race: Race) {
        match &mut self.races {
            Some(races) => races.push(as_json(&race)),
            None => print!("\n{}", as_table(&race)),
        }
    }

    pub(crate) fn end(self) {
        let load_after = machine::load_average();
        let Some(races) = self.races else {
            if let Some(load) = load_after {
                println!("\nload average {load:.2} after");
            }
            return;
        };
        let document = json!({
            "machine": self.machine, "load_average_before": self.load_before, "load_average_after": load_after,
            "rounds": ROUNDS, "seconds_per_round": MEASUREMENT.as_secs(), "races": races,
        });
        println!("{document:#}");
    }
}

fn as_json(race: &Race) -> Value {
    let results: Vec<Value> = race
        .results
        .iter()
        .map(|result| {
            let (name, standing) = (&result.name, result.standing.as_str());
            match &result.rounds {
                Err(reason) => json!({ "name": name, "standing": standing, "not_measured": format!("{reason:#}") }),
                Ok(rounds) => json!({
                    "name": name, "standing": standing, "per_second": result.per_second(),
                    "p50_ms": result.latency(|latency| latency.p50), "p99_ms": result.latency(|latency| latency.p99),
                    "spread": result.spread(), "ours_to_this": race.ratio_to(result),
                    "rounds_per_second": rounds.iter().map(|round| round.per_second).collect::<Vec<_>>(),
                }),
            }
        })
        .collect();
    json!({ "title": race.title, "results": results })
}

fn as_table(race: &Race) -> String {
    let width = race.results.iter().map(|result| label(result).chars().count()).max().unwrap_or_default();
    let heads = ["per second", "p50 ms", "p99 ms", "spread", "ours ÷ this"];
    let mut table = format!("{}\n", race.title);
    table += &line("", width, heads.map(str::to_owned));
    for result in &race.results {
        table += &match &result.rounds {
            Err(reason) => format!("  {:width$}  not measured: {reason:#}\n", label(result)),
            Ok(_) => {
                let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
                let milliseconds = |value: Option<f64>| or_dash(value.map(|value| format!("{value:.3}")));
                let cells = [
                    or_dash(result.per_second().map(grouped)),
                    milliseconds(result.latency(|latency| latency.p50)),
                    milliseconds(result.latency(|latency| latency.p99)),
                    or_dash(result.spread().map(|spread| format!("{:.0} %", spread * 100.0))),
                    or_dash(race.ratio_to(result).map(|ratio| format!("{ratio:.2}"))),
                ];
                line(&label(result), width, cells)
            }
        };
    }
    table
}

fn line(label: &str, width: usize, cells: [String; 5]) -> String {
    let [rate, p50, p99, spread, ratio] = cells;
    format!("  {label:width$}  {rate:>10}  {p50:>7}  {p99:>7}  {spread:>6}  {ratio:>11}\n")
}

/// What is ours needs no word for it.
fn label(result: &Measured) -> String {
    match result.standing {
        Standing::Ours => result.name.clone(),
        Standing::Peer | Standing::Limit => format!("{}: {}", result.standing.as_str(), result.name),
    }
}

/// `12,345`.
fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use anyhow::anyhow;

    use super::*;
    use crate::measure::{Latency, Round};

    fn race() -> Race {
        let rounds = |rates: [f64; 3]| {
            let latency = Some(Latency { p50: Duration::from_micros(15), p99: Duration::from_millis(2) });
            Ok(rates.map(|per_second| Round { per_second, latency }).to_vec())
        };
        let measured = |name: &str, standing, rounds| Measured { name: name.to_owned(), standing, rounds };
        Race {
            title: "letters".to_owned(),
            results: vec![
                measured("a", Standing::Ours, rounds([60_000.0, 66_000.0, 54_000.0])),
                measured("bb", Standing::Peer, rounds([600.0, 600.0, 600.0])),
                measured("c", Standing::Limit, Err(anyhow!("not here"))),
            ],
        }
    }

    #[test]
    fn a_table_is_aligned_and_says_what_is_missing() {
        insta::assert_snapshot!(as_table(&race()), @r"
        letters
                    per second   p50 ms   p99 ms  spread  ours ÷ this
          a             60,000    0.015    2.000    20 %            -
          peer: bb         600    0.015    2.000     0 %       100.00
          limit: c  not measured: not here
        ");
    }

    #[test]
    fn json_has_the_same_numbers() {
        let race = as_json(&race());
        assert_eq!(race["results"][1]["ours_to_this"], 100.0);
        assert_eq!(race["results"][0]["ours_to_this"], Value::Null);
        assert_eq!(race["results"][2]["not_measured"], "not here");
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!([1.0, 999.6, 12_345.0, 1_234_567.0].map(grouped), ["1", "1,000", "12,345", "1,234,567"]);
    }
}
