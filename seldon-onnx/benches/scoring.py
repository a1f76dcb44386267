#!/usr/bin/env python3
"""Trains the models that `cargo bench -p seldon-onnx` times, and times onnxruntime's own answers.

One thread, as a server has a request on one; run it by the Python that scripts/fixtures/onnx_models.py
made (target/fixtures/onnx/bin/python).
"""

import pathlib
import time

import numpy as np
import onnxruntime as rt
from skl2onnx import to_onnx
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "target" / "onnx"
ROWS, FEATURES = 10_000, 28


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(1)
    x = random.normal(size=(ROWS, FEATURES)).astype(np.float32)
    y = (x[:, 0] * x[:, 1] + np.sin(x[:, 2] * 2) + random.normal(size=ROWS) / 2 > 0).astype(int)
    for name, model in {
        "forest-100": RandomForestClassifier(100, max_depth=8, random_state=1),
        "logistic": LogisticRegression(),
    }.items():
        graph = to_onnx(model.fit(x, y), x[:1], options={"zipmap": False}).SerializeToString()
        (FOLDER / f"{name}.onnx").write_bytes(graph)
        options = rt.SessionOptions()
        options.intra_op_num_threads = 1
        session = rt.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        print(name)
        print(f"  one row          {best(lambda: session.run(None, {'X': x[:1]})):9.3f} µs")
        print(f"  a row of   64    {best(lambda: session.run(None, {'X': x[:64]})) / 64:9.3f} µs")
        print(f"  by scikit-learn  {best(lambda: model.predict_proba(x[:1])):9.3f} µs")


def best(work):
    """The best of many runs, in microseconds: others use the machine, too."""
    times = []
    start = time.perf_counter()
    while time.perf_counter() - start < 3:
        before = time.perf_counter()
        work()
        times.append(time.perf_counter() - before)
    return min(times) * 1e6


if __name__ == "__main__":
    main()
