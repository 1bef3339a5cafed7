from __future__ import annotations

from django.apps import AppConfig


class TuotempoConfig(AppConfig):
    name = "tuotempo"
