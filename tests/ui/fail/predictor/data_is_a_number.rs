use seldon::prelude::*;

#[seldon::predictor(data = f32)]
struct Iris {
    bias: f64,
}

impl Predict<f32> for Iris {
    fn predict(&self, flower: &f32) -> Result<Prediction> {
        Ok(Prediction::scores([f64::from(*flower) + self.bias]))
    }
}

fn main() -> seldon::ExitCode {
    let iris = Iris { bias: 0.0 };
    let _ = Server::new().mount(iris);
    seldon::run::<Iris>()
}
