//! What the compiler says of each mistake, and what must compile. See `ui/README.md`.

#[test]
fn accepted() {
    trybuild::TestCases::new().pass("tests/ui/pass/*.rs");
}

#[test]
fn refused() {
    trybuild::TestCases::new().compile_fail("tests/ui/fail/*/*.rs");
}
