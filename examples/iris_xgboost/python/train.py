#!/usr/bin/env python3
"""Trains the model, and writes what Python answers for every flower.

    pip install xgboost==3.2.0 scikit-learn==1.9.1
    python3 examples/iris_xgboost/python/train.py
    cargo run -p iris_xgboost -- import examples/iris_xgboost/python/model.ubj
"""

import csv
import pathlib

import numpy as np
from xgboost import XGBClassifier

HERE = pathlib.Path(__file__).resolve().parent
CLASSES = ["setosa", "versicolor", "virginica"]


def main():
    with open(HERE.parents[1] / "iris" / "data" / "iris.csv") as file:
        lines = list(csv.reader(file))[1:]
    flowers = np.array([line[:4] for line in lines], dtype=np.float32)
    species = np.array([CLASSES.index(line[4]) for line in lines])
    # As the iris example does: every fifth is held out.
    held_out = np.arange(len(flowers)) % 5 == 4

    classifier = XGBClassifier(n_estimators=30, max_depth=3, learning_rate=0.2, random_state=1, n_jobs=1)
    classifier.fit(flowers[~held_out], species[~held_out])
    print(f"accuracy on {held_out.sum()} others: {classifier.score(flowers[held_out], species[held_out]):.3f}")
    classifier.save_model(HERE / "model.ubj")

    # And some of which a length is missing.
    asked = np.concatenate([flowers, flowers[::10]])
    for row in range(len(flowers), len(asked)):
        asked[row, row % 4] = np.nan
    with open(HERE / "answers.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["f1", "f2", "f3", "f4", *CLASSES])
        for flower, answer in zip(asked, classifier.predict_proba(asked)):
            writer.writerow([*map(str, flower), *map(str, answer)])


if __name__ == "__main__":
    main()
