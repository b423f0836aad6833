"""How changes of models, versions, aliases, prompts and requests for approval are undone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from engine.core.access import Role
from engine.core.errors import NotFound
from engine.undoing.inverse import Answer, Case, Inverse, Lead, Never, Part, State, final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.prompts.model import PromptVersion
    from engine.registry.model import Version

_IMPORTED = Never("An import makes and changes many things at once; delete what it brought one by one.")
_VERSION_GONE = Never("A deleted version's number is never given again, and its files may be swept away.")
_PROMPT_GONE = Never("A deleted prompt's texts leave the workspace, and its numbers are never given again.")


def split(key: str) -> tuple[str, int]:
    """The name and the number in a key such as `churn/7`.

    Args:
        key: The key of a version.

    Returns:
        Both.

    Raises:
        NotFound: it is no such key.
    """
    name, slash, number = key.rpartition("/")
    if not slash or not number.isdecimal():
        raise NotFound(f"{key} is no version.")
    return name, int(number)


def version(case: Case) -> Version:
    """The version of a record, as it is now.

    Raises:
        NotFound: it is gone.
    """
    return case.services.models.version(*split(case.key))


def _prompt_version(case: Case) -> PromptVersion:
    return case.services.prompts.version(*split(case.key))


def _model_texts(case: Case) -> State:
    found = case.services.models.get(case.key)
    return {"description": found.description, "owner": found.owner}


def _version_texts(case: Case) -> State:
    found = version(case)
    return {"description": found.description, "owner": found.owner}


def _changed(case: Case) -> dict[str, Any]:
    """The fields of an update that it changed, as they were."""
    return {key: value for key, value in case.before.items() if case.after.get(key) != value}


def _tags(case: Case, tags: Mapping[str, str]) -> State:
    return {"tags": {key: tags.get(key) for key in case.after.get("tags", {})}}


def _aliases(case: Case, aliases: Mapping[str, int]) -> State:
    return {"aliases": {alias: aliases.get(alias) for alias in case.after.get("aliases", {})}}


def _tag_model(case: Case, _why: str) -> None:
    for key, value in case.before["tags"].items():
        case.services.models.set_tag(case.key, key, value)


def _tag_version(case: Case, _why: str) -> None:
    for key, value in case.before["tags"].items():
        case.services.models.set_version_tag(*split(case.key), key, value)


def _tag_prompt(case: Case, _why: str) -> None:
    for key, value in case.before["tags"].items():
        case.services.prompts.set_tag(case.key, key, value)


def _tag_prompt_version(case: Case, _why: str) -> None:
    for key, value in case.before["tags"].items():
        case.services.prompts.set_version_tag(*split(case.key), key, value)


def _point_model(case: Case, _why: str) -> None:
    for alias, number in case.before["aliases"].items():
        if number is None:
            case.services.models.remove_alias(case.key, alias)
        else:
            case.services.models.set_alias(case.key, alias, number)


def _point_prompt(case: Case, _why: str) -> None:
    for alias, number in case.before["aliases"].items():
        if number is None:
            case.services.prompts.remove_alias(case.key, alias)
        else:
            case.services.prompts.set_alias(case.key, alias, number)


def _model(case: Case) -> State:
    found = case.services.models.get(case.key)
    return {"name": found.name, "description": found.description, "owner": found.owner, "tags": found.tags}


def _model_has(case: Case) -> str:
    try:
        found = case.services.models.get(case.key)
    except NotFound:
        return ""
    return f"{found.name} has {found.versions} versions by now; deleting it would take them along." * bool(
        found.versions
    )


def _facts_of_model(case: Case) -> tuple[State, State]:
    """A deleted model without versions is all in its record."""
    known = ("name", "description", "owner", "tags")
    return {key: case.before.get(key) for key in known}, None


def _had_versions(case: Case) -> str:
    return "Its versions are gone for good, and so are their numbers." if case.before.get("versions") else ""


def _make_model(case: Case, _why: str) -> None:
    told = case.before
    case.services.models.create(case.key, told.get("description", ""), told.get("owner", ""), told.get("tags") or {})


def _prompt(case: Case) -> State:
    found = case.services.prompts.get(case.key)
    return {"name": found.name, "description": found.description, "tags": found.tags}


def _prompt_has(case: Case) -> str:
    try:
        found = case.services.prompts.get(case.key)
    except NotFound:
        return ""
    return f"{found.name} has {found.versions} versions by now; deleting it would take them along." * bool(
        found.versions
    )


def _prompt_texts(case: Case) -> State:
    found = _prompt_version(case)
    return {"commit_message": found.commit_message, "model_config": found.model_config}


def _version_there(case: Case) -> State:
    return {"digest": version(case).digest}


def _digest_only(case: Case) -> tuple[State, State]:
    """What came with the version may have changed since; it goes with it."""
    return None, {"digest": case.after.get("digest")}


def _prompt_there(case: Case) -> State:
    return {"kind": _prompt_version(case).kind.value}


def _kind_only(case: Case) -> tuple[State, State]:
    return None, {"kind": case.after.get("kind")}


def _stage_lets_go(case: Case) -> str:
    found = version(case)
    moved = found.stage.value != "Registered"
    return f"{found.key} is in {found.stage.value} by now; undo that first." if moved else ""


def _pickle(case: Case) -> State:
    digest = case.services.models.version(*split(case.key)).digest  # of the version that has this number now
    return {"digest": digest, "pickle": "allowed" if case.services.builds.pickle_allowed(digest) else "forbidden"}


def _pickle_before(case: Case) -> tuple[State, State]:
    was = "forbidden" if case.after.get("pickle") == "allowed" else "allowed"
    return {**case.after, "pickle": was}, case.after


def _request(case: Case) -> State:
    return {"state": case.services.approvals.get(int(case.key)).state.value}


def _request_made(case: Case) -> tuple[State, State]:
    return {"state": "withdrawn"}, {"state": case.after.get("state")}


PROMOTED = Lead("promotion", frozenset(("promote", "override", "roll back", "roll out")), after=True)
"""The record of the promotion that a record is a part of."""

_ALIAS = Part(
    (replace(PROMOTED, said="left Production"),),
    Inverse(
        Role.OPERATOR,
        lambda case: _aliases(case, case.services.models.get(case.key).aliases),
        _point_model,
        becomes="set alias",
    ),
)

_WITHDRAW = Inverse(
    Role.OPERATOR,
    _request,
    lambda case, why: case.services.approvals.withdraw(int(case.key), why),
    becomes="withdraw",
    states=_request_made,
    slow=True,
)

REGISTERED: Mapping[tuple[str, str], Answer] = {
    ("model", "create"): Inverse(
        Role.ADMIN,
        _model,
        lambda case, why: case.services.models.delete(case.key, reason=why),
        becomes="delete",
        refuse=_model_has,
    ),
    ("model", "delete"): Inverse(
        Role.WRITER,
        _model,
        _make_model,
        becomes="create",
        states=_facts_of_model,
        refuse=_had_versions,
        loses="The versions of a deleted model are gone for good, and so are their numbers.",
    ),
    ("model", "update"): Inverse(
        Role.OPERATOR,
        _model_texts,
        lambda case, _why: case.services.models.update(case.key, **_changed(case)),
        becomes="update",
    ),
    ("model", "rename"): Inverse(
        Role.OPERATOR,
        lambda case: {"name": case.services.models.get(case.key).name},
        lambda case, _why: case.services.models.rename(case.key, case.before["name"]),
        becomes="rename",
    ),
    ("model", "tag"): Inverse(
        Role.OPERATOR,
        lambda case: _tags(case, case.services.models.get(case.key).tags),
        _tag_model,
        becomes="tag",
    ),
    ("model", "set alias"): _ALIAS,
    ("model", "remove alias"): _ALIAS,
    ("model", "ask retraining"): Never("Whoever trains the model has been told; tell them otherwise."),
    ("model", "import"): _IMPORTED,
    ("version", "register"): Inverse(
        Role.ADMIN,
        _version_there,
        lambda case, why: case.services.models.delete_version(*split(case.key), reason=why),
        becomes="delete",
        states=_digest_only,
        danger=final,
        refuse=_stage_lets_go,
    ),
    ("version", "update"): Inverse(
        Role.OPERATOR,
        _version_texts,
        lambda case, _why: case.services.models.update_version(*split(case.key), **_changed(case)),
        becomes="update",
    ),
    ("version", "tag"): Inverse(
        Role.OPERATOR,
        lambda case: _tags(case, version(case).tags),
        _tag_version,
        becomes="tag",
    ),
    ("version", "delete"): _VERSION_GONE,
    ("version", "import"): _IMPORTED,
    ("version", "build"): Never("A build belongs to the version's bytes and is made once; it changes nothing else."),
    ("version", "predict"): Never("The answers stand in files that may have been read; delete those."),
    ("version", "baseline"): Never(
        "A version keeps each of its baselines; take another one, which holds from then on."
    ),
    ("version", "allow pickle"): Inverse(
        Role.APPROVER,
        _pickle,
        lambda case, why: case.services.builds.forbid_pickle(*split(case.key), reason=why),
        becomes="forbid pickle",
        states=_pickle_before,
    ),
    ("version", "forbid pickle"): Inverse(
        Role.APPROVER,
        _pickle,
        lambda case, why: case.services.builds.allow_pickle(*split(case.key), reason=why),
        becomes="allow pickle",
        states=_pickle_before,
    ),
    ("approval", "request"): _WITHDRAW,
    ("approval", "request override"): _WITHDRAW,
    ("approval", "withdraw"): Never("A request that was withdrawn is closed; ask again, with fresh gates."),
    ("approval", "approve"): Never("An approver's word was given; whoever asked can withdraw the request."),
    ("approval", "reject"): Never("A rejected request is closed; ask again, with fresh gates."),
    ("approval", "revoke"): Never("An approver who took their word back can give it again: approve the request."),
    ("approval", "use"): Part((PROMOTED,), Never("A request is used up by its promotion; undo that one.")),
    ("approval", "close"): Part((PROMOTED,), Never("A request closes when what it was about is no more; ask again.")),
    ("prompt", "create"): Inverse(
        Role.ADMIN,
        _prompt,
        lambda case, why: case.services.prompts.delete(case.key, reason=why),
        becomes="delete",
        danger=final,
        refuse=_prompt_has,
    ),
    ("prompt", "delete"): _PROMPT_GONE,
    ("prompt", "update"): Inverse(
        Role.OPERATOR,
        lambda case: {"description": case.services.prompts.get(case.key).description},
        lambda case, _why: case.services.prompts.update(case.key, case.before["description"]),
        becomes="update",
    ),
    ("prompt", "tag"): Inverse(
        Role.WRITER,
        lambda case: _tags(case, case.services.prompts.get(case.key).tags),
        _tag_prompt,
        becomes="tag",
    ),
    ("prompt", "set alias"): Inverse(
        Role.OPERATOR,
        lambda case: _aliases(case, case.services.prompts.get(case.key).aliases),
        _point_prompt,
        becomes="set alias",
    ),
    ("prompt", "remove alias"): Inverse(
        Role.OPERATOR,
        lambda case: _aliases(case, case.services.prompts.get(case.key).aliases),
        _point_prompt,
        becomes="set alias",
    ),
    ("prompt", "import"): _IMPORTED,
    ("prompt version", "register"): Inverse(
        Role.ADMIN,
        _prompt_there,
        lambda case, why: case.services.prompts.delete_version(*split(case.key), reason=why),
        becomes="delete",
        states=_kind_only,
        danger=final,
    ),
    ("prompt version", "update"): Inverse(
        Role.OPERATOR,
        _prompt_texts,
        lambda case, _why: case.services.prompts.update_version(*split(case.key), **_changed(case)),
        becomes="update",
    ),
    ("prompt version", "tag"): Inverse(
        Role.WRITER,
        lambda case: _tags(case, _prompt_version(case).tags),
        _tag_prompt_version,
        becomes="tag",
    ),
    ("prompt version", "delete"): _PROMPT_GONE,
}
"""By kind and verb."""
