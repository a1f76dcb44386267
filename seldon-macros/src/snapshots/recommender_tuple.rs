struct Nearest(Vec<f32>);
const _: () = {
    use ::seldon::__private as __seldon;
    /// What the service is.
    #[automatically_derived]
    impl __seldon::Recommender for Nearest {
        type Source = __seldon::AllItems;
        type Run = __seldon::Inline;
        const PATH: &'static str = "/recommend";
    }
    /// REST: `GET` and `POST /recommend`.
    #[automatically_derived]
    impl __seldon::Rest<__seldon::AllItems> for Nearest {
        fn routes(
            service: __seldon::Service<Self, __seldon::AllItems>,
        ) -> __seldon::Router {
            __seldon::rest::recommend_routes(service)
        }
    }
    /// `seldon::run::<Nearest>()`.
    #[automatically_derived]
    impl __seldon::Program for Nearest {
        async fn mount(self, on: __seldon::Mount<'_>) -> __seldon::Composed {
            on.recommender(self).await
        }
    }
    const __0: __seldon::Field<Vec<f32>> = __seldon::stored::<Vec<f32>>("0");
    /// Model folder: one file per field.
    #[automatically_derived]
    impl __seldon::Artifact for Nearest {
        const NAME: &'static str = "nearest";
        fn read(folder: &__seldon::Folder) -> __seldon::Result<Self> {
            __seldon::Ok(Self { 0: __0.load(folder)? })
        }
        fn write(&self, draft: &mut __seldon::Draft) -> __seldon::Result<()> {
            __0.save(&self.0, draft)?;
            __seldon::Ok(())
        }
    }
};
