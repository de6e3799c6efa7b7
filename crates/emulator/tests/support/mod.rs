//! A started emulator, an HTTP client for it, and a webhook receiver with a script.

mod client;
mod receiver;

pub(crate) use client::{Answer, Client};
pub(crate) use receiver::{Receiver, Response};

use std::sync::{Arc, OnceLock};

use clerk::{ManualClock, Timestamp};
use emulator::{Emulator, EmulatorOptions};

/// 2026-01-01T00:00:00Z.
pub(crate) const START: Timestamp = Timestamp::from_seconds(1_767_225_600);

/// Time stands still and ids repeat, so that whole answers can be compared.
pub(crate) fn options() -> (EmulatorOptions, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(START));
    let options = EmulatorOptions {
        clock: Arc::clone(&clock) as Arc<dyn clerk::Clock>,
        seed: Some(1),
        webhook_speed: 1000.0,
        ..EmulatorOptions::default()
    };
    (options, clock)
}

pub(crate) async fn start() -> (Emulator, Client, Arc<ManualClock>) {
    let (options, clock) = options();
    let emulator = Emulator::start(options).await.unwrap();
    let client = Client::of(&emulator);
    (emulator, client, clock)
}
