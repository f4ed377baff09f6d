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
# # A first model, and a record of it
#
# Logistic regression on all columns that are known before departure. It is quick and easy to explain, and it is the
# baseline for every later model.

# %%
import os
import sys
import time
from pathlib import Path

import matplotlib.pyplot as plt

MODEL = next(path for path in (Path("model"), Path("../model")) if path.is_dir())
sys.path.insert(0, str(MODEL.resolve()))

from flights import ensure, features
from flights.schema import FEATURES

ensure.ensure(range(1, 8), MODEL / "data")
learn = features.read(range(1, 7), MODEL / "data")
test = features.read([7], MODEL / "data")
print(f"{len(learn):,} flights to learn from, {len(test):,} to test on")

# %% [markdown]
# The model is trained on January to June and tested on July. With a random split, other flights of the same stormy
# evening would be in the training data, and the result would be too good.

# %%
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

words = ["carrier", "origin", "dest"]
numbers = [name for name in FEATURES if name not in words]
prepare = ColumnTransformer(
    [
        ("words", OneHotEncoder(handle_unknown="ignore"), words),
        ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
    ]
)
first = make_pipeline(prepare, LogisticRegression(max_iter=300))
with threadpool_limits(1):
    first.fit(learn[list(FEATURES)], learn["late"])
late = first.predict_proba(test[list(FEATURES)])[:, 1]

# %% [markdown]
# ## How good is it?
#
# AUC: the share of pairs (one late flight, one on time) that the model puts in the right order. 0.5 is
# guessing. It does not depend on the threshold between "late" and "on time"; precision and recall do.

# %%
from sklearn.metrics import ConfusionMatrixDisplay, precision_score, recall_score, roc_auc_score

THRESHOLD = 0.3
said = late >= THRESHOLD
quality = {
    "auc": roc_auc_score(test["late"], late),
    "precision": precision_score(test["late"], said),
    "recall": recall_score(test["late"], said),
}
print("  ".join(f"{name} {value:.3f}" for name, value in quality.items()))

# %%
shown = ConfusionMatrixDisplay.from_predictions(
    test["late"], said, display_labels=["on time", "late"], cmap="Blues", values_format=",d"
)
shown.ax_.set(title=f"July, called late from {THRESHOLD} on")
confusion = shown.figure_
plt.show()

# %% [markdown]
# ## What would another threshold do?

# %%
from sklearn.metrics import precision_recall_curve

precision, recall, limits = precision_recall_curve(test["late"], late)
at = {percent: min(limits.searchsorted(percent / 100), len(limits)) for percent in range(1, 100)}
plt.figure(figsize=(6, 2.5))
plt.plot(limits, recall[:-1], label="recall")
plt.plot(limits, precision[:-1], label="precision")
plt.xlabel("threshold")
plt.legend()
plt.show()

# %% [markdown]
# ## Record it
#
# A number in a notebook is soon forgotten. MLflow records the run: parameters, metrics and the plot. Without a server,
# this cell only prints that there is none.

# %%
if os.environ.get("MLFLOW_TRACKING_URI"):
    import mlflow
    from mlflow.entities import Metric

    mlflow.set_experiment("flights")
    with mlflow.start_run(run_name="first model", tags={"notebook": "02_first_model"}) as run:
        mlflow.log_params({"candidate": "logistic", "features": len(FEATURES), "threshold": THRESHOLD})
        mlflow.log_params({"train_months": "1-6", "test_month": 7})
        mlflow.log_metrics(quality)
        mlflow.log_figure(confusion, "confusion.png")
        # A step is a threshold in percent: MLflow draws both as lines. All steps are one request.
        curves = {"recall_by_threshold": recall, "precision_by_threshold": precision}
        now = int(1000 * time.time())
        steps = [Metric(name, curve[place], now, step) for name, curve in curves.items() for step, place in at.items()]
        mlflow.MlflowClient().log_batch(run.info.run_id, metrics=steps)
else:
    print("MLFLOW_TRACKING_URI is not set: nothing was logged")
