//! Runs a Clerk instance until interrupted: `cargo run -p emulator --example clerk -- [port] [state file]`.
//!
//! Prints one line of JSON with its address and keys, for the environment of an app or a test in another language.

use std::{error::Error, io::Write};

use emulator::{Emulator, EmulatorOptions};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let port: u16 = arguments.next().map_or(Ok(0), |port| port.parse())?;
    let options = EmulatorOptions {
        listen: ([127, 0, 0, 1], port).into(),
        state_file: arguments.next().map(Into::into),
        ..EmulatorOptions::default()
    };
    let emulator = Emulator::start(options).await?;
    let address = json!({
        "api_url": emulator.base_url(),
        "issuer": emulator.issuer(),
        "instance_id": emulator.instance_id(),
        "publishable_key": emulator.publishable_key().to_string(),
        "secret_key": emulator.secret_key(),
        "webhook_secret": emulator.webhook_secret().expose(),
        "jwt_key": emulator.public_key_pem(),
    });
    writeln!(std::io::stdout(), "{address}")?;
    tokio::signal::ctrl_c().await?;
    emulator.shutdown().await?;
    Ok(())
}
