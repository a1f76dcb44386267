#[derive(seldon::Payload)]
enum Flower {
    Setosa,
    Virginica,
}

fn main() {}
