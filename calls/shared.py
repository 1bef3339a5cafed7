"""What many ask for at the same moment is made once."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any, TypeVar

from django.core.cache import cache

T = TypeVar("T")
_locks = [Lock() for _each in range(32)]


def shared(key: str, make: Callable[[], T], *, seconds: float) -> T:
    """What `make` returns, at most so old; whoever comes meanwhile waits for it."""
    known: Any = cache.get(key)
    if known is not None:
        return known  # type: ignore[no-any-return]
    with _locks[hash(key) % len(_locks)]:
        known = cache.get(key)
        if known is None:
            known = make()
            cache.set(key, known, seconds)
        return known  # type: ignore[no-any-return]
