//! Compiles the features' message; no protoc is needed.

fn main() -> Result<(), seldon_build::Error> {
    seldon_build::compile(["../../proto/iris.proto"])
}
