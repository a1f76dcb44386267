//! Which of several services a call was for, where its path does not say.

use std::cell::Cell;
use std::future::Future;

tokio::task_local! {
    static CHOSEN: Cell<Option<String>>;
}

/// Notes that the call at hand is for the service `name`.
pub(crate) fn choose(name: &str) {
    // Outside a call that somebody notes there is nobody to tell.
    let _ = CHOSEN.try_with(|chosen| chosen.set(Some(name.to_owned())));
}

/// Awaits `call`, and gives which service it was for, if that came to be known.
pub(crate) async fn noting<F: Future>(call: F) -> (F::Output, Option<String>) {
    let noted = async {
        let answer = call.await;
        (answer, CHOSEN.with(Cell::take))
    };
    CHOSEN.scope(Cell::new(None), noted).await
}
