//! Private structs in modules, and structs within functions, beside names that the expansions
//! could be confused by.
#![deny(warnings)]
#![forbid(unsafe_code, non_upper_case_globals)]
#![allow(non_snake_case)]

mod model {
    use seldon::DefaultCustomPredictRequest;
    use seldon::prelude::*;

    /// As the field and as a constant.
    const N: usize = 3;

    #[seldon::predictor]
    struct Private {
        n: [f64; N],
        N: f64,
        r#type: String,
        folder: u8,
        draft: u8,
        seldon: u8,
        #[cfg(any())]
        absent: Absent,
        #[seldon(skip)]
        parent: Option<Box<Self>>,
        children: Vec<[f32; size_of::<Result<u8>>()]>,
    }

    impl Predict for Private {
        fn predict(&self, _: &DefaultCustomPredictRequest) -> Result<Prediction> {
            let _ = (&self.r#type, &self.parent, &self.children, self.N);
            let _ = (self.folder, self.draft, self.seldon);
            Ok(Prediction::scores(self.n))
        }
    }

    pub(super) fn run() -> seldon::ExitCode {
        seldon::run::<Private>()
    }
}

fn local() -> seldon::ExitCode {
    use seldon::prelude::*;

    struct Ok;
    struct Folder;

    #[seldon::recommender]
    struct Local {
        items: Vec<i64>,
    }

    impl Recommend for Local {
        fn recommend(&self, _: &Query<'_>, _: &Candidates) -> Result<Vec<Recommendation>> {
            let _ = (Ok, Folder, &self.items);
            Result::Ok(Vec::new())
        }
    }

    seldon::run::<Local>()
}

fn main() {
    let _: [fn() -> seldon::ExitCode; 2] = [model::run, local];
}
