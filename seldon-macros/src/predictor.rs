//! `#[seldon::predictor]`.

use proc_macro2::{Literal, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;

use crate::args::PredictorArgs;
use crate::artifact;
use crate::errors::Errors;
use crate::model::{Annotated, Model};

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::new();
    let args = PredictorArgs::parse(args, &mut errors);
    let Annotated { item, model } = Annotated::parse(item, "#[seldon::predictor]", &mut errors);
    let service = model.map(|model| service(&args, &model, &mut errors));
    let errors = errors.report();
    quote!(#item #service #errors)
}

fn service(args: &PredictorArgs, model: &Model, errors: &mut Errors) -> TokenStream {
    let name = &model.name;
    let krate = args.service.krate();
    let path = args.service.path("/predict");
    let data = match args.data.given() {
        // Where the type is no message, the compiler says so here and nowhere else.
        Some(data) => quote_spanned!(data.span()=> type Data = #data;),
        None if args.data_is_known() => quote!(
            type Data = __seldon::DefaultCustomPredictRequest;
        ),
        None => quote!(
            type Data = __seldon::Undecided;
        ),
    };
    let run = args.service.run();
    let classes = (args.classes.given())
        .map(|names| quote!(const CLASSES: &'static [&'static str] = &[#(#names),*];));
    let reply = (args.reply.given())
        .map(|reply| quote!(const REPLY: __seldon::Reply = __seldon::Reply::#reply;));
    let batching = (args.batch.given()).map(|batch| {
        let (rows, wait) = (batch.max_rows, batch.max_wait_micros);
        let (rows, wait) = (Literal::usize_unsuffixed(rows), Literal::u64_unsuffixed(wait));
        quote! {
            const BATCHING: __seldon::Option<__seldon::Batching> =
                __seldon::Some(__seldon::Batching::new(#rows, __seldon::Duration::from_micros(#wait)));
        }
    });
    // Which message `Predict` is to be implemented for is not known, so it is not asked for.
    let undecided = (!args.data_is_known()).then(|| {
        quote! {
            #[automatically_derived]
            impl __seldon::Predict<__seldon::Undecided> for #name {
                fn predict(&self, _: &__seldon::Undecided) -> __seldon::Result<__seldon::Prediction> {
                    __seldon::Ok(__seldon::Prediction::new())
                }
            }
        }
    });
    let about = Some(&model.about)
        .filter(|about| !about.is_empty())
        .map(|about| quote!(const ABOUT: &'static str = #about;));
    let artifact = artifact::expand(model, &args.service.name(name, errors));
    let rest_doc = format!(" REST: `GET` and `POST {path}`.");
    let run_doc = format!(" `seldon::run::<{name}>()`.");
    quote! {
        const _: () = {
            use #krate::__private as __seldon;

            /// What the service is.
            #[automatically_derived]
            impl __seldon::Predictor for #name {
                #data
                type Run = __seldon::#run;
                #classes
                #reply
                #batching
                #about
                const PATH: &'static str = #path;
            }
            #undecided

            #[doc = #rest_doc]
            #[automatically_derived]
            impl __seldon::Rest for #name {
                fn routes(service: __seldon::Service<Self>) -> __seldon::Router {
                    __seldon::rest::predict_routes(service)
                }
            }

            /// gRPC: `io.seldon.api.rpc.Seldon/Classify`.
            #[automatically_derived]
            impl __seldon::Grpc for #name {
                fn classify(
                    service: &__seldon::Service<Self>,
                    request: __seldon::grpc::Message,
                ) -> impl __seldon::grpc::Answer {
                    __seldon::grpc::classify(service, __seldon::grpc::unpack::<Self>(request))
                }
            }

            #[doc = #run_doc]
            #[automatically_derived]
            impl __seldon::Program for #name {
                async fn mount(self, on: __seldon::Mount<'_>) -> __seldon::Composed {
                    on.predictor(self)
                }
            }

            #artifact
        };
    }
}
