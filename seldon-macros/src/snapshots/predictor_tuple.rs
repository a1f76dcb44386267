pub struct HTTPModel(pub Vec<f32>, Cache, Config);
const _: () = {
    use ::seldon::__private as __seldon;
    /// What the service is.
    #[automatically_derived]
    impl __seldon::Predictor for HTTPModel {
        type Data = __seldon::DefaultCustomPredictRequest;
        type Run = __seldon::Inline;
        const PATH: &'static str = "/predict";
    }
    /// REST: `GET` and `POST /predict`.
    #[automatically_derived]
    impl __seldon::Rest for HTTPModel {
        fn routes(service: __seldon::Service<Self>) -> __seldon::Router {
            __seldon::rest::predict_routes(service)
        }
    }
    /// gRPC: `io.seldon.api.rpc.Seldon/Classify`.
    #[automatically_derived]
    impl __seldon::Grpc for HTTPModel {
        fn classify(
            service: &__seldon::Service<Self>,
            request: __seldon::grpc::Message,
        ) -> impl __seldon::grpc::Answer {
            __seldon::grpc::classify(service, __seldon::grpc::unpack::<Self>(request))
        }
    }
    /// `seldon::run::<HTTPModel>()`.
    #[automatically_derived]
    impl __seldon::Program for HTTPModel {
        async fn mount(self, on: __seldon::Mount<'_>) -> __seldon::Composed {
            on.predictor(self)
        }
    }
    const __0: __seldon::Field<Vec<f32>> = __seldon::stored::<Vec<f32>>("0");
    const __2: __seldon::Field<Config> = __seldon::stored_as_json::<Config>("2");
    /// Model folder: one file per field.
    #[automatically_derived]
    impl __seldon::Artifact for HTTPModel {
        const NAME: &'static str = "http-model";
        fn read(folder: &__seldon::Folder) -> __seldon::Result<Self> {
            __seldon::Ok(Self {
                0: __0.load(folder)?,
                1: __seldon::skipped::<Cache>(),
                2: __2.load(folder)?,
            })
        }
        fn write(&self, draft: &mut __seldon::Draft) -> __seldon::Result<()> {
            __0.save(&self.0, draft)?;
            __2.save(&self.2, draft)?;
            __seldon::Ok(())
        }
    }
};
