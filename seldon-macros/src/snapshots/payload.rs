const _: () = {
    use ::seldon::__private as __seldon;
    #[automatically_derived]
    impl __seldon::Payload for Flower {
        const TYPE_NAME: &'static str = "iris.v1.Flower";
        const CHECKS: &'static [__seldon::Check] = &[
            __seldon::check::<f32>,
            __seldon::check::<__seldon::Option<Vec<String>>>,
        ];
        const DESCRIPTORS: &'static [u8] = DESCRIPTORS;
    }
};
