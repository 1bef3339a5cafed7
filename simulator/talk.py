"""The spoken side of a call: invented transcript, summary, data, mood (5.1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from simulator.codes import AGENT, CUSTOMER, Conversation, Sentiment
from simulator.records import Call

BUILT_INS = {
    "firstName": "First Name",
    "lastName": "Last Name",
    "phoneNumber": "Phone Number",
}


@dataclass(frozen=True, slots=True)
class Talk:
    """What was said and what Pearl made of it."""

    transcript: list[dict[str, Any]]
    summary: str
    collected: dict[str, str]
    tags: list[str]
    sentiment: Sentiment


def talk_of(call: Call, *, seed: int) -> Talk:
    """The conversation of an answered call: the same however often it is asked."""
    if call.talk is None:
        call.talk = _invent(call, Random(f"{seed}:{call.to}:{call.nth}:talk"))
    return call.talk


def known_before(call: Call) -> dict[str, Any]:
    """Pre-call values Pearl echoes: the built-ins and what it declares (5.2)."""
    data = {**call.request.call_data, "phoneNumber": call.to}
    declared = [*BUILT_INS, *call.campaign.settings.declared_variables]
    return {key: data[key] for key in declared if data.get(key) is not None}


def collected_info(call: Call, *, seed: int) -> list[dict[str, Any]]:
    """Items {id, name, value}: pre-call first, then what the person said."""
    if not call.is_final:
        return []
    values = known_before(call)
    if call.has_conversation:
        values |= talk_of(call, seed=seed).collected
    return [
        {"id": key, "name": BUILT_INS.get(key, key), "value": value}
        for key, value in values.items()
    ]


def _invent(call: Call, dice: Random) -> Talk:
    name = str(call.request.call_data.get("firstName") or "paciente")
    today = datetime.fromtimestamp(call.started_at, UTC).date()
    match call.conversation:
        case Conversation.SUCCESS:
            return _accepts(name, today, call, dice)
        case Conversation.NOT_SUCCESSFUL:
            return _declines(name, call, dice)
        case Conversation.VOICE_MAIL_LEFT:
            return _voicemail(call)
        case _:
            return _hangs_up(name, call, dice)


def _accepts(name: str, today: date, call: Call, dice: Random) -> Talk:
    day = today + timedelta(days=dice.randint(2, 21))
    day += timedelta(days=max(0, 7 - day.isoweekday()) if day.isoweekday() > 5 else 0)
    day += timedelta(days=1 if day.isoweekday() == 7 else 0)
    is_morning = dice.random() < 0.5
    hour = dice.randint(9, 13) if is_morning else dice.randint(16, 19)
    time = f"{hour:02d}:{dice.choice(['00', '15', '30', '45'])}"
    part = "la mañana" if is_morning else "la tarde"
    lines = [
        f"Buenas, ¿hablo con {name}? Le llamo de su centro médico para darle cita.",
        "Sí, soy yo, dígame.",
        "¿Le viene mejor por la mañana o por la tarde?",
        f"Mejor por {part}.",
        f"Tengo un hueco el {day:%d/%m/%Y} a las {time}. ¿Le va bien?",
        "Sí, perfecto, muchas gracias.",
        "Queda anotado. Que tenga un buen día.",
    ]
    collected = {
        "fechaDeseada": f"{day:%d-%m-%Y}",
        "horaDeseada": f"{time}:00",
        "preferenciaMT": "morning" if is_morning else "afternoon",
        "interesado": "sí",
    }
    summary = f"La persona acepta la cita del {day:%d/%m/%Y} a las {time}."
    mood = dice.choice([Sentiment.SLIGHTLY_POSITIVE, Sentiment.POSITIVE])
    return Talk(_spoken(lines, call), summary, collected, ["cita"], mood)


def _declines(name: str, call: Call, dice: Random) -> Talk:
    reason = dice.choice(
        ["ya tengo cita en otro centro", "ahora no me interesa", "estoy de viaje"]
    )
    lines = [
        f"Buenas, ¿hablo con {name}? Le llamo de su centro médico para darle cita.",
        f"Sí, pero {reason}.",
        "Entendido, disculpe la molestia. Que tenga un buen día.",
    ]
    summary = f"La persona no quiere cita: «{reason}»."
    mood = dice.choice([Sentiment.NEUTRAL, Sentiment.SLIGHTLY_NEGATIVE])
    collected = {"interesado": "no"}
    return Talk(_spoken(lines, call), summary, collected, ["no interesado"], mood)


def _hangs_up(name: str, call: Call, dice: Random) -> Talk:
    answer = dice.choice(["¿Quién es?", "Ahora no puedo hablar.", "¿Sí? No le oigo."])
    lines = [
        f"Buenas, ¿hablo con {name}? Le llamo de su centro médico.",
        answer,
    ]
    summary = "La llamada termina sin una respuesta clara."
    return Talk(_spoken(lines, call), summary, {}, ["sin decisión"], Sentiment.NEUTRAL)


def _voicemail(call: Call) -> Talk:
    said = call.campaign.settings.voiceMail
    lines = [said or "Le llamaremos en otro momento. Gracias."]
    summary = "Salta el buzón de voz y se deja un mensaje."
    return Talk(_spoken(lines, call), summary, {}, ["buzón"], Sentiment.NEUTRAL)


def _spoken(lines: list[str], call: Call) -> list[dict[str, Any]]:
    """Lines in turns over the whole call; times in milliseconds (unknown U12)."""
    step = max(1, call.talk_duration) * 1000 / len(lines)
    return [
        {
            "role": CUSTOMER if i % 2 else AGENT,
            "content": line,
            "startTime": int(i * step + 400),
            "endTime": int((i + 1) * step),
        }
        for i, line in enumerate(lines)
    ]
