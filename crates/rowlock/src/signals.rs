//! Being told to stop.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// A token that SIGINT, SIGTERM or SIGHUP cancels, so that everything ends in order. A second signal ends the process at
/// once; a local Postgres stops all the same, because its leash is cut with us.
///
/// # Errors
/// When the handlers cannot be installed.
pub(crate) fn stop_token() -> std::io::Result<CancellationToken> {
    let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let hang_up = signal(SignalKind::hangup())?;
    let stop = CancellationToken::new();
    let told = stop.clone();
    tokio::spawn(async move {
        let (mut interrupt, mut terminate, mut hang_up) = (interrupt, terminate, hang_up);
        next(&mut interrupt, &mut terminate, &mut hang_up).await;
        tracing::info!("stopping; a second signal stops at once");
        told.cancel();
        next(&mut interrupt, &mut terminate, &mut hang_up).await;
        #[expect(clippy::exit, reason = "somebody insists")]
        std::process::exit(130);
    });
    Ok(stop)
}

async fn next(interrupt: &mut Signal, terminate: &mut Signal, hang_up: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hang_up.recv() => {}
    }
}
