//! `iris` serves the model; `iris train` makes it.

use iris::{Iris, train};
use seldon::prelude::*;

fn main() -> seldon::ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("train") => seldon::block_on(async { train_and_save() }),
        _ => seldon::run::<Iris>(),
    }
}

fn train_and_save() -> Result<()> {
    let (samples, held_out) = train::split(train::flowers()?);
    let iris = train::fit(&samples);
    let accuracy = train::accuracy(&iris, &held_out);
    println!(
        "trained on {} flowers, accuracy on {} others: {accuracy:.3}",
        samples.len(),
        held_out.len()
    );
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/model");
    iris.save(folder)?;
    println!("saved in {folder}");
    Ok(())
}
