"""Which pictures there are: where the console opens, what is typed, how large and in which colours it stands there."""

from __future__ import annotations

from dataclasses import dataclass

WIDE, SMALL, LINES, SHORT = (160, 45), (80, 24), (100, 24), (138, 32)
ENTER, DOWN, LEFT, RIGHT, WAIT = "\r", "j", "\x1b[D", "\x1b[C", ""


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture.

    Args:
        name: The file's name, without its ending.
        start: Where the console opens.
        keys: What is typed, with a while between.
        size: Columns and rows.
        options: Given to `qd` before that.
        light: Whether the terminal's background is light.
        headless: What `qd` does first, in processes of its own.
        last: Whether it is taken after the session was recorded, since it changes what that shows.
    """

    name: str
    start: tuple[str, ...]
    keys: tuple[str, ...] = ()
    size: tuple[int, int] = WIDE
    options: tuple[str, ...] = ()
    light: bool = False
    headless: tuple[tuple[str, ...], ...] = ()
    last: bool = False


_BOOSTED = ("/boost experiment=car-loan", ENTER, " ", DOWN, " ", DOWN, " ", "x")
_BY_FAMILY_THEN_AUC = (*(RIGHT,) * 8, "o", *(LEFT,) * 3, "O", "#")
_BACKTEST = ("monitors", "backtest", "car-loan", "--since", "7d")
_CHECK = ("models", "check", "seattle-weather", "2", "--to", "production")
_JOBS = (
    ("jobs", "start", "--title", "Back-test of car-loan over a week", "--", *_BACKTEST),
    ("jobs", "start", "--title", "Gates of seattle-weather 2", "--", *_CHECK),
)
_STAGED = ("models", "promote", "seattle-weather", "2", "--to", "staging", "--reason", "to be tried")

SHOTS = (
    Shot("pulse", ("pulse",)),
    Shot("runs", ("runs",)),
    Shot("charts", ("runs",), ("/network-live", ENTER, ENTER, "s", "+", *(",",) * 14)),
    Shot("light", ("runs",), ("/network-live", ENTER, ENTER, "o"), WIDE, ("--theme", "light"), light=True),
    Shot("compare", ("runs",), (*_BOOSTED, "\t", "s")),
    Shot("heat-map", ("runs",), (*_BOOSTED, "\t", "v")),
    Shot("histogram", ("runs",), ("/network-live", ENTER, ENTER, "v", "v")),
    Shot("table", ("runs",), ("/accuracy>0.8", ENTER, *_BY_FAMILY_THEN_AUC), SHORT),
    Shot("promote", ("models",), ("p",)),
    Shot("board", ("versions",), ("v",)),
    Shot("server", ("server",), (WAIT,) * 8),
    Shot("endpoints", ("endpoints",), (WAIT,) * 3),
    Shot("endpoint", ("endpoint", "breast-cancer"), (WAIT,) * 6, SHORT),
    Shot("traffic", ("endpoint", "breast-cancer"), (WAIT, "t", "\x7f\x7f25"), SHORT),
    Shot("trace", ("traces",), ("/state=error", ENTER, ENTER)),
    Shot("promote-80x24", ("models",), ("p",), SMALL),
    Shot("endpoint-80x24", ("endpoint", "breast-cancer"), (WAIT,) * 6, SMALL),
    Shot("pulse-80x24", ("pulse",), (), SMALL),
    Shot("drift", ("drift",), (WAIT,) * 4, SHORT),
    Shot("alert", ("alerts",), (WAIT, ENTER, WAIT)),
    Shot("lineage", ("lineage", "car-loan/1"), (WAIT,), LINES),
    Shot("jobs", ("jobs",), (WAIT,), LINES, headless=_JOBS),
    Shot("past", ("versions", "seattle-weather"), ("{", "{"), LINES),
    Shot("undo", ("audit",), ("z", WAIT), SHORT, headless=(_STAGED,), last=True),
    Shot("audit", ("audit",), last=True),
    Shot("plain", (), ("models\n", "1\n"), LINES, ("--plain",)),
)
