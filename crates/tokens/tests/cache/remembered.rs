//! A token that was found good is asked again only what may have changed.

use tokens::RememberingVerifier;

use super::*;

/// The scene's verifier, which now remembers.
fn remembering(scene: &Scene) -> RememberingVerifier {
    RememberingVerifier::new(scene.verifier.clone())
}

#[tokio::test]
async fn is_who_it_was() {
    let scene = Scene::warm().await;
    let verifier = remembering(&scene);
    let token = scene.session().signed();
    let first = verifier.verify(&token).await.unwrap();
    let second = verifier.verify(&token).await.unwrap();
    assert!(Arc::ptr_eq(&first, &second));
    let another = scene.session().claim("sid", "sess_another").signed();
    assert!(!Arc::ptr_eq(&first, &verifier.verify(&another).await.unwrap()));
}

#[tokio::test]
async fn ends_when_its_time_has_come() {
    let scene = Scene::warm().await;
    let verifier = remembering(&scene);
    let token = scene.session().signed();
    verifier.verify(&token).await.unwrap();
    scene.clock.advance(MINUTE);
    // Within what two clocks may be apart.
    verifier.verify(&token).await.unwrap();
    scene.clock.advance(SUSPICION);
    let refusal = verifier.verify(&token).await.unwrap_err();
    assert!(matches!(refusal, Refusal::Expired { .. }), "{refusal}");
}

#[tokio::test]
async fn is_verified_anew_under_other_keys() {
    let scene = Scene::warm().await;
    let verifier = remembering(&scene);
    let token = scene.session().claim("exp", NOW + 1_000_000).signed();
    let first = verifier.verify(&token).await.unwrap();
    // The same key in another set, and then another key under the same id.
    scene.source.answer(key_set([("ins_new", strangers_key()), (KEY_ID, instance_key())]));
    scene.clock.advance(HOUR);
    verifier.verify(&token).await.unwrap();
    settle().await;
    let second = verifier.verify(&token).await.unwrap();
    assert!(!Arc::ptr_eq(&first, &second), "it was verified under the new set");
    scene.source.answer(key_set([(KEY_ID, strangers_key())]));
    scene.clock.advance(HOUR);
    verifier.verify(&token).await.unwrap();
    settle().await;
    assert!(is_forged(&verifier.verify(&token).await.map(drop)), "whose key is gone is nobody");
}

#[tokio::test]
async fn is_nothing_while_the_keys_are_too_old_to_decide_with() {
    let scene = Scene::warm().await;
    let verifier = remembering(&scene);
    let token = scene.session().claim("exp", NOW + 1_000_000).signed();
    verifier.verify(&token).await.unwrap();
    scene.source.fail();
    scene.clock.advance(72 * HOUR);
    assert!(is_unavailable(&verifier.verify(&token).await.map(drop)));
}

#[tokio::test]
async fn what_was_refused_is_not_remembered() {
    let scene = Scene::warm().await;
    let verifier = remembering(&scene);
    let early = scene.session().claim("nbf", NOW + 30).signed();
    assert!(matches!(verifier.verify(&early).await, Err(Refusal::NotYet { .. })));
    scene.clock.advance(SECOND * 30);
    verifier.verify(&early).await.unwrap();
    let good = scene.session().signed();
    verifier.verify(&good).await.unwrap();
    let forged = scene.session().signed_by(strangers_key());
    for _ in 0..2 {
        assert!(is_forged(&verifier.verify(&forged).await.map(drop)));
    }
}
