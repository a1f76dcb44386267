#[derive(seldon::Payload)]
struct Flower<T> {
    f1: T,
}

fn main() {}
