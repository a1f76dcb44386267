#[derive(Clone, PartialEq, prost::Message, serde::Deserialize, seldon::Payload)]
struct Flower {
    #[prost(float, tag = "1")]
    f1: f32,
}

fn main() {}
