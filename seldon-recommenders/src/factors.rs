//! A vector for each item.

use seldon_runtime::{
    Candidates, Error, ItemIndex, Matrix, Query, Recommend, Recommendation, Result,
};
use serde::{Deserialize, Serialize};

use crate::als::{MOST_DIMENSIONS, Solver, beginning};
use crate::dot::dot;
use crate::interactions::Interactions;
use crate::little_endian;
use crate::popular::MostPopular;
use crate::progress;
use crate::seen::Seen;
use crate::top::Top;

/// How [`Factors`] is fitted.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FactorsParameters {
    /// The length of each vector, 1 to 1024; 64 by default. Multiples of 16 are scored at the speed
    /// of memory. Hu, Koren and Volinsky went from 10 to 200, more being better and slower.
    pub dimensions: usize,
    /// How much more certain an interaction of weight 1 makes us than none, above 0; 40 by default,
    /// as Hu, Koren and Volinsky found good on hours of television. Less suits data without noise.
    pub alpha: f32,
    /// Keeps vectors short, above 0; 150 by default, the best of 10 to 1000 on the data of
    /// `examples/similar_items`. The greater `alpha` and the numbers of interactions, the more it
    /// takes: find yours by [`evaluation`](crate::evaluation).
    pub regularisation: f32,
    /// How often users and items take turns, at least 1; 15 by default (the `implicit` package's; the
    /// paper says 10).
    pub iterations: usize,
    /// Where the random beginning comes from; 42 by default.
    pub seed: u64,
    /// Whether the users' vectors are kept, for queries that name a user and no interactions; no by
    /// default: they are often the greater part of the model, and out of date first.
    pub keep_users: bool,
}

impl Default for FactorsParameters {
    fn default() -> Self {
        Self {
            dimensions: 64,
            alpha: 40.0,
            regularisation: 150.0,
            iterations: 15,
            seed: 42,
            keep_users: false,
        }
    }
}

impl FactorsParameters {
    fn check(&self) -> Result<()> {
        let positive = |name: &str, value: f32| {
            if value.is_finite() && value > 0.0 {
                return Ok(());
            }
            Err(Error::setup(format!(
                "`{name}` must be a finite number above 0, got {value}"
            )))
        };
        positive("alpha", self.alpha)?;
        positive("regularisation", self.regularisation)?;
        if !(1..=MOST_DIMENSIONS).contains(&self.dimensions) {
            return Err(Error::setup(format!(
                "`dimensions` must be from 1 to {MOST_DIMENSIONS}, got {}",
                self.dimensions
            )));
        }
        if self.iterations == 0 {
            return Err(Error::setup("`iterations` must be at least 1, got 0"));
        }
        Ok(())
    }
}

/// Recommends by the inner product of a user's vector with the items': implicit matrix factorisation.
///
/// The user's vector is solved from the item looked at and the recent interactions, as in the fit
/// (some 0.1 ms at 64 dimensions), so that users need not be known and what they did a minute ago
/// counts. A query without interactions that are known gets the stored vector of its user, if users
/// were kept; else the most popular.
///
/// A score is about 1 for what fits and about 0 for what does not, but bounded by neither: the
/// attribute's argument is `scores = best`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Factors {
    popular: MostPopular,
    /// A row for each item.
    #[serde(serialize_with = "little_endian::values")]
    items: Matrix,
    users: Option<Users>,
    /// How a user's vector is found. Kept, for it takes longer to make than all else to load.
    solver: Solver,
}

/// The vectors of the users who were there at the fit.
#[derive(Debug, Serialize)]
struct Users {
    #[serde(serialize_with = "little_endian::ids")]
    ids: ItemIndex,
    #[serde(serialize_with = "little_endian::values")]
    vectors: Matrix,
}

#[derive(Deserialize)]
struct Unchecked {
    popular: MostPopular,
    #[serde(with = "little_endian")]
    items: Vec<f32>,
    users: Option<UncheckedUsers>,
    solver: Solver,
}

#[derive(Deserialize)]
struct UncheckedUsers {
    #[serde(with = "little_endian")]
    ids: Vec<i64>,
    #[serde(with = "little_endian")]
    vectors: Vec<f32>,
}

impl Factors {
    /// Fits vectors by implicit alternating least squares, on all cores.
    ///
    /// # Errors
    ///
    /// If a parameter is out of its range, or is so extreme that vectors overflow.
    pub fn fit(interactions: &Interactions, parameters: &FactorsParameters) -> Result<Self> {
        parameters.check()?;
        let &FactorsParameters {
            dimensions,
            alpha,
            regularisation,
            iterations,
            seed,
            keep_users,
        } = parameters;
        let (by_user, by_item) = (interactions.by_user(), interactions.by_item());
        let mut users = vec![0.0; by_user.rows() * dimensions];
        let mut items = beginning(by_item.rows() * dimensions, seed);
        let bar = progress::bar(iterations * (by_user.rows() + by_item.rows()), "factors");
        let against = |vectors: &[f32]| Solver::new(vectors, dimensions, alpha, regularisation);
        for _ in 0..iterations {
            against(&items).solve_all(by_user, &items, &mut users, &bar);
            against(&users).solve_all(by_item, &users, &mut items, &bar);
        }
        bar.finish_and_clear();
        let users = if keep_users {
            // Once more, so that they go with the items as they are.
            against(&items).solve_all(by_user, &items, &mut users, &bar);
            Some(UncheckedUsers {
                ids: interactions.users().to_vec(),
                vectors: users,
            })
        } else {
            None
        };
        Self::try_from(Unchecked {
            popular: MostPopular::fit(interactions),
            solver: against(&items),
            items,
            users,
        })
        .map_err(Error::setup)
    }

    /// The vector of `item`; `None` where it is not known.
    pub fn vector(&self, item: i64) -> Option<&[f32]> {
        let row = self.popular.index().row(item)?;
        Some(self.items.row(row as usize))
    }

    /// The `limit` items whose vectors point most nearly where `item`'s does, with the cosine of
    /// the angle; none where it is not known.
    pub fn similar(&self, item: i64, limit: usize) -> Vec<Recommendation> {
        let index = self.popular.index();
        let Some(row) = index.row(item) else {
            return Vec::new();
        };
        let of = self.items.row(row as usize);
        let length = |vector| dot(vector, vector).sqrt();
        let of_length = length(of);
        let mut top = Top::new(limit, index.ids().len());
        for (other, vector) in (0..).zip(self.items.values().chunks_exact(self.items.columns())) {
            let lengths = of_length * length(vector);
            // A vector of no length points nowhere.
            if lengths > 0.0 {
                top.offer(other, dot(of, vector) / lengths, |other| other != row);
            }
        }
        top.into_recommendations(index)
    }

    /// The vector of the query's user; `None` if nothing is known.
    fn user(&self, query: &Query<'_>, seen: &Seen) -> Option<Vec<f32>> {
        if seen.recent().is_empty() {
            let users = self.users.as_ref()?;
            let row = users.ids.row(query.user_id)?;
            return Some(users.vectors.row(row as usize).to_vec());
        }
        let touched = seen.recent().iter();
        let touched = touched.map(|&row| (self.items.row(row as usize), 1.0));
        let mut vector = vec![0.0; self.items.columns()];
        self.solver
            .solve(touched, &mut self.solver.scratch(), &mut vector);
        Some(vector)
    }
}

impl Recommend for Factors {
    fn recommend(&self, query: &Query<'_>, candidates: &Candidates) -> Result<Vec<Recommendation>> {
        let index = self.popular.index();
        let seen = Seen::new(query, index);
        let Some(user) = self.user(query, &seen) else {
            return self.popular.recommend(query, candidates);
        };
        let mut top = Top::new(query.limit, index.ids().len());
        match candidates.rows(index) {
            Some(rows) => {
                for &row in rows.iter() {
                    let score = dot(&user, self.items.row(row as usize));
                    top.offer(row, score, |row| seen.admits(row));
                }
            }
            None => {
                let vectors = self.items.values().chunks_exact(self.items.columns());
                for (row, vector) in (0..).zip(vectors) {
                    top.offer(row, dot(&user, vector), |row| seen.admits(row));
                }
            }
        }
        Ok(top.into_recommendations(index))
    }
}

impl TryFrom<Unchecked> for Factors {
    type Error = String;

    fn try_from(read: Unchecked) -> Result<Self, String> {
        let Unchecked {
            popular,
            items,
            users,
            solver,
        } = read;
        let matrix = |rows: usize, values| {
            Matrix::new(rows, solver.dimensions(), values).map_err(|error| error.to_string())
        };
        let items = matrix(popular.index().ids().len(), items)?;
        let users = match users {
            Some(UncheckedUsers { ids, vectors }) => Some(Users {
                vectors: matrix(ids.len(), vectors)?,
                ids: ItemIndex::new(ids).ok_or("the ids of the users do not ascend")?,
            }),
            None => None,
        };
        Ok(Self {
            popular,
            items,
            users,
            solver,
        })
    }
}
