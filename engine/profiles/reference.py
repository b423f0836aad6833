"""What a baseline holds: how a table is counted, what the reference held, and what matters how much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.core.errors import InvalidInput
from engine.profiles.layout import FORMAT, Layout
from engine.profiles.profile import Profile


@dataclass(frozen=True)
class Reference:
    """A reference.

    Args:
        layout: How it, and what is compared with it, is counted.
        profile: What it held.
        importance: By feature, how much it matters to the model; features that are not there matter alike.
        inflations: By feature, by how much rows that depend on each other inflate the variance of its shares, where
            the rows are known to stand in the order of time; 1 for features that are not there.
    """

    layout: Layout
    profile: Profile
    importance: Mapping[str, float] = field(default_factory=dict)
    inflations: Mapping[str, float] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """The same bytes for the same reference."""
        from msgspec import msgpack

        weights = [sorted((key, float(each)) for key, each in self.importance.items())]
        if self.inflations:
            weights.append(sorted((key, float(each)) for key, each in self.inflations.items()))
        return msgpack.encode([FORMAT, self.layout.to_bytes(), self.profile.to_bytes(), *weights])

    @staticmethod
    def from_bytes(data: bytes) -> Reference:
        """A reference out of its bytes.

        Args:
            data: What `to_bytes` gave.

        Returns:
            The reference.

        Raises:
            InvalidInput: these are no bytes of a reference, or of another version.
        """
        from msgspec import DecodeError, msgpack

        try:
            version, layout, profile, importance, *more = msgpack.decode(data)
            if version != FORMAT:
                raise InvalidInput("That baseline was written by another version.", hint="Make it anew.")
            inflations = dict(*more)
            return Reference(Layout.from_bytes(layout), Profile.from_bytes(profile), dict(importance), inflations)
        except (DecodeError, TypeError, ValueError) as error:
            raise InvalidInput("These bytes are no baseline.") from error
