//! What was noted in a time that has not come yet.

use super::*;

const AN_HOUR_EARLIER: Timestamp = Timestamp::from_seconds(NOW - 3_600);

#[tokio::test]
async fn does_not_repeat_an_old_failure_for_an_hour() {
    let scene = Scene::with(ScriptedSource::failing());
    assert!(is_unavailable(&scene.good().await));
    scene.source.answer(key_set([(KEY_ID, instance_key())]));
    scene.clock.set(AN_HOUR_EARLIER);
    scene.good().await.unwrap();
}

#[tokio::test]
async fn does_not_make_keys_fresh_for_an_hour() {
    let scene = Scene::warm().await;
    scene.clock.set(AN_HOUR_EARLIER);
    scene.good().await.unwrap();
    settle().await;
    assert_eq!(scene.source.fetches(), 2);
    for _ in 0..10 {
        scene.good().await.unwrap();
        settle().await;
    }
    assert_eq!(scene.source.fetches(), 2, "the keys have an age again");
}

#[tokio::test]
async fn does_not_hide_a_rotation_for_an_hour() {
    let scene = Scene::warm().await;
    scene.clock.advance(SUSPICION);
    assert!(is_unknown_key(&scene.with_key_id("ins_new").await));
    scene.clock.set(AN_HOUR_EARLIER);
    scene.source.answer(key_set([("ins_new", instance_key())]));
    scene.with_key_id("ins_new").await.unwrap();
}
