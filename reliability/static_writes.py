"""Which functions of the product write attempts, leads, campaigns or runs: read from
the source, so that a new one cannot hide.

A function counts if it calls a method that writes on anything that it made from one of
these models, or one of the writes that those of `calls.claims` are made of.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
APPS = ("calls", "leads", "tuotempo")
MODELS = {"CallAttempt", "Lead", "LeadQuerySet", "Campaign", "Run"}
WRITES = {
    "update",
    "create",
    "get_or_create",
    "update_or_create",
    "bulk_create",
    "bulk_update",
    "delete",
    "save",
    "give_turn",
}
PRIMITIVES = {"move", "write", "give_back", "settle", "reread", "reopen"}


def writers() -> set[str]:
    """As `calls.claims.sending:pre_send`, methods as `module:Class.method`."""
    found = set()
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            if not {"tests", "migrations"} & set(path.parts):
                found |= set(writers_in(path.read_text("utf-8"), _module(path)))
    return found


def _module(path: Path) -> str:
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return name.removesuffix(".__init__")


def writers_in(source: str, module: str) -> Iterator[str]:
    for name, function in _functions(ast.parse(source).body):
        if _writes(function):
            yield f"{module}:{name}"


def _functions(
    body: list[ast.stmt], prefix: str = ""
) -> Iterator[tuple[str, ast.FunctionDef]]:
    for node in body:
        if isinstance(node, ast.FunctionDef):
            yield f"{prefix}{node.name}", node
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node.body, f"{prefix}{node.name}.")


def _writes(function: ast.FunctionDef) -> bool:
    ours = _made_from_models(function)
    for node in ast.walk(function):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        if isinstance(called, ast.Name) and called.id in PRIMITIVES:
            return True
        if isinstance(called, ast.Attribute):
            on = _names(called.value)
            if called.attr in PRIMITIVES and "claims" in on:
                return True
            if called.attr in WRITES and on & ours:
                return True
    return False


def _made_from_models(function: ast.FunctionDef) -> set[str]:
    """The models, and names that hold what was made from them, as far as one sees."""
    ours = set(MODELS)
    arguments = function.args
    for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        if one.annotation is not None and _names(one.annotation) & MODELS:
            ours.add(one.arg)
    for _again in range(3):
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and _names(node.value) & ours:
                ours |= set().union(*map(_names, node.targets))
            elif isinstance(node, ast.For) and _names(node.iter) & ours:
                ours |= _names(node.target)
    return ours


def _names(node: ast.AST) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
