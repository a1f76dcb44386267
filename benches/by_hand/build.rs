//! Generates the messages and the tonic service, as most programs do.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files = protox::compile(
        ["../../proto/seldon.proto", "../../proto/iris.proto"],
        ["../../proto"],
    )?;
    println!("cargo::rerun-if-changed=../../proto");
    tonic_prost_build::configure()
        .build_client(false)
        .compile_fds(files)?;
    Ok(())
}
