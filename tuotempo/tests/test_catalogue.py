"""English says all that the source says in Spanish, and is compiled as it is written.

After a sentence was added or changed: makemessages, translate it, compilemessages
(REMEDY has the options).
"""

from __future__ import annotations

import ast
import gettext
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.core.cache import cache
from django.utils import translation

ROOT = Path(__file__).resolve().parents[2]
ENGLISH = ROOT / "locale" / "en" / "LC_MESSAGES"
REMEDY = (
    "run: manage.py makemessages -l en --no-location --ignore=.venv --ignore=var "
    "--ignore=static --ignore='*/tests/*', translate, "
    "manage.py compilemessages -l en --ignore=.venv"
)
NOT_OF_THE_SCREEN = (".*", "var", "static", "tests", "locale", "docs", "__pycache__")
LINE = re.compile(r'(?:(msg\w+(?:\[\d\])?) )?(".*")')
PLACEHOLDER = re.compile(r"%%|%(?:\(\w+\))?[#0+-]*[\d.]*[a-zA-Z]|\{\w*\}")


@dataclass
class Entry:
    """A message of a .po: its texts by keyword, in the order they were written."""

    is_fuzzy: bool = False
    texts: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str | None, ...]:
        names = ("msgctxt", "msgid", "msgid_plural")
        return tuple(self.texts.get(name) for name in names)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Each text of the source with its translation."""
        if "msgid_plural" not in self.texts:
            return [(self.texts["msgid"], self.texts["msgstr"])]
        return [
            (self.texts["msgid"], self.texts["msgstr[0]"]),
            (self.texts["msgid_plural"], self.texts["msgstr[1]"]),
        ]


def entries(path: Path) -> dict[tuple[str | None, ...], Entry]:
    """The messages of a .po, without its header and what is no longer used."""
    found = {}
    for block in path.read_text(encoding="utf-8").split("\n\n"):
        entry, name = Entry(), ""
        for line in block.splitlines():
            if line.startswith("#,") and "fuzzy" in line:
                entry.is_fuzzy = True
            elif match := LINE.fullmatch(line):
                name = match[1] or name
                text = entry.texts.get(name, "") + ast.literal_eval(match[2])
                entry.texts[name] = text
        if entry.texts.get("msgid"):
            found[entry.key] = entry
    return found


def catalogue(path: Path) -> dict[object, str]:
    with path.open("rb") as file:
        return gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def english() -> dict[tuple[str | None, ...], Entry]:
    return entries(ENGLISH / "django.po")


@pytest.fixture(scope="module")
def extracted(tmp_path_factory) -> dict[tuple[str | None, ...], Entry]:
    """The messages of the source as it is now, taken from a copy of it."""
    copy = tmp_path_factory.mktemp("messages") / "source"
    ignored = shutil.ignore_patterns(*NOT_OF_THE_SCREEN)
    shutil.copytree(ROOT, copy, ignore=ignored)
    (copy / "locale").mkdir()
    env = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
    subprocess.run(
        [sys.executable, "-m", "django", "makemessages", "-l", "en", "--no-location"],
        cwd=copy,
        env=env,
        check=True,
        capture_output=True,
        timeout=60,
    )
    return entries(copy / "locale" / "en" / "LC_MESSAGES" / "django.po")


@pytest.fixture
def _language_of_the_others() -> Iterator[None]:
    """A request leaves its language to its thread: the tests after it want theirs."""
    cache.clear()
    with translation.override("es"):
        yield
    cache.clear()


def test_every_message_of_the_source_is_translated(extracted, english):
    assert len(extracted) > 500
    assert [key for key in extracted if key not in english] == [], REMEDY
    assert [
        entry.key
        for entry in english.values()
        if entry.is_fuzzy or not all(said for _source, said in entry.pairs)
    ] == [], REMEDY


def test_every_translation_keeps_the_placeholders(english):
    changed = [
        (source, said)
        for entry in english.values()
        for source, said in entry.pairs
        if Counter(PLACEHOLDER.findall(source)) != Counter(PLACEHOLDER.findall(said))
    ]

    assert changed == []


def test_what_is_compiled_is_what_is_written(tmp_path):
    subprocess.run(
        ["msgfmt", "--check", "-o", tmp_path / "en.mo", ENGLISH / "django.po"],
        check=True,
        timeout=60,
    )

    assert catalogue(ENGLISH / "django.mo") == catalogue(tmp_path / "en.mo"), REMEDY


@pytest.mark.django_db
@pytest.mark.usefixtures("_language_of_the_others", "campaign")
@pytest.mark.parametrize(
    ("headers", "language", "login", "start"),
    [
        ({}, "es", "Contraseña", "Iniciar llamadas"),
        ({"accept-language": "en-GB,en;q=0.9"}, "en", "Password", "Start calls"),
        ({"accept-language": "en"}, "en", "Password", "Start calls"),
    ],
)
def test_pages_speak_the_language_asked_for(
    client, admin_client, headers, language, login, start
):
    pages = {
        login: client.get("/login/", headers=headers),
        start: admin_client.get("/calls/", headers=headers),
    }

    for words, page in pages.items():
        text = page.content.decode()
        assert page.status_code == 200
        assert f'<html lang="{language}">' in text
        assert words in text
    others = {"Contraseña", "Iniciar llamadas", "Password", "Start calls"} - {*pages}
    shown = "".join(page.content.decode() for page in pages.values())
    assert [word for word in others if word in shown] == []
