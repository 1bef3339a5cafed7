"""A real simulator process for the tests, and an ear for its webhooks."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

OUTBOUND = "66f0a1b2c3d4e5f601020304"
PEARL = "66f0aaaabbbbccccdddd0001"
TOKEN = "Bearer 665500000000000000000001:simulador0000000000000000000000"
SPEED = 1000
EVER = {"fromDate": "2020-01-01T00:00:00Z", "toDate": "2099-01-01T00:00:00Z"}
ROOT = Path(__file__).parents[2]


def until(ask, *, seconds=5.0):
    """The first truthy answer of `ask`, asked again and again for a short while."""
    end = time.monotonic() + seconds
    while True:
        answer = ask()
        if answer:
            return answer
        assert time.monotonic() < end, f"waited in vain for {ask}"
        time.sleep(0.005)


class Simulator:
    """A running simulator, with the requests a client and a judge would make."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "simulator", "--port", "0", *arguments],
            stdout=subprocess.PIPE,
            cwd=ROOT,
            text=True,
        )
        self.first_line = self.process.stdout.readline()
        self.url = self.first_line.split()[-1]
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = TOKEN

    def close(self):
        self.session.close()
        self.process.terminate()
        self.process.wait(5)
        self.process.stdout.close()

    def ask(self, method, path, **options):
        options.setdefault("allow_redirects", False)
        options.setdefault("timeout", 5)
        return self.session.request(method, self.url + path, **options)

    def get(self, path):
        answer = self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path, body=None):
        answer = self.ask("POST", path, json=body if body is not None else {})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def configure(self, **patch):
        return self.post("/_simulator/config", patch)

    def configure_campaign(self, **patch):
        return self.configure(campaigns={OUTBOUND: patch})

    def try_call(self, to, data=None, **options):
        body = {"to": to, "callData": data}
        return self.ask("POST", f"/v1/Outbound/{OUTBOUND}/Call", json=body, **options)

    def call(self, to, **data):
        answer = self.try_call(to, data)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def request(self, request_id):
        return self.get(f"/v1/Outbound/CallRequest/{request_id}")

    def finished_call(self, to, **data):
        """Call, wait for the end, and read the call."""
        request_id = self.call(to, **data)["id"]
        until(lambda: self.request(request_id)["status"] == 10)
        return self.get(f"/v2/Call/{self.request(request_id)['callId']}")

    def processed_call(self, to, **data):
        call = self.finished_call(to, **data)
        return until(lambda: self._with_summary(call["id"]))

    def _with_summary(self, call_id):
        call = self.get(f"/v2/Call/{call_id}")
        return call if call["summary"] else None

    def rings(self, to=None):
        rings = self.get("/_simulator/rings")["rings"]
        return [ring for ring in rings if to in (None, ring["to"])]

    def stats(self):
        return self.get("/_simulator/stats")


class Ear(ThreadingHTTPServer):
    """Hears webhooks; answers the statuses of `script` first, then 200."""

    daemon_threads = True

    def __init__(self):
        self.heard = []
        self.headers = []
        self.script = []
        super().__init__(("127.0.0.1", 0), _EarHandler)
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/hook"

    def wait_for(self, number):
        return until(lambda: self.heard if len(self.heard) >= number else None)


class _EarHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.server.script.pop(0) if self.server.script else 200
        self.server.headers.append(dict(self.headers))
        self.server.heard.append(json.loads(body))
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        """Silence."""


@pytest.fixture(scope="session")
def running_simulator():
    simulator = Simulator("--speed", str(SPEED), "--quiet")
    yield simulator
    simulator.close()


@pytest.fixture
def simulator(running_simulator):
    running_simulator.post("/_simulator/reset", {"config": True})
    return running_simulator


@pytest.fixture
def ear(simulator):
    ear = Ear()
    simulator.configure_campaign(callWebhookUrl=ear.url, leadWebhookUrl=ear.url)
    yield ear
    simulator.post("/_simulator/reset", {"config": True})
    ear.shutdown()
    ear.server_close()
