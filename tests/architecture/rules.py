"""The house rules that no import contract can say, as functions over one parsed file; each returns what breaks it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

SQL = re.compile(
    r"^\s*(?:SELECT\s.+\sFROM|INSERT\s+(?:OR\s+\w+\s+)?INTO|REPLACE\s+INTO|UPDATE\s+\S+\s+SET|DELETE\s+FROM"
    r"|CREATE\s+(?:TEMP\s+)?(?:UNIQUE\s+)?(?:TABLE|INDEX|TRIGGER|VIEW)|ALTER\s+TABLE|DROP\s+(?:TABLE|INDEX|TRIGGER|VIEW)"
    r"|WITH\s+(?:RECURSIVE\s+)?\w+\s*(?:\([^)]*\)\s*)?AS\s*\(|PRAGMA\s+\w+|ATTACH\s|BEGIN\s+IMMEDIATE)\b",
    re.IGNORECASE | re.DOTALL,
)
EXECUTING = ("execute", "executemany", "executescript")

HEAVY = (
    "textual", "rich", "pandas", "numpy", "scipy", "sklearn", "joblib", "sqlite_utils", "httpx", "skops",
    "starlette", "uvicorn", "msgspec", "pyarrow", "onnxruntime",
)  # fmt: skip
"""Libraries that cost tens of milliseconds or more to load."""

OF_THE_SERVERS = ("starlette", "uvicorn", "msgspec")
"""What servers are made of: they are processes of their own, and wait in the verbs that start them."""

SERVERS = ("engine/server/", "engine/serving/", "engine/runtimes/row_check.py")
"""Where those may be loaded; `row_check` is part of answering requests, and only what answers loads it."""

WAITING = ("engine.server", "engine.serving")
"""Whole packages of what is loaded with those."""

OF_THE_ENGINE = re.compile(
    r"engine|engine\.api|engine\.core(\.\w+)*|engine\.\w+\.(\w+_)?model|engine\.cli"
    r"|engine\.registry\.lineage|engine\.telemetry\.histogram|engine\.deployment\.analysis"
    r"|engine\.drift\.(words|document)|engine\.undoing\.registry"
)
"""What the console may import of the engine: the front door, what is pure, and what the front door gives."""


def may_hold_sql(path: str) -> bool:
    """Whether SQL may stand in a file: a store, the database layer, or the audit log."""
    return path.startswith(("engine/db/", "engine/audit/")) or path.endswith(("/store.py", "_store.py"))


def sql_in(tree: ast.AST) -> list[str]:
    """Texts that are SQL, and calls that run it; doc strings are prose."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    texts = [text for node in ast.walk(tree) if id(node) not in docstrings and (text := _text_of(node))]
    calls = [
        f".{node.func.attr}()"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in EXECUTING
    ]
    return [text for text in texts if SQL.match(text)] + calls


def _text_of(node: ast.AST) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "?" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def imports_in(tree: ast.AST) -> list[str]:
    """Every module imported anywhere, and its names as if they were modules; relative ones begin with a dot."""
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.extend(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            found.append(module)
            found.extend(f"{module}.{alias.name}" for alias in node.names)
    return found


def foreign_stores(tree: ast.AST, folder: str) -> list[str]:
    """Stores of other folders that are imported; `folder` is the file's own, such as `engine.tracking`."""
    return [
        name
        for name in imports_in(tree)
        if name.startswith(".")
        or (
            re.search(r"^engine\.\w+\.(?:\w+_)?store(?:\.|$)", name)
            and not name.startswith((f"{folder}.", "engine.artifacts."))
        )
    ]


def below_the_front_door(tree: ast.AST) -> list[str]:
    """What a file of the console imports of the engine and must not."""
    modules = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    modules += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names = [name for name in imports_in(tree) if re.search(r"^engine\.\w+\.(?:\w+_)?store(?:\.|$)", name)]
    ours = [name for name in modules if name.split(".")[0] == "engine" and not OF_THE_ENGINE.fullmatch(name)]
    return ours + names + [name for name in modules if name.split(".")[0] == "sqlite3"]


def heavy_at_start(tree: ast.Module, path: str = "") -> list[str]:
    """Heavy libraries that are loaded when the file is; inside a function they wait."""
    loaded = list(_loaded_with(tree.body))
    if path.startswith(SERVERS):
        return [name for name in loaded if name.split(".")[0] in HEAVY and name.split(".")[0] not in OF_THE_SERVERS]
    return [name for name in loaded if name.split(".")[0] in HEAVY or name.startswith(WAITING)]


def _loaded_with(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            yield from _loaded_with(node.orelse)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from _loaded_with([child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)])


def too_long(text: str, lines: int = 600, function_lines: int = 60) -> list[str]:
    """Functions over their length, and the file if it is over its own."""
    long = [
        node.name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and (node.end_lineno or 0) - node.lineno >= function_lines
    ]
    return long + (["the file"] if len(text.splitlines()) > lines else [])
