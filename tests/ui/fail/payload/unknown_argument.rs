#[derive(Clone, PartialEq, prost::Message, serde::Serialize, serde::Deserialize, seldon::Payload)]
#[seldon(name = "iris.Flower")]
struct Flower {
    #[prost(float, tag = "1")]
    f1: f32,
}

fn main() {}
