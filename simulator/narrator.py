"""Tells whoever watches the terminal what happens; two digits of a number at most."""

from __future__ import annotations

import sys

from simulator.records import Call, Request


class Narrator:
    """Listens to calls. Never used on a pipe, which nobody might be reading."""

    def call_started(self, call: Call) -> None:
        self._say(f"dialled …{call.to[-2:]}  call {call.id}")

    def call_ended(self, call: Call) -> None:
        outcome = call.fate.outcome.name
        self._say(f"ended   …{call.to[-2:]}  {outcome}, {call.duration} s")

    def call_processed(self, call: Call) -> None:
        """Not worth a line."""

    def request_refused(self, request: Request) -> None:
        self._say(f"refused …{request.to[-2:]}  {request.status.label}")

    def _say(self, line: str) -> None:
        sys.stdout.write(f"{line}\n")
