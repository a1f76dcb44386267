#[seldon::recommender]
struct Similar<T>(T);

fn main() {}
