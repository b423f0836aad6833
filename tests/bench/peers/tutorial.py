"""The app of every tutorial: FastAPI around a scikit-learn model. Run with the clients' own Python: MODEL PORT."""

from __future__ import annotations

import sys

import numpy as np
import skops.io
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
model = skops.io.load(sys.argv[1], trusted=skops.io.get_untrusted_types(file=sys.argv[1]))


class Features(BaseModel):
    """What the body holds."""

    features: list[float]


@app.post("/predict")
def predict(said: Features) -> dict[str, int]:
    """The label of one row."""
    return {"prediction": int(model.predict(np.array([said.features]))[0])}


@app.get("/health")
def health() -> dict[str, str]:
    """Whether it answers."""
    return {"status": "ok"}


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[2]), log_level="error", access_log=False)
