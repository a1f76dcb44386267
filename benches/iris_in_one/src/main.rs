//! The iris example's service without its library, which is there for tests and for other programs.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "the example has it for tests and for training"
)]
#[path = "../../../examples/iris/src/model.rs"]
mod model;

seldon::include_proto!("io.seldon.microservice.iris");

fn main() -> seldon::ExitCode {
    seldon::run::<model::Iris>()
}
