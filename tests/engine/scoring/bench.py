"""A workspace with models that are ready to answer, files for them, and ways to score and compare."""

from __future__ import annotations

import gzip
import json
import warnings
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from engine.compute.choosing import choose
from engine.scoring.model import Wanted
from tests.serving.shop import Shop, trained

if TYPE_CHECKING:
    from engine.scoring.model import Scoring

HOSTILE = ("a,b", 'say "x"', "=cmd()", "\x1b[31mred", " spaced ", "ünï", "0", "line\nbreak")
"""Names of columns that no tool likes."""


class Bench(Shop):
    """A shop whose models are `churn` (four numbers, a to d), `mixed` (a text and a number) and `odd` (`HOSTILE`)."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.churn = trained()
            self.register(self.churn)
            self.mixed = _mixed()
            self.register(self.mixed, "mixed")
            self.odd = _odd()
            self.register(self.odd, "odd")

    def score(
        self, output: Path, *inputs: Path | str, backend: str = "serial", jobs: int = 2, **wanted: Any
    ) -> Scoring:
        """Score files with churn/1, or what is wanted."""
        with closing(choose(backend, jobs=jobs)) as executor:
            return self.engine.scoring.run(asked(output, *inputs, **wanted), executor)


def asked(output: Path, *inputs: Path | str, **wanted: Any) -> Wanted:
    """What `Wanted` says, with churn/1 by default."""
    return Wanted(**{"reference": "churn/1", "inputs": tuple(map(str, inputs)), "output": output, **wanted})


def frame(rows: int, seed: int = 0) -> pd.DataFrame:
    """Rows for churn, with an id."""
    numbers = np.random.default_rng(seed).normal(size=(rows, 4))
    made = pd.DataFrame(numbers, columns=list("abcd"))
    made.insert(0, "id", [f"row {place}" for place in range(rows)])
    return made


def write(path: Path, table: pd.DataFrame) -> Path:
    """Write a table in the kind that its name says."""
    if path.name.endswith(".parquet"):
        pq.write_table(pa.Table.from_pandas(table, preserve_index=False), path, row_group_size=max(1, len(table) // 3))
    elif path.name.endswith(".gz"):
        path.write_bytes(gzip.compress(table.to_csv(index=False).encode()))
    else:
        table.to_csv(path, index=False)
    return path


def files(folder: Path, count: int, rows: int = 200, ending: str = "csv") -> Path:
    """A folder of files of different rows."""
    folder.mkdir()
    for place in range(count):
        write(folder / f"in-{place:03d}.{ending}", frame(rows, place))
    return folder


def manifest(output: Path) -> dict[str, Any]:
    """The manifest of an output."""
    told: dict[str, Any] = json.loads((output / "manifest.json").read_text())
    return told


def parts(output: Path) -> dict[str, bytes]:
    """The bytes of the parts, by name."""
    return {path.name: path.read_bytes() for path in sorted(output.glob("part-*"))}


def answers(output: Path) -> pd.DataFrame:
    """All parts, one after the other."""
    found = (
        pq.read_table(path) if path.suffix == ".parquet" else pyarrow.csv.read_csv(path)
        for path in sorted(output.glob("part-*"))
    )
    return pa.concat_tables(found).to_pandas()


def expected(model: Any, table: pd.DataFrame) -> dict[str, Any]:
    """The labels and second probabilities that the model itself gives."""
    return {"predict": model.predict(table).tolist(), "second": model.predict_proba(table)[:, 1]}


def _mixed() -> Any:
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    rng = np.random.default_rng(0)
    table = pd.DataFrame({"colour": rng.choice(["red", "green", "blue"], 300), "size": rng.normal(size=300)})
    labels = np.where((table["colour"] == "red") | (table["size"] > 0.5), "yes", "no")
    steps = make_column_transformer((OneHotEncoder(), ["colour"]), (StandardScaler(), ["size"]))
    return make_pipeline(steps, LogisticRegression()).fit(table, labels)


def _odd() -> Any:
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(1)
    table = pd.DataFrame(rng.normal(size=(200, len(HOSTILE))), columns=list(HOSTILE))
    return LogisticRegression().fit(table, (table["a,b"] > 0).astype(int))
