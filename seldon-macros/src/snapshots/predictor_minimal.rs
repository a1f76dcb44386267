struct Mean {}
const _: () = {
    use ::seldon::__private as __seldon;
    /// What the service is.
    #[automatically_derived]
    impl __seldon::Predictor for Mean {
        type Data = __seldon::DefaultCustomPredictRequest;
        type Run = __seldon::Inline;
        const PATH: &'static str = "/predict";
    }
    /// REST: `GET` and `POST /predict`.
    #[automatically_derived]
    impl __seldon::Rest for Mean {
        fn routes(service: __seldon::Service<Self>) -> __seldon::Router {
            __seldon::rest::predict_routes(service)
        }
    }
    /// gRPC: `io.seldon.api.rpc.Seldon/Classify`.
    #[automatically_derived]
    impl __seldon::Grpc for Mean {
        fn classify(
            service: &__seldon::Service<Self>,
            request: __seldon::grpc::Message,
        ) -> impl __seldon::grpc::Answer {
            __seldon::grpc::classify(service, __seldon::grpc::unpack::<Self>(request))
        }
    }
    /// `seldon::run::<Mean>()`.
    #[automatically_derived]
    impl __seldon::Program for Mean {
        async fn mount(self, on: __seldon::Mount<'_>) -> __seldon::Composed {
            on.predictor(self)
        }
    }
    /// Model folder: one file per field.
    #[automatically_derived]
    impl __seldon::Artifact for Mean {
        const NAME: &'static str = "mean";
        fn read(_: &__seldon::Folder) -> __seldon::Result<Self> {
            __seldon::Ok(Self {})
        }
        fn write(&self, _: &mut __seldon::Draft) -> __seldon::Result<()> {
            __seldon::Ok(())
        }
    }
};
