"""The door for uvicorn."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tuotempo.settings")
_site = get_asgi_application()

from calls.webhook_door import Door  # noqa: E402 (needs Django to be set up)

application = Door(_site)
