//! Items that read alike.

use std::collections::{BTreeMap, HashMap};

use seldon_runtime::{Candidates, Error, Query, Recommend, Recommendation, Result};
use serde::{Deserialize, Serialize};

use crate::interactions::Interactions;
use crate::popular::MostPopular;
use crate::progress;
use crate::seen::Seen;
use crate::sparse::Sparse;
use crate::top::Top;

/// How [`DocSimilarity`] is fitted.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DocSimilarityParameters {
    /// Words in fewer documents do not count, at least 1; 2 by default: a word of one document makes
    /// no two alike.
    pub least_documents: usize,
    /// Words in a greater share of the documents do not count, above 0 up to 1; 0.5 by default: they
    /// tell nothing apart, and cost the most to look up.
    pub most_share: f64,
}

impl Default for DocSimilarityParameters {
    fn default() -> Self {
        Self {
            least_documents: 2,
            most_share: 0.5,
        }
    }
}

/// Recommends the items whose texts are most like those of what the user touched: TF-IDF and cosine
/// over an inverted index.
///
/// A text's words are its runs of letters and digits, at least two characters long, in lower case. A
/// word's weight in a text is the number of times it is there × `ln((1 + n) / (1 + n_word)) + 1`, of
/// `n` texts (scikit-learn's smoothed inverse document frequency), and each text's weights are
/// brought to length 1. The texts that the user touched are added up and brought to length 1 too, so that
/// scores are cosines, in 0..1: the attribute's argument is `scores = unit`, or `scores = best`
/// where the most popular may be the answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct DocSimilarity {
    popular: MostPopular,
    /// A row for each item, with the weight of each of its words; each row of length 1.
    documents: Sparse,
    /// The same by word: the inverted index.
    #[serde(skip)]
    by_word: Sparse,
}

#[derive(Deserialize)]
struct Unchecked {
    popular: MostPopular,
    documents: Sparse,
}

impl DocSimilarity {
    /// Weighs the words of `documents`, texts by item. Where an item has several, they are one.
    ///
    /// `interactions` say which items are popular, for users of whom nothing is known; without them
    /// those get the first items by id.
    ///
    /// # Errors
    ///
    /// If there is no document, a parameter is out of its range, or there are more than 2³² − 1
    /// different words in all documents together.
    pub fn fit(
        documents: impl IntoIterator<Item = (i64, impl AsRef<str>)>,
        interactions: Option<&Interactions>,
        parameters: &DocSimilarityParameters,
    ) -> Result<Self> {
        let &DocSimilarityParameters {
            least_documents,
            most_share,
        } = parameters;
        if least_documents == 0 {
            return Err(Error::setup("`least_documents` must be at least 1, got 0"));
        }
        if !(most_share > 0.0 && most_share <= 1.0) {
            return Err(Error::setup(format!(
                "`most_share` must be above 0 and at most 1, got {most_share}"
            )));
        }
        let documents = documents.into_iter();
        let bar = progress::bar(documents.size_hint().0, "documents");
        let mut places: HashMap<String, u32> = HashMap::new();
        // By item and by word in order, so that the model is the same every time.
        let mut counts: BTreeMap<i64, BTreeMap<u32, u32>> = BTreeMap::new();
        for (item, text) in documents {
            let words_of_item = counts.entry(item).or_default();
            for word in words(text.as_ref()) {
                let next = places.len() as u32;
                let place = *places.entry(word).or_insert(next);
                *words_of_item.entry(place).or_default() += 1;
            }
            bar.inc(1);
        }
        bar.finish_and_clear();
        if counts.is_empty() {
            return Err(Error::setup("there are no documents to learn from"));
        }
        let mut documents_with = vec![0usize; places.len()];
        for &word in counts.values().flat_map(BTreeMap::keys) {
            documents_with[word as usize] += 1;
        }
        let total = counts.len();
        let most = most_share * total as f64;
        let counts_for = |of: usize| of >= least_documents && of as f64 <= most;
        let idf = |of: usize| ((1 + total) as f64 / (1 + of) as f64).ln() + 1.0;
        let rows = counts.values().map(|words_of_item| {
            let weights = words_of_item.iter().filter_map(|(&word, &count)| {
                let of = documents_with[word as usize];
                counts_for(of).then(|| (word, f64::from(count) * idf(of)))
            });
            let weights: Vec<_> = weights.collect();
            let length = weights.iter().map(|(_, w)| w * w).sum::<f64>().sqrt();
            let row = weights.into_iter();
            row.map(move |(word, weight)| (word, (weight / length) as f32))
        });
        let sparse = Sparse::from_rows(places.len() as u32, rows).map_err(Error::setup)?;
        let fitted = interactions.map(MostPopular::fit);
        let users = |item| fitted.as_ref().map_or(0, |popular| popular.users(item));
        let popular = MostPopular::from_counts(counts.keys().map(|&item| (item, users(item))))
            .expect("the keys of an ordered map ascend");
        Self::try_from(Unchecked {
            popular,
            documents: sparse,
        })
        .map_err(Error::setup)
    }

    /// The cosines of all documents that share a word with the sum of `rows`, with those documents.
    fn cosines(&self, rows: &[u32]) -> (Vec<f32>, Vec<u32>) {
        let mut query: BTreeMap<u32, f64> = BTreeMap::new();
        for &row in rows {
            for (word, weight) in self.documents.row(row) {
                *query.entry(word).or_default() += f64::from(weight);
            }
        }
        let length = query.values().map(|w| w * w).sum::<f64>().sqrt();
        let mut cosines = vec![0.0f32; self.documents.rows()];
        let mut touched = Vec::new();
        for (word, weight) in query {
            let weight = (weight / length) as f32;
            for (document, of_document) in self.by_word.row(word) {
                let cosine = &mut cosines[document as usize];
                let more = weight * of_document;
                if *cosine == 0.0 && more > 0.0 {
                    touched.push(document);
                }
                *cosine += more;
            }
        }
        (cosines, touched)
    }
}

impl Recommend for DocSimilarity {
    fn recommend(&self, query: &Query<'_>, candidates: &Candidates) -> Result<Vec<Recommendation>> {
        let index = self.popular.index();
        let seen = Seen::new(query, index);
        let (cosines, touched) = self.cosines(seen.recent());
        let mut top = Top::new(query.limit, touched.len());
        for row in touched {
            // At most 1, rounding aside.
            top.offer(row, cosines[row as usize].min(1.0), |row| {
                seen.admits(row) && candidates.contains(index.ids()[row as usize])
            });
        }
        let found = top.into_recommendations(index);
        if found.is_empty() {
            return self.popular.recommend(query, candidates);
        }
        Ok(found)
    }
}

impl TryFrom<Unchecked> for DocSimilarity {
    type Error = String;

    fn try_from(read: Unchecked) -> Result<Self, String> {
        let Unchecked { popular, documents } = read;
        let items = popular.index().ids().len();
        if documents.rows() != items {
            return Err(format!("{items} items have {} documents", documents.rows()));
        }
        let mut weights = documents.values().iter();
        if let Some(wrong) = weights.find(|&&weight| !(0.0..=1.0).contains(&weight)) {
            return Err(format!(
                "the weight of a word is {wrong}, which is not in 0..1"
            ));
        }
        Ok(Self {
            by_word: documents.transposed(),
            popular,
            documents,
        })
    }
}

/// The words of `text`, in lower case.
fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.chars().nth(1).is_some())
        .map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_runs_of_letters_and_digits() {
        let found: Vec<String> = words("Straße, a 3D-Modell: x86_64 Ünï").collect();
        assert_eq!(found, ["straße", "3d", "modell", "x86", "64", "ünï"]);
    }
}
