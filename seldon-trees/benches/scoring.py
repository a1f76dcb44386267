#!/usr/bin/env python3
"""Trains the models that `cargo bench -p seldon-trees` times, and times the libraries' own answers.

One thread each, as a server has a request on one. A row is timed in the quickest way that a library has
for one: XGBoost's `inplace_predict`, LightGBM's `predict` on an array.
"""

import pathlib
import time

import lightgbm as lgb
import numpy as np
import xgboost as xgb

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "target" / "trees"
ROWS, FEATURES = 20_000, 28


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(1)
    x = random.normal(size=(ROWS, FEATURES)).astype(np.float32)
    y = (x[:, 0] * x[:, 1] + np.sin(x[:, 2] * 2) + random.normal(size=ROWS) / 2 > 0).astype(int)
    for trees, depth in [(100, 6), (500, 6), (1000, 8)]:
        params = {"objective": "binary:logistic", "max_depth": depth, "eta": 0.05, "nthread": 1}
        booster = xgb.train(params, xgb.DMatrix(x, label=y), trees)
        booster.save_model(FOLDER / f"xgboost-{trees}.ubj")
        booster.set_param({"nthread": 1})
        report(
            f"xgboost, {trees} trees of depth {depth}",
            lambda rows: booster.inplace_predict(rows),
            lambda rows: booster.predict(xgb.DMatrix(rows, nthread=1)),
            x,
        )
    params = {"objective": "binary", "num_leaves": 63, "learning_rate": 0.05, "verbosity": -1, "num_threads": 1}
    booster = lgb.train(params, lgb.Dataset(x, label=y), 500)
    booster.save_model(FOLDER / "lightgbm-500.txt")
    report("lightgbm, 500 trees of 63 leaves", lambda rows: booster.predict(rows, num_threads=1), None, x)


def report(name, predict, through_a_matrix, x):
    print(name)
    print(f"  one row          {best(lambda: predict(x[:1])):9.3f} µs")
    if through_a_matrix:
        print(f"  one, by a DMatrix{best(lambda: through_a_matrix(x[:1])):9.3f} µs")
    for count in [64, 4096]:
        print(f"  a row of {count:4}    {best(lambda: predict(x[:count])) / count:9.3f} µs")


def best(work):
    """The best of many runs, in microseconds: others use the machine, too."""
    times = []
    start = time.perf_counter()
    while time.perf_counter() - start < 2:
        before = time.perf_counter()
        work()
        times.append(time.perf_counter() - before)
    return min(times) * 1e6


if __name__ == "__main__":
    main()
