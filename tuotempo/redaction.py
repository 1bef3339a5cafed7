"""Keeps secrets that travel in a path out of every log line."""

from __future__ import annotations

import logging
import re

WEBHOOK = re.compile(r"(/webhooks/pearl/)[^/\s?]+")


class HideTokens(logging.Filter):
    """Django logs the path of a failed request; that of the webhook is a secret."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if WEBHOOK.search(message):
            record.msg, record.args = WEBHOOK.sub(r"\1…", message), None
        return True
