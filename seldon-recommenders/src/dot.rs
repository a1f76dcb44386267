//! The inner product: where a request spends its time.

/// Sums that are independent of each other, so that they are added in vector registers and do not
/// wait for one another: 16 are four registers of SSE2, which every x86-64 has, and reading the
/// vectors from memory takes longer than the arithmetic does with them.
const LANES: usize = 16;

/// The inner product of two vectors of the same length.
#[inline]
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    folded(sums) + rest
}

/// The sum of all lanes, by halves, which stays in vector registers.
#[inline]
fn folded(mut sums: [f32; LANES]) -> f32 {
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            sums[lane] += sums[lane + half];
        }
        half /= 2;
    }
    sums[0]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_the_sum_of_products(pairs in proptest::collection::vec((-100i8..100, -100i8..100), 0..200)) {
            // Small integers: every order of adding them gives the same sum.
            let a: Vec<f32> = pairs.iter().map(|pair| f32::from(pair.0)).collect();
            let b: Vec<f32> = pairs.iter().map(|pair| f32::from(pair.1)).collect();
            let expected: i32 = pairs.iter().map(|pair| i32::from(pair.0) * i32::from(pair.1)).sum();
            prop_assert_eq!(dot(&a, &b), expected as f32);
        }
    }
}
