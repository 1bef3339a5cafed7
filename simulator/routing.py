"""Finds the route of a path, whatever its case, as ASP.NET does (1.1)."""

from __future__ import annotations

from collections.abc import Iterable

from simulator.exchange import Route

Pattern = tuple[str | None, ...]


class Router:
    """Routes by number of segments; a None in a pattern takes any segment."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._by_size: dict[int, list[tuple[Pattern, tuple[str, ...], Route]]] = {}
        for route in routes:
            parts = route.template.strip("/").split("/")
            pattern = tuple(None if p[0] == "{" else p.lower() for p in parts)
            names = tuple(p[1:-1] for p in parts if p[0] == "{")
            self._by_size.setdefault(len(parts), []).append((pattern, names, route))

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The route and its parameters. None: no such path, or not with this method."""
        parts = path.strip("/").split("/")
        lowered = [part.lower() for part in parts]
        for pattern, names, route in self._by_size.get(len(parts), ()):
            if route.method == method and _fits(pattern, lowered):
                values = [p for p, want in zip(parts, pattern, strict=True) if not want]
                return route, dict(zip(names, values, strict=True))
        return None

    def knows(self, path: str) -> bool:
        """Whether the path exists under some other method (405 rather than 404)."""
        lowered = [part.lower() for part in path.strip("/").split("/")]
        candidates = self._by_size.get(len(lowered), ())
        return any(_fits(pattern, lowered) for pattern, _, _ in candidates)


def _fits(pattern: Pattern, lowered: list[str]) -> bool:
    return all(
        want is None or want == part
        for want, part in zip(pattern, lowered, strict=True)
    )
