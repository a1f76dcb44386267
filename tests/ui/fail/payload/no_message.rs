#[derive(Clone, Default, PartialEq, serde::Serialize, serde::Deserialize, seldon::Payload)]
struct Flower {
    f1: f32,
}

fn main() {}
