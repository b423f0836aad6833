"""Names as MLflow takes them: keys of metrics, params and tags, and names for runs that come without one."""

from __future__ import annotations

import posixpath
import re
from functools import lru_cache
from random import SystemRandom

from engine.core.errors import InvalidInput
from engine.server.mlflow.decoding import missing, wrong
from engine.tracking.rules import MAX_KEY

_KEY = re.compile(r"[/\w.\- :]*")
_RANDOM = SystemRandom()

_ADJECTIVES = (
    "able", "amber", "ample", "apt", "ashen", "azure", "bold", "brave", "brisk", "bright", "calm", "candid", "clean",
    "clear", "clever", "cosmic", "crisp", "daring", "deft", "eager", "early", "easy", "even", "fair", "fast", "fine",
    "firm", "fleet", "fond", "frank", "free", "fresh", "gentle", "glad", "golden", "grand", "green", "hardy", "honest",
    "humble", "jolly", "keen", "kind", "large", "light", "lively", "loud", "lucid", "lucky", "mellow", "merry",
    "mighty", "mild", "neat", "nimble", "noble", "open", "plain", "polite", "proud", "pure", "quick", "quiet", "rapid",
    "rare", "ready", "red", "rich", "ripe", "robust", "royal", "sane", "sharp", "shiny", "silent", "simple", "sleek",
    "smart", "smooth", "snowy", "solid", "spry", "stable", "steady", "still", "stoic", "strong", "sunny", "sure",
    "sweet", "swift", "tall", "tame", "tidy", "true", "upbeat", "vast", "vivid", "warm", "wary", "wild", "wise",
    "witty", "young", "zesty",
)  # fmt: skip
_NOUNS = (
    "albatross", "alder", "anchor", "antelope", "ash", "aspen", "auk", "badger", "barque", "beacon", "beaver", "beech",
    "bell", "birch", "bison", "boom", "bosun", "bream", "brig", "buoy", "carp", "cedar", "cliff", "cod", "compass",
    "coot", "coral", "cove", "crane", "curlew", "cutter", "cypress", "deck", "deer", "dolphin", "dory", "dove", "dune",
    "eagle", "egret", "elk", "elm", "falcon", "fern", "finch", "fjord", "fox", "frigate", "gale", "gannet", "goose",
    "grouse", "gull", "harbour", "hare", "hawk", "helm", "heron", "hull", "ibis", "inlet", "jib", "kelp", "kestrel",
    "ketch", "kite", "lagoon", "larch", "lark", "lighthouse", "linnet", "lynx", "mast", "moose", "newt", "oak",
    "otter", "owl", "oyster", "petrel", "pike", "pine", "plover", "puffin", "quail", "quay", "raven", "reef", "robin",
    "rowan", "rudder", "sail", "salmon", "schooner", "seal", "shoal", "skua", "sloop", "sparrow", "spruce", "squid",
    "stork", "swan", "tern", "thrush", "tide", "trout", "wave", "whale", "willow", "wren", "yawl",
)  # fmt: skip

_ABSURD = 10_000
"""Characters of a key from which its length alone is looked at: everything else takes time."""


@lru_cache(maxsize=4096)
def check_key(key: str, field: str) -> str:
    """Refuse a key that MLflow refuses.

    Args:
        key: The key of a metric, param or tag.
        field: What the key is called where it is not taken.

    Returns:
        The same key.

    Raises:
        InvalidInput: it is empty, too long, holds unusual characters, or would be another name as a path.
    """
    if not key:
        raise missing("key")
    if len(key) > _ABSURD:
        raise too_long("key", MAX_KEY)
    if not _KEY.fullmatch(key):
        raise wrong(
            key,
            field,
            ": Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) "
            "and slashes (/).",
        )
    resolved = posixpath.normpath(key)
    if resolved != key or resolved.startswith(("..", "/")) or resolved == ".":
        raise wrong(
            key,
            field,
            ": Names may be treated as files in certain cases, and must not resolve to other names when treated as "
            "such.",
        )
    if len(key) > MAX_KEY:
        raise too_long("key", MAX_KEY)
    return key


def too_long(field: str, limit: int) -> InvalidInput:
    """The error for a text with more characters than are taken."""
    return InvalidInput(f"'{field}' exceeds the maximum length of {limit} characters")


def speaking_name() -> str:
    """A name for a run that comes without one, such as `brisk-otter-417`."""
    return f"{_RANDOM.choice(_ADJECTIVES)}-{_RANDOM.choice(_NOUNS)}-{_RANDOM.randrange(1000)}"
