//! Where the numbers come from.

use serde::Serialize;

/// What a reader must know of the machine to read an absolute number.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Machine {
    cores: usize,
    /// As the system names it; none where it does not.
    processor: Option<String>,
    system: &'static str,
}

impl Machine {
    pub(crate) fn here() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { cores, processor: processor(), system: std::env::consts::OS }
    }
}

impl std::fmt::Display for Machine {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let processor = self.processor.as_deref().unwrap_or("an unnamed processor");
        write!(out, "{} cores ({processor}), {}", self.cores, self.system)
    }
}

/// Runnable tasks, averaged over the last minute; other people's among them.
pub(crate) fn load_average() -> Option<f64> {
    std::fs::read_to_string("/proc/loadavg").ok()?.split(' ').next()?.parse().ok()
}

fn processor() -> Option<String> {
    let facts = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let (_, name) = facts.lines().find(|line| line.starts_with("model name"))?.split_once(": ")?;
    Some(name.to_owned())
}
