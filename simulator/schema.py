"""Builds nested dataclasses from JSON, refusing unknown keys and wrong kinds."""

from __future__ import annotations

import dataclasses
import types
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints


class ConfigError(ValueError):
    """The configuration sent makes no sense. The message says where and why."""


def build(kind: Any, value: object, *, path: str = "") -> Any:
    """`value` as an instance of `kind`, or ConfigError naming the path at fault."""
    origin = get_origin(kind)
    if dataclasses.is_dataclass(kind):
        return _build_dataclass(kind, value, path)
    if origin in (Union, types.UnionType):
        return _build_union(kind, value, path)
    if origin is Literal:
        return _expect(value in get_args(kind), value, path, f"one of {get_args(kind)}")
    if origin is list:
        _expect(isinstance(value, list), value, path, "a list")
        return _build_items(kind, value, path)
    if origin is tuple:
        fits = isinstance(value, list | tuple) and len(value) == len(get_args(kind))
        _expect(fits, value, path, f"{len(get_args(kind))} numbers")
        return tuple(_build_items(kind, value, path))
    if origin is dict:
        return _build_dict(kind, value, path)
    return _build_scalar(kind, value, path)


def merge(current: object, patch: object) -> object:
    """`patch` laid over `current`: objects merge, null removes, the rest replaces."""
    if not (isinstance(current, dict) and isinstance(patch, dict)):
        return patch
    merged = dict(current)
    for key, value in patch.items():
        merged[key] = merge(current.get(key), value)
    return merged


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _build_dataclass(kind: Any, value: object, path: str) -> Any:
    if isinstance(value, kind):
        return value
    if not isinstance(value, dict):
        raise ConfigError(f"{path or 'configuration'}: expected an object")
    hints = _hints(kind)
    unknown = sorted(set(map(str, value)) - set(hints))
    if unknown:
        raise ConfigError(f"{path or 'configuration'}: unknown key {unknown[0]!r}")
    parts = {
        name: build(hints[name], item, path=f"{path}.{name}".lstrip("."))
        for name, item in value.items()
    }
    try:
        return kind(**parts)
    except TypeError as exc:
        raise ConfigError(f"{path}: {exc}") from exc
    except ConfigError as exc:
        raise ConfigError(f"{path}.{exc}".lstrip(".")) from exc


def _build_union(kind: Any, value: object, path: str) -> Any:
    if value is None and type(None) in get_args(kind):
        return None
    problems = []
    for option in get_args(kind):
        if option is not type(None):
            try:
                return build(option, value, path=path)
            except ConfigError as exc:
                problems.append(str(exc))
    raise ConfigError("; or ".join(problems))


def _build_items(kind: Any, value: Any, path: str) -> list[Any]:
    option = get_args(kind)[0]
    return [build(option, item, path=f"{path}[{i}]") for i, item in enumerate(value)]


def _build_dict(kind: Any, value: object, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigError(f"{path}: expected an object")
    option = get_args(kind)[1]
    return {
        str(key): build(option, item, path=f"{path}.{key}")
        for key, item in value.items()
        if item is not None
    }


def _build_scalar(kind: Any, value: object, path: str) -> Any:
    if kind is Any:
        return value
    if kind is float and type(value) is int:
        return float(value)
    return _expect(type(value) is kind, value, path, f"a {kind.__name__}")


def _expect(fits: bool, value: object, path: str, wanted: str) -> Any:
    if not fits:
        raise ConfigError(f"{path}: expected {wanted}, not {value!r}")
    return value
