//! Compiles the features' message.

fn main() -> Result<(), seldon_build::Error> {
    seldon_build::compile(["../../proto/iris.proto"])
}
