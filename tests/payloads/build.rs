//! Compiles messages of every shape.

fn main() -> Result<(), seldon_build::Error> {
    seldon_build::compile(["proto/every.proto"])
}
