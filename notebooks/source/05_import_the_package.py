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
# # From cells to a package
#
# The code of the notebooks is also in `model/flights/`: in functions, with tests. This notebook compares the two. If
# the numbers were different, one of them would be wrong.

# %%
import os
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

MODEL = next(path for path in (Path("model"), Path("../model")) if path.is_dir())
sys.path.insert(0, str(MODEL.resolve()))

from flights import candidates, ensure, features, metrics, params
from flights.schema import FEATURES

given = params.load(MODEL / "params.yaml")
ensure.ensure(range(1, 8), MODEL / "data")
# Every third flight is enough to compare two programs.
learn = features.read(range(1, 7), MODEL / "data").iloc[::3]
test = features.read([7], MODEL / "data")

# %% [markdown]
# ## The code of the notebooks

# %%
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

words = ["carrier", "origin", "dest"]
numbers = [name for name in FEATURES if name not in words]
typed = make_pipeline(
    ColumnTransformer(
        [
            ("words", OneHotEncoder(handle_unknown="ignore"), words),
            ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
        ]
    ),
    LogisticRegression(max_iter=300, C=given.candidates["logistic"]["C"]),
)
with threadpool_limits(1):
    typed.fit(learn[list(FEATURES)], learn["late"])
ours = metrics.score(features.labels(test), typed.predict_proba(test[list(FEATURES)])[:, 1], given.threshold)

# %% [markdown]
# ## The code of the package

# %%
packaged = candidates.build("logistic", FEATURES, given.candidates)
with threadpool_limits(1):
    packaged.fit(features.matrix(learn, FEATURES), features.labels(learn))
theirs = metrics.score(
    features.labels(test), packaged.predict_proba(features.matrix(test, FEATURES))[:, 1], given.threshold
)

# %%
for name in ("auc", "precision", "recall"):
    print(f"{name:<10} notebook {getattr(ours, name):.4f}   package {getattr(theirs, name):.4f}")
assert round(ours.auc, 4) == round(theirs.auc, 4), "the notebook and the package are two different models"

# %% [markdown]
# ## Other settings, for one try
#
# `params.yaml` is the one place for the settings. A run of the pipeline sets some of them with `-p set-params=...`. A
# notebook reads them in the same words, and no file changes.

# %%
from delivery import params as settings
from flights import train

tried = replace(given, candidates=settings.read(MODEL, "candidates.logistic.C=0.1")["candidates"])
model, made = train.train("logistic", tried, learn, test, train.version_of_data(tried, MODEL / "data"))
print(f"auc {made.metrics['auc']:.4f} with C = {made.params['C']}, before {theirs.auc:.4f}")

# %% [markdown]
# MLflow gets the same entry as of a model of the pipeline: signature, example, data, params and metrics. The model is
# registered under a name of its own, because no gate has seen it.

# %%
if os.environ.get("MLFLOW_TRACKING_URI"):
    from delivery import tracking as registry
    from delivery import usecase
    from flights import card, tracking

    with TemporaryDirectory() as folder:
        (Path(folder) / card.MODEL).write_bytes(model)
        card.dump(made, Path(folder) / card.CARD)
        run = tracking.log_training(Path(folder))
    config = usecase.read(MODEL)
    about = {"notebook": "05_import_the_package", "candidate": made.candidate}
    print("version", registry.register(config, run, about, f"{config.deployment}-notebook", "tried"))
else:
    print("MLFLOW_TRACKING_URI is not set: nothing was logged")
