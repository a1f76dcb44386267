//! `mean` serves; `mean save` makes the model folder.

use mean::Mean;
use seldon::prelude::*;

fn main() -> seldon::ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("save") => seldon::block_on(async {
            Mean::new(1.0).save(concat!(env!("CARGO_MANIFEST_DIR"), "/model"))
        }),
        _ => seldon::run::<Mean>(),
    }
}
