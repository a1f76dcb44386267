//! The struct under an attribute: what it is called, and its fields.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{Attribute, Data, DeriveInput, Fields, Item, Meta, Token, Type};

use crate::args::{Takes, arguments, duplicate};
use crate::errors::Errors;

/// An item under an attribute.
pub(crate) struct Annotated {
    /// The item, less what only the attribute understands: it is always given back.
    pub(crate) item: TokenStream,
    /// `None` where the item cannot be a model, which has been said.
    pub(crate) model: Option<Model>,
}

/// A struct whose fields are a model.
pub(crate) struct Model {
    pub(crate) name: Ident,
    /// The first paragraph of its documentation; empty where there is none.
    pub(crate) about: String,
    pub(crate) fields: Vec<Field>,
}

/// One field of a model.
pub(crate) struct Field {
    /// The `#[cfg]`s that decide whether it is there.
    pub(crate) cfgs: Vec<Attribute>,
    /// What follows the dot: a name, or a number.
    pub(crate) member: TokenStream,
    /// The constant that says how it is kept: in the field's own case, because two fields may
    /// differ in nothing else, and with the attribute's span, so that no lint minds.
    pub(crate) constant: Ident,
    /// The name of the file that keeps it.
    pub(crate) file: String,
    pub(crate) ty: TokenStream,
    pub(crate) kept: Kept,
}

/// How a field is kept in the model folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// As its type says: MessagePack, if that is serde's.
    Stored,
    /// As JSON.
    Json,
    /// Not at all: filled from `Default`.
    Skipped,
}

impl Annotated {
    /// Reads the item under `attribute`, `#[seldon::predictor]` for example.
    pub(crate) fn parse(tokens: TokenStream, attribute: &str, errors: &mut Errors) -> Self {
        match syn::parse2::<DeriveInput>(tokens.clone()) {
            Ok(mut input) => {
                let model = model(&input, attribute, errors);
                strip(&mut input.data);
                Self {
                    item: input.into_token_stream(),
                    model,
                }
            }
            Err(_) => {
                errors.ok(no_type(tokens.clone(), attribute));
                Self {
                    item: tokens,
                    model: None,
                }
            }
        }
    }
}

fn model(input: &DeriveInput, attribute: &str, errors: &mut Errors) -> Option<Model> {
    let name = &input.ident;
    let data = match &input.data {
        Data::Struct(data) => data,
        Data::Enum(data) => {
            errors.push(wrong_item(data.enum_token.span(), attribute, "an enum"));
            return None;
        }
        Data::Union(data) => {
            errors.push(wrong_item(data.union_token.span(), attribute, "a union"));
            return None;
        }
    };
    if matches!(data.fields, Fields::Unit) {
        let what = format!(
            "a unit struct has no state to load: give `{name}` a field, or write `struct {name} {{}}`"
        );
        errors.at(name.span(), what);
    }
    let fields = (data.fields.iter().enumerate())
        .map(|(index, field)| self::field(name, index, field, errors))
        .collect();
    if !input.generics.params.is_empty() {
        let what = format!(
            "`{attribute}` needs a concrete type: a service is loaded by name, so nothing would \
             choose these parameters"
        );
        errors.push(syn::Error::new_spanned(&input.generics, what));
        return None;
    }
    Some(Model {
        name: name.clone(),
        about: first_paragraph(&input.attrs),
        fields,
    })
}

/// The first paragraph of what `#[doc]` says, on one line.
fn first_paragraph(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| {
        let Meta::NameValue(doc) = &attribute.meta else {
            return None;
        };
        match &doc.value {
            syn::Expr::Lit(text) if doc.path.is_ident("doc") => match &text.lit {
                syn::Lit::Str(text) => Some(text.value()),
                _ => None,
            },
            _ => None,
        }
    });
    // A block comment is one text of many lines.
    let text = lines.collect::<Vec<_>>().join("\n");
    let paragraph = (text.lines().map(str::trim))
        .skip_while(|line| line.is_empty())
        .take_while(|line| !line.is_empty());
    paragraph.collect::<Vec<_>>().join(" ")
}

fn field(model: &Ident, index: usize, field: &syn::Field, errors: &mut Errors) -> Field {
    let (member, file) = match &field.ident {
        Some(name) => (name.to_token_stream(), name.unraw().to_string()),
        None => (
            syn::Index::from(index).into_token_stream(),
            index.to_string(),
        ),
    };
    let is_cfg = |attr: &&Attribute| attr.path().is_ident("cfg");
    Field {
        cfgs: field.attrs.iter().filter(is_cfg).cloned().collect(),
        member,
        constant: Ident::new(&format!("__{file}"), Span::call_site()),
        file,
        ty: without_self(&field.ty, model),
        kept: kept(&field.attrs, errors),
    }
}

/// Reads a field's `#[seldon(…)]`.
fn kept(attributes: &[Attribute], errors: &mut Errors) -> Kept {
    const TAKES: Takes = Takes {
        attribute: "#[seldon(…)]",
        keys: &["skip", "json"],
    };
    let mut kept = Kept::Stored;
    for attribute in attributes.iter().filter(|a| is_ours(a)) {
        let Meta::List(list) = &attribute.meta else {
            let what = "say how the field is kept: `#[seldon(skip)]` or `#[seldon(json)]`";
            errors.push(syn::Error::new_spanned(&attribute.meta, what));
            continue;
        };
        arguments(list.tokens.clone(), errors, |key, input| {
            let asked = match key.to_string().as_str() {
                "skip" => Kept::Skipped,
                "json" => Kept::Json,
                _ => return Err(TAKES.unknown(key)),
            };
            if input.peek(Token![=]) {
                let what = format!("argument `{key}` takes no value");
                return Err(syn::Error::new(key.span(), what));
            }
            if kept == asked {
                return Err(duplicate(key));
            }
            if kept != Kept::Stored {
                let what = "a field that is skipped is not stored, so not as JSON either: choose \
                            `skip` or `json`";
                return Err(syn::Error::new(key.span(), what));
            }
            kept = asked;
            Ok(())
        });
    }
    kept
}

fn is_ours(attribute: &Attribute) -> bool {
    attribute.path().is_ident("seldon")
}

/// Takes out the attributes that the compiler would not know.
fn strip(data: &mut Data) {
    let strip = |field: &mut syn::Field| field.attrs.retain(|a| !is_ours(a));
    match data {
        Data::Struct(data) => data.fields.iter_mut().for_each(strip),
        Data::Union(data) => data.fields.named.iter_mut().for_each(strip),
        Data::Enum(data) => {
            let fields = data.variants.iter_mut().flat_map(|v| v.fields.iter_mut());
            fields.for_each(strip);
        }
    }
}

/// A field's type with the model named where it says `Self`, which means something else where
/// the type is repeated.
fn without_self(ty: &Type, model: &Ident) -> TokenStream {
    fn walk(tokens: TokenStream, model: &Ident) -> TokenStream {
        let named = |token| match token {
            TokenTree::Ident(name) if name == "Self" => {
                let mut model = model.clone();
                model.set_span(name.span());
                TokenTree::Ident(model)
            }
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), walk(group.stream(), model));
                inner.set_span(group.span());
                TokenTree::Group(inner)
            }
            token => token,
        };
        tokens.into_iter().map(named).collect()
    }
    walk(quote!(#ty), model)
}

/// Says what an item that is no type is.
fn no_type(tokens: TokenStream, attribute: &str) -> syn::Result<()> {
    let item = syn::parse2::<Item>(tokens)?;
    let (span, what) = match &item {
        Item::Fn(item) => (item.sig.fn_token.span(), "a function"),
        Item::Impl(item) => (item.impl_token.span(), "an `impl`"),
        Item::Trait(item) => (item.trait_token.span(), "a trait"),
        Item::Mod(item) => (item.mod_token.span(), "a module"),
        Item::Type(item) => (item.type_token.span(), "an alias"),
        _ => (Span::call_site(), "this"),
    };
    Err(wrong_item(span, attribute, what))
}

fn wrong_item(span: Span, attribute: &str, what: &str) -> syn::Error {
    let what = format!("`{attribute}` goes on a struct, not on {what}");
    syn::Error::new(span, what)
}
