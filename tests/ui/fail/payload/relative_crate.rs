#[derive(Clone, PartialEq, prost::Message, serde::Serialize, serde::Deserialize, seldon::Payload)]
#[seldon(crate = "seldon")]
struct Flower {
    #[prost(float, tag = "1")]
    f1: f32,
}

fn main() {}
