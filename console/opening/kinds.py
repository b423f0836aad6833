"""What a file is, by its name for a list, and by its first bytes before anything else is asked to open it."""

from __future__ import annotations

from enum import Enum


class Kind(Enum):
    """What can be done with a file; the value is the word for it."""

    TEXT = "text"
    IMAGE = "image"
    PAGE = "page"
    MODEL = "model"
    DATA = "data"
    FILE = "file"


_WORDS = {
    Kind.TEXT: (
        "txt log out err md rst json jsonl ndjson yaml yml toml ini cfg conf xml csv tsv py ipynb sh sql r js css tex "
        "diff patch env lock"
    ),
    Kind.MODEL: "pkl pickle joblib skops onnx pt pth h5 keras safetensors cbm ubj pmml model",
    Kind.DATA: "parquet npy npz arrow feather avro orc db sqlite zip gz tar zst",
}
_NAMED = frozenset({"mlmodel", "license", "readme", "makefile", "dockerfile", "changelog"})
_BEGINNINGS = {
    "png": (b"\x89PNG\r\n\x1a\n",),
    "jpg": (b"\xff\xd8\xff",),
    "jpeg": (b"\xff\xd8\xff",),
    "gif": (b"GIF87a", b"GIF89a"),
    "webp": (b"RIFF",),
    "bmp": (b"BM",),
    "tif": (b"II*\0", b"MM\0*"),
    "tiff": (b"II*\0", b"MM\0*"),
    "pdf": (b"%PDF-",),
}
_PAGES = frozenset({"html", "htm", "svg"})
_BY_SUFFIX = {
    **{suffix: kind for kind, words in _WORDS.items() for suffix in words.split()},
    **dict.fromkeys(_BEGINNINGS, Kind.IMAGE),
    **dict.fromkeys(_PAGES, Kind.PAGE),
}


def suffix_of(path: str) -> str:
    """What stands behind the last dot of a file's name, in lower case."""
    name = path.rpartition("/")[2]
    return name.rpartition(".")[2].lower() if "." in name else ""


def kind_of(path: str) -> Kind:
    """What a file is, by its name.

    Args:
        path: Its path; any text.
    """
    name = path.rpartition("/")[2]
    if name.lower() in _NAMED:
        return Kind.TEXT
    return _BY_SUFFIX.get(suffix_of(path), Kind.FILE)


def is_what_it_says(path: str, beginning: bytes) -> bool:
    """Whether a picture's or page's first bytes are those of what its name says.

    Args:
        path: Its path.
        beginning: Its first bytes, a hundred or more where it has them.
    """
    suffix = suffix_of(path)
    if suffix in _PAGES:
        return b"\0" not in beginning and beginning.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
    return beginning.startswith(_BEGINNINGS.get(suffix, ()))
