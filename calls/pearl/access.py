"""Where Pearl is, and what lets us in: checked before anything is sent."""

from __future__ import annotations

import ipaddress
import re
from typing import NoReturn
from urllib.parse import urlsplit

import requests
from django.utils.translation import gettext as _
from requests.auth import AuthBase

# No path, user, query or fragment, and nothing that two parsers read as two hosts.
BASE_URL = re.compile(
    r"https?://(?:[a-z0-9._-]+|\[[0-9a-f:]+\])(?::[0-9]{1,5})?/?", re.IGNORECASE
)
CREDENTIAL = re.compile(r"[!-9;-~]+")  # printable ASCII, no space, no colon


class Bearer(AuthBase):
    """Puts the credentials on one request; they are kept nowhere else (1.2)."""

    def __init__(self, account_id: str, secret_key: str) -> None:
        account_id = _checked("PEARL_ACCOUNT_ID", account_id)
        secret_key = _checked("PEARL_SECRET_KEY", secret_key)
        self._token = f"Bearer {account_id}:{secret_key}"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._token
        return request

    def __repr__(self) -> str:
        return "Bearer(•••)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("credentials are not serialised")


def checked_url(url: str) -> str:
    """Only the server, and https unless it is this machine: the secret goes there."""
    if not BASE_URL.fullmatch(url):
        raise ValueError(
            _("PEARL_API_URL debe ser solo el servidor, como https://api.nlpearl.ai.")
        )
    if not url.lower().startswith("https://") and not is_loopback(url):
        raise ValueError(
            _("PEARL_API_URL debe empezar por https://, salvo en este mismo equipo.")
        )
    return url.rstrip("/")


def is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _checked(setting: str, value: str) -> str:
    if not CREDENTIAL.fullmatch(value):
        raise ValueError(
            _("%(setting)s falta o contiene espacios u otros caracteres no válidos.")
            % {"setting": setting}
        )
    return value
