//! `#[seldon::recommender]`.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};

use crate::args::RecommenderArgs;
use crate::artifact;
use crate::errors::Errors;
use crate::model::{Annotated, Model};

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::new();
    let args = RecommenderArgs::parse(args, &mut errors);
    let Annotated { item, model } = Annotated::parse(item, "#[seldon::recommender]", &mut errors);
    let service = model.map(|model| service(&args, &model, &mut errors));
    let errors = errors.report();
    quote!(#item #service #errors)
}

fn service(args: &RecommenderArgs, model: &Model, errors: &mut Errors) -> TokenStream {
    let name = &model.name;
    let krate = args.service.krate();
    let path = args.service.path("/recommend");
    let source = match args.candidates.given() {
        Some(source) => source.to_token_stream(),
        None => quote!(__seldon::AllItems),
    };
    let run = args.service.run();
    let scores = (args.scores.given())
        .map(|scores| quote!(const SCORES: __seldon::Scores = __seldon::Scores::#scores;));
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
            impl __seldon::Recommender for #name {
                type Source = #source;
                type Run = __seldon::#run;
                #scores
                #about
                const PATH: &'static str = #path;
            }

            #[doc = #rest_doc]
            #[automatically_derived]
            impl __seldon::Rest<#source> for #name {
                fn routes(service: __seldon::Service<Self, #source>) -> __seldon::Router {
                    __seldon::rest::recommend_routes(service)
                }
            }

            #[doc = #run_doc]
            #[automatically_derived]
            impl __seldon::Program for #name {
                async fn mount(self, on: __seldon::Mount<'_>) -> __seldon::Composed {
                    on.recommender(self).await
                }
            }

            #artifact
        };
    }
}
