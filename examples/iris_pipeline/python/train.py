#!/usr/bin/env python3
"""Trains two models and writes their pipelines, with rows and Python's answers to check them by.

    pip install scikit-learn==1.9.1 xgboost==3.2.0 lightgbm==4.7.0
    python3 examples/iris_pipeline/python/train.py

`iris` is boosted trees of four lengths; `customers` scales its numbers and encodes its texts first.
"""

import csv
import pathlib

import numpy as np
from lightgbm import LGBMClassifier
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from xgboost import XGBClassifier

EXAMPLE = pathlib.Path(__file__).resolve().parents[1]


def main():
    iris()
    customers()


def iris():
    species = ["setosa", "versicolor", "virginica"]
    with open(EXAMPLE.parent / "iris" / "data" / "iris.csv") as file:
        lines = list(csv.reader(file))[1:]
    flowers = np.array([line[:4] for line in lines], dtype=float)
    classifier = XGBClassifier(n_estimators=20, max_depth=3, random_state=1, n_jobs=1)
    classifier.fit(flowers, [species.index(line[4]) for line in lines])

    folder = EXAMPLE / "iris"
    classifier.save_model(folder / "model.ubj")
    (folder / "pipeline.toml").write_text(f"""\
name = "iris"
about = "Tells three irises apart by four lengths."
features = [
    {{ name = "sepal_length", about = "In centimetres.", example = 5.1 }},
    {{ name = "sepal_width", about = "In centimetres.", example = 3.5 }},
    {{ name = "petal_length", about = "In centimetres.", example = 1.4 }},
    {{ name = "petal_width", about = "In centimetres.", example = 0.2 }},
]
classes = {toml(species)}
""")
    header = ["sepal_length", "sepal_width", "petal_length", "petal_width", *species]
    write("iris", header, np.column_stack([flowers, classifier.predict_proba(flowers)])[::3])


def customers():
    random = np.random.default_rng(5)
    rows = 400
    numbers = np.column_stack([random.integers(18, 90, rows), np.round(random.lognormal(7, 0.6, rows), 2)])
    cities = random.choice(["Berlin", "Köln", "Ulm"], rows)
    plans = random.choice(["basic", "plus"], rows)
    leaves = (numbers[:, 0] < 35) ^ (plans == "plus") ^ (random.random(rows) < 0.1)

    texts = np.column_stack([cities, plans])
    scaler = StandardScaler().fit(numbers)
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(texts)

    def prepared(numbers, texts):
        return np.column_stack([scaler.transform(numbers), encoder.transform(texts)])

    classifier = LGBMClassifier(n_estimators=20, num_leaves=7, random_state=1, n_jobs=1, verbose=-1)
    classifier.fit(prepared(numbers, texts), leaves)

    folder = EXAMPLE / "customers"
    classifier.booster_.save_model(folder / "model.txt")
    (folder / "pipeline.toml").write_text(f"""\
name = "customers"
about = "Whether a customer is about to leave."
features = [
    {{ name = "age", example = 42 }},
    {{ name = "income", about = "Euros a month.", example = 1800.50 }},
    {{ name = "city", type = "text", example = "Ulm" }},
    {{ name = "plan", type = "text", example = "plus" }},
]
classes = ["stays", "leaves"]

[[step]]
kind = "standard_scaling"
features = ["age", "income"]
mean = {toml(scaler.mean_)}
scale = {toml(scaler.scale_)}

[[step]]
kind = "one_hot"
features = ["city", "plan"]
unknown = "ignore"
categories = {toml(encoder.categories_)}
""")
    asked = np.arange(60)
    texts[asked[::7], 0] = "Rom"
    answers = classifier.predict_proba(prepared(numbers, texts))
    header = ["age", "income", "city", "plan", "stays", "leaves"]
    write("customers", header, [[*map(float, numbers[n]), *texts[n], *answers[n]] for n in asked])


def toml(values):
    """A list as TOML writes it: its numbers by their shortest text that reads back."""
    if isinstance(values, (list, np.ndarray)):
        return "[" + ", ".join(map(toml, values)) + "]"
    return f'"{values}"' if isinstance(values, str) else repr(float(values))


def write(name, header, rows):
    with open(EXAMPLE / "python" / f"{name}.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([[v if isinstance(v, str) else repr(float(v)) for v in row] for row in rows])


if __name__ == "__main__":
    main()
