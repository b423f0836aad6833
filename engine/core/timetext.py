"""Times, durations and ages as text. Times are milliseconds since the epoch; without an offset, text means UTC."""

from __future__ import annotations

import re
import time
from functools import cache

from engine.core.errors import InvalidInput

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
YEAR_MS = 365 * DAY_MS

_UNIT_MS = {
    "ms": 1,
    "s": SECOND_MS,
    "sec": SECOND_MS,
    "m": MINUTE_MS,
    "min": MINUTE_MS,
    "h": HOUR_MS,
    "d": DAY_MS,
    "w": 7 * DAY_MS,
}
_DURATION = r"(?:[0-9]{1,9}(?:\.[0-9]{1,9})?\s?(?:ms|sec|s|min|m|h|d|w)\s?)+"
_PART = r"([0-9.]+)\s?([a-z]+)"
_DAY = r"(today|yesterday)(?:\s+(?:at\s+)?([0-9]{1,2}):([0-9]{2}))?"
_ISO = r"[0-9][-0-9:.,+TWZ ]*"  # checked first, for the standard library also takes a NUL
_EPOCH = r"-?[0-9]{11,15}"
_LONGEST = 64
_FIRST_MS = -62_135_596_800_000  # 0001-01-01T00:00:00Z
_LAST_MS = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z


@cache
def _pattern(text: str) -> re.Pattern[str]:
    """Compiled when first read with: most starts only write times."""
    return re.compile(text, re.IGNORECASE | re.ASCII)


def parse_time(text: str, now_ms: int | None) -> int:
    """Read a moment.

    Args:
        text: ISO 8601 (`2026-11-03`, `2026-11-03T09:00`, with `Z` or an offset; UTC without one), an age (`2h`,
            `3d ago`, `1d12h`), `now`, `today`, `yesterday 09:00` (UTC), or 11 to 15 digits of epoch milliseconds.
        now_ms: The present, in milliseconds since the epoch; `None` refuses whatever depends on it.

    Returns:
        Milliseconds since the epoch.

    Raises:
        InvalidInput: it is none of these.
    """
    wanted = text.strip()
    if len(wanted) > _LONGEST:
        raise _no_time(text)
    if _pattern(_EPOCH).fullmatch(wanted):
        return int(wanted)
    moment = _relative(wanted.lower(), now_ms)
    return _iso(wanted) if moment is None else moment


def _relative(wanted: str, now_ms: int | None) -> int | None:
    """The moment, if the text is written relative to the present."""
    age = wanted.removesuffix("ago").removeprefix("now-").strip()
    day = _pattern(_DAY).fullmatch(wanted)
    if wanted != "now" and not day and not _pattern(_DURATION).fullmatch(age):
        return None
    if now_ms is None:
        raise InvalidInput(f"{wanted} depends on the present time.", hint="Write a date such as 2026-11-03T09:00.")
    if wanted == "now":
        return now_ms
    return _on_day(day, now_ms) if day else now_ms - parse_duration(age)


def _on_day(day: re.Match[str], now_ms: int) -> int:
    hours, minutes = int(day[2] or 0), int(day[3] or 0)
    if hours > 23 or minutes > 59:
        raise InvalidInput(f"{hours:02}:{minutes:02} is no time of day.", hint="Write 00:00 to 23:59.")
    midnight = now_ms - now_ms % DAY_MS
    return midnight - (DAY_MS if day[1] == "yesterday" else 0) + hours * HOUR_MS + minutes * MINUTE_MS


def _iso(wanted: str) -> int:
    from datetime import UTC, datetime, timedelta  # costs a millisecond at a start

    if not _pattern(_ISO).fullmatch(wanted):
        raise _no_time(wanted)
    try:
        moment = datetime.fromisoformat(wanted)
    except ValueError as error:
        raise _no_time(wanted) from error
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def _no_time(text: str) -> InvalidInput:
    from engine.core.text import clean  # only a wrong text needs it

    hint = "Write 2026-11-03, 2026-11-03T09:00, with Z or +02:00, an age such as 2h or 3d, or yesterday 09:00."
    return InvalidInput(f"{clean(text, limit=40)!r} is no time.", hint=hint)


def parse_duration(text: str) -> int:
    """Read a length of time.

    Args:
        text: Numbers with units ms, s, m, h, d or w, such as `10m`, `1h30m` or `2.5d`.

    Returns:
        Milliseconds, rounded.

    Raises:
        InvalidInput: it is none.
    """
    wanted = text.strip().lower()
    if len(wanted) > _LONGEST or not _pattern(_DURATION).fullmatch(wanted):
        from engine.core.text import clean  # only a wrong text needs it

        hint = "Write a number and ms, s, m, h, d or w, such as 10m or 1h30m."
        raise InvalidInput(f"{clean(text, limit=40)!r} is no length of time.", hint=hint)
    return round(sum(float(number) * _UNIT_MS[unit] for number, unit in _pattern(_PART).findall(wanted)))


def exact_duration(ms: int) -> str:
    """Write a length of time so that `parse_duration` reads the same: `10m`, `1h30m`, `1s500ms`. ms: milliseconds."""
    text, left = "", ms
    for unit in ("d", "h", "m", "s", "ms"):
        count, left = divmod(left, _UNIT_MS[unit])
        text += f"{count}{unit}" if count else ""
    return text or "0s"


def format_time(ms: int) -> str:
    """Write a moment in ISO 8601, UTC, with `Z`; milliseconds only where there are any.

    Args:
        ms: Milliseconds since the epoch; logged values may lie outside the calendar and are then written as a number.
    """
    if not _FIRST_MS <= ms <= _LAST_MS:
        return f"{ms} ms"
    seconds, rest = divmod(ms, SECOND_MS)
    at = time.gmtime(seconds)
    fraction = f".{rest:03}" if rest else ""
    date = f"{at.tm_year:04}-{at.tm_mon:02}-{at.tm_mday:02}"
    return f"{date}T{at.tm_hour:02}:{at.tm_min:02}:{at.tm_sec:02}{fraction}Z"


def format_age(ms: int) -> str:
    """Write how long ago, in one unit: `45s`, `3m`, `2h`, `5d`, `2y`; a clock behind gives `0s`. ms: milliseconds."""
    for unit_ms, unit in ((YEAR_MS, "y"), (DAY_MS, "d"), (HOUR_MS, "h"), (MINUTE_MS, "m")):
        if ms >= unit_ms:
            return f"{ms // unit_ms}{unit}"
    return f"{max(ms, 0) // SECOND_MS}s"


def format_latency(us: float) -> str:
    """Write how long a call took, in three digits: `45.2 us`, `3.2 ms`, `1.5 s`. us: microseconds."""
    for scale, unit in ((1_000_000, "s"), (1_000, "ms")):
        if abs(us) >= scale:
            return f"{us / scale:.3g} {unit}"
    return f"{us:.3g} us"


def format_duration(ms: int) -> str:
    """Write a length of time in at most two units: `350ms`, `12.3s`, `4m 05s`, `2h 05m`, `3d 04h`. ms: milliseconds."""
    if ms < 0:
        return f"-{format_duration(-ms)}"
    if ms < SECOND_MS:
        return f"{ms}ms"
    if ms < MINUTE_MS:
        return f"{ms // 100 / 10}s"
    if ms < HOUR_MS:
        return f"{ms // MINUTE_MS}m {ms % MINUTE_MS // SECOND_MS:02}s"
    if ms < DAY_MS:
        return f"{ms // HOUR_MS}h {ms % HOUR_MS // MINUTE_MS:02}m"
    return f"{ms // DAY_MS}d {ms % DAY_MS // HOUR_MS:02}h"
