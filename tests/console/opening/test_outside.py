"""Pictures and pages leave only as private copies, under names of ours, to programs that show."""

from __future__ import annotations

import stat
import tempfile
from pathlib import Path

import pytest

from console.opening.kinds import Kind, is_what_it_says, kind_of
from console.opening.outside import Desktop, desktop, private_copy, show
from engine.core.errors import InvalidInput

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


@pytest.fixture(autouse=True)
def _temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("logs/train.log", Kind.TEXT),
        ("model/MLmodel", Kind.TEXT),
        ("README", Kind.TEXT),
        ("plots/ROC.PNG", Kind.IMAGE),
        ("plot.html", Kind.PAGE),
        ("plot.svg", Kind.PAGE),
        ("model/model.skops", Kind.MODEL),
        ("data.parquet", Kind.DATA),
        ("evil.desktop", Kind.FILE),
        ("run.exe", Kind.FILE),
        ("png", Kind.FILE),
        ("a.png/readme", Kind.TEXT),
        ("", Kind.FILE),
    ],
)
def test_a_file_is_told_by_its_name(path: str, kind: Kind) -> None:
    assert kind_of(path) is kind


@pytest.mark.parametrize(
    ("path", "beginning", "is_it"),
    [
        ("a.png", PNG, True),
        ("a.png", b"[Desktop Entry]\nExec=rm", False),
        ("a.png", b"", False),
        ("a.jpg", b"\xff\xd8\xff\xe0", True),
        ("a.html", b"\xef\xbb\xbf \n<!doctype html>", True),
        ("a.html", b"#!/bin/sh", False),
        ("a.svg", b"<svg/>", True),
        ("a.svg", b"<\0svg/>", False),
        ("a.desktop", b"[Desktop Entry]", False),
        ("a.txt", b"text", False),
    ],
)
def test_the_first_bytes_must_be_those_of_the_name(path: str, beginning: bytes, is_it: bool) -> None:
    assert is_what_it_says(path, beginning) is is_it


def programs(*known: str) -> dict[str, str]:
    return {name: f"/usr/bin/{name}" for name in known}


@pytest.mark.parametrize(
    ("environ", "platform", "known", "command", "reason"),
    [
        ({}, "linux", ("xdg-open",), (), "no display"),
        ({"DISPLAY": ":0"}, "linux", ("xdg-open",), ("/usr/bin/xdg-open",), ""),
        ({"WAYLAND_DISPLAY": "w"}, "linux", ("xdg-open",), ("/usr/bin/xdg-open",), ""),
        ({"DISPLAY": ":0"}, "linux", (), (), "no xdg-open"),
        ({}, "darwin", ("open",), ("/usr/bin/open",), ""),
        ({"QD_OPENER": "feh --bg 'a b'"}, "linux", ("feh",), ("/usr/bin/feh", "--bg", "a b"), ""),
    ],
)
def test_the_program_is_the_operators_or_the_desktops(
    environ: dict[str, str], platform: str, known: tuple[str, ...], command: tuple[str, ...], reason: str
) -> None:
    found = desktop(environ, platform, programs(*known).get)
    assert (found.command, reason in found.reason) == (command, True)
    assert isinstance(found, Desktop)


@pytest.mark.parametrize("asked", ["'", "nothing-of-that-name", "  'a b' "])
def test_a_wrong_opener_is_refused_by_name(asked: str) -> None:
    with pytest.raises(InvalidInput, match="QD_OPENER"):
        desktop({"QD_OPENER": asked}, "linux", programs().get)


@pytest.mark.parametrize("path", ["plots/roc.png", "../../etc/x.png", "-rf;`$(id)`.png", ".png", "a\nb.png"])
def test_a_copy_is_private_and_its_name_only_a_name(tmp_path: Path, path: str) -> None:
    copy = private_copy(path, PNG)
    assert copy.read_bytes() == PNG
    assert copy.parent.parent == tmp_path
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert stat.S_IMODE(copy.parent.stat().st_mode) == 0o700
    assert copy.name.endswith(".png")
    assert not copy.name.startswith((".", "-"))
    assert copy.name.replace("_", "").replace(".", "").replace("-", "").isalnum()


def test_a_page_is_caged() -> None:
    page = b'<html><script>fetch("https://example.invalid")</script>"</iframe><script>out()</script>'
    text = private_copy("report.html", page).read_text()
    assert "default-src &#x27;none&#x27;" in text
    assert 'sandbox="allow-scripts"' in text
    assert text.count("<script") == 0
    assert text.count("</iframe>") == 1
    drawing = private_copy("plot.svg", b"<svg onload='evil()'/>")
    assert drawing.suffix == ".html"
    assert "onload" not in drawing.read_text()
    assert "data:image/svg+xml;base64," in drawing.read_text()


def make_program(folder: Path, lines: str) -> tuple[str, ...]:
    program = folder / "shows"
    program.write_text(f"#!/bin/sh\n{lines}\n")
    program.chmod(0o700)
    return (str(program), "--with option")


def test_a_program_is_given_the_copy_as_one_word_without_a_shell(tmp_path: Path) -> None:
    copy = private_copy("a b.png", PNG)
    command = make_program(tmp_path, f'printf "%s|" "$@" > {tmp_path}/seen')
    assert show(command, copy) == ""
    assert (tmp_path / "seen").read_text() == f"--with option|{copy}|"


def test_a_program_that_fails_or_is_missing_is_told(tmp_path: Path) -> None:
    copy = private_copy("a.png", PNG)
    assert show(make_program(tmp_path, "exit 4"), copy) == "shows ended with code 4"
    assert "does not start" in show((str(tmp_path / "none"),), copy)


def test_a_program_that_goes_on_is_left_alone(tmp_path: Path) -> None:
    copy = private_copy("a.png", PNG)
    # It ends with the folder, too: the test may be over before it has seen the file.
    assert (
        show(make_program(tmp_path, f"while [ -d {tmp_path} ] && [ ! -e {tmp_path}/end ]; do sleep 0.05; done"), copy)
        == ""
    )
    (tmp_path / "end").touch()
