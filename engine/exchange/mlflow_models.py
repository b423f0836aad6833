"""Registered models and versions from rows of MLflow's registry, wherever the rows were read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.core.errors import InvalidInput
from engine.exchange.intake import kept_pairs, run_id_problem, text_or, whole
from engine.exchange.model import SourceModel, SourceVersion
from engine.registry.names import MAX_TAG_VALUE, MAX_TEXT, check_alias, check_model_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.exchange.model import SkippedList

Rows = "Mapping[str, Sequence[Mapping[str, Any]]]"

_OF_A_MODEL = "models:/m-"


def kept_models(rows: Mapping[str, Sequence[Mapping[str, Any]]], skipped: SkippedList) -> list[SourceModel]:
    """The models that can be kept.

    Args:
        rows: The rows by table: `registered_models`, `registered_model_tags`, `registered_model_aliases`,
            `model_versions`, `model_version_tags`.
        skipped: Takes what is left out.

    Returns:
        The models, by name.
    """
    tags = _grouped(rows["registered_model_tags"], "name")
    aliases = _grouped(rows["registered_model_aliases"], "name")
    versions = _grouped(rows["model_versions"], "name")
    version_tags: dict[object, list[Mapping[str, Any]]] = {}
    for row in rows["model_version_tags"]:
        version_tags.setdefault((row["name"], row["version"]), []).append(row)
    found = []
    for row in rows["registered_models"]:
        name = text_or(row["name"])
        try:
            check_model_name(name)
        except InvalidInput as error:
            skipped.add("model", name[:250], error.message)
            continue
        kept = [_version(each, version_tags.get((row["name"], each["version"]), ()), skipped)
                for each in versions.get(row["name"], ())]  # fmt: skip
        of_model = sorted((each for each in kept if each is not None), key=lambda each: each.number)
        found.append(
            SourceModel(
                name=name,
                created_ms=whole(row["creation_time"]) or 0,
                updated_ms=whole(row["last_updated_time"]) or 0,
                description=_text(name, row["description"], skipped),
                tags=_tags(name, tags.get(row["name"], ()), skipped),
                aliases=_aliases(name, aliases.get(row["name"], ()), {each.number for each in of_model}, skipped),
                versions=tuple(of_model),
            )
        )
    return sorted(found, key=lambda model: model.name)


def _grouped(rows: Sequence[Mapping[str, Any]], key: str) -> dict[object, list[Mapping[str, Any]]]:
    found: dict[object, list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(row[key], []).append(row)
    return found


def _version(row: Mapping[str, Any], tags: Sequence[Mapping[str, Any]], skipped: SkippedList) -> SourceVersion | None:
    number = whole(row["version"])
    key = f"{text_or(row['name'])}/{str(row['version'])[:40]}"
    if number is None or number < 1:
        skipped.add("version", key, "Its number is not a whole number from 1.")
        return None
    if text_or(row["current_stage"]).startswith("Deleted"):
        return None
    source = text_or(row["source"])[:MAX_TEXT]
    run_id = text_or(row["run_id"])
    created_ms = whole(row["creation_time"]) or 0
    return SourceVersion(
        number=number,
        stage=text_or(row["current_stage"], "None"),
        created_ms=created_ms,
        updated_ms=whole(row["last_updated_time"]) or created_ms,
        run_id=run_id if run_id and not run_id_problem(run_id) else None,
        source=source,
        root=text_or(row["storage_location"], source),
        user=text_or(row["user_id"])[:500],
        run_link=text_or(row["run_link"])[:500],
        description=_text(key, row["description"], skipped),
        tags=_tags(key, tags, skipped),
        model_id=source.removeprefix("models:/") if source.startswith(_OF_A_MODEL) else None,
    )


def _tags(owner: str, rows: Sequence[Mapping[str, Any]], skipped: SkippedList) -> dict[str, str]:
    pairs = [(row["key"], row["value"]) for row in rows]
    return kept_pairs(owner, "registry tag", pairs, skipped, limit=MAX_TAG_VALUE)


def _aliases(name: str, rows: Sequence[Mapping[str, Any]], numbers: set[int], skipped: SkippedList) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in rows:
        alias, number = text_or(row["alias"]), whole(row["version"])
        try:
            check_alias(alias)
        except InvalidInput as error:
            skipped.add("alias", f"{name}@{alias[:250]}", error.message)
            continue
        if number in numbers:
            found[alias] = number
        else:
            skipped.add("alias", f"{name}@{alias}", "It points to a version that is not there.")
    return found


def _text(owner: str, value: object, skipped: SkippedList) -> str:
    text = text_or(value)
    kept = kept_pairs(owner, "description", [("description", text)], skipped, limit=MAX_TEXT)
    return kept.get("description", "")
