//! The issuer is away, or answers something that is no key set.

use super::*;

#[tokio::test]
async fn leaves_the_last_good_keys_for_three_days() {
    let scene = Scene::warm().await;
    scene.source.fail();
    scene.clock.advance(24 * HOUR);
    scene.good().await.unwrap();
    settle().await;
    assert_eq!(scene.source.fetches(), 2);
    let (age, failure) = scene.verifier.keys().health().unwrap();
    assert_eq!(age, 24 * HOUR);
    assert!(failure.unwrap().ends_with("connection refused"));

    scene.clock.advance(48 * HOUR - SECOND);
    scene.good().await.unwrap();
    scene.clock.advance(SECOND);
    assert!(is_unavailable(&scene.good().await), "keys of three days ago may have been withdrawn");
}

#[tokio::test]
async fn is_not_made_worse_by_asking_all_the_time() {
    let scene = Scene::warm().await;
    scene.source.fail();
    scene.clock.advance(HOUR);
    for _ in 0..120 {
        scene.good().await.unwrap();
        settle().await;
        scene.clock.advance(SECOND);
    }
    assert_eq!(scene.source.fetches(), 1 + 4, "every 30 s in 2 minutes");
}

#[tokio::test]
async fn ends_as_soon_as_the_issuer_is_back() {
    let scene = Scene::warm().await;
    scene.source.fail();
    scene.clock.advance(24 * HOUR);
    scene.good().await.unwrap();
    settle().await;
    scene.source.answer(key_set([(KEY_ID, instance_key())]));
    scene.clock.advance(30 * SECOND);
    scene.good().await.unwrap();
    settle().await;
    assert_eq!(scene.verifier.keys().health(), Some((Duration::ZERO, None)));

    scene.source.fail();
    scene.clock.advance(72 * HOUR);
    assert!(is_unavailable(&scene.good().await));
    scene.source.answer(key_set([(KEY_ID, instance_key())]));
    assert!(is_unavailable(&scene.good().await), "asked a moment ago");
    scene.clock.advance(SUSPICION);
    scene.good().await.unwrap();
}

#[tokio::test]
async fn may_look_like_an_answer() {
    let weak = instance_key().jwk(KEY_ID).to_string().replace("AQAB", "AQ");
    let answers = [
        ("junk", "\u{0}\u{1}".to_owned()),
        ("nothing", String::new()),
        ("a page", "<!doctype html><title>Sign in to the Wi-Fi</title>".to_owned()),
        ("an error", r#"{"errors":[{"code":"internal"}]}"#.to_owned()),
        ("no keys", r#"{"keys":[]}"#.to_owned()),
        ("null", "null".to_owned()),
        ("keys of another kind", r#"{"keys":[{"kty":"EC","kid":"ins_2example","crv":"P-256"}]}"#.to_owned()),
        ("a key that anybody can sign for", format!(r#"{{"keys":[{weak}]}}"#)),
    ];
    for (name, answer) in answers {
        let scene = Scene::warm().await;
        scene.source.answer(answer);
        scene.clock.advance(5 * MINUTE);
        scene.good().await.unwrap();
        settle().await;
        assert_eq!(scene.source.fetches(), 2, "{name}");
        let (age, failure) = scene.verifier.keys().health().unwrap();
        assert_eq!(age, 5 * MINUTE, "{name} is not taken for keys");
        assert!(failure.is_some(), "{name}");
        scene.good().await.unwrap();
    }
}
