//! Keys that have grown old, and are renewed behind the callers' backs.

use super::*;

#[tokio::test]
async fn is_not_made_while_keys_are_fresh() {
    let scene = Scene::warm().await;
    scene.clock.advance(5 * MINUTE - SECOND);
    scene.good().await.unwrap();
    settle().await;
    assert_eq!(scene.source.fetches(), 1);
}

#[tokio::test]
async fn happens_behind_the_callers_back() {
    let scene = Scene::warm().await;
    scene.clock.advance(5 * MINUTE);
    scene.source.hold();
    for _ in 0..100 {
        assert!(at_once(scene.good()).await.unwrap().is_ok(), "nobody waits");
        settle().await;
    }
    assert_eq!(scene.source.fetches(), 2, "one refresh for all of them");
    scene.clock.advance(SECOND);
    scene.source.release();
    settle().await;
    assert_eq!(scene.verifier.keys().health(), Some((SECOND, None)), "keys are as old as the question");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn is_one_also_for_callers_on_many_threads() {
    for _ in 0..20 {
        let scene = Scene::warm().await;
        scene.clock.advance(5 * MINUTE);
        let crowd = scene.crowd(vec![scene.session().signed(); 64]);
        assert!(crowd.join_all().await.iter().all(Result::is_ok));
        let refreshed = async {
            while scene.verifier.keys().health().unwrap().0 > Duration::ZERO {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(10 * SECOND, refreshed).await.unwrap();
        assert_eq!(scene.source.fetches(), 2);
    }
}

#[tokio::test]
async fn ends_with_the_cache() {
    let scene = Scene::warm().await;
    scene.clock.advance(5 * MINUTE);
    scene.source.hold();
    scene.good().await.unwrap();
    settle().await;
    assert_eq!((scene.source.fetches(), scene.source.given_up()), (2, 0));
    drop(scene.verifier);
    settle().await;
    assert_eq!(scene.source.given_up(), 1);
}
