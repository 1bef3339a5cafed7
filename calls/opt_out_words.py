"""The sentences by which people ask never to be called again; pure.

What is found is only ever proposed to a person, who reads the sentence: when in doubt,
the request is heard. What limits the call to another hour, day or place is no request.
Any turn counts: which role is the person is not settled (pearl-api.md 2.7). The agent,
who says «le», is not taken for somebody who says «me».
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

LONGEST = 200
# Longer than anybody speaks without a stop.
LONGEST_SENTENCE = 2000

# All of these are matched against words without accents or capitals: see `_plain`.
# «Por favor» may stand anywhere, and changes nothing.
FILLERS = (
    "por favor",
    "porfa(?:vor|s)?",
    "(?:muchas )?gracias",
    "ya",
    "de verdad",
    "(?<!de )usted(?:es)?",
    "(?:hagan?|haz|haced) el favor",
    "(?:se|te|os) lo (?:pido|ruego|suplico)",
    "oigan?",
    "oye",
    "eh",
    "hombre",
    "vale",
)
CALL = (
    r"(?:llam(?:e|es|en|eis)|telefone(?:e|es|en|eis)|molest(?:e|es|en|eis)"
    r"|contact(?:e|es|en|eis))"
)
TO_CALL = r"(?:llamar|telefonear|contactar|molestar)"
AGAIN = rf"(?:vuelv(?:a|as|an)|volvais) a {TO_CALL}(?:me|nos)?+"
ME = r"(?:me|nos)"
NEVER = r"(?:no|nunca|jamas)"
WANT = (
    r"(?:quiero|queremos|deseo|deseamos|quisiera|quisieramos|necesito|autorizo"
    r"|consiento|permito)"
)
WISH = r"(?:gustaria|agradeceria|preferiria|querria)"
# «No», «nunca», «no quiero que», «no quiero que nunca».
NOT = rf"{NEVER}(?: {WANT} que(?: {NEVER})?)?"
# What may be there is always taken (`?+`): nothing is left for NO_LIMIT to overlook.
HERE = (
    r"(?: nadie)?+(?: (?:a|en) (?:este|mi|nuestro) (?:numero|telefono|movil)"
    r"| (?:a|en) (?:esta|mi|nuestra) casa| por telefono| aqui)?+"
)
EVER = r" (?>nunca mas|jamas|nunca|mas veces|mas|otra vez)"
DAYS = r"(?:lunes|martes|miercoles|jueves|viernes|sabados?|domingos?)"
# What makes of «no más» a «not then», «not there» or «not so».
LIMITS = (
    "tarde",
    "temprano",
    "pronto",
    "adelante",
    "a menudo",
    "alla de",
    "de",
    "del",
    "hoy",
    "manana",
    "pasado",
    r"est[ae] (?:tarde|noche|semana|manana|mes|dia|fin|ano|verano|rato|momento)",
    "hasta",
    "antes",
    "despues",
    "ahora",
    "por ahora",
    r"por (?:la|las) (?:manana|tarde|noche|mediodia)s?",
    "todavia",
    "aun",
    "tan",
    r"a (?:esta|estas|la|las|esa|esas) (?:hora|horas|una|dos|tres|[0-9])\w*",
    "a partir",
    "a partir de",
    rf"(?:el|los) (?:{DAYS}|fin|fines|dias)",
    r"en (?:este|ese|un|horario|horas|verano|agosto|navidad|el trabajo)",
    "mientras",
    "si",
    "cuando",
    "durante",
    "luego",
    "entre",
    r"al (?:fijo|movil|trabajo|mediodia|otro|timbre)",
    r"que (?:por|a|para|los|las|el|cuando|si|en|una|dos)",
)
NO_LIMIT = rf"(?! (?:{'|'.join(LIMITS)})\b)"
# Where one without «más» must end: «no me llame» is one, «no me llame Pepe» is not.
END = r"(?=$| , (?:que )?no (?:me interesa|quiero|estoy interesad|insist)| , adios)"
LIST = (
    r"(?:de|en) (?:la|su|sus|vuestra|vuestras|esta|esa|las|tu|tus|cualquier)"
    r" (?:lista|base|sistema|fichero|agenda)s?\b(?! de espera)"
)
MINE = (
    r"(?:mi|mis|este|nuestro|nuestros)"
    r" (?:numero|telefono|movil|contacto|datos|nombre)s?"
)
DELETE = (
    r"(?:borr(?:e|en|es|eis|a|ad|ar)|elimin(?:e|en|es|eis|a|ad|ar)"
    r"|quit(?:e|en|es|eis|a|ad|ar)|saqu(?:e|en|es|eis)|sac(?:a|ad|ar)"
    r"|suprim(?:a|an|e|id|ir)|tach(?:e|en|a|ad|ar))(?:me|nos)?"
)
CALLS = (
    r"llamadas?+(?: (?:suyas?|vuestras?|tuyas?|comerciales|publicitarias|telefonicas"
    r"|de publicidad|de este tipo|de nadie))*+"
)
# «No dejen de llamarme», «que no me quiten de la lista».
UNDENIED = r"(?<!no )(?<!no me )(?<!no nos )(?<!nunca )"

REQUESTS = (
    # No me llaméis más. Que no me llamen nunca. No me llame.
    rf"{NOT} {ME} {CALL}{HERE}{EVER}{HERE}{NO_LIMIT}",
    rf"{NOT} {ME} {CALL}{HERE}{END}",
    # No llamen más. No llame a este número. No llamarme más.
    rf"{NEVER} (?:{CALL}|(?:{ME} )?{TO_CALL}(?:me|nos)?+){HERE}{EVER}{HERE}{NO_LIMIT}",
    rf"{NEVER} {CALL} (?:a|en) (?:este|mi) (?:numero|telefono|movil){END}",
    # No vuelvan a llamar. No quiero que me vuelva a llamar.
    rf"{NOT} (?:{ME} )?{AGAIN}{HERE}(?:{EVER})?+{NO_LIMIT}",
    # Me gustaría que no me llamaran más.
    rf"{WISH} que {NEVER} {ME} llamar(?:a|an|as|ais){HERE}(?:{EVER}{NO_LIMIT}|{END})",
    # No quiero más llamadas. No deseo recibir llamadas.
    rf"no {WANT} (?:recibir )?(?:mas|ninguna) {CALLS}{NO_LIMIT}",
    rf"no {WANT} (?:recibir )?{CALLS}(?: mas{NO_LIMIT}|{END})",
    # Deje de llamarme. Dejadme en paz.
    rf"{UNDENIED}(?:dej(?:e|es|en|eis|a|ad)|par(?:e|en|ad|eis)) de {TO_CALL}"
    rf"(?:me|nos)?+{HERE}{NO_LIMIT}",
    rf"(?<!puedo )(?<!quiero )dejar de {TO_CALL}(?:me|nos){NO_LIMIT}",
    rf"{UNDENIED}dej(?:e|en|a|ad)(?:me|nos) (?:en paz|tranquil[oa]s?){NO_LIMIT}",
    # Borren mi número. Quítenme de la lista. Denme de baja.
    rf"{UNDENIED}\b{DELETE} (?:{MINE}|(?:{MINE} )?{LIST})\b",
    rf"{UNDENIED}\b(?:de|den|da|dad)(?:me|nos) de baja\b",
    rf"{UNDENIED}\b(?:dar|darse|darme|darnos) de baja (?:{MINE}|{LIST})",
    # What the law calls it.
    r"(?:retiro|revoco|retiramos) (?:mi|el|nuestro) (?:consentimiento|permiso)",
    r"\b(?:estoy|estamos|apunt\w+|inscrit\w+)(?: \w+){0,4} lista robinson",
)
WORDS = [re.compile(rf"\b{pattern}") for pattern in REQUESTS]

_SENTENCE = re.compile(r"[^.!?;…\n]+[.!?…]*")
_PAUSE = re.compile(r"[,:()«»\"—–]+")
_NO_WORD = re.compile(r"[^a-z0-9,]+")
_FILLER = re.compile(rf"(?:, )*\b(?:{'|'.join(FILLERS)})\b(?: ,)*")


def find_request(texts: Iterable[str]) -> str | None:
    """The first sentence that asks for no more calls, as it was said; None: nobody
    does."""
    sentences = (sentence for text in texts for sentence in _sentences(text))
    return next((one for one in sentences if is_request(one)), None)


def is_request(sentence: str) -> bool:
    said = _plain(sentence[:LONGEST_SENTENCE])
    return any(words.search(said) for words in WORDS)


def _sentences(text: str) -> Iterator[str]:
    for match in _SENTENCE.finditer(text):
        yield " ".join(match[0].split())


def _plain(sentence: str) -> str:
    """Small letters without accents; of the signs, only the pauses."""
    small = unicodedata.normalize("NFKD", sentence).casefold()
    bare = "".join(char for char in small if not unicodedata.combining(char))
    words = _NO_WORD.sub(" ", _PAUSE.sub(" , ", bare))
    words = " ".join(words.split())
    return " ".join(_FILLER.sub(" ", words).split()).strip(" ,")
