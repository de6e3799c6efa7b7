//! A race: contenders that take turns, and the median of their rounds.
//!
//! A round is a warm-up that is thrown away and then [`MEASUREMENT`]; everybody runs once before anybody runs again. Of
//! three rounds the median is reported and the spread is shown, so that a disturbed run can be told from a quiet one.
//!
//! A peer or a limit that is not there, or fails, stays in the result with its reason. When ours fails, so does the run.

use std::time::Duration;

use anyhow::{Context as _, Result};

/// Everybody runs this often.
pub(crate) const ROUNDS: usize = 3;
/// Thrown away at the beginning of each round: caches, connections, and V8's compilation of the peer.
pub(crate) const WARM_UP: Duration = Duration::from_secs(1);
/// What counts of each round.
pub(crate) const MEASUREMENT: Duration = Duration::from_secs(2);

/// What a contender is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Ours,
    /// Another way to do the same.
    Peer,
    /// The part of the work that nobody can leave out.
    Limit,
}

impl Standing {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Peer => "peer",
            Self::Limit => "limit",
        }
    }
}

/// What one contender did in one round.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Round {
    pub(crate) per_second: f64,
    /// Not known of other people's programs.
    pub(crate) latency: Option<Latency>,
}

/// How long one call took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Latency {
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

impl Round {
    /// `calls` took this long each, and all of them together `elapsed`.
    pub(crate) fn of(mut calls: Vec<Duration>, elapsed: Duration) -> Self {
        calls.sort_unstable();
        let per_second = calls.len() as f64 / elapsed.as_secs_f64();
        let latency = percentile(&calls, 50).zip(percentile(&calls, 99)).map(|(p50, p99)| Latency { p50, p99 });
        Self { per_second, latency }
    }
}

/// The smallest value that `percent` of all do not exceed.
fn percentile(sorted: &[Duration], percent: usize) -> Option<Duration> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).copied()
}

/// Runs one round.
pub(crate) type Run<'a> = Box<dyn FnMut() -> Result<Round> + 'a>;

/// Somebody in a race.
pub(crate) struct Contender<'a> {
    name: String,
    standing: Standing,
    /// Or why it cannot be measured here.
    run: Result<Run<'a>>,
}

impl<'a> Contender<'a> {
    pub(crate) fn ours(name: impl Into<String>, run: impl FnMut() -> Result<Round> + 'a) -> Self {
        Self { name: name.into(), standing: Standing::Ours, run: Ok(Box::new(run)) }
    }

    pub(crate) fn peer(name: impl Into<String>, run: Result<Run<'a>>) -> Self {
        Self { name: name.into(), standing: Standing::Peer, run }
    }

    pub(crate) fn limit(name: impl Into<String>, run: Result<Run<'a>>) -> Self {
        Self { name: name.into(), standing: Standing::Limit, run }
    }
}

/// A finished race.
pub(crate) struct Race {
    pub(crate) title: String,
    pub(crate) results: Vec<Measured>,
}

/// What became of one contender.
pub(crate) struct Measured {
    pub(crate) name: String,
    pub(crate) standing: Standing,
    /// Or why there are none.
    pub(crate) rounds: Result<Vec<Round>>,
}

impl Race {
    /// Lets everybody run [`ROUNDS`] times, in turns.
    pub(crate) fn run(title: impl Into<String>, contenders: Vec<Contender<'_>>) -> Result<Self> {
        Self::run_tidying(title, contenders, || Ok(()))
    }

    /// As [`Race::run`], with something done before each turn, so that nobody pays for what another left behind.
    pub(crate) fn run_tidying(
        title: impl Into<String>,
        contenders: Vec<Contender<'_>>,
        mut tidy: impl FnMut() -> Result<()>,
    ) -> Result<Self> {
        let mut field: Vec<_> = contenders
            .into_iter()
            .map(|Contender { name, standing, run }| (name, standing, run.map(|run| (run, Vec::new()))))
            .collect();
        for _ in 0..ROUNDS {
            for (name, standing, state) in &mut field {
                let Ok((run, rounds)) = state else { continue };
                tidy()?;
                match run() {
                    Ok(round) => rounds.push(round),
                    Err(error) if *standing == Standing::Ours => return Err(error).context(name.clone()),
                    Err(error) => *state = Err(error),
                }
            }
        }
        let measured = |(name, standing, state): (_, _, Result<(Run<'_>, _)>)| Measured {
            name,
            standing,
            rounds: state.map(|(_, rounds)| rounds),
        };
        Ok(Self { title: title.into(), results: field.into_iter().map(measured).collect() })
    }

    /// How many times faster ours was than `other`.
    pub(crate) fn ratio_to(&self, other: &Measured) -> Option<f64> {
        let ours = self.results.iter().find(|result| result.standing == Standing::Ours)?;
        (other.standing != Standing::Ours).then(|| Some(ours.per_second()? / other.per_second()?))?
    }
}

impl Measured {
    /// Median of the rounds.
    pub(crate) fn per_second(&self) -> Option<f64> {
        median(self.rounds.as_ref().ok()?.iter().map(|round| round.per_second))
    }

    /// Median of the rounds, in milliseconds.
    pub(crate) fn latency(&self, of: fn(Latency) -> Duration) -> Option<f64> {
        let rounds = self.rounds.as_ref().ok()?;
        median(rounds.iter().filter_map(|round| round.latency).map(|latency| of(latency).as_secs_f64() * 1000.0))
    }

    /// Between the slowest and the fastest round, as a part of the median.
    pub(crate) fn spread(&self) -> Option<f64> {
        let rates = || self.rounds.as_ref().into_iter().flatten().map(|round| round.per_second);
        let (slowest, fastest) = (rates().reduce(f64::min)?, rates().reduce(f64::max)?);
        Some((fastest - slowest) / self.per_second()?)
    }
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    fn round(per_second: f64) -> Round {
        Round { per_second, latency: None }
    }

    #[test]
    fn percentiles_are_calls_that_happened() {
        let calls = |count: u64| (1..=count).map(Duration::from_millis).collect::<Vec<_>>();
        assert_eq!(percentile(&calls(200), 99), Some(Duration::from_millis(198)));
        assert_eq!(percentile(&calls(3), 50), Some(Duration::from_millis(2)));
        assert_eq!(percentile(&calls(1), 99), Some(Duration::from_millis(1)));
        assert_eq!(percentile(&[], 50), None);
    }

    #[test]
    fn everybody_runs_once_before_anybody_runs_again() {
        let order = std::cell::RefCell::new(String::new());
        let run = |letter: char, rates: [f64; ROUNDS]| {
            let (order, mut rates) = (&order, rates.into_iter());
            move || {
                order.borrow_mut().push(letter);
                Ok(round(rates.next().context("one rate for each round")?))
            }
        };
        let race = Race::run(
            "letters",
            vec![
                Contender::ours("a", run('a', [30.0, 10.0, 20.0])),
                Contender::peer("b", Ok(Box::new(run('b', [5.0, 5.0, 50.0])))),
            ],
        )
        .unwrap();
        assert_eq!(*order.borrow(), "ababab");
        assert_eq!(race.results[0].per_second(), Some(20.0));
        assert_eq!(race.results[0].spread(), Some(1.0));
        assert_eq!(race.ratio_to(&race.results[1]), Some(4.0));
        assert_eq!(race.ratio_to(&race.results[0]), None);
    }

    #[test]
    fn who_fails_stays_in_the_result_with_the_reason_unless_it_is_ours() {
        let fails = || bail!("no such program");
        let absent = Contender::limit("absent", Err(anyhow::anyhow!("not installed")));
        let failing = Contender::peer("failing", Ok(Box::new(fails)));
        let race = Race::run("", vec![Contender::ours("a", || Ok(round(1.0))), absent, failing]).unwrap();
        let reasons = race.results.iter().filter_map(|result| result.rounds.as_ref().err()).map(ToString::to_string);
        assert_eq!(reasons.collect::<Vec<_>>(), ["not installed", "no such program"]);
        assert_eq!(race.ratio_to(&race.results[2]), None);
        assert!(Race::run("", vec![Contender::ours("a", fails)]).is_err());
    }
}
