"""The states that the pictures show, made by the functions that make them in earnest.

No worker and no Pearl run: what they would have done is written with its times.
"""

from __future__ import annotations

import hashlib
import io
import random
import wave
from datetime import date, datetime, timedelta

from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.management import call_command

from calls import appointments, budget, claims, effects, outcomes, recordings, runs
from calls.evidence import Evidence
from calls.models import (
    Appointment,
    CallAttempt,
    Campaign,
    PearlAccount,
    Recording,
    Worker,
)
from calls.pearl import RequestId
from leads.models import Consent, Lead

WORKER = "centralita-1:4127/a"
MINUTE = timedelta(minutes=1)
AGENT, PATIENT = 2, 3  # who speaks (pearl-api.md 2)
# How calls end, and how often: Pearl's codes (pearl-api.md 2).
ENDINGS = [
    (9, Evidence(call_code=4, conversation_code=100, duration_seconds=124)),
    (3, Evidence(call_code=4, conversation_code=110, duration_seconds=88)),
    (6, Evidence(call_code=7, conversation_code=10, duration_seconds=0)),
    (2, Evidence(call_code=4, conversation_code=70, duration_seconds=9)),
    (3, Evidence(call_code=5, conversation_code=10, duration_seconds=0)),
    (1, Evidence(call_code=6, conversation_code=10, duration_seconds=0)),
]


def seed_empty() -> None:
    """Somebody to look, and a campaign."""
    call_command("migrate", verbosity=0)
    User.objects.create_superuser("marta", first_name="Marta", last_name="Ruiz")
    Campaign.objects.create(
        name="Citas de otoño",
        outbound_id="66f0a1b2c3d4e5f601020304",
        pearl_id="66f0aaaabbbbccccdddd0001",
        max_concurrent_calls=5,
    )


def marta() -> User:
    return User.objects.get(username="marta")


def seed_leads() -> None:
    """The people of the demo: most in the queue, some who cannot be called, and why."""
    call_command("prepare_demo", stdout=io.StringIO())
    queued = Lead.objects.filter(selected_for_calling=True).order_by("id")
    some = list(queued.values_list("pk", flat=True))
    Lead.objects.filter(pk__in=some[3:200:9]).update(consent=Consent.UNKNOWN)
    Lead.objects.filter(pk__in=some[5:200:31]).update(manual_management=True)
    Lead.objects.filter(pk__in=some[10:200:40]).update(call_priority=1)


def pearl_is_well(now: datetime) -> None:
    known = {"credit_balance": 1840.0, "total_agents": 12, "checked_at": now}
    PearlAccount.objects.filter(pk=budget.account().pk).update(**known, problem="")
    Campaign.objects.update(pearl_status=1, pearl_agents=12, checked_at=now)


def a_worker(now: datetime) -> None:
    Worker.objects.create(
        identity=WORKER,
        started_at=now - timedelta(hours=2),
        heartbeat_at=now - timedelta(seconds=2),
        serving=True,
    )


def ready(now: datetime) -> None:
    pearl_is_well(now)
    a_worker(now)


def a_morning(now: datetime) -> Campaign:
    """A run of the last half hour, that goes on."""
    pearl_is_well(now)
    since = now - 32 * MINUTE
    campaign = Campaign.objects.get()
    runs.start(campaign.pk, now=since, by=marta())
    dice, clock = random.Random(7), since
    ends: dict[CallAttempt, datetime] = {}
    while clock < now:
        for attempt in [one for one, over in ends.items() if over <= clock]:
            end(attempt, dice=dice, now=ends.pop(attempt))
        free = campaign.max_concurrent_calls - len(ends)
        for attempt in dial(campaign, at_most=free, now=clock):
            ends[attempt] = clock + timedelta(seconds=dice.randint(25, 190))
        clock += timedelta(seconds=7)
    return campaign


def dial(campaign: Campaign, *, at_most: int, now: datetime) -> list[CallAttempt]:
    claim = claims.claim(campaign.pk, worker=WORKER, at_most=at_most, now=now)
    for attempt in claim.attempts:
        claims.pre_send(attempt, now=now)
        claims.mark_accepted(
            attempt,
            request_id=RequestId(f"{attempt.pk:024x}"),
            queue_position=None,
            now=now,
            look_at=now + 5 * MINUTE,
        )
    return claim.attempts


def end(attempt: CallAttempt, *, dice: random.Random, now: datetime) -> None:
    weights, evidences = zip(*ENDINGS, strict=True)
    attempt.refresh_from_db()
    outcomes.record(attempt, dice.choices(evidences, weights)[0], now=now)


def running(now: datetime) -> None:
    a_worker(now)
    a_morning(now)


def agreed(on: date, at: str, *, said: str) -> Evidence:
    """A call in which the goal was reached (pearl-api.md 4.3), with what was said."""
    turns = [
        (
            AGENT,
            "Buenos días, le llamo de la clínica para ofrecerle una cita.",
            0.4,
            4.1,
        ),
        (PATIENT, "Sí, la estaba esperando.", 5.0, 6.4),
        (AGENT, "¿Qué día y a qué hora le viene bien?", 7.2, 9.0),
        (PATIENT, said, 10.1, 13.2),
        (
            AGENT,
            "Perfecto. La clínica se la confirmará. Que tenga un buen día.",
            14.0,
            18.5,
        ),
    ]
    return Evidence(
        call_code=4,
        conversation_code=100,
        duration_seconds=124,
        recording_url="https://recordings.example.com/call.wav",
        summary="Acepta la cita que se le ofrece.",
        sentiment=4,
        transcript=[
            {"role": role, "text": words, "start": begun * 1000, "end": over * 1000}
            for role, words, begun, over in turns
        ],
        collected_info={
            "fechaDeseada": f"{on:%d-%m-%Y}",
            "horaDeseada": f"{at}:00",
            "interesado": "si",
        },
    )


def brought_back(now: datetime) -> None:
    """Twenty calls of this morning that agreed on a time in the next week."""
    ready(now)
    campaign, dice = Campaign.objects.get(), random.Random(3)
    runs.start(campaign.pk, now=now - 60 * MINUTE)
    monday = now.date() + timedelta(days=7 - now.weekday())
    for number in range(20):
        clock = now - (55 - 2 * number) * MINUTE
        for attempt in dial(campaign, at_most=1, now=clock):
            on = monday + timedelta(days=number % 5)
            at = f"{dice.randint(9, 17):02}:{dice.choice(('00', '30'))}"
            said = f"El {on.day}, a las {at}, por favor."
            told = agreed(on, at, said=said)
            outcomes.record(attempt, told, now=clock + 2 * MINUTE, confirms=True)
    effects.follow_due(now=now)
    for made in Appointment.objects.filter(starts_at__isnull=False)[:9]:
        confirmed = appointments.State.CONFIRMED
        seen = made.sequence
        appointments.change_state(made, confirmed, seen=seen, by=marta(), now=now)
    for recording in Recording.objects.all():
        keep(recording, now=now)


def keep(recording: Recording, *, now: datetime) -> None:
    """Two minutes of silence, in place of the copy that a worker would have made."""
    data = io.BytesIO()
    with wave.open(data, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(4000)
        sound.writeframes(bytes([128]) * 4000 * 124)
    name = recordings.folder().save(f"{recording.pk}.wav", ContentFile(data.getvalue()))
    Recording.objects.filter(pk=recording.pk).update(
        state=Recording.State.KEPT,
        next_try_at=None,
        stored_as=name,
        content_type="audio/wav",
        size=len(data.getvalue()),
        sha256=hashlib.sha256(data.getvalue()).hexdigest(),
        kept_at=now,
    )


def stopping(now: datetime) -> None:
    a_worker(now)
    campaign = a_morning(now)
    runs.stop(campaign.pk, now=now, by=marta())


def paused(now: datetime) -> None:
    a_worker(now)
    campaign = a_morning(now)
    runs.pause(campaign.pk, now=now, by=marta())


def provider_down(now: datetime) -> None:
    running(now)
    for _each in range(4):
        budget.note_failure(now=now)
    problem = "Pearl no responde. No se llama a nadie hasta que vuelva."
    PearlAccount.objects.update(problem=problem, checked_at=now - MINUTE)


def no_worker(now: datetime) -> None:
    """It fell silent four minutes ago, in the middle of a run."""
    a_morning(now - 4 * MINUTE)
    a_worker(now - 4 * MINUTE)
