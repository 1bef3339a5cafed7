"""Starts the pretend Pearl with this project's account, as a process of its own."""

from __future__ import annotations

import os
import sys
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _


class Command(BaseCommand):
    help = "Arranca el simulador de Pearl (las demás opciones pasan a «-m simulator»)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("options", nargs="*", metavar="-- OPCIONES")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.PEARL_IS_SIMULATOR:
            raise CommandError(
                _("PEARL_API_URL no es de este equipo: el simulador no haría nada.")
            )
        url = urlsplit(settings.PEARL_API_URL)
        command = [sys.executable, "-m", "simulator", "--port", str(url.port or 80)]
        command += ["--account-id", settings.PEARL_ACCOUNT_ID]
        command += ["--secret-key", settings.PEARL_SECRET_KEY, *options["options"]]
        os.execv(sys.executable, command)  # noqa: S606 (our own interpreter)
