"""The fault proxy does what it is asked: else nothing that it proves is proved."""

from __future__ import annotations

import time

import pytest

from calls.pearl import CallNotSent, CallUncertain
from calls.tests.hostile_server import HostileServer, answer, http
from calls.tests.pearl_dials import PLACED, REQUEST, client_for, dial
from reliability.fault_proxy import Fault, Outage, PearlProxy
from reliability.mysql_proxy import state_written

WAITS = 0.3


@pytest.fixture
def pearl():
    with HostileServer(answer(http(200, PLACED))) as server:
        yield server


def proxy_to(server, fault: Fault = Fault()) -> PearlProxy:  # noqa: B008
    port = int(server.url.rsplit(":", 1)[1])
    return PearlProxy(("127.0.0.1", port), choose=lambda seen: fault)


def quick(proxy: PearlProxy):
    return client_for(proxy.url, call_deadline=WAITS)


def test_without_a_fault_everything_passes(pearl):
    with proxy_to(pearl, Fault(latency=0.05)) as proxy:
        assert dial(quick(proxy)).request_id == REQUEST

    assert pearl.posts == 1
    (seen,) = proxy.dials()
    assert (seen.marker, seen.status) == ("01J9ZK7P5V8Q", 200)


@pytest.mark.parametrize(
    ("fault", "posts"),
    [
        (Fault(request_bytes=0), 0),
        (Fault(request_bytes=40), 0),
        (Fault(request_bytes=-1), 0),
        (Fault(reply_bytes=0), 1),
        (Fault(reply_bytes=30), 1),
        (Fault(reply_bytes=-1), 1),
        (Fault(reply_bytes=-1, closes=True), 1),
        (Fault(swallowed=True), 0),
        (Fault(unanswered=True), 1),
        (Fault(drip=0.05), 1),
        (Fault(late=3 * WAITS), 1),
    ],
    ids=str,
)
def test_each_fault_keeps_the_answer_and_only_its_own_kind_the_request(
    pearl, fault, posts
):
    with proxy_to(pearl, fault) as proxy:
        with pytest.raises(CallUncertain):
            dial(quick(proxy))
        time.sleep(3 * fault.late)

        assert pearl.posts == posts


def test_where_nobody_listens_nothing_is_sent_until_somebody_does(pearl):
    with proxy_to(pearl) as proxy:
        proxy.go(Outage.REFUSED)
        with pytest.raises(CallNotSent):
            dial(quick(proxy))
        proxy.go(Outage.NONE)

        assert dial(quick(proxy)).request_id == REQUEST


@pytest.mark.parametrize(("outage", "late"), [("silent", 0), ("frozen", 1)])
def test_what_was_sent_into_a_frozen_network_arrives_and_into_a_silent_one_never(
    pearl, outage, late
):
    with proxy_to(pearl) as proxy:
        proxy.go(Outage(outage))
        with pytest.raises(CallUncertain):
            dial(quick(proxy))
        assert pearl.posts == 0
        proxy.go(Outage.NONE)
        time.sleep(0.2)

        assert pearl.posts == late
        assert dial(quick(proxy)).request_id == REQUEST


@pytest.mark.parametrize(
    ("statements", "state"),
    [
        (["INSERT INTO `call_attempts` (`token`) VALUES ('a')", "COMMIT"], "claimed"),
        (["UPDATE `call_attempts` SET `state` = 'dialing', `x` = 1"], "dialing"),
        (["UPDATE `leads` SET `call_status` = 'calling'", "COMMIT"], ""),
    ],
)
def test_a_transaction_is_known_by_the_state_that_it_writes(statements, state):
    assert state_written(statements) == state
