#[seldon::predictor]
struct Mean<'a, const N: usize> {
    bias: &'a [f64; N],
}

fn main() {}
