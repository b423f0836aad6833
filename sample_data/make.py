"""Make the files of this folder again from the two source wheels.

Usage: ``python sample_data/make.py NANNYML_WHEEL VEGA_DATASETS_WHEEL``

Fetch the wheels with ``pip download --no-deps --only-binary=:all: --python-version 3.11 nannyml==0.13.1
vega_datasets==0.9.0``. The same wheels always give the same rows; the gzip bytes are the same too wherever zlib is
(no time and no file name stand in the header).
"""  # noqa: INP001  # a script beside its data, not a package

from __future__ import annotations

import gzip
import hashlib
import sys
import zipfile
from pathlib import Path

HERE = Path(__file__).parent
KEEP_EVERY = 10
"""One car-loan row in this many is kept, beginning with the first of each file."""

NANNYML_SHA256 = "cf5f4a33489834ae6773cb1baa33a0f98c0a3ee6ed9b43049478b25ce22fe869"
VEGA_SHA256 = "3d7c63917be6ca9b154b565f4779a31fedce57b01b5b9d99d8a34a7608062a1d"

CAR_LOAN = {
    "car_loan_reference.csv.gz": "nannyml/datasets/data/synthetic_car_loan_reference.csv",
    "car_loan_analysis.csv.gz": "nannyml/datasets/data/synthetic_car_loan_analysis.csv",
    "car_loan_analysis_target.csv.gz": "nannyml/datasets/data/synthetic_car_loan_analysis_target.csv",
}
WEATHER = {"seattle-weather.csv": "vega_datasets/_data/seattle-weather.csv"}


def thin(csv: bytes, every: int) -> bytes:
    """Keep the header and one row in ``every``; no field of the source holds a line break.

    Args:
        csv: a CSV file with a header line.
        every: distance between kept rows, at least 1.

    Returns:
        The header and rows 0, every, 2 x every, … with their bytes unchanged.
    """
    header, *rows = csv.splitlines(keepends=True)
    return b"".join([header, *rows[::every]])


def opened(wheel: Path, sha256: str) -> zipfile.ZipFile:
    """Open a wheel after checking that it is the one the files were made from.

    Args:
        wheel: path of the wheel.
        sha256: hex digest the file must have.

    Returns:
        The wheel, open for reading.

    Raises:
        SystemExit: the file is another one.
        OSError: it cannot be read.
    """
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != sha256:
        raise SystemExit(f"{wheel.name} has sha256 {found}, expected {sha256}: download the named version again")
    return zipfile.ZipFile(wheel)


def main(nannyml: Path, vega: Path) -> None:
    """Write every data file of this folder.

    Args:
        nannyml: the nannyml 0.13.1 wheel.
        vega: the vega_datasets 0.9.0 wheel.

    Raises:
        SystemExit: a wheel is not the expected one.
        OSError: a wheel cannot be read or a file cannot be written.
    """
    with opened(nannyml, NANNYML_SHA256) as wheel:
        for name, member in CAR_LOAN.items():
            rows = thin(wheel.read(member), KEEP_EVERY)
            (HERE / name).write_bytes(gzip.compress(rows, 9, mtime=0))
    with opened(vega, VEGA_SHA256) as wheel:
        for name, member in WEATHER.items():
            (HERE / name).write_bytes(wheel.read(member))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit("usage: python sample_data/make.py NANNYML_WHEEL VEGA_DATASETS_WHEEL")
    main(Path(sys.argv[1]), Path(sys.argv[2]))
