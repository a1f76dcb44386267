#[derive(Clone, PartialEq, prost::Message, serde::Serialize, serde::Deserialize, seldon::Payload)]
struct Flower {
    #[prost(float, tag = "1")]
    f1: f32,
}

#[seldon::predictor(data = Flower)]
struct Iris {
    bias: f64,
}

fn main() -> seldon::ExitCode {
    seldon::run::<Iris>()
}
