#[derive(seldon::Payload)]
struct Flower;

fn main() {}
