"""A million invented leads, written fast, with the frequencies of real ones."""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate, islice
from typing import Any

from django.db import connection, transaction

from leads import word_index
from leads.models import Consent, Lead, LeadImport, Suppression
from leads.search_text import search_text

NOW = datetime.now(UTC).replace(microsecond=0)
OUTBOUND_ID = "66f0a1b2c3d4e5f601020304"
FILES = 250
BATCH = 5000


def words(text: str) -> list[str]:
    return text.split()


FIRST = words(
    "María Carmen Ana Isabel Josefa Laura Cristina Marta Lucía Begoña Nuria Ángeles "
    "Rosa Pilar Elena Raquel Sara Paula Inmaculada Montserrat Antonio José Manuel "
    "Francisco Juan David Javier Daniel Carlos Miguel Alejandro Rafael Pedro Ángel "
    "Sergio Fernando Jorge Luis Alberto Álvaro Adrián Diego Raúl Iván Rubén Óscar "
    "Víctor Joaquín Andrés Ignacio Iker Aitor Jordi Martí Xoán Brais Uxía Itziar"
)
LAST = words(
    "García Rodríguez González Fernández López Martínez Sánchez Pérez Gómez Martín "
    "Jiménez Hernández Ruiz Díaz Moreno Muñoz Álvarez Romero Gutiérrez Alonso Navarro "
    "Torres Domínguez Ramos Vázquez Ramírez Gil Serrano Molina Blanco Morales Suárez "
    "Ortega Delgado Castro Ortiz Rubio Marín Sanz Núñez Iglesias Medina Garrido Cortés "
    "Castillo Santos Lozano Guerrero Cano Prieto Méndez Cruz Gallego Vidal León Peña"
)
CITIES = words(
    "Madrid Barcelona Valencia Sevilla Zaragoza Málaga Murcia Palma Bilbao Alicante "
    "Córdoba Valladolid Vigo Gijón Vitoria Granada Elche Oviedo Cartagena Getafe"
)
SYLLABLES = words(
    "al ber ca do es fer gui he in ja la mon na ol pe que ri sal te vi za"
)
PROVINCES = words(
    "Madrid Barcelona Valencia Sevilla Zaragoza Málaga Murcia Baleares Bizkaia "
    "Alicante Córdoba Valladolid Pontevedra Asturias Álava Granada Toledo Cádiz "
    "Girona Tarragona Lleida Castellón Almería Jaén Huelva Badajoz Cáceres León "
    "Burgos Palencia "
    "Zamora Ávila Segovia Soria Guadalajara Cuenca Albacete Huesca Teruel Navarra Lugo"
)
STATUSES = {
    "no_selected": 550,
    "selected": 220,
    "completed": 105,
    "no_answer": 70,
    "error": 35,
    "busy": 20,
}
PRIORITIES = {3: 86, 2: 5, 4: 5, 1: 3, 5: 1}
DISPOSITIONS = {
    "": 55,
    "appointment": 14,
    "call_back": 6,
    "not_interested": 18,
    "wrong_number": 5,
    "do_not_call": 2,
}


class Dice:
    """Draws with given frequencies; the same seed, the same leads."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.tables: dict[int, tuple[list[Any], list[float]]] = {}

    def of(self, weighted: dict[Any, int]) -> Any:
        table = self.tables.get(id(weighted))
        if table is None:
            table = (list(weighted), list(accumulate(weighted.values())))
            self.tables[id(weighted)] = table
        values, sums = table
        return values[bisect(sums, self.random.random() * sums[-1])]


def build(rows: int) -> None:
    """Files, leads and excluded numbers, in an empty database."""
    dice = Dice(7)
    LeadImport.objects.bulk_create(
        LeadImport(id=n, name=f"leads_{n:03}.csv", sha256=f"{n:064}")
        for n in range(1, FILES + 1)
    )
    leads = invented(rows, dice)
    fields = [
        field
        for field in Lead._meta.concrete_fields
        if not field.generated and not field.primary_key
    ]
    names = ", ".join(connection.ops.quote_name(field.column) for field in fields)
    marks = ", ".join(["%s"] * len(fields))
    insert = f"INSERT INTO leads ({names}) VALUES ({marks})"  # noqa: S608 (own names)
    word_index.drop_triggers(connection)
    while batch := list(islice(leads, BATCH)):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.executemany(insert, [_values(lead, fields) for lead in batch])
    word_index.ensure_triggers(connection)
    word_index.fill(connection)
    _exclude(rows // 50)


def _values(lead: Lead, fields: list[Any]) -> list[Any]:
    return [
        field.get_db_prep_save(getattr(lead, field.attname), connection)
        for field in fields
    ]


def _exclude(count: int) -> None:
    phones = Lead.objects.order_by("phone_e164").values_list("phone_e164", flat=True)
    chosen = set(phones[: count * 10 : 10])
    Suppression.objects.bulk_create(
        (Suppression(phone_e164=phone, reason="Petición") for phone in chosen),
        batch_size=BATCH,
    )


def invented(rows: int, dice: Dice) -> Iterator[Lead]:
    surnames = {name: 400 // (n + 2) + 4 for n, name in enumerate(LAST)}
    surnames |= {_word(dice, 3): 1 for _ in range(3000)}
    first = {name: 60 // (n // 4 + 1) for n, name in enumerate(FIRST)}
    cities = {name: 6000 // (n + 1) for n, name in enumerate(CITIES)}
    cities |= {f"Villa{_word(dice, 3).lower()}": 3 for _ in range(8000)}
    place = {city: dice.random.choice(PROVINCES) for city in cities}
    clinics = {f"Clínica {_word(dice, 3)} {n}": 1 + n % 7 for n in range(140)}
    for n in range(rows):
        city = dice.of(cities)
        file = 1 + n * FILES // rows
        lead = Lead(
            first_name=dice.of(first),
            last_name=f"{dice.of(surnames)} {dice.of(surnames)}",
            phone_e164=f"+346{dice.random.randrange(10**8):08}",
            city=city,
            province=place[city],
            postal_code=f"{dice.random.randrange(1000, 52000):05}",
            community="MD",
            time_zone="Europe/Madrid",
            national_id=f"{dice.random.randrange(10**8):08}Z",
            policy_number=f"P{dice.random.randrange(10**7):07}",
            clinic_name=dice.of(clinics),
            source_file=f"leads_{file:03}.csv",
            source_row=n % (rows // FILES or 1) + 2,
            external_id=f"x{n}",
            lead_import_id=file,
            consent=Consent.GIVEN,
            manual_management=dice.random.random() < 0.01,
            call_priority=dice.of(PRIORITIES),
            updated_at=NOW,
        )
        lead.phone = lead.phone_e164
        if dice.random.random() < 0.15:
            lead.phone_alt_e164 = f"+349{dice.random.randrange(10**8):08}"
            lead.phone_alt = lead.phone_alt_e164
        _call(lead, dice)
        lead.search_text = search_text(lead)
        yield lead


def _call(lead: Lead, dice: Dice) -> None:
    """A past that agrees with itself."""
    lead.call_status = dice.of(STATUSES)
    lead.selected_for_calling = lead.call_status == "selected" or (
        lead.call_status in ("no_answer", "busy", "error")
        and dice.random.random() < 0.7
    )
    called = lead.call_status not in ("no_selected", "selected")
    if called or dice.random.random() < 0.08:
        lead.call_attempts_count = 1 + int(dice.random.expovariate(1.1))
        ago = timedelta(minutes=dice.random.randrange(90 * 24 * 60))
        lead.last_call_attempt = NOW - ago
    if called:
        lead.disposition = dice.of(DISPOSITIONS)
    if lead.selected_for_calling:
        lead.pearl_outbound_id = OUTBOUND_ID
        in_ = timedelta(minutes=dice.random.randrange(-3000, 3000))
        lead.next_call_at = NOW + in_
    if lead.disposition == "call_back" and dice.random.random() < 0.3:
        in_ = timedelta(minutes=dice.random.randrange(-600, 20_000))
        lead.callback_at = NOW + in_


def _word(dice: Dice, syllables: int) -> str:
    return "".join(dice.random.choices(SYLLABLES, k=syllables)).capitalize()
