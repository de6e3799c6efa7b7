//! Forged tokens, and a key that was rotated under its old id.

use super::*;

#[tokio::test]
async fn finds_the_key_that_was_rotated_under_its_old_id() {
    let scene = Scene::warm().await;
    scene.clock.advance(SUSPICION);
    scene.source.answer(key_set([(KEY_ID, strangers_key())]));
    scene.signed_by(strangers_key()).await.unwrap();
    assert_eq!(scene.source.fetches(), 2);
    assert!(is_forged(&scene.good().await), "the old key is gone");
}

#[tokio::test]
async fn finds_either_of_two_keys_under_one_id() {
    for keys in [[instance_key(), strangers_key()], [strangers_key(), instance_key()]] {
        let scene = Scene::with(ScriptedSource::answering(key_set(keys.map(|key| (KEY_ID, key)))));
        scene.good().await.unwrap();
        scene.signed_by(strangers_key()).await.unwrap();
        assert_eq!(scene.source.fetches(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn never_misses_a_rotation_that_somebody_else_found() {
    for _ in 0..100 {
        let scene = Scene::warm().await;
        scene.clock.advance(SUSPICION);
        scene.source.answer(key_set([(KEY_ID, strangers_key())]));
        let crowd = scene.crowd(vec![scene.session().signed_by(strangers_key()); 16]);
        assert!(crowd.join_all().await.iter().all(Result::is_ok));
        assert_eq!(scene.source.fetches(), 2);
    }
}

#[tokio::test]
async fn costs_one_fetch_an_interval_however_many_there_are() {
    let scene = Scene::warm().await;
    for interval in 1..=3 {
        scene.clock.advance(SUSPICION);
        for _ in 0..100 {
            assert!(is_forged(&scene.signed_by(strangers_key()).await));
        }
        assert_eq!(scene.source.fetches(), 1 + interval);
    }
}

#[tokio::test]
async fn in_floods_does_not_cost_the_good_ones_anything() {
    let scene = Scene::warm().await;
    scene.clock.advance(SUSPICION);
    scene.source.hold();
    let crowd = scene.crowd(vec![scene.session().signed_by(strangers_key()); 500]);
    settle().await;
    assert_eq!(scene.source.fetches(), 2, "the flood has its fetch");
    assert!(at_once(scene.good()).await.unwrap().is_ok(), "and a good token does not wait for it");
    scene.source.release();
    assert!(crowd.join_all().await.iter().all(is_forged));
}

#[tokio::test]
async fn waits_for_one_slow_fetch_and_not_for_a_queue_of_them() {
    let scene = Scene::warm().await;
    scene.clock.advance(SUSPICION);
    scene.source.fail();
    scene.source.hold();
    let crowd = scene.crowd(vec![scene.session().signed_by(strangers_key()); 500]);
    settle().await;
    scene.clock.advance(SUSPICION);
    scene.source.release();
    assert!(crowd.join_all().await.iter().all(is_forged));
    assert_eq!(scene.source.fetches(), 2);
}

#[tokio::test]
async fn by_a_caller_who_hangs_up_does_not_keep_a_rotation_from_being_found() {
    let scene = Scene::warm().await;
    scene.clock.advance(SUSPICION);
    scene.source.answer(key_set([(KEY_ID, strangers_key())]));
    scene.source.hold();
    assert!(at_once(scene.verify(&session().with_signature(&[1; 256]))).await.is_none(), "it waits, and hangs up");
    scene.source.release();
    settle().await;
    assert!(at_once(scene.signed_by(strangers_key())).await.unwrap().is_ok(), "the fetch went on");
    assert_eq!(scene.source.fetches(), 2);
}

#[tokio::test]
async fn that_is_not_even_base64_is_no_reason_to_look() {
    let scene = Scene::warm().await;
    scene.clock.advance(SUSPICION);
    let refusal = scene.verify(&format!("{}.not+base64url", session().message())).await.unwrap_err();
    assert!(matches!(refusal, Refusal::NotAToken(_)), "{refusal}");
    assert_eq!(scene.source.fetches(), 1);
}
