"""How long the calendar and its feed take when there are very many appointments.

    python -m benchmarks.appointments [--weeks 400] [--runs 20]

Against the database of DATABASE_URL (an empty one, made by `manage.py migrate`), filled
with 1,000 appointments a week of one clinic and as many of ten others. Each page is
asked for by Django's test client: no web server and no network are in the way.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from datetime import timedelta
from typing import Any

import django

PER_WEEK = 1_000
OTHERS = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weeks", type=int, default=400)
    parser.add_argument("--runs", type=int, default=20)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tuotempo.settings")
    django.setup()
    from django.conf import settings
    from django.core.cache import cache
    from django.test import Client

    settings.ALLOWED_HOSTS = ["*"]
    clinic = fill(options.weeks)
    client = signed_in(Client())
    page = "/calls/appointments"
    feed = f"/calendars/{clinic.feed_token}.ics"
    for name, where in [
        ("week of a clinic", f"{page}?clinic={clinic.pk}"),
        ("week of all", page),
        ("day of all", f"{page}?view=day"),
        ("list of a clinic", f"{page}?view=list&clinic={clinic.pk}"),
        ("unconfirmed", f"{page}?unconfirmed=1"),
        ("feed", feed),
        ("feed, unchanged", feed),
    ]:
        headers = {}
        if name == "feed, unchanged":
            headers["If-None-Match"] = client.get(feed)["ETag"]
        spent, worked = [], []
        for _n in range(options.runs):
            cache.clear()
            begun, busy = time.perf_counter(), time.process_time()
            answer = client.get(where, headers=headers)
            spent.append(1000 * (time.perf_counter() - begun))
            worked.append(1000 * (time.process_time() - busy))
            assert answer.status_code in (200, 304), answer
        kilobytes = len(answer.content) / 1024
        print(
            f"{name:18} {statistics.median(spent):7.0f} ms  worst {max(spent):7.0f} ms"
            f"  processor {statistics.median(worked):6.0f} ms  {kilobytes:6.0f} kB"
        )


def fill(weeks: int) -> Any:
    """The busy clinic, whose appointments lie around today: most of them are past."""
    from django.utils import timezone

    from calls import calendar_feed
    from calls.models import Appointment, Clinic, Resource
    from leads.models import Lead

    known = Clinic.objects.filter(name="Banco 0").first()
    if known is not None:
        return known
    leads = Lead.objects.bulk_create(
        Lead(first_name=f"Persona {n}", last_name="Inventada") for n in range(500)
    )
    first = timezone.now() - timedelta(weeks=weeks * 9 // 10)
    made: list[Appointment] = []
    for n in range(OTHERS + 1):
        clinic = Clinic.objects.create(name=f"Banco {n}")
        diary = Resource.objects.create(clinic=clinic)
        count = weeks * PER_WEEK // (1 if n == 0 else OTHERS)
        step = timedelta(weeks=weeks) / count
        for at in (first + step * k for k in range(count)):
            is_past = at < timezone.now()
            made.append(
                Appointment(
                    lead=leads[len(made) % 500],
                    clinic=clinic,
                    resource=diary,
                    starts_at=at,
                    minutes=5,
                    state="done" if is_past else "confirmed",
                )
            )
    Appointment.objects.bulk_create(made, batch_size=2_000)
    busy = Clinic.objects.get(name="Banco 0")
    calendar_feed.renew(busy)
    busy.refresh_from_db()
    print(f"{len(made)} appointments")
    return busy


def signed_in(client: Any) -> Any:
    from django.contrib.auth.models import User

    user, _made = User.objects.get_or_create(username="banco", is_superuser=True)
    client.force_login(user)
    return client


if __name__ == "__main__":
    main()
