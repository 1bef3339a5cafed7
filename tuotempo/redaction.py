"""Keeps secrets and people out of every log line, tracebacks included."""

from __future__ import annotations

import logging
import re

# The path of a failed request is logged; those of webhooks and calendars are secrets.
SECRET_PATH = re.compile(r"(/webhooks/pearl/|/calendars/)[^/\s?]+")
# MySQL's errors tell the value that did not fit, and it may be anybody's.
VALUE = re.compile(r"((?:entry|value:?) )(?P<quote>\\?['\"]).*?(?P=quote)")
NUMBER = re.compile(r"\+\d{8,15}\b")


class Redact(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if redacted(message) != message:
            record.msg, record.args = redacted(message), None
        if record.exc_info and not record.exc_text:
            # A formatter takes the text that is there already.
            traceback = logging.Formatter().formatException(record.exc_info)
            record.exc_text = redacted(traceback)
        return True


def redacted(text: str) -> str:
    text = SECRET_PATH.sub(r"\1…", text)
    text = VALUE.sub(r"\1…", text)
    return NUMBER.sub("…", text)
