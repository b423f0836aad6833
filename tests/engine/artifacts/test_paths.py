"""Logical paths: what is safe to become a file name on any machine that downloads an artifact."""

from __future__ import annotations

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.artifacts.model import MAX_PATH, ManifestEntry, check_digest, manifest, safe_path
from engine.core.errors import InvalidInput

DIGEST = "a" * 64


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("model/weights.bin", "model/weights.bin"),
        ("model/", "model"),
        ("./model/./a", "model/a"),
        ("...", "..."),
        ("..a/b..", "..a/b.."),
        (" spaces and ümläuts ", " spaces and ümläuts "),
        ("x" * 255, "x" * 255),
    ],
)
def test_relative_paths_are_normalised(text: str, path: str) -> None:
    assert safe_path(text) == path


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "./",
        "/etc/passwd",
        "..",
        "../x",
        "a/../../b",
        "a/..",
        "a//b",
        "a\\b",
        "..\\x",
        "a\0b",
        "a\nb",
        "a\x1b[2Jb",
        "a\x9bb",
        "\ud800",
        "x" * 256,
        "ü" * 128,
        "a/" * (MAX_PATH // 2) + "a",
    ],
)
def test_paths_that_could_leave_or_confuse_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        safe_path(text)
    assert "\x1b" not in str(caught.value)


@given(st.text(max_size=40) | st.text("./a\\", max_size=12))
def test_a_safe_path_stays_below_its_folder_and_is_its_own_normal_form(text: str) -> None:
    try:
        path = safe_path(text)
    except InvalidInput:
        return
    assert safe_path(path) == path == posixpath.normpath(path)
    assert posixpath.normpath(posixpath.join("/some/folder", path)).startswith("/some/folder/")


@pytest.mark.parametrize("text", ["", "a" * 63, "A" * 64, "../" + "a" * 61, "a" * 64 + "\n"])
def test_only_a_digest_becomes_a_file_name(text: str) -> None:
    with pytest.raises(InvalidInput):
        check_digest(text)


ENTRIES = [ManifestEntry("b", DIGEST, 2), ManifestEntry("a", "b" * 64, 1)]


def test_a_manifest_does_not_depend_on_the_order_in_which_files_were_found() -> None:
    assert manifest("m", ENTRIES, is_dir=True) == manifest("m", ENTRIES[::-1], is_dir=True)


@pytest.mark.parametrize(
    "changed",
    [
        [ManifestEntry("c", DIGEST, 2), ENTRIES[1]],
        [ManifestEntry("b", "c" * 64, 2), ENTRIES[1]],
        [ManifestEntry("b", DIGEST, 3), ENTRIES[1]],
        ENTRIES[:1],
    ],
)
def test_a_manifest_changes_with_every_name_digest_and_size(changed: list[ManifestEntry]) -> None:
    assert manifest("m", changed, is_dir=True).digest != manifest("m", ENTRIES, is_dir=True).digest


def test_the_manifest_of_a_file_is_the_file() -> None:
    found = manifest("m/a", [ManifestEntry("a", DIGEST, 5)], is_dir=False)
    assert (found.digest, found.size_bytes, found.is_dir) == (DIGEST, 5, False)
