#[derive(Debug)]
pub(crate) struct Filter {
    pub words: BTreeMap<String, f64>,
    #[cfg(feature = "trees")]
    trees: Vec<Tree>,
    r#type: Kind,
    parent: Option<Box<Self>>,
}
const _: () = {
    use ::renamed::__private as __seldon;
    /// What the service is.
    #[automatically_derived]
    impl __seldon::Predictor for Filter {
        type Data = crate::proto::Features;
        type Run = __seldon::Blocking;
        const CLASSES: &'static [&'static str] = &["spam", "ham"];
        const REPLY: __seldon::Reply = __seldon::Reply::Classic;
        const BATCHING: __seldon::Option<__seldon::Batching> = __seldon::Some(
            __seldon::Batching::new(32, __seldon::Duration::from_micros(2000)),
        );
        const PATH: &'static str = "/v2/spam";
    }
    /// REST: `GET` and `POST /v2/spam`.
    #[automatically_derived]
    impl __seldon::Rest for Filter {
        fn routes(service: __seldon::Service<Self>) -> __seldon::Router {
            __seldon::rest::predict_routes(service)
        }
    }
    /// gRPC: `io.seldon.api.rpc.Seldon/Classify`.
    #[automatically_derived]
    impl __seldon::Grpc for Filter {
        fn classify(
            service: &__seldon::Service<Self>,
            request: __seldon::grpc::Message,
        ) -> impl __seldon::grpc::Answer {
            __seldon::grpc::classify(service, __seldon::grpc::unpack::<Self>(request))
        }
    }
    /// `seldon::run::<Filter>()`.
    #[automatically_derived]
    impl __seldon::Program for Filter {
        async fn mount(self, on: __seldon::Mount<'_>) -> __seldon::Composed {
            on.predictor(self)
        }
    }
    const __words: __seldon::Field<BTreeMap<String, f64>> = __seldon::stored_as_json::<
        BTreeMap<String, f64>,
    >("words");
    #[cfg(feature = "trees")]
    const __trees: __seldon::Field<Vec<Tree>> = __seldon::stored::<Vec<Tree>>("trees");
    const __type: __seldon::Field<Kind> = __seldon::stored::<Kind>("type");
    /// Model folder: one file per field.
    #[automatically_derived]
    impl __seldon::Artifact for Filter {
        const NAME: &'static str = "spam-filter";
        fn read(folder: &__seldon::Folder) -> __seldon::Result<Self> {
            __seldon::Ok(Self {
                words: __words.load(folder)?,
                #[cfg(feature = "trees")]
                trees: __trees.load(folder)?,
                r#type: __type.load(folder)?,
                parent: __seldon::skipped::<Option<Box<Filter>>>(),
            })
        }
        fn write(&self, draft: &mut __seldon::Draft) -> __seldon::Result<()> {
            __words.save(&self.words, draft)?;
            #[cfg(feature = "trees")] __trees.save(&self.trees, draft)?;
            __type.save(&self.r#type, draft)?;
            __seldon::Ok(())
        }
    }
};
