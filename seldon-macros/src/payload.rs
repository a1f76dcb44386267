//! `#[derive(seldon::Payload)]`.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{Attribute, Data, DeriveInput, Expr, Fields, FieldsNamed, LitStr, Meta, Path};

use crate::args::{Slot, Takes, arguments, crate_path, krate};
use crate::errors::Errors;

pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let mut errors = Errors::new();
    let payload = errors
        .ok(syn::parse2(input))
        .and_then(|input| payload(&input, &mut errors));
    let errors = errors.report();
    quote!(#payload #errors)
}

fn payload(input: &DeriveInput, errors: &mut Errors) -> Option<TokenStream> {
    let args = Args::parse(&input.attrs, errors);
    let fields = named_fields(input, errors)?;
    let name = &input.ident;
    let krate = krate(&args.krate);
    let type_name = args
        .type_name
        .given()
        .map_or_else(|| name.unraw().to_string(), LitStr::value);
    let checks = checks(&input.attrs, fields);
    let descriptors = args
        .descriptors
        .given()
        .map(|set| quote!(const DESCRIPTORS: &'static [u8] = #set;));
    Some(quote! {
        const _: () = {
            use #krate::__private as __seldon;

            #[automatically_derived]
            impl __seldon::Payload for #name {
                const TYPE_NAME: &'static str = #type_name;
                const CHECKS: &'static [__seldon::Check] = &[#(#checks),*];
                #descriptors
            }
        };
    })
}

/// What `#[seldon(…)]` on the message says.
struct Args {
    type_name: Slot<LitStr>,
    descriptors: Slot<Expr>,
    krate: Slot<Path>,
}

impl Args {
    fn parse(attributes: &[Attribute], errors: &mut Errors) -> Self {
        const TAKES: Takes = Takes {
            attribute: "#[seldon(…)]",
            keys: &["type_name", "descriptors", "crate"],
        };
        let mut args = Self {
            type_name: Slot::Absent,
            descriptors: Slot::Absent,
            krate: Slot::Absent,
        };
        for attribute in attributes.iter().filter(|a| a.path().is_ident("seldon")) {
            let Meta::List(list) = &attribute.meta else {
                let what =
                    "say what the message is called: `#[seldon(type_name = \"package.Message\")]`";
                errors.at(attribute.meta.span(), what);
                continue;
            };
            arguments(list.tokens.clone(), errors, |key, input| {
                match key.to_string().as_str() {
                    "type_name" => args.type_name.read(key, input, type_name),
                    "descriptors" => args.descriptors.read(key, input, |input| input.parse()),
                    "crate" => args.krate.read(key, input, crate_path),
                    _ => Err(TAKES.unknown(key)),
                }
            });
        }
        args
    }
}

/// A full name in protobuf: identifiers between dots.
fn type_name(input: syn::parse::ParseStream<'_>) -> syn::Result<LitStr> {
    let name = input.parse::<LitStr>()?;
    let is_identifier = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    if name.value().split('.').all(is_identifier) {
        return Ok(name);
    }
    let what = "a message's full name is identifiers between dots: `package.Message`";
    Err(syn::Error::new(name.span(), what))
}

fn named_fields<'a>(input: &'a DeriveInput, errors: &mut Errors) -> Option<&'a FieldsNamed> {
    let (wrong, what) = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(_) if !input.generics.params.is_empty() => {
                (input.generics.to_token_stream(), "one with parameters")
            }
            Fields::Named(fields) => return Some(fields),
            Fields::Unnamed(_) => (input.ident.to_token_stream(), "a tuple struct"),
            Fields::Unit => (input.ident.to_token_stream(), "a unit struct"),
        },
        Data::Enum(data) => (data.enum_token.to_token_stream(), "an enum"),
        Data::Union(data) => (data.union_token.to_token_stream(), "a union"),
    };
    let what =
        format!("`seldon::Payload` is derived for a struct with named fields, not for {what}");
    errors.push(syn::Error::new_spanned(wrong, what));
    None
}

/// One check for each name that serde knows, in its order; none where that cannot be told, which
/// leaves the caller with serde's own words.
fn checks(container: &[Attribute], fields: &FieldsNamed) -> Vec<TokenStream> {
    // A value of these is not that of the field's type, or has several names.
    const ELSEWHERE: [&str; 7] = [
        "flatten",
        "deserialize_with",
        "with",
        "alias",
        "from",
        "try_from",
        "transparent",
    ];
    let all = container
        .iter()
        .chain(fields.named.iter().flat_map(|f| &f.attrs));
    if ELSEWHERE.iter().any(|word| serde_says(all.clone(), word)) {
        return Vec::new();
    }
    let has_default = serde_says(container, "default");
    let read = |field: &&syn::Field| {
        !serde_says(&field.attrs, "skip") && !serde_says(&field.attrs, "skip_deserializing")
    };
    let check = |field: &syn::Field| {
        let ty = &field.ty;
        // What takes a null may be left out, so this says that it may.
        if has_default || serde_says(&field.attrs, "default") {
            quote!(__seldon::check::<__seldon::Option<#ty>>)
        } else {
            quote!(__seldon::check::<#ty>)
        }
    };
    fields.named.iter().filter(read).map(check).collect()
}

/// Whether a `#[serde(…)]` has the argument `word`. What serde makes of it, serde says.
fn serde_says<'a>(attributes: impl IntoIterator<Item = &'a Attribute>, word: &str) -> bool {
    let mut said = false;
    for attribute in attributes {
        if attribute.path().is_ident("serde") {
            let _ = attribute.parse_nested_meta(|meta| {
                said |= meta.path.is_ident(word);
                if meta.input.peek(syn::token::Paren) {
                    meta.parse_nested_meta(|_| Ok(()))?;
                } else if let Ok(value) = meta.value() {
                    value.parse::<syn::Expr>()?;
                }
                Ok(())
            });
        }
    }
    said
}
