//! What goes on beside the requests: work on the inbox, and on what is known of tokens.

use std::future::Future;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// After a panic, so that one that happens again at once does not keep a core busy.
const AFTER_PANIC: Duration = Duration::from_secs(5);

/// Does `work` until `stop`, or until it has nothing to do. A panic in it is a defect of ours, but not the end of the work.
pub(crate) async fn tended<W>(work: impl Fn(CancellationToken) -> W, stop: CancellationToken)
where
    W: Future<Output = ()> + Send + 'static,
{
    while !stop.is_cancelled() {
        let mut task = JoinSet::new();
        task.spawn(work(stop.clone()));
        // The panic itself is not logged: its message may hold what was worked on.
        let Some(Err(_)) = task.join_next().await else { return };
        tracing::error!("work in the background panicked and starts again");
        let _ = tokio::time::timeout(AFTER_PANIC, stop.cancelled()).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn work_that_panics_starts_again_after_a_pause_and_ends_when_told() {
        let (begun, stop) = (Arc::new(AtomicUsize::new(0)), CancellationToken::new());
        let counted = Arc::clone(&begun);
        let work = move |stop: CancellationToken| {
            let begun = Arc::clone(&counted);
            async move {
                assert!(begun.fetch_add(1, Ordering::SeqCst) >= 2, "the first two times");
                stop.cancelled().await;
            }
        };
        let tended = tokio::spawn(tended(work, stop.clone()));
        tokio::time::sleep(AFTER_PANIC / 2).await;
        assert_eq!(begun.load(Ordering::SeqCst), 1);
        tokio::time::sleep(3 * AFTER_PANIC).await;
        assert_eq!(begun.load(Ordering::SeqCst), 3);
        stop.cancel();
        tended.await.expect("it ends");
    }

    #[tokio::test]
    async fn work_that_has_nothing_to_do_is_not_begun_again() {
        let begun = AtomicUsize::new(0);
        let work = |_| {
            begun.fetch_add(1, Ordering::SeqCst);
            std::future::ready(())
        };
        tended(work, CancellationToken::new()).await;
        assert_eq!(begun.load(Ordering::SeqCst), 1);
    }
}
