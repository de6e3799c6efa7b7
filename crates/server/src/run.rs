//! Serving until told to stop.

use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{Services, router};

/// Serves `services` on `listener` and works on the inbox, until `stop`. Requests under way may then take `drain` to
/// finish; what has not been answered by then is cut off, and its sender tries again.
///
/// # Errors
/// When the listener fails.
pub async fn run(
    listener: TcpListener,
    services: Services,
    drain: Duration,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let worker = tokio::spawn({
        let (mirror, stop) = (services.mirror().clone(), stop.clone());
        async move { mirror.work(stop).await }
    });
    let serving = axum::serve(listener, router(services)).with_graceful_shutdown(stop.clone().cancelled_owned());
    let drained = async {
        stop.cancelled().await;
        tokio::time::sleep(drain).await;
    };
    let served = tokio::select! {
        served = serving => served,
        () = drained => {
            tracing::warn!("requests were still under way at the end of the drain and are cut off");
            Ok(())
        }
    };
    stop.cancel();
    if let Err(error) = worker.await {
        tracing::error!(error = %error, "the inbox worker ended by a panic");
    }
    served
}
