"""What a call brought back, on its page in Django's admin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy

from calls.collected_words import MOODS, requests_of, tags_of, values_said
from leads.staff_admin import ReadOnlyAdmin

if TYPE_CHECKING:
    from calls.models import CallAttempt


class AttemptResults(ReadOnlyAdmin):
    class Media:
        css = {
            "all": [
                "vendor/bootstrap-icons-1.13.2/bootstrap-icons.min.css",
                "css/results.css",
            ]
        }

    @admin.display(description=gettext_lazy("lo que se entendió"))
    def brought_back(self, attempt: CallAttempt) -> str:
        found = {
            "mood": MOODS.get(attempt.sentiment or 0),
            "tags": tags_of(attempt.tags),
            "said": values_said([attempt.pk]).get(attempt.pk, ()),
            "asked": requests_of([attempt.pk]).get(attempt.pk),
        }
        return render_to_string("admin/leads/lead/_brought_back.html", found) or "—"
