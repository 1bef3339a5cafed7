"""Long answers, sent while they are made: nothing is held whole in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import IO

    from django.http import HttpRequest

PIECE = 64 * 1024
CSV = "text/csv; charset=utf-8"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def download(
    request: HttpRequest,
    pieces: Generator[bytes],
    *,
    name: str,
    content_type: str,
    size: int | None = None,
) -> StreamingHttpResponse:
    """An attachment that no cache keeps."""
    # Django would read a plain iterator whole before it sends a byte through ASGI.
    is_async = isinstance(request, ASGIRequest)
    answer = StreamingHttpResponse(
        _one_by_one(pieces) if is_async else pieces, content_type=content_type
    )
    answer["Content-Disposition"] = content_disposition_header(True, name) or ""
    answer["Cache-Control"] = "no-store"
    if size is not None:
        answer["Content-Length"] = str(size)
    return answer


def pieces_of(file: IO[bytes]) -> Generator[bytes]:
    """Closes the file, which deletes a temporary one."""
    with file:
        while piece := file.read(PIECE):
            yield piece


async def _one_by_one(pieces: Generator[bytes]) -> AsyncIterator[bytes]:
    following = sync_to_async(lambda: next(pieces, None))
    try:
        while (piece := await following()) is not None:
            yield piece
    finally:
        await sync_to_async(pieces.close)()
