//! Serves iris, mean and a greeting at 127.0.0.1:5000.

use std::path::Path;

fn main() -> seldon::ExitCode {
    let examples = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    seldon::block_on(async {
        let bound = composed::server(examples)?.bind("127.0.0.1:5000").await?;
        println!("listening on http://{}", bound.local_addr());
        bound.serve().await
    })
}
