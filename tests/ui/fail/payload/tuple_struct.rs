#[derive(Clone, PartialEq, prost::Message, serde::Serialize, serde::Deserialize, seldon::Payload)]
struct Flower(#[prost(float, tag = "1")] f32);

fn main() {}
