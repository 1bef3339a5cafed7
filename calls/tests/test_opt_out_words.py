"""Who asks never to be called again is heard; who asks for another hour is not taken
for one who does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.opt_out_words import find_request, is_request

REQUESTS = """
    No me llaméis más
    no me llame más
    No me llamen más, por favor.
    Por favor, no me llames más
    No me llame usted más
    ¡NO ME LLAMEN MÁS!
    no me llameis mas
    Que no me llamen más
    Mire, no me llame nunca más
    No nos llamen más a este número
    No me llaméis a este número más
    No me llame más por teléfono
    No me llamen.
    No me llame, por favor.
    No me llame, no me interesa
    Le he dicho que no me llamen más, que estoy harto
    No me llame más, mañana no estoy
    No me llames más tarde, no me llames más
    No quiero que me llamen
    No quiero que me llaméis más
    Quiero que no me llamen nunca
    No deseo que me vuelvan a llamar
    No quiero más llamadas
    No quiero recibir llamadas
    No quiero recibir más llamadas comerciales
    No quiero llamadas de publicidad
    No autorizo que me llamen
    No vuelvan a llamar
    No me vuelva usted a llamar
    No volváis a llamarme
    no me vuelvas a llamar, gracias
    Nunca vuelvan a llamarme
    Que no vuelvan a molestarnos
    No me molesten más
    No llamen más
    No llaméis a este número
    No llamarme más, por favor
    Me gustaría que no me llamaran más
    Deje de llamarme
    dejen de llamar
    Dejad de molestarme
    ¿Puede dejar de llamarme?
    Quiero que dejéis de llamarme
    Déjenme en paz
    Dejadme tranquila
    Borren mi número
    Borre mis datos, haga el favor
    Elimine mi teléfono de la base de datos
    Quiero que borréis mi número
    Quítenme de la lista
    Quíteme de su lista
    Sáquenme de esa lista
    Pueden quitar mi número de sus listas
    Denme de baja
    Dadme de baja de vuestra lista
    Quiero darme de baja de la lista
    Retiro mi consentimiento
    Estoy en la lista Robinson
    Estoy apuntado a la lista Robinson
    No me contacten más
"""
NO_REQUESTS = """
    no me llame más tarde de las ocho
    No me llame más tarde
    No me llame, por favor, más tarde de las ocho
    no me llame mañana
    no me llames todavía, llámame luego
    No me llames ahora
    No me llame, llámeme mañana
    No me llame hasta septiembre
    No me llamen antes de las diez
    No me llaméis a estas horas
    No me llame más a estas horas
    No me llame más hoy
    No me llame más por la mañana
    No me llamen más los domingos
    No me llame más al fijo, llame al móvil
    No me llamen al trabajo
    No me llame más de una vez al día
    No me llaméis más que por la tarde
    No me llame si no hay hueco
    No me llame Pepe, me llamo José
    No me llame de usted
    No me llamo María
    No me llamaron ayer
    Nadie me llama
    ¿Por qué no me llaman más?
    ¿Por qué no me llama más tarde?
    No me ha llamado nadie más
    No vuelvan a llamar hasta el lunes
    No vuelva a llamarme antes de las diez
    No me vuelva a llamar esta semana
    No deje de llamarme
    No dejen de llamar si hay un hueco
    Mi hija no me deja de llamar
    Dejen de llamarme por las mañanas
    No puedo dejar de llamar
    No borren mi número
    No me quiten de la lista
    No me quite de la lista de espera
    Quíteme de la lista de espera
    Quíteme la cita del martes
    Borre esa cita
    El médico me va a dar de baja
    Estoy de baja
    No quiero llamadas por la tarde
    No quiero más llamadas por la mañana
    No quiero que me llamen mañana
    No quiero que me llamen tan temprano
    No quiero cita
    No me interesa
    No puedo hablar
    Llámeme más tarde
    ¿Me pueden llamar más veces?
    De acuerdo, no le llamaremos más
    Entiendo que no quiere que le llamemos más
    ¿Quiere que no le vuelvan a llamar?
    ¿Está usted en la lista Robinson?
    No se moleste
    No quiero molestar más
    Hola
"""


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().splitlines()]


@pytest.mark.parametrize("sentence", lines(REQUESTS))
def test_a_request_is_heard(sentence):
    assert is_request(sentence)


@pytest.mark.parametrize("sentence", lines(NO_REQUESTS))
def test_what_is_no_request_is_not_taken_for_one(sentence):
    assert not is_request(sentence)


def test_the_sentence_is_told_as_it_was_said():
    said = [
        "Buenas, le llamo de su centro médico.",
        "Mire, ya tengo cita.  Por favor,\nno me llamen más. Adiós.",
        "Borren mi número.",
    ]

    assert find_request(said) == "no me llamen más."
    assert find_request(said[:1]) is None
    assert find_request([]) is None


def test_a_sentence_ends_with_its_stop():
    assert find_request(["No me llame. Más tarde quizá."]) == "No me llame."
    assert find_request(["No. Me llame más quien quiera"]) is None


@given(st.lists(st.text(max_size=300), max_size=4))
def test_whatever_is_said_breaks_nothing(texts):
    found = find_request(texts)

    assert found is None or is_request(found)


@pytest.mark.parametrize(
    "text", ["no me llame " * 9000, "por favor " * 9000, "no , " * 9000, "a" * 90_000]
)
def test_endless_talk_is_read_in_a_blink(text):
    # A pattern that tried everything would outlast the suite.
    find_request([text])


@given(st.sampled_from(lines(REQUESTS)), st.booleans(), st.booleans())
def test_neither_capitals_nor_blanks_matter(sentence, is_upper, is_wide):
    said = sentence.upper() if is_upper else sentence.lower()
    said = said.replace(" ", "  ") if is_wide else said

    assert is_request(said)
