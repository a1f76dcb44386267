pub struct MostPopular {
    counts: Vec<(i64, u64)>,
}
const _: () = {
    use ::seldon::__private as __seldon;
    /// What the service is.
    #[automatically_derived]
    impl __seldon::Recommender for MostPopular {
        type Source = __seldon::AllItems;
        type Run = __seldon::Inline;
        const PATH: &'static str = "/recommend";
    }
    /// REST: `GET` and `POST /recommend`.
    #[automatically_derived]
    impl __seldon::Rest<__seldon::AllItems> for MostPopular {
        fn routes(
            service: __seldon::Service<Self, __seldon::AllItems>,
        ) -> __seldon::Router {
            __seldon::rest::recommend_routes(service)
        }
    }
    /// `seldon::run::<MostPopular>()`.
    #[automatically_derived]
    impl __seldon::Program for MostPopular {
        async fn mount(self, on: __seldon::Mount<'_>) -> __seldon::Composed {
            on.recommender(self).await
        }
    }
    const __counts: __seldon::Field<Vec<(i64, u64)>> = __seldon::stored::<
        Vec<(i64, u64)>,
    >("counts");
    /// Model folder: one file per field.
    #[automatically_derived]
    impl __seldon::Artifact for MostPopular {
        const NAME: &'static str = "most-popular";
        fn read(folder: &__seldon::Folder) -> __seldon::Result<Self> {
            __seldon::Ok(Self {
                counts: __counts.load(folder)?,
            })
        }
        fn write(&self, draft: &mut __seldon::Draft) -> __seldon::Result<()> {
            __counts.save(&self.counts, draft)?;
            __seldon::Ok(())
        }
    }
};
