"""The recording of a call, for who may hear it: in parts, and each listen on record."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, cast

from django.contrib.auth.decorators import permission_required
from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_safe

from calls import listens, recordings
from calls.models import Recording

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

PIECE = 64 * 1024
RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.IGNORECASE | re.ASCII)


class Unsatisfiable(ValueError):
    """The range begins where the recording has ended already."""


@require_safe
@permission_required(
    ("calls.view_recording", "calls.view_callattempt", "leads.view_lead"),
    raise_exception=True,
)
def recording(request: HttpRequest, attempt_id: int) -> HttpResponseBase:
    """Of one call. 404 when it is not kept (any more)."""
    found = get_object_or_404(
        Recording, attempt_id=attempt_id, state=Recording.State.KEPT
    )
    size = found.size or 0
    headers = _headers(found)
    if request.method == "HEAD":
        return HttpResponse(headers=headers | {"Content-Length": str(size)})
    try:
        part = _part(request, size=size, etag=headers["ETag"])
    except Unsatisfiable:
        headers["Content-Range"] = f"bytes */{size}"
        return HttpResponse(status=416, headers=headers)
    try:
        file = recordings.folder().open(found.stored_as)
    except FileNotFoundError as exc:
        raise Http404 from exc
    listens.note(found, by=cast("User", request.user), now=timezone.now())
    start, end = part or (0, size)
    headers["Content-Length"] = str(end - start)
    if part:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    kind = AsyncPart if isinstance(request, ASGIRequest) else Part
    return StreamingHttpResponse(
        kind(file=file, start=start, end=end),
        status=206 if part else 200,
        headers=headers,
    )


def _headers(found: Recording) -> dict[str, str]:
    suffix = found.stored_as.rpartition(".")[2]
    return {
        "Content-Type": found.content_type,
        "Content-Disposition": (
            f'inline; filename="llamada-{found.attempt_id}.{suffix}"'
        ),
        "Accept-Ranges": "bytes",
        "ETag": f'"{found.sha256}"',
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
    }


def _part(request: HttpRequest, *, size: int, etag: str) -> tuple[int, int] | None:
    """From where to where (RFC 9110, 14.2). None: all of it was asked for, or several
    ranges, or in a way that is not understood. Raises Unsatisfiable."""
    asked = RANGE.fullmatch(request.headers.get("Range", "").strip())
    if asked is None or asked[0].endswith("=-"):
        return None
    if request.headers.get("If-Range", etag) != etag:
        return None
    first, last = asked[1], asked[2]
    if not first:
        if not int(last) or not size:
            raise Unsatisfiable
        return max(0, size - int(last)), size
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        raise Unsatisfiable
    return int(first), min(int(last) + 1, size) if last else size


@dataclass(frozen=True, kw_only=True)
class Part:
    """Of an open file, which goes with the answer, read or not."""

    file: IO[Any]
    start: int
    end: int

    def __iter__(self) -> Iterator[bytes]:
        self.file.seek(self.start)
        for size in self._sizes():
            yield self.file.read(size)

    def _sizes(self) -> Iterator[int]:
        for at in range(self.start, self.end, PIECE):
            yield min(PIECE, self.end - at)

    def close(self) -> None:
        self.file.close()


class AsyncPart(Part):
    """The same, read in a thread: the server has others to answer meanwhile."""

    __iter__ = None  # type: ignore[assignment]

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self.file.seek(self.start)
        for size in self._sizes():
            yield await asyncio.to_thread(self.file.read, size)
