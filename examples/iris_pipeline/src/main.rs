//! `iris_pipeline --model examples/iris_pipeline/iris` serves what `python/train.py` made.
//! `seldon-serve` does the same without being built here.

fn main() -> seldon::ExitCode {
    seldon::run_pipeline()
}
