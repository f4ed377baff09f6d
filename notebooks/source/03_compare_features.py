# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Which columns does the model need?
#
# The same algorithm four times, each time with another group of columns, and a fifth time with the leak, to show its
# effect. April to June are enough to compare groups of columns.

# %%
import os
import sys
from pathlib import Path

import pandas as pd

MODEL = next(path for path in (Path("model"), Path("../model")) if path.is_dir())
sys.path.insert(0, str(MODEL.resolve()))

from flights import comparison, ensure, features

ensure.ensure(range(1, 8), MODEL / "data")
learn = features.read(range(4, 7), MODEL / "data")
test = features.read([7], MODEL / "data")
groups = comparison.FEATURE_SETS
pd.Series({group: ", ".join(names) for group, names in groups.items()}, name="columns").to_frame()

# %%
from sklearn.metrics import roc_auc_score

settings = {"logistic": {"C": 1.0, "max_iter": 200}}
late = {name: comparison.predicted("logistic", columns, settings, learn, test) for name, columns in groups.items()}
auc = {group: roc_auc_score(test["late"], each) for group, each in late.items()}
pd.Series(auc, name="AUC on July").round(4).to_frame()

# %% [markdown]
# The weather helps; the plane hardly does. The leak gives a number that no real model can reach: **when a result is
# too good, look for a column that is not known in advance**.
#
# The pipeline `compare-features` does the same for all groups at the same time, and makes one report of them in MLflow.

# %%
shown = pd.Series(auc).plot.barh(figsize=(7, 2.5), color=["tab:blue"] * 4 + ["tab:red"])
shown.set(xlim=(0.5, 1), xlabel="AUC on July")
shown.invert_yaxis()

# %%
if os.environ.get("MLFLOW_TRACKING_URI"):
    import mlflow

    mlflow.set_experiment("flights")
    for group, names in groups.items():
        with mlflow.start_run(run_name=group, tags={"notebook": "03_compare_features"}):
            mlflow.log_params({"candidate": "logistic", "group": group, "features": ",".join(names)})
            mlflow.log_params({"train_months": "4-6", "test_month": 7})
            mlflow.log_metric("auc", auc[group])
else:
    print("MLFLOW_TRACKING_URI is not set: nothing was logged")
