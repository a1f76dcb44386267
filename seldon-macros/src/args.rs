//! The arguments of the attributes: what is taken, what is refused, and where that is said.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::spanned::Spanned as _;
use syn::token::Paren;
use syn::{Error, Expr, ExprLit, Ident, Lit, LitStr, Path, Result, Token, Type, parenthesized};

use crate::batch::Batch;
use crate::errors::Errors;

/// An argument that may be given once.
pub(crate) enum Slot<T> {
    Absent,
    /// Given and not understood, which has been said: the default stands in.
    Wrong,
    Given(T),
}

impl<T> Slot<T> {
    pub(crate) fn given(&self) -> Option<&T> {
        match self {
            Self::Given(value) => Some(value),
            Self::Absent | Self::Wrong => None,
        }
    }

    /// Reads `= VALUE` after `key`, which was read.
    pub(crate) fn read(
        &mut self,
        key: &Ident,
        input: ParseStream<'_>,
        value: impl FnOnce(ParseStream<'_>) -> Result<T>,
    ) -> Result<()> {
        if !matches!(self, Self::Absent) {
            return Err(duplicate(key));
        }
        *self = Self::Wrong;
        let equals: Option<Token![=]> = input.parse()?;
        if equals.is_none() || input.is_empty() || input.peek(Token![,]) {
            let what = format!("argument `{key}` needs a value: `{key} = …`");
            return Err(Error::new(key.span(), what));
        }
        *self = Self::Given(value(input)?);
        Ok(())
    }

    /// Reads `(ARGUMENTS)` after `key`, which was read; `usual` shows them.
    pub(crate) fn read_list(
        &mut self,
        key: &Ident,
        input: ParseStream<'_>,
        usual: &str,
        value: impl FnOnce(&Ident, TokenStream) -> Result<T>,
    ) -> Result<()> {
        if !matches!(self, Self::Absent) {
            return Err(duplicate(key));
        }
        *self = Self::Wrong;
        if !input.peek(Paren) {
            let what = format!("argument `{key}` takes a list: `{usual}`");
            return Err(Error::new(key.span(), what));
        }
        let list;
        parenthesized!(list in input);
        *self = Self::Given(value(key, list.parse()?)?);
        Ok(())
    }
}

/// What `#[seldon::predictor(…)]` was given.
pub(crate) struct PredictorArgs {
    pub(crate) data: Slot<Type>,
    pub(crate) classes: Slot<Vec<LitStr>>,
    pub(crate) reply: Slot<Ident>,
    pub(crate) batch: Slot<Batch>,
    pub(crate) service: ServiceArgs,
}

impl PredictorArgs {
    const TAKES: Takes = Takes {
        attribute: "#[seldon::predictor]",
        keys: &[
            "data", "classes", "reply", "batch", "name", "path", "run", "crate",
        ],
    };

    pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut args = Self {
            data: Slot::Absent,
            classes: Slot::Absent,
            reply: Slot::Absent,
            batch: Slot::Absent,
            service: ServiceArgs::new(),
        };
        arguments(tokens, errors, |key, input| {
            match key.to_string().as_str() {
                "data" => args.data.read(key, input, |input| {
                    ty(
                        input,
                        "argument `data` is a type: `data = IrisPredictRequest`",
                    )
                }),
                "classes" => args.classes.read(key, input, classes),
                "reply" => args.reply.read(key, input, |input| {
                    let words = [("documented", "Documented"), ("classic", "Classic")];
                    word(key, input, &words)
                }),
                "batch" => args.batch.read_list(key, input, Batch::USUAL, Batch::parse),
                _ => args.service.read(key, input, &Self::TAKES),
            }
        });
        args
    }

    /// Whether it is known which message the author means: not where `data` was not understood,
    /// or some argument that is none may be a misspelt `data`.
    pub(crate) fn data_is_known(&self) -> bool {
        match self.data {
            Slot::Given(_) => true,
            Slot::Wrong => false,
            Slot::Absent => !self.service.unknown,
        }
    }
}

/// What `#[seldon::recommender(…)]` was given.
pub(crate) struct RecommenderArgs {
    pub(crate) candidates: Slot<Type>,
    pub(crate) scores: Slot<Ident>,
    pub(crate) service: ServiceArgs,
}

impl RecommenderArgs {
    const TAKES: Takes = Takes {
        attribute: "#[seldon::recommender]",
        keys: &["candidates", "scores", "name", "path", "run", "crate"],
    };

    pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut args = Self {
            candidates: Slot::Absent,
            scores: Slot::Absent,
            service: ServiceArgs::new(),
        };
        arguments(tokens, errors, |key, input| {
            match key.to_string().as_str() {
                "candidates" => args.candidates.read(key, input, |input| {
                    ty(
                        input,
                        "argument `candidates` is a type: `candidates = seldon::Memcached`",
                    )
                }),
                "scores" => args.scores.read(key, input, |input| {
                    let words = [
                        ("unit", "Unit"),
                        ("best", "Best"),
                        ("min_max", "MinMax"),
                        ("logistic", "Logistic"),
                    ];
                    word(key, input, &words)
                }),
                _ => args.service.read(key, input, &Self::TAKES),
            }
        });
        args
    }
}

/// The arguments that both attributes take.
pub(crate) struct ServiceArgs {
    name: Slot<LitStr>,
    path: Slot<LitStr>,
    run: Slot<Ident>,
    krate: Slot<Path>,
    /// Whether there was an argument that is none.
    unknown: bool,
}

impl ServiceArgs {
    fn new() -> Self {
        Self {
            name: Slot::Absent,
            path: Slot::Absent,
            run: Slot::Absent,
            krate: Slot::Absent,
            unknown: false,
        }
    }

    fn read(&mut self, key: &Ident, input: ParseStream<'_>, takes: &Takes) -> Result<()> {
        match key.to_string().as_str() {
            "name" => self.name.read(key, input, name),
            "path" => self.path.read(key, input, path),
            "run" => self.run.read(key, input, |input| {
                word(
                    key,
                    input,
                    &[("inline", "Inline"), ("blocking", "Blocking")],
                )
            }),
            "crate" => self.krate.read(key, input, crate_path),
            _ => {
                self.unknown = true;
                Err(takes.unknown(key))
            }
        }
    }

    /// The service's name: `name`, or that of the struct in kebab case.
    pub(crate) fn name(&self, model: &Ident, errors: &mut Errors) -> String {
        match &self.name {
            Slot::Given(name) => name.value(),
            Slot::Wrong => String::new(),
            Slot::Absent => {
                let name = kebab_case(&model.unraw().to_string());
                if !is_name(&name) {
                    let what = format!(
                        "`{model}` makes no name for the service: give it one of ASCII letters, \
                         digits, `-`, `_` and `.` with `name = \"…\"`"
                    );
                    errors.at(model.span(), what);
                }
                name
            }
        }
    }

    /// The path that REST answers at: `path`, or what is usual.
    pub(crate) fn path(&self, usual: &str) -> String {
        self.path
            .given()
            .map_or_else(|| usual.to_owned(), LitStr::value)
    }

    /// Where the model's code runs: the name of the type.
    pub(crate) fn run(&self) -> Ident {
        let inline = || Ident::new("Inline", Span::call_site());
        self.run.given().cloned().unwrap_or_else(inline)
    }

    /// The path of the facade.
    pub(crate) fn krate(&self) -> TokenStream {
        krate(&self.krate)
    }
}

/// The path of the facade: `crate`, or `::seldon`.
pub(crate) fn krate(slot: &Slot<Path>) -> TokenStream {
    match slot.given() {
        Some(path) => path.to_token_stream(),
        None => quote!(::seldon),
    }
}

/// What a place for arguments takes, to say so.
pub(crate) struct Takes {
    pub(crate) attribute: &'static str,
    pub(crate) keys: &'static [&'static str],
}

impl Takes {
    pub(crate) fn unknown(&self, key: &Ident) -> Error {
        let keys: Vec<String> = self.keys.iter().map(|key| format!("`{key}`")).collect();
        let what = format!(
            "unknown argument `{key}`: `{}` takes {}",
            self.attribute,
            keys.join(", ")
        );
        Error::new(key.span(), what)
    }
}

pub(crate) fn duplicate(key: &Ident) -> Error {
    Error::new(key.span(), format!("duplicate argument `{key}`"))
}

/// Reads `tokens` as arguments separated by commas. `read` is called after each key, and what it
/// leaves of a wrong argument is passed over, so that all that is wrong is reported at once.
pub(crate) fn arguments(
    tokens: TokenStream,
    errors: &mut Errors,
    mut read: impl FnMut(&Ident, ParseStream<'_>) -> Result<()>,
) {
    let all = |input: ParseStream<'_>| {
        while !input.is_empty() {
            if let Err(error) = argument(input, &mut read) {
                errors.push(error);
                pass_over(input)?;
            }
        }
        Ok(())
    };
    let read_all: Result<()> = all.parse2(tokens);
    errors.ok(read_all);
}

fn argument(
    input: ParseStream<'_>,
    read: &mut impl FnMut(&Ident, ParseStream<'_>) -> Result<()>,
) -> Result<()> {
    let key = input
        .call(Ident::parse_any)
        .map_err(|error| Error::new(error.span(), "expected an argument, `key = value`"))?;
    read(&key, input)?;
    if !input.is_empty() {
        input.parse::<Token![,]>()?;
    }
    Ok(())
}

/// Passes over what is left of a wrong argument: to the comma before the next one.
fn pass_over(input: ParseStream<'_>) -> Result<()> {
    while !input.is_empty() {
        if input.parse::<Option<Token![,]>>()?.is_none() {
            input.parse::<TokenTree>()?;
        } else if is_argument(&input.fork()) {
            break;
        }
    }
    Ok(())
}

/// Whether an argument begins here, and not the second of a type's parameters.
fn is_argument(ahead: ParseStream<'_>) -> bool {
    ahead.call(Ident::parse_any).is_ok()
        && (ahead.is_empty() || ahead.peek(Token![=]) || ahead.peek(Token![,]) || ahead.peek(Paren))
}

/// One of `words`, as the variant that it stands for.
fn word(key: &Ident, input: ParseStream<'_>, words: &[(&str, &str)]) -> Result<Ident> {
    let given = input.parse::<Option<Ident>>()?;
    let known = |given: &Ident| words.iter().find(|(word, _)| given == word);
    match given.as_ref().and_then(known) {
        Some((_, variant)) => Ok(Ident::new(variant, Span::call_site())),
        None => {
            let span = given.map_or_else(|| input.span(), |given| given.span());
            let words: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
            let what = format!("argument `{key}` is one of {}", words.join(", "));
            Err(Error::new(span, what))
        }
    }
}

fn ty(input: ParseStream<'_>, what: &str) -> Result<Type> {
    input
        .parse()
        .map_err(|error| Error::new(error.span(), what))
}

pub(crate) fn string(input: ParseStream<'_>, what: &str) -> Result<LitStr> {
    input
        .parse()
        .map_err(|error| Error::new(error.span(), what))
}

fn name(input: ParseStream<'_>) -> Result<LitStr> {
    let name = string(input, "argument `name` is a string: `name = \"iris\"`")?;
    if is_name(&name.value()) {
        return Ok(name);
    }
    let what = "a name holds ASCII letters, digits, `-`, `_` and `.`, and at least one of them";
    Err(Error::new(name.span(), what))
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

fn path(input: ParseStream<'_>) -> Result<LitStr> {
    let path = string(input, "argument `path` is a string: `path = \"/predict\"`")?;
    let is_path = |path: &str| {
        path.starts_with('/')
            && path
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"/-_.~".contains(&b))
    };
    if is_path(&path.value()) {
        return Ok(path);
    }
    let what = "a path begins with `/`, and holds letters, digits, `/`, `-`, `_`, `.` and `~`";
    Err(Error::new(path.span(), what))
}

/// The path of the facade, bare or in quotes as serde has it.
pub(crate) fn crate_path(input: ParseStream<'_>) -> Result<Path> {
    let path: Path = if input.peek(LitStr) {
        input.parse::<LitStr>()?.parse()?
    } else {
        input.parse()?
    };
    let is_absolute =
        path.leading_colon.is_some() || path.segments.first().is_some_and(|s| s.ident == "crate");
    if is_absolute {
        return Ok(path);
    }
    let what = "argument `crate` is an absolute path: `crate = ::seldon`";
    Err(Error::new(path.span(), what))
}

/// The names of the classes: at least one, each once.
fn classes(input: ParseStream<'_>) -> Result<Vec<LitStr>> {
    const WHAT: &str = "argument `classes` is a list of strings: `classes = [\"spam\", \"ham\"]`";
    let list = match input.parse()? {
        Expr::Array(list) => list,
        other => return Err(Error::new(other.span(), WHAT)),
    };
    if list.elems.is_empty() {
        let what = "`classes` is empty: name each class, or leave the argument out";
        return Err(Error::new(list.span(), what));
    }
    let mut names: Vec<LitStr> = Vec::new();
    let mut wrong: Option<Error> = None;
    for class in &list.elems {
        let checked = match class {
            Expr::Lit(ExprLit {
                lit: Lit::Str(name),
                ..
            }) => match name.value() {
                value if value.is_empty() => Err("a class needs a name".to_owned()),
                value if names.iter().any(|n| n.value() == value) => {
                    Err(format!("class `{value}` is named twice"))
                }
                _ => Ok(name),
            },
            _ => Err(WHAT.to_owned()),
        };
        match checked {
            Ok(name) => names.push(name.clone()),
            Err(what) => {
                let error = Error::new(class.span(), what);
                match &mut wrong {
                    None => wrong = Some(error),
                    Some(wrong) => wrong.combine(error),
                }
            }
        }
    }
    wrong.map_or(Ok(names), Err)
}

/// `HTTPModel` as `http-model`.
fn kebab_case(camel: &str) -> String {
    let letters: Vec<char> = camel.trim_matches('_').chars().collect();
    let mut kebab = String::new();
    for (n, &letter) in letters.iter().enumerate() {
        let before = n.checked_sub(1).map(|n| letters[n]);
        let after = letters.get(n + 1);
        // At `aB` and `1B`, and at the last capital of `ABc`.
        let starts_word = letter.is_uppercase()
            && before.is_some_and(|before| {
                !before.is_uppercase() && before != '_'
                    || before.is_uppercase() && after.is_some_and(|after| after.is_lowercase())
            });
        if starts_word {
            kebab.push('-');
        }
        match letter {
            '_' => kebab.push('-'),
            letter => kebab.extend(letter.to_lowercase()),
        }
    }
    kebab
}

#[cfg(test)]
mod tests {
    use super::kebab_case;

    #[test]
    fn a_struct_s_name_becomes_kebab_case() {
        for (camel, kebab) in [
            ("Iris", "iris"),
            ("HTTPModel", "http-model"),
            ("SimilarItems", "similar-items"),
            ("Top10Items", "top10-items"),
            ("ModelV2", "model-v2"),
            ("ABTest", "ab-test"),
            ("Model_XGB", "model-xgb"),
            ("_Private", "private"),
            ("X", "x"),
        ] {
            assert_eq!(kebab_case(camel), kebab);
        }
    }
}
