"""Long lists by cursor: the id after which the next page begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leads.lead_pages import COUNTED_AT_MOST

if TYPE_CHECKING:
    from django.db.models import QuerySet


def page_of(
    rows: QuerySet[Any], *, after: int, limit: int, is_many: bool = False
) -> tuple[list[int], int | None]:
    """Ids in their order, and the next cursor; None: it was the last page.

    Asked for ids in no order, the database takes whichever index finds them soonest.
    """
    unordered = rows.order_by().values_list("pk", flat=True)
    ids = [] if is_many else list(unordered[: COUNTED_AT_MOST + 1])
    if is_many or len(ids) > COUNTED_AT_MOST:
        ids = list(unordered.filter(pk__gt=after).order_by("pk")[: limit + 1])
    else:
        ids = sorted(pk for pk in ids if pk > after)[: limit + 1]
    return ids[:limit], ids[limit - 1] if len(ids) > limit else None
