use seldon::prelude::*;

struct Flower {
    f1: f32,
}

#[seldon::predictor(data = Flower)]
struct Iris {
    bias: f64,
}

impl Predict<Flower> for Iris {
    fn predict(&self, flower: &Flower) -> Result<Prediction> {
        Ok(Prediction::scores([f64::from(flower.f1) + self.bias]))
    }
}

fn main() -> seldon::ExitCode {
    let iris = Iris { bias: 0.0 };
    let _ = Server::new().mount(iris);
    seldon::run::<Iris>()
}
