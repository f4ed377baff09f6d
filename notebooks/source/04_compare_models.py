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
# # Which algorithm?
#
# Logistic regression adds up the effects of the columns. Boosted trees also find that rain at 7 in the evening is worse
# than the two effects added. Both are trained on January to June and tested on July.

# %%
import os
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

MODEL = next(path for path in (Path("model"), Path("../model")) if path.is_dir())
sys.path.insert(0, str(MODEL.resolve()))

from flights import comparison, ensure, features
from flights.schema import FEATURES

ensure.ensure(range(1, 8), MODEL / "data")
learn = features.read(range(1, 7), MODEL / "data")
test = features.read([7], MODEL / "data")
settings = {
    "logistic": {"C": 1.0, "max_iter": 200},
    "boosted": {"max_iter": 60, "learning_rate": 0.1, "max_leaf_nodes": 31},
}

# %%
from sklearn.metrics import RocCurveDisplay, brier_score_loss, roc_auc_score

late = {name: comparison.predicted(name, FEATURES, settings, learn, test) for name in settings}

quality = {
    name: {"auc": roc_auc_score(test["late"], each), "brier": brier_score_loss(test["late"], each)}
    for name, each in late.items()
}
pd.DataFrame(quality).T.round(4)

# %% [markdown]
# ## ROC: the effect of the threshold
#
# Each point is a threshold: the share of late flights that it finds (up) and the share of false alarms (right).

# %%
axes = plt.figure(figsize=(4.5, 4.5)).gca()
for name, each in late.items():
    RocCurveDisplay.from_predictions(test["late"], each, name=name, ax=axes)
axes.plot([0, 1], [0, 1], color="grey", linestyle=":")
plt.show()

# %% [markdown]
# ## Calibration: is 30 % really 30 %?
#
# Of the flights with a predicted probability of 30 %, three in ten should be late. Above the diagonal, the prediction
# is too low. July is a worse month than those before it, and both models show it.
#
# The pipeline `compare-models` makes these pictures of all algorithms in params.yaml, in one report in MLflow.

# %%
from sklearn.calibration import CalibrationDisplay

axes = plt.figure(figsize=(4.5, 4.5)).gca()
for name, each in late.items():
    CalibrationDisplay.from_predictions(test["late"], each, n_bins=10, strategy="quantile", name=name, ax=axes)
plt.show()

# %%
if os.environ.get("MLFLOW_TRACKING_URI"):
    import mlflow

    mlflow.set_experiment("flights")
    for name in settings:
        with mlflow.start_run(run_name=f"{name} compared", tags={"notebook": "04_compare_models"}):
            mlflow.log_params({"candidate": name, "train_months": "1-6", "test_month": 7, **settings[name]})
            mlflow.log_metrics(quality[name])
else:
    print("MLFLOW_TRACKING_URI is not set: nothing was logged")
