#[seldon::recommender]
enum Similar {
    Items(Vec<i64>),
}

fn main() {}
