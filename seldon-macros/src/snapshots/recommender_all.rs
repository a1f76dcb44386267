struct Similar {
    vectors: ItemVectors,
    settings: Settings,
    hits: AtomicU64,
}
const _: () = {
    use ::renamed::__private as __seldon;
    /// What the service is.
    #[automatically_derived]
    impl __seldon::Recommender for Similar {
        type Source = seldon::Memcached;
        type Run = __seldon::Blocking;
        const SCORES: __seldon::Scores = __seldon::Scores::MinMax;
        const PATH: &'static str = "/similar";
    }
    /// REST: `GET` and `POST /similar`.
    #[automatically_derived]
    impl __seldon::Rest<seldon::Memcached> for Similar {
        fn routes(
            service: __seldon::Service<Self, seldon::Memcached>,
        ) -> __seldon::Router {
            __seldon::rest::recommend_routes(service)
        }
    }
    /// `seldon::run::<Similar>()`.
    #[automatically_derived]
    impl __seldon::Program for Similar {
        async fn mount(self, on: __seldon::Mount<'_>) -> __seldon::Composed {
            on.recommender(self).await
        }
    }
    const __vectors: __seldon::Field<ItemVectors> = __seldon::stored::<
        ItemVectors,
    >("vectors");
    const __settings: __seldon::Field<Settings> = __seldon::stored_as_json::<
        Settings,
    >("settings");
    /// Model folder: one file per field.
    #[automatically_derived]
    impl __seldon::Artifact for Similar {
        const NAME: &'static str = "similar_items.v2";
        fn read(folder: &__seldon::Folder) -> __seldon::Result<Self> {
            __seldon::Ok(Self {
                vectors: __vectors.load(folder)?,
                settings: __settings.load(folder)?,
                hits: __seldon::skipped::<AtomicU64>(),
            })
        }
        fn write(&self, draft: &mut __seldon::Draft) -> __seldon::Result<()> {
            __vectors.save(&self.vectors, draft)?;
            __settings.save(&self.settings, draft)?;
            __seldon::Ok(())
        }
    }
};
