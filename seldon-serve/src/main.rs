//! `seldon-serve` serves a model file over REST and gRPC, without code: `seldon-serve --model
//! s3://bucket/iris --model-name iris`. It also says what a folder holds, and whether it answers as
//! it should.
//!
//! # Exit codes
//!
//! | code | when |
//! |---|---|
//! | 0 | the process was told to end, and has; a command has done what it was told, and `check` found no difference above the tolerance |
//! | 1 | no model, a damaged one, a port that is taken; rows that cannot be scored; a difference above the tolerance |
//! | 2 | a flag, an environment variable or the configuration file is wrong |

mod check;
mod commands;
mod inspect;

use std::io::{self, Write};

use seldon::ExitCode;

fn main() -> ExitCode {
    let first = std::env::args().nth(1);
    match first.as_deref() {
        Some("inspect" | "check" | "proto" | "help" | "-V" | "--version") => commands::run(),
        Some("-h" | "--help") => {
            let _ = writeln!(io::stdout(), "{}", commands::LISTED);
            seldon::run_pipeline()
        }
        _ => seldon::run_pipeline(),
    }
}
