//! The checked-in messages are what `proto/seldon.proto` generates.

use std::fs;
use std::path::Path;

use prost::Message;

#[test]
fn generated_messages_are_current() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let proto = root.join("../proto/seldon.proto");
    let files = protox::compile([&proto], [proto.parent().expect("has a folder")])
        .expect("seldon.proto compiles");
    let descriptors = files.encode_to_vec();
    let out = tempfile::tempdir().expect("a temporary folder");
    prost_build::Config::new()
        .extern_path(".google.protobuf.Any", "crate::any::Any")
        .message_attribute(
            ".io.seldon.api.rpc.DefaultCustomPredictRequest",
            "#[derive(serde::Serialize, serde::Deserialize)]\n#[serde(deny_unknown_fields)]",
        )
        .out_dir(out.path())
        .compile_fds(files)
        .expect("the messages are generated");
    let fresh = fs::read_to_string(out.path().join("io.seldon.api.rpc.rs")).expect("generated");

    current(&root.join("src/proto/seldon.rs"), fresh.as_bytes());
    current(&root.join("src/proto/seldon.fds"), &descriptors);
}

/// Compares what is checked in with what is generated, or writes it anew.
fn current(checked_in: &Path, fresh: &[u8]) {
    if std::env::var_os("SELDON_BLESS").is_some() {
        fs::write(checked_in, fresh).expect("it is written");
    }
    let current = fs::read(checked_in).unwrap_or_default();
    assert!(
        current == fresh,
        "{} is stale: run again with SELDON_BLESS=1",
        checked_in.display()
    );
}
