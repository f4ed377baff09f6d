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
# # Ask the model that serves
#
# From here on the model is an address. `PRODUCTION_URL` names it; whoever calls it needs no Python of ours, no
# scikit-learn and no model file.

# %%
import json
import os
import urllib.request
from pathlib import Path

KIT = next(path for path in (Path(), Path("..")) if (path / "seldon").is_dir())
URL = os.environ["PRODUCTION_URL"]
flight = json.loads((KIT / "seldon/requests/flight.json").read_text())


def ask(request: dict, url: str = URL) -> dict:
    body = json.dumps(request).encode()
    sent = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(sent, timeout=10) as answer:
        return json.load(answer)


answer = ask(flight)
print(dict(zip(answer["data"]["names"], answer["data"]["ndarray"][0], strict=True)))

# %% [markdown]
# ## What if?
#
# The same flight at every hour of the day. The curve is what the first notebook found in the data, now as the
# model has learned it.

# %%
import matplotlib.pyplot as plt

names, row = flight["data"]["names"], flight["data"]["ndarray"][0]
hours = range(6, 23)
rows = [[hour * 60 if name == "sched_dep" else value for name, value in zip(names, row, strict=True)] for hour in hours]
late = [each[1] for each in ask({"data": {"names": names, "ndarray": rows}})["data"]["ndarray"]]
axes = plt.figure(figsize=(7, 3)).gca()
axes.plot(hours, late, marker="o")
axes.set(xlabel="scheduled hour of departure", ylabel="probability of being late", ylim=(0, 1))
plt.show()

# %% [markdown]
# ## With Seldon's own client
#
# `seldon_core.seldon_client` speaks the same protocol. It comes with the model server `seldon-core` and is not
# in this environment unless you installed it; the answer must not depend on who asks.

# %%
import importlib.util

if importlib.util.find_spec("seldon_core"):
    import numpy as np
    from seldon_core.seldon_client import SeldonClient

    host, _, path = URL.removeprefix("http://").partition("/")
    _, namespace, deployment, *_ = path.split("/")
    client = SeldonClient(deployment_name=deployment, namespace=namespace, gateway_endpoint=host, gateway="ambassador")
    theirs = client.predict(data=np.array([row], dtype=object), names=names, payload_type="ndarray")
    assert theirs.success, theirs.msg
    print(theirs.response["data"]["ndarray"][0])
else:
    print("seldon_core is not installed here")
