//! Tokens that name a key nobody has, or nobody has yet.

use super::*;

#[tokio::test]
async fn is_looked_for_once_and_then_remembered() {
    let scene = Scene::warm().await;
    scene.clock.advance(SUSPICION);
    for _ in 0..10 {
        assert!(is_unknown_key(&scene.with_key_id("ins_other").await));
        scene.clock.advance(SUSPICION);
    }
    assert_eq!(scene.source.fetches(), 2);
    scene.clock.advance(MINUTE);
    assert!(is_unknown_key(&scene.with_key_id("ins_other").await));
    assert_eq!(scene.source.fetches(), 3, "it may exist by now");
}

#[tokio::test]
async fn costs_nothing_right_after_a_fetch() {
    let scene = Scene::new();
    assert!(is_unknown_key(&scene.with_key_id("ins_new").await));
    assert_eq!(scene.source.fetches(), 1);
    scene.source.answer(key_set([("ins_new", instance_key())]));
    scene.clock.advance(SUSPICION);
    scene.with_key_id("ins_new").await.unwrap();
    assert_eq!(scene.source.fetches(), 2, "nobody had looked for it, so it was not remembered");
}

#[tokio::test]
async fn costs_one_fetch_an_interval_however_many_there_are() {
    let scene = Scene::warm().await;
    for interval in 1..=3 {
        scene.clock.advance(SUSPICION);
        for number in 0..1_000 {
            assert!(is_unknown_key(&scene.with_key_id(&format!("ins_{interval}x{number}")).await));
        }
        assert_eq!(scene.source.fetches(), 1 + interval);
    }
}

#[tokio::test]
async fn is_found_when_the_instance_has_a_new_key() {
    let scene = Scene::warm().await;
    scene.clock.advance(SUSPICION);
    scene.source.answer(key_set([(KEY_ID, instance_key()), ("ins_new", strangers_key())]));
    scene.source.hold();
    let new = scene.session().header("kid", "ins_new").signed_by(strangers_key());
    let crowd = scene.crowd(vec![new; 50]);
    settle().await;
    scene.source.release();
    assert!(crowd.join_all().await.iter().all(Result::is_ok), "all of them wait for the one fetch");
    assert_eq!(scene.source.fetches(), 2);
    scene.good().await.unwrap();
}

#[tokio::test]
async fn that_was_remembered_is_found_once_the_keys_have_it() {
    let scene = Scene::warm().await;
    scene.clock.advance(SUSPICION);
    let new = || scene.session().header("kid", "ins_new").signed_by(strangers_key());
    assert!(is_unknown_key(&scene.verify(&new()).await));
    scene.source.answer(key_set([("ins_new", strangers_key())]));
    scene.clock.advance(MINUTE);
    scene.verify(&new()).await.unwrap();
}

#[tokio::test]
async fn is_remembered_a_thousand_times_and_no_more() {
    let scene = Scene::warm().await;
    scene.clock.advance(SUSPICION);
    scene.source.hold();
    let tokens: Vec<String> =
        (0..1_030).map(|number| scene.session().header("kid", format!("ins_{number}")).signed()).collect();
    let crowd = scene.crowd(tokens.clone());
    settle().await;
    scene.source.release();
    assert!(crowd.join_all().await.iter().all(is_unknown_key));
    assert_eq!(scene.source.fetches(), 2);

    scene.clock.advance(SUSPICION);
    let mut forgotten = 0;
    for token in &tokens {
        let before = scene.source.fetches();
        assert!(is_unknown_key(&scene.verify(token).await));
        if scene.source.fetches() > before {
            forgotten += 1;
            scene.clock.advance(SUSPICION);
        }
    }
    assert_eq!(forgotten, 6, "1024 were remembered");
}

#[tokio::test]
async fn in_floods_does_not_cost_the_good_ones_anything() {
    let scene = Scene::warm().await;
    scene.clock.advance(SUSPICION);
    scene.source.hold();
    let crowd = scene.crowd((0..2_000).map(|number| scene.session().header("kid", format!("ins_{number}")).signed()));
    settle().await;
    assert_eq!(scene.source.fetches(), 2, "the flood has its fetch");
    assert!(at_once(scene.good()).await.unwrap().is_ok(), "and a good token does not wait for it");
    scene.source.release();
    assert!(crowd.join_all().await.iter().all(is_unknown_key));
    assert!(at_once(scene.good()).await.unwrap().is_ok());
}
