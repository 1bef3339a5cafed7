"""What Pearl's webhooks said, in the admin, and a way out for the unmatched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from calls import webhooks
from calls.models import PearlEvent
from leads.staff_admin import ReadOnlyAdmin, short_moment, status_tag

if TYPE_CHECKING:
    from django.http import HttpRequest


class PearlEventAdmin(ReadOnlyAdmin):
    """What was not matched or not read waits here; it can be read again."""

    list_display = ("received", "reading", "times_seen", "attempt", "error")
    list_select_related = ("attempt",)
    list_filter = ("result",)
    fields = (("received_at", "times_seen"), ("result", "error"), "attempt", "body")
    actions = ("read_again",)
    empty_list = gettext_lazy(
        "Pearl aún no ha avisado de nada. «manage.py setup_pearl» dice qué dirección "
        "pegar en su configuración; sin avisos, los resultados llegan algo más tarde."
    )

    @admin.display(description=gettext_lazy("recibido"), ordering="received_at")
    def received(self, event: PearlEvent) -> str:
        return short_moment(event.received_at)

    @admin.display(description=gettext_lazy("proceso"), ordering="result")
    def reading(self, event: PearlEvent) -> str:
        return status_tag(event.result, event.get_result_display())

    def has_replay_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("calls.change_pearlevent"))

    @admin.action(
        description=gettext_lazy("Leer de nuevo"),
        permissions=["replay"],
    )
    def read_again(self, request: HttpRequest, events: QuerySet[PearlEvent]) -> None:
        chosen = [*events.order_by().values_list("pk", flat=True)]
        rows = webhooks.from_pearl().filter(pk__in=chosen)
        became = webhooks.replay(rows, now=timezone.now())
        self.report(
            request,
            changed=became[PearlEvent.Result.APPLIED],
            total=len(chosen),
            why_not=_("siguen sin entenderse, o sin saberse de qué llamada hablan"),
        )
