//! The same services as `by_hand`'s, by attributes: the default build with every guard on.
//!
//! `services ADDRESS`

use seldon::prelude::*;
use seldon::{AllItems, Limits};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The items that most people like, best first.
#[seldon::recommender]
struct Popular {
    items: Vec<i64>,
}

impl Recommend for Popular {
    fn recommend(&self, query: &Query<'_>, _: &Candidates) -> Result<Vec<Recommendation>> {
        let unseen = (self.items.iter().enumerate()).filter(|(_, item)| {
            !query.recent_interactions.contains(item) && !query.exclusion_items.contains(item)
        });
        Ok(unseen
            .take(query.limit)
            .map(|(rank, item)| Recommendation {
                item: *item,
                score: 1.0 / (rank + 1) as f64,
            })
            .collect())
    }
}

fn main() -> seldon::ExitCode {
    seldon::block_on(serve())
}

async fn serve() -> Result<()> {
    let address = std::env::args().nth(1);
    let address = address.ok_or_else(|| Error::setup("usage: services ADDRESS"))?;
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/iris/model");
    let iris = iris::Iris::load(&Folder::open(folder)?)?;
    let popular = Popular {
        items: (1..=1000).map(|n| n * 31).collect(),
    };
    // Nobody balances here: the runs end at once.
    let mut limits = Limits::default();
    limits.lame_duck = std::time::Duration::ZERO;
    Server::new()
        .limits(limits)
        .mount(iris)
        .recommender(popular, AllItems)
        .serve(address)
        .await
}
