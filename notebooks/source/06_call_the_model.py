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
# # Call the model in production
#
# The model in production has an address, `PRODUCTION_URL`. A caller needs no Python of this kit, no scikit-learn and no
# model file.

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
# The same flight at every hour of the day. The first notebook found this curve in the data; here it is the model's.

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
# `seldon_core.seldon_client` uses the same protocol. It needs protobuf 3 and MLflow needs a newer one, so it is in its
# own folder, `SELDON_CORE`, and a separate program imports it. The answer must be the same.

# %%
import subprocess
import sys

PROGRAM = """
import json, sys
import numpy as np
from seldon_core.seldon_client import SeldonClient

host, prefix, names, row = json.load(sys.stdin)
client = SeldonClient(gateway="ambassador", gateway_endpoint=host)
answer = client.predict(data=np.array([row], dtype=object), names=names, payload_type="ndarray", gateway_prefix=prefix)
assert answer.success, answer.msg
print(json.dumps(answer.response["data"]["ndarray"]))
"""
host, slash, path = URL.removeprefix("http://").removesuffix("/api/v1.0/predictions").partition("/")
asked = json.dumps([host, slash + path, names, row])
env = {**os.environ, "PYTHONPATH": os.environ["SELDON_CORE"]}
said = subprocess.run([sys.executable, "-c", PROGRAM], input=asked, env=env, capture_output=True, text=True)
assert said.returncode == 0, said.stderr
theirs = json.loads(said.stdout)
assert theirs == answer["data"]["ndarray"]
print(theirs[0])
