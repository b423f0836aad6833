"""Where artifact paths lead: to the files of one run, logged model or trace, and nowhere else whatever is tried."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.artifacts.model import safe_path
from engine.artifacts.roots import ArtifactRoot, RootKind, location, resolve_root
from engine.core.errors import InvalidInput

RUN = "0a" * 16
MODEL = "m-" + "0b" * 16
TRACE = "tr-" + "0c" * 16


@pytest.mark.parametrize(
    ("path", "root"),
    [
        (f"1/{RUN}/artifacts", ArtifactRoot(RootKind.RUN, RUN, "")),
        (f"1/{RUN}/artifacts/", ArtifactRoot(RootKind.RUN, RUN, "")),
        (f"1/{RUN}/artifacts/a/b.txt", ArtifactRoot(RootKind.RUN, RUN, "a/b.txt")),
        (f"1/{RUN}/artifacts/artifacts/b", ArtifactRoot(RootKind.RUN, RUN, "artifacts/b")),
        (f"1/models/{MODEL}/artifacts/MLmodel", ArtifactRoot(RootKind.MODEL, MODEL, "MLmodel")),
        (f"1/traces/{TRACE}/artifacts/traces.json", ArtifactRoot(RootKind.TRACE, TRACE, "traces.json")),
        (f"1/{RUN}/artifacts/models/m-1/artifacts/x", ArtifactRoot(RootKind.RUN, RUN, "models/m-1/artifacts/x")),
        (f"1/{RUN}/artifacts/100%", ArtifactRoot(RootKind.RUN, RUN, "100%")),
        (f"1/{RUN}/artifacts/50% of a%20b", ArtifactRoot(RootKind.RUN, RUN, "50% of a%20b")),
        (f"1/{RUN}/artifacts/ünï#?;&.txt", ArtifactRoot(RootKind.RUN, RUN, "ünï#?;&.txt")),
    ],
)
def test_a_path_leads_to_what_its_client_means(path: str, root: ArtifactRoot) -> None:
    assert resolve_root(path) == root


@pytest.mark.parametrize("kind", RootKind)
def test_every_location_leads_back(kind: RootKind) -> None:
    owner = {"run": RUN, "model": MODEL, "trace": TRACE, "version": "v-7"}[kind.value]
    assert resolve_root(location(kind, 7, owner)) == ArtifactRoot(kind, owner, "")
    assert resolve_root(f"{location(kind, 7, owner)}/x/y") == ArtifactRoot(kind, owner, "x/y")


WAYS_OUT = {
    "parent": "../../../etc/passwd",
    "parent at the end": "a/..",
    "parent in the middle": "a/../../b",
    "absolute": "/etc/passwd",
    "absolute inside": "a//etc/passwd",
    "backslash": "..\\..\\etc\\passwd",
    "backslash alone": "\\etc\\passwd",
    "drive": "C:/windows/win.ini",
    "drive with backslash": "C:\\windows\\win.ini",
    "share": "\\\\host\\share",
    "fragment": "a#/../../../etc/passwd",
    "query": "a?/../../../etc/passwd",
    "parameters": "a;/../../../etc/passwd",
    "file url": "file:///etc/passwd",
    "file url with one slash": "file:/etc/passwd",
    "other url": "http://169.254.169.254/latest/meta-data",
    "nul": "a\0/../b",
    "nul at the end": "model.pkl\0.txt",
    "newline": "a\n../b",
    "escape": "a\x1b[2J",
    "surrogate": "a\udc80b",
    "overlong": "x" * 256,
    "deep": "a/" * 600,
}
"""Each is a way that led out of MLflow's artifact roots once: by parent folders (CVE-2023-2356), absolute paths
(CVE-2023-1176), backslashes (CVE-2023-1177, CVE-2023-6909), fragments (CVE-2024-1483, CVE-2024-2928), parameters
(CVE-2024-1593), file URLs (CVE-2024-3573); and all of these behind one or more layers of percents."""

ONLY_PLAIN = {"surrogate", "overlong", "deep"}
"""What means something else once it is encoded."""

LAYERS: Mapping[str, Callable[[str], str]] = {
    "plain": lambda text: text,
    "encoded": lambda text: quote(text, safe="", errors="surrogatepass"),
    "slashes kept": lambda text: quote(text, errors="surrogatepass").replace(".", "%2e"),
    "encoded twice": lambda text: quote(quote(text, safe="", errors="surrogatepass"), safe=""),
    "encoded four times": lambda text: _often(text, 4),
    "encoded twelve times": lambda text: _often(text, 12),
}


def _often(text: str, times: int) -> str:
    text = quote(text, safe="", errors="surrogatepass")
    for _ in range(times - 1):
        text = text.replace("%", "%25")
    return text


@pytest.mark.parametrize(
    ("way", "layer"),
    [(way, layer) for way in WAYS_OUT for layer in LAYERS if layer == "plain" or way not in ONLY_PLAIN],
)
@pytest.mark.parametrize("below", ["", f"1/{RUN}/artifacts/", f"1/models/{MODEL}/artifacts/"])
def test_no_known_way_out_is_taken(below: str, way: str, layer: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        resolve_root(below + LAYERS[layer](WAYS_OUT[way]))
    assert len(str(caught.value)) < 400
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "artifacts",
        "1",
        f"1/{RUN}",
        f"1/{RUN}/artifact/x",
        f"1/{RUN}/Artifacts/x",
        f"1/{RUN}/x/artifacts",
        f"{RUN}/artifacts/x",
        "control.db",
        "objects/aa/bb",
        f"1/models/{MODEL}/x",
        "1/models/x/artifacts/y",
        f"1/../1/{RUN}/artifacts/x",
        f"/1/{RUN}/artifacts/x",
        f"1/-{RUN}/artifacts/x",
        f"1/{'r' * 257}/artifacts/x",
        f"workspaces/other/1/{RUN}/artifacts/x",
    ],
)
def test_a_path_that_belongs_to_nothing_is_refused(path: str) -> None:
    with pytest.raises(InvalidInput):
        resolve_root(path)


@given(st.text(alphabet=st.sampled_from("ab./\\%2eEfF5cC0#?;:~\0 "), max_size=40))
def test_what_is_taken_is_safe_however_often_it_is_decoded(text: str) -> None:
    try:
        path = safe_path(text)
    except InvalidInput:
        return
    for _ in range(10):
        parts = path.split("/")
        assert ".." not in parts
        assert not path.startswith("/")
        assert "\\" not in path
        assert "\0" not in path
        path = unquote(path)
