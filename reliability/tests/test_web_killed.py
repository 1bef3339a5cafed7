"""The web process killed in the middle of START, STOP and webhooks that come in."""

from __future__ import annotations

import pytest
from django.db import connection

from reliability.web_kills import press_and_kill

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.kills,
    pytest.mark.timeout(300),
]


def test_a_press_has_one_effect_and_what_was_answered_is_kept(pearl, tmp_path):
    times = 12 if connection.vendor == "mysql" else 6

    report = press_and_kill(pearl, tmp_path, times=times, seed=20261128)

    assert report.wrong == [], report.table()
    assert report.presses.total() == times
    assert report.kills.total() == times // 4
