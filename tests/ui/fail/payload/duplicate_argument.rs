#[derive(Clone, PartialEq, prost::Message, serde::Serialize, serde::Deserialize, seldon::Payload)]
#[seldon(type_name = "iris.Flower", type_name = "iris.v1.Flower")]
struct Flower {
    #[prost(float, tag = "1")]
    f1: f32,
}

fn main() {}
