//! Any bytes are an error, or a graph that answers or says why not.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seldon_onnx::{Element, Inputs, Onnx, Values};

// The fuzzer's hook would end the process at a panic of tract's, which is caught and an error.
fuzz_target!(init: std::panic::set_hook(Box::new(|_| {})), |bytes: &[u8]| {
    let Ok(graph) = Onnx::from_bytes(bytes) else { return };
    let mut inputs = Inputs::rows(2);
    for input in graph.inputs() {
        let row: Vec<usize> = input.row().map(|dim| dim.unwrap_or(1)).collect();
        let count = 2 * row.iter().product::<usize>();
        // Rows of many megabytes are right, and slow.
        if count > 1 << 14 {
            return;
        }
        let values = match input.element() {
            Element::Text => Values::Text(vec!["a".to_owned(); count]),
            _ => Values::I64(vec![1; count]),
        };
        inputs = inputs.with_shape(input.name(), &row, values);
    }
    if let Ok(outputs) = graph.run(&inputs) {
        assert_eq!(outputs.iter().count(), graph.outputs().len());
    }
});
