//! What is done to a row on its way to the model: one step after the other.

use seldon_runtime::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::columns::{Column, Columns};
use crate::steps::{
    Binary, Date, Exclude, FeatureId, Impute, Include, MinMaxScaling, OneHot, StandardScaling,
    Tfidf,
};
use crate::value::Row;

/// Something that is done to each row: one of the ready [`Step`]s, or your own.
///
/// It is prepared once, by the names of the columns, and then applied to rows by their places.
///
/// ```
/// use seldon_pipeline::{Column, Columns, Row, Transform};
/// use seldon_runtime::Result;
///
/// /// The product of two columns, as a third.
/// struct Area {
///     of: [usize; 2],
/// }
///
/// impl Transform for Area {
///     fn prepare(&mut self, columns: &mut Columns) -> Result<()> {
///         self.of = [columns.find("length")?, columns.find("width")?];
///         let more = columns.iter().cloned().chain([Column::number("area")]);
///         columns.replace(more.collect::<Vec<_>>())
///     }
///
///     fn apply(&self, row: &mut Row) -> Result<()> {
///         let sides = self.of.map(|side| row.number(side));
///         row.push(sides[0].zip(sides[1]).map(|(a, b)| (a * b).into()));
///         Ok(())
///     }
/// }
///
/// # fn main() -> Result<()> {
/// let mut columns = Columns::new([Column::number("length"), Column::number("width")])?;
/// let mut area = Area { of: [0, 0] };
/// area.prepare(&mut columns)?;
/// let mut row: Row = [2.0, 3.0].into_iter().collect();
/// area.apply(&mut row)?;
/// assert_eq!(row.number(2), Some(6.0));
/// # Ok(())
/// # }
/// ```
pub trait Transform: Send + Sync {
    /// Takes note of where its columns are, and makes of `columns` those that it leaves.
    ///
    /// # Errors
    ///
    /// If a column that it wants is not there or of another kind, or its parameters do not fit.
    fn prepare(&mut self, columns: &mut Columns) -> Result<()>;

    /// Makes of a row of the columns that it was prepared for one of those that it leaves.
    ///
    /// # Errors
    ///
    /// [`Error::invalid_input`] where the row cannot be taken.
    fn apply(&self, row: &mut Row) -> Result<()>;
}

/// One of the ready steps, as `pipeline.toml` names them by `kind`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Step {
    /// Keeps some columns, in the order in which it names them.
    Include(Include),
    /// Leaves some columns out.
    Exclude(Exclude),
    /// Whether there is a value, or one above a threshold: 1 or 0.
    Binary(Binary),
    /// A value in the place of a missing one: scikit-learn's `SimpleImputer`.
    Impute(Impute),
    /// scikit-learn's `StandardScaler`.
    StandardScaling(StandardScaling),
    /// scikit-learn's `MinMaxScaler`.
    MinMaxScaling(MinMaxScaling),
    /// A column for each category: scikit-learn's `OneHotEncoder`.
    OneHot(OneHot),
    /// The number of a category: scikit-learn's `OrdinalEncoder`.
    FeatureId(FeatureId),
    /// The parts of a date.
    Date(Date),
    /// The weights of a text's terms: scikit-learn's `TfidfVectorizer`.
    Tfidf(Tfidf),
}

impl Step {
    /// Its name in `pipeline.toml`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Include(_) => "include",
            Self::Exclude(_) => "exclude",
            Self::Binary(_) => "binary",
            Self::Impute(_) => "impute",
            Self::StandardScaling(_) => "standard_scaling",
            Self::MinMaxScaling(_) => "min_max_scaling",
            Self::OneHot(_) => "one_hot",
            Self::FeatureId(_) => "feature_id",
            Self::Date(_) => "date",
            Self::Tfidf(_) => "tfidf",
        }
    }

    fn inner_mut(&mut self) -> &mut dyn Transform {
        match self {
            Self::Include(step) => step,
            Self::Exclude(step) => step,
            Self::Binary(step) => step,
            Self::Impute(step) => step,
            Self::StandardScaling(step) => step,
            Self::MinMaxScaling(step) => step,
            Self::OneHot(step) => step,
            Self::FeatureId(step) => step,
            Self::Date(step) => step,
            Self::Tfidf(step) => step,
        }
    }
}

impl Transform for Step {
    fn prepare(&mut self, columns: &mut Columns) -> Result<()> {
        self.inner_mut().prepare(columns)
    }

    fn apply(&self, row: &mut Row) -> Result<()> {
        match self {
            Self::Include(step) => step.apply(row),
            Self::Exclude(step) => step.apply(row),
            Self::Binary(step) => step.apply(row),
            Self::Impute(step) => step.apply(row),
            Self::StandardScaling(step) => step.apply(row),
            Self::MinMaxScaling(step) => step.apply(row),
            Self::OneHot(step) => step.apply(row),
            Self::FeatureId(step) => step.apply(row),
            Self::Date(step) => step.apply(row),
            Self::Tfidf(step) => step.apply(row),
        }
    }
}

/// Steps that are prepared: rows go in with some columns, and come out with others. As a value of
/// serde's it can be the field of a model of your own.
///
/// ```
/// use seldon_pipeline::steps::{Include, OneHot, StandardScaling};
/// use seldon_pipeline::{Column, Step, Steps};
///
/// # fn main() -> seldon_runtime::Result<()> {
/// let steps = Steps::new(
///     [Column::number("length"), Column::text("colour")],
///     [
///         Step::StandardScaling(StandardScaling::new(["length"], [10.0], [2.0])),
///         Step::OneHot(OneHot::new(["colour"], [["blue", "red"]])),
///     ],
/// )?;
/// let row = steps.apply([Some(14.0.into()), Some("red".into())].into_iter().collect())?;
/// assert_eq!(row, [2.0, 0.0, 1.0].into_iter().collect());
/// let names: Vec<_> = steps.columns().iter().map(|column| &*column.name).collect();
/// assert_eq!(names, ["length", "colour_blue", "colour_red"]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(try_from = "Unprepared", into = "Unprepared")]
pub struct Steps {
    from: Vec<Column>,
    steps: Vec<Step>,
    to: Columns,
}

/// Steps as they are kept.
#[derive(Serialize, Deserialize)]
struct Unprepared {
    columns: Vec<(String, crate::columns::Kind)>,
    steps: Vec<Step>,
}

impl Steps {
    /// The most that there may be.
    pub const MOST: usize = 256;

    /// Prepares `steps` for rows of `columns`.
    ///
    /// # Errors
    ///
    /// If a step does not fit the columns that come to it, with its number; if there are over
    /// [`MOST`](Self::MOST).
    pub fn new(
        columns: impl IntoIterator<Item = Column>,
        steps: impl IntoIterator<Item = Step>,
    ) -> Result<Self> {
        let from: Vec<Column> = columns.into_iter().collect();
        let mut steps: Vec<Step> = steps.into_iter().collect();
        if steps.len() > Self::MOST {
            let (count, most) = (steps.len(), Self::MOST);
            return Err(Error::setup(format!(
                "there are {count} steps, and {most} are the most"
            )));
        }
        let mut to = Columns::new(from.iter().cloned())?;
        for (n, step) in steps.iter_mut().enumerate() {
            let kind = step.kind();
            step.prepare(&mut to)
                .map_err(|e| Error::setup(format!("step {} (`{kind}`): {e}", n + 1)))?;
        }
        Ok(Self { from, steps, to })
    }

    /// The columns that rows come out with.
    pub fn columns(&self) -> &Columns {
        &self.to
    }

    /// The steps.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Takes a row through all of them.
    ///
    /// # Errors
    ///
    /// Those of the steps, and if the row has not the columns that they were prepared for.
    pub fn apply(&self, mut row: Row) -> Result<Row> {
        if row.len() != self.from.len() {
            return Err(Error::invalid_input(format!(
                "the row has {} values, and {} are taken",
                row.len(),
                self.from.len()
            )));
        }
        for step in &self.steps {
            step.apply(&mut row)?;
        }
        Ok(row)
    }
}

impl TryFrom<Unprepared> for Steps {
    type Error = Error;

    fn try_from(kept: Unprepared) -> Result<Self> {
        let columns = kept.columns.into_iter();
        Self::new(
            columns.map(|(name, kind)| Column { name, kind }),
            kept.steps,
        )
    }
}

impl From<Steps> for Unprepared {
    fn from(steps: Steps) -> Self {
        let columns = steps.from.into_iter().map(|c| (c.name, c.kind));
        Self {
            columns: columns.collect(),
            steps: steps.steps,
        }
    }
}
