"""A missing or malformed variable stops the start with its name and what to write."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOUND = {"SECRET_KEY": "k" * 40, "ENV_FILE": "", "PATH": os.environ["PATH"]}


def start(tmp_path, **variables: str) -> subprocess.CompletedProcess[str]:
    env = {**SOUND, "DATABASE_URL": f"sqlite:///{tmp_path / 'x.sqlite3'}", **variables}
    return subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env={name: value for name, value in env.items() if value != "-"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_sound_environment_starts(tmp_path):
    assert start(tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"SECRET_KEY": "-"}, "SECRET_KEY falta: escriba"),
        ({"SECRET_KEY": "corta"}, "SECRET_KEY es demasiado corta"),
        ({"DEBUG": "quizás"}, "DEBUG tiene un valor que no se entiende"),
        ({"DATABASE_URL": "postgres://x/y"}, "DATABASE_URL debe empezar por"),
        ({"MAX_CONCURRENT_CALLS": "muchas"}, "MAX_CONCURRENT_CALLS tiene un valor"),
        ({"MAX_CONCURRENT_CALLS": "0"}, "MAX_CONCURRENT_CALLS es demasiado pequeña"),
        ({"PEARL_REQUESTS_PER_SECOND": "-1"}, "PEARL_REQUESTS_PER_SECOND"),
        ({"PEARL_API_URL": "api.nlpearl.ai"}, "PEARL_API_URL no es una dirección"),
        ({"PEARL_API_URL": "https://api.nlpearl.ai"}, "PEARL_ACCOUNT_ID falta"),
        ({"PEARL_WEBHOOK_TOKEN": "corto"}, "PEARL_WEBHOOK_TOKEN es demasiado corta"),
        ({"METRICS_TOKEN": "corto"}, "METRICS_TOKEN es demasiado corta"),
        ({"LOG_FORMAT": "xml"}, "LOG_FORMAT tiene un valor que no se entiende"),
    ],
)
def test_a_bad_one_is_named_and_no_stack_trace_is_shown(tmp_path, variables, words):
    done = start(tmp_path, **variables)

    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_every_variable_is_in_the_example_and_in_the_readme():
    source = (ROOT / "tuotempo" / "settings.py").read_text()
    names = set(re.findall(r'"([A-Z][A-Z_]+)"', source))
    known = {n for n in names if re.search(rf'\(\s*"\w+",\s*"{n}"', source)}
    example = (ROOT / ".env.example").read_text()
    readme = (ROOT / "README.md").read_text()

    assert len(known) > 12
    assert {n for n in known if not re.search(rf"^#?{n}=", example, re.M)} == set()
    assert {n for n in known if f"`{n}`" not in readme} == set()
