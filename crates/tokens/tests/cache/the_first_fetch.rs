//! Before there are keys: everybody waits for the same fetch.

use super::*;

#[tokio::test]
async fn is_one_for_everybody() {
    let scene = Scene::new();
    scene.source.hold();
    let crowd = scene.crowd(vec![scene.session().signed(); 50]);
    settle().await;
    scene.source.release();
    assert!(crowd.join_all().await.iter().all(Result::is_ok));
    assert_eq!(scene.source.fetches(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn is_one_also_for_callers_on_many_threads() {
    for _ in 0..200 {
        let scene = Scene::new();
        let crowd = scene.crowd(vec![scene.session().signed(); 16]);
        assert!(crowd.join_all().await.iter().all(Result::is_ok));
        assert_eq!(scene.source.fetches(), 1);
    }
}

#[tokio::test]
async fn says_why_it_failed_and_is_tried_again() {
    let scene = Scene::with(ScriptedSource::failing());
    let refusal = scene.good().await.unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "the signing keys of https://clerk.example.com cannot be had: \
         `https://clerk.example.com/.well-known/jwks.json` cannot be reached: connection refused"
    );
    assert!(refusal.is_ours(), "the token may be good");
    assert_eq!(refusal.code(), "jwk-remote-failed-to-load");
    assert_eq!(scene.verifier.keys().warm().await.unwrap_err().split(": ").last(), Some("connection refused"));
    assert_eq!(scene.source.fetches(), 1, "the failure is fresh, and is told again");

    scene.source.answer(key_set([(KEY_ID, instance_key())]));
    scene.clock.advance(SUSPICION);
    scene.good().await.unwrap();
    assert_eq!(scene.source.fetches(), 2);
}

#[tokio::test]
async fn fails_once_for_everybody_who_waited_however_long_it_took() {
    let scene = Scene::with(ScriptedSource::failing());
    scene.source.hold();
    let crowd = scene.crowd(vec![scene.session().signed(); 50]);
    settle().await;
    scene.clock.advance(SUSPICION);
    scene.source.release();
    assert!(crowd.join_all().await.iter().all(is_unavailable));
    assert_eq!(scene.source.fetches(), 1, "nobody who waited asks again and waits again");
    assert!(is_unavailable(&scene.good().await));
    assert_eq!(scene.source.fetches(), 1, "the failure is as old as its end, however long it took");
}

#[tokio::test]
async fn goes_on_without_the_caller_who_caused_it() {
    let scene = Scene::new();
    scene.source.hold();
    assert!(at_once(scene.good()).await.is_none(), "the caller waits, and hangs up");
    settle().await;
    scene.source.release();
    settle().await;
    assert!(at_once(scene.good()).await.unwrap().is_ok(), "the keys are there");
    assert_eq!((scene.source.fetches(), scene.source.given_up()), (1, 0));
}
