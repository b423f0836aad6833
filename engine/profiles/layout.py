"""What a reference fixes of each feature: its kind, the grid it is counted on, the edges of its bins."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING

from engine.core.errors import InvalidInput
from engine.profiles.grid import Grid
from engine.profiles.model import LEVELLED, FeatureKind
from engine.tables.model import Family

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT = 1
"""Of the bytes of layouts and profiles; others are refused."""


@dataclass(frozen=True, slots=True)
class Bin:
    """A bin of a number.

    Args:
        low: Its least number; -inf for the first. An integer where a float64 would not be exact.
        high: The least number above it; +inf for the last.
        point: Whether it is a tied number alone (`low`), which its neighbours leave out.
    """

    low: float | int
    high: float | int
    point: bool = False


@dataclass(frozen=True)
class FeatureLayout:
    """How one feature is counted.

    Args:
        key: What it is known by.
        name: Its name.
        kind: What it is.
        left_out: Why it is not compared; empty when it is.
        integer: Whether its numbers are integers; then they are counted from `offset` on.
        offset: What is taken off each number before it is a float64: 0, unless they are too large to be one exactly.
        grid: Where numbers are counted; `None` for other kinds.
        edges: The cells at whose lower borders bins begin, rising.
        deciles: Those of `edges` that are deciles.
        points: Tied numbers that are bins of their own, rising.
        levels: The reference's levels, the most frequent first.
        zone: Of timestamps: the zone they are told in.
    """

    key: str
    name: str
    kind: FeatureKind
    left_out: str = ""
    integer: bool = False
    offset: int = 0
    grid: Grid | None = None
    edges: tuple[int, ...] = ()
    deciles: tuple[int, ...] = ()
    points: tuple[float, ...] = ()
    levels: tuple[str, ...] = ()
    zone: str = ""

    @cached_property
    def bins(self) -> tuple[Bin, ...]:
        """The bins of a number, as `FeatureProfile.bins` counts them: intervals, points among them in order."""
        return _bins(self.grid, self.edges, self.points, self.offset)

    @cached_property
    def decile_bins(self) -> tuple[Bin, ...]:
        """The bins between deciles, as `FeatureProfile.deciles` counts them; tied numbers belong to them."""
        return _bins(self.grid, self.deciles, (), self.offset)

    @property
    def wanted(self) -> Family | None:
        """As what its column shall be read where the source leaves that open."""
        if self.kind is FeatureKind.NUMBER:
            return Family.INTEGER if self.integer else Family.FLOAT
        return Family.TEXT if self.kind in LEVELLED or self.kind is FeatureKind.TEXT else None


@dataclass(frozen=True)
class Layout:
    """How a table is counted.

    Args:
        features: Its features, in order.
    """

    features: tuple[FeatureLayout, ...]

    @cached_property
    def by_key(self) -> Mapping[str, FeatureLayout]:
        """Features by key."""
        return {each.key: each for each in self.features}

    @cached_property
    def digest(self) -> str:
        """What profiles that can be added share: 64 hex digits."""
        return sha256(self.to_bytes()).hexdigest()

    @property
    def wanted(self) -> dict[str, Family]:
        """As what columns shall be read, by key."""
        return {each.key: each.wanted for each in self.features if each.wanted is not None}

    def to_bytes(self) -> bytes:
        """The same bytes for the same layout."""
        from msgspec import msgpack

        return msgpack.encode([FORMAT, [_plain(each) for each in self.features]])

    @staticmethod
    def from_bytes(data: bytes) -> Layout:
        """A layout out of its bytes.

        Args:
            data: What `to_bytes` gave.

        Returns:
            The layout.

        Raises:
            InvalidInput: these are no bytes of a layout, or of another version.
        """
        from msgspec import DecodeError, msgpack

        try:
            version, features = msgpack.decode(data)
            if version != FORMAT:
                raise InvalidInput("That layout was written by another version.", hint="Make the baseline anew.")
            return Layout(tuple(_built(each) for each in features))
        except (DecodeError, TypeError, ValueError, IndexError) as error:
            raise InvalidInput("These bytes are no layout.") from error


def _plain(feature: FeatureLayout) -> list[object]:
    grid = feature.grid
    return [
        feature.key,
        feature.name,
        feature.kind.value,
        feature.left_out,
        feature.integer,
        str(feature.offset),
        None if grid is None else [grid.power, grid.shift, grid.lattice],
        feature.edges,
        feature.deciles,
        feature.points,
        feature.levels,
        feature.zone,
    ]


def _built(told: list[object]) -> FeatureLayout:
    key, name, kind, left_out, integer, offset, grid, *rest, zone = told
    edges, deciles, points, levels = (tuple(each) for each in rest)  # type: ignore[arg-type,var-annotated]
    made = None if grid is None else Grid(*grid)  # type: ignore[misc]
    return FeatureLayout(
        str(key), str(name), FeatureKind(str(kind)), str(left_out), bool(integer), int(str(offset)), made,
        edges, deciles, points, levels, str(zone),
    )  # fmt: skip


def _bins(grid: Grid | None, edges: tuple[int, ...], points: tuple[float, ...], offset: int) -> tuple[Bin, ...]:
    """Intervals between borders; a point stands before the interval that its cell belongs to."""
    if grid is None:
        return ()
    least = [grid.border(each) for each in edges]
    borders = [-math.inf, *(math.ceil(each) + offset if offset else each for each in least), math.inf]
    cells = [-1, *edges]
    found: list[Bin] = []
    for place, cell in enumerate(cells):
        end = cells[place + 1] if place + 1 < len(cells) else math.inf
        alone = (int(each) + offset if offset else each for each in points if cell <= grid.cell(each) < end)
        found += [Bin(each, each, point=True) for each in alone]
        found.append(Bin(borders[place], borders[place + 1]))
    return tuple(found)
