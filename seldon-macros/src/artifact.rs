//! The load and save glue: one file of the model folder per field.

use proc_macro2::TokenStream;
use quote::quote;

use crate::model::{Field, Kept, Model};

/// `impl Artifact`, within the block that the whole expansion is in.
pub(crate) fn expand(model: &Model, service_name: &str) -> TokenStream {
    let name = &model.name;
    let stored = || model.fields.iter().filter(|f| f.kept != Kept::Skipped);

    let constants = stored().map(|field| {
        let Field {
            cfgs,
            constant,
            file,
            ty,
            ..
        } = field;
        // Named once more, so that a type that cannot be kept is an error at the field's own.
        let kept = match field.kept {
            Kept::Json => quote!(__seldon::stored_as_json::<#ty>),
            Kept::Stored | Kept::Skipped => quote!(__seldon::stored::<#ty>),
        };
        quote! {
            #(#cfgs)*
            const #constant: __seldon::Field<#ty> = #kept(#file);
        }
    });
    let loads = model.fields.iter().map(|field| {
        let Field {
            cfgs,
            constant,
            member,
            ty,
            ..
        } = field;
        let value = match field.kept {
            Kept::Skipped => quote!(__seldon::skipped::<#ty>()),
            Kept::Stored | Kept::Json => quote!(#constant.load(folder)?),
        };
        quote!(#(#cfgs)* #member: #value)
    });
    let saves = stored().map(|field| {
        let Field {
            cfgs,
            constant,
            member,
            ..
        } = field;
        quote!(#(#cfgs)* #constant.save(&self.#member, draft)?;)
    });

    let any_stored = stored().next().is_some();
    let (folder, draft) = if any_stored {
        (quote!(folder), quote!(draft))
    } else {
        (quote!(_), quote!(_))
    };
    quote! {
        #(#constants)*

        /// Model folder: one file per field.
        #[automatically_derived]
        impl __seldon::Artifact for #name {
            const NAME: &'static str = #service_name;
            fn read(#folder: &__seldon::Folder) -> __seldon::Result<Self> {
                __seldon::Ok(Self { #(#loads,)* })
            }
            fn write(&self, #draft: &mut __seldon::Draft) -> __seldon::Result<()> {
                #(#saves)*
                __seldon::Ok(())
            }
        }
    }
}
