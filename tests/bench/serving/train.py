"""Makes what all servers serve: one model as ONNX and as scikit-learn's pipeline, and the requests for it.

    python -m tests.bench.serving.train FOLDER

Trained on one month, tested on the next; the parameters, and so the size of the trees, are the workshop's. The
pipeline is pickled here and nowhere else: it is what one serves with the stock wrapper when one has no ONNX.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import joblib  # type: ignore[import-untyped]
from flights import candidates, card, data, features, params, train
from flights.card import CARD, MODEL

KIT = Path(__file__).resolve().parents[3]
BATCH_ROWS = 1000


def main() -> None:
    """Train and write."""
    folder = Path(sys.argv[1])
    given = params.load(KIT / "model" / "params.yaml")
    months = folder / "months"
    data.make([6, 7], months)
    june, july = features.read([6], months), features.read([7], months)
    model, made = train.train("boosted", given, june, july, "0" * 12, ("carrier", "origin"))
    serving = folder / "serving"
    serving.mkdir()
    (serving / MODEL).write_bytes(model)
    card.dump(made, serving / CARD)
    names = list(given.features)
    pipeline = candidates.build("boosted", names, given.candidates)
    pipeline.fit(features.matrix(june, names), features.labels(june))
    joblib.dump((names, pipeline), serving / "pipeline.joblib")
    rows = [[train.plain(name, july[name].iloc[at]) for name in names] for at in range(BATCH_ROWS)]
    for file, some in (("row.json", rows[:1]), ("batch.json", rows)):
        (folder / file).write_text(json.dumps({"names": names, "rows": some}))


if __name__ == "__main__":
    main()
