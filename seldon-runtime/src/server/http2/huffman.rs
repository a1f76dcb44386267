//! Huffman codes of header strings, RFC 7541 §5.2 and appendix B, read four bits at a time.

use super::hpack::Malformed;

/// The length in bits of each byte's code; of those of one length, a greater byte has a greater
/// code, which is all that appendix B says.
#[rustfmt::skip]
const LENGTHS: [u8; 256] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
];

/// The length of the longest codes, of which the last is the end of a string's.
const LONGEST: u8 = 30;

/// Inner nodes of the tree of codes: one less than there are leaves.
const NODES: usize = 256;

/// A child that is a leaf: this and the byte. The last is the end's.
const LEAF: u16 = 256;
const END: u16 = LEAF + 256;

/// What four bits lead to from a node.
#[derive(Clone, Copy)]
struct Step {
    node: u8,
    byte: u8,
    what: What,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    /// Further into the code. No code has less than five bits.
    On,
    /// A byte, and into the next code.
    Byte,
    /// The code of the end, which is never sent.
    End,
}

/// The children of each node.
const TREE: [[u16; 2]; NODES] = {
    let mut tree = [[0; 2]; NODES];
    let (mut nodes, mut code, mut length) = (1, 0u32, 1);
    while length <= LONGEST {
        let mut symbol = 0;
        while symbol <= 256 {
            let its = if symbol < 256 {
                LENGTHS[symbol]
            } else {
                LONGEST
            };
            if its == length {
                let (mut node, mut bit) = (0, length);
                while bit > 1 {
                    bit -= 1;
                    let side = (code >> bit & 1) as usize;
                    if tree[node][side] == 0 {
                        tree[node][side] = nodes;
                        nodes += 1;
                    }
                    node = tree[node][side] as usize;
                }
                tree[node][(code & 1) as usize] = LEAF + symbol as u16;
                code += 1;
            }
            symbol += 1;
        }
        code <<= 1;
        length += 1;
    }
    assert!(nodes as usize == NODES);
    tree
};

static STEPS: [[Step; 16]; NODES] = {
    let start = Step {
        node: 0,
        byte: 0,
        what: What::On,
    };
    let mut steps = [[start; 16]; NODES];
    let mut from = 0;
    while from < NODES {
        let mut bits = 0;
        while bits < 16 {
            let (mut step, mut node, mut bit) = (start, from, 4);
            while bit > 0 {
                bit -= 1;
                let child = TREE[node][bits >> bit & 1];
                node = child as usize;
                if child >= LEAF {
                    node = 0;
                    step.byte = (child & 0xff) as u8;
                    step.what = if child == END { What::End } else { What::Byte };
                }
            }
            step.node = node as u8;
            steps[from][bits] = step;
            bits += 1;
        }
        from += 1;
    }
    steps
};

/// The nodes that a string may end at: the beginning of a code, or at most seven ones, which are the
/// first bits of the end's.
static MAY_END: [bool; NODES] = {
    let mut may = [false; NODES];
    let (mut node, mut ones) = (0, 0);
    while ones <= 7 {
        may[node] = true;
        node = TREE[node][1] as usize;
        ones += 1;
    }
    may
};

/// Decodes a string. Its bytes are at most eight fifths of those of `coded`.
///
/// # Errors
///
/// If it has the code of the end, or ends otherwise than with a few ones.
pub(super) fn decode(coded: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut out = Vec::with_capacity(coded.len() * 8 / 5);
    let mut node = 0;
    for byte in coded {
        for bits in [byte >> 4, byte & 15] {
            let step = STEPS[usize::from(node)][usize::from(bits)];
            node = step.node;
            match step.what {
                What::On => {}
                What::Byte => out.push(step.byte),
                What::End => return Err(Malformed),
            }
        }
    }
    match MAY_END[usize::from(node)] {
        true => Ok(out),
        false => Err(Malformed),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The bits of each byte's code, and of the end's.
    fn codes() -> Vec<String> {
        let mut codes = vec![String::new(); 257];
        let mut nodes = vec![(0u16, String::new())];
        while let Some((node, code)) = nodes.pop() {
            for (bit, child) in TREE[usize::from(node)].iter().enumerate() {
                let code = format!("{code}{bit}");
                match child.checked_sub(LEAF) {
                    Some(symbol) => codes[usize::from(symbol)] = code,
                    None => nodes.push((*child, code)),
                }
            }
        }
        codes
    }

    fn bytes(bits: &str) -> Vec<u8> {
        let bytes = bits.as_bytes().chunks(8).map(|chunk| {
            let bit = |at: usize| u8::from(chunk.get(at).is_none_or(|bit| *bit == b'1'));
            (0..8).fold(0, |byte, at| byte << 1 | bit(at))
        });
        bytes.collect()
    }

    pub(in super::super) fn encode(text: &[u8]) -> Vec<u8> {
        let codes = codes();
        bytes(
            &text
                .iter()
                .map(|byte| &*codes[usize::from(*byte)])
                .collect::<String>(),
        )
    }

    #[test]
    fn codes_are_those_of_the_appendix() {
        let codes = codes();
        for (byte, code) in [
            (b'0', "00000"),
            (b'a', "00011"),
            (b't', "01001"),
            (b' ', "010100"),
            (b'z', "1111011"),
            (b'&', "11111000"),
            (b'!', "1111111000"),
            (b'\\', "1111111111111110000"),
            (0, "1111111111000"),
            (0xff, "11111111111111111111101110"),
            (b'\n', "111111111111111111111111111100"),
        ] {
            assert_eq!(codes[usize::from(byte)], code, "{byte}");
        }
        assert_eq!(codes[256], "1".repeat(30));
    }

    // Strings of appendix C.
    #[test]
    fn the_examples_are_read() {
        for (coded, text) in [
            ("f1e3c2e5f23a6ba0ab90f4ff", "www.example.com"),
            ("a8eb10649cbf", "no-cache"),
            ("25a849e95ba97d7f", "custom-key"),
            ("6402", "302"),
            (
                "9d29ad171863c78f0b97c8e9ae82ae43d3",
                "https://www.example.com",
            ),
        ] {
            let coded: Vec<u8> = (0..coded.len() / 2)
                .map(|at| u8::from_str_radix(&coded[2 * at..2 * at + 2], 16).expect("hex"))
                .collect();
            assert_eq!(decode(&coded).as_deref(), Ok(text.as_bytes()));
            assert_eq!(encode(text.as_bytes()), coded);
        }
    }

    #[test]
    fn a_string_ends_with_less_than_eight_ones() {
        assert_eq!(decode(&[]), Ok(Vec::new()));
        // "a" and three ones, or three zeros, or a byte of ones on top.
        assert_eq!(decode(&[0b0001_1111]), Ok(b"a".to_vec()));
        assert_eq!(decode(&[0b0001_1000]), Err(Malformed));
        assert_eq!(decode(&[0b0001_1111, 0xff]), Err(Malformed));
        assert_eq!(decode(&[0xff]), Err(Malformed));
        assert_eq!(decode(&[0xff; 4]), Err(Malformed));
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(text in prop::collection::vec(any::<u8>(), 0..60)) {
            prop_assert_eq!(decode(&encode(&text)), Ok(text));
        }

        #[test]
        fn any_bytes_are_bounded(coded in prop::collection::vec(any::<u8>(), 0..60)) {
            if let Ok(text) = decode(&coded) {
                prop_assert!(text.len() <= coded.len() * 8 / 5);
            }
        }
    }
}
