//! A fetch whose runtime goes away under it.

use super::*;

#[test]
fn is_not_waited_for_again() {
    let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
    let scene = Scene::new();
    scene.source.hold();
    let first = runtime();
    assert!(first.block_on(at_once(scene.good())).is_none(), "under way");
    drop(first);
    assert_eq!((scene.source.fetches(), scene.source.given_up()), (0, 0), "its task never got to run");

    let second = runtime();
    second.block_on(async {
        assert!(at_once(scene.good()).await.is_none());
        settle().await;
        assert_eq!(scene.source.fetches(), 1);
    });
    drop(second);
    assert_eq!(scene.source.given_up(), 1);

    scene.source.release();
    runtime().block_on(scene.good()).unwrap();
    assert_eq!(scene.source.fetches(), 2);
}
