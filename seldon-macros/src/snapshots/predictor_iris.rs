/// Tells three irises apart.
pub struct Iris {
    weights: [[f64; 4]; 3],
    bias: [f64; 3],
    hits: AtomicU64,
}
const _: () = {
    use ::seldon::__private as __seldon;
    /// What the service is.
    #[automatically_derived]
    impl __seldon::Predictor for Iris {
        type Data = IrisPredictRequest;
        type Run = __seldon::Inline;
        const CLASSES: &'static [&'static str] = &["setosa", "versicolor", "virginica"];
        const ABOUT: &'static str = "Tells three irises apart.";
        const PATH: &'static str = "/predict";
    }
    /// REST: `GET` and `POST /predict`.
    #[automatically_derived]
    impl __seldon::Rest for Iris {
        fn routes(service: __seldon::Service<Self>) -> __seldon::Router {
            __seldon::rest::predict_routes(service)
        }
    }
    /// gRPC: `io.seldon.api.rpc.Seldon/Classify`.
    #[automatically_derived]
    impl __seldon::Grpc for Iris {
        fn classify(
            service: &__seldon::Service<Self>,
            request: __seldon::grpc::Message,
        ) -> impl __seldon::grpc::Answer {
            __seldon::grpc::classify(service, __seldon::grpc::unpack::<Self>(request))
        }
    }
    /// `seldon::run::<Iris>()`.
    #[automatically_derived]
    impl __seldon::Program for Iris {
        async fn mount(self, on: __seldon::Mount<'_>) -> __seldon::Composed {
            on.predictor(self)
        }
    }
    const __weights: __seldon::Field<[[f64; 4]; 3]> = __seldon::stored::<
        [[f64; 4]; 3],
    >("weights");
    const __bias: __seldon::Field<[f64; 3]> = __seldon::stored::<[f64; 3]>("bias");
    /// Model folder: one file per field.
    #[automatically_derived]
    impl __seldon::Artifact for Iris {
        const NAME: &'static str = "iris";
        fn read(folder: &__seldon::Folder) -> __seldon::Result<Self> {
            __seldon::Ok(Self {
                weights: __weights.load(folder)?,
                bias: __bias.load(folder)?,
                hits: __seldon::skipped::<AtomicU64>(),
            })
        }
        fn write(&self, draft: &mut __seldon::Draft) -> __seldon::Result<()> {
            __weights.save(&self.weights, draft)?;
            __bias.save(&self.bias, draft)?;
            __seldon::Ok(())
        }
    }
};
