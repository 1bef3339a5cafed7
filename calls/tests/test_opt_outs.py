"""Who asks in a call never to be called again is not, until a person has decided."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from django.utils import timezone

from calls import claims, effects
from calls.breakdown import breakdown, leads_of
from calls.collected import take_in, values_of
from calls.models import CallAttempt, OptOut
from calls.states import Outcome, State
from calls.tests.factories import AttemptFactory, seed_fields
from leads import suppressions
from leads.models import CallStatus, Lead, Suppression
from leads.tests.admin_pages import staff
from leads.tests.factories import LeadFactory, SuppressionFactory
from leads.verdict import Rule

__all__ = ["staff"]

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
LIST = reverse("admin:leads_suppression_changelist")
MAIN, OTHER = "+34612345650", "+34912345651"
NEW = "+34612345652"
SAID = "No me llaméis más, por favor."


def turns(*texts: str) -> list[dict]:
    return [
        {"role": 2 + at % 2, "text": text, "start": None, "end": None}
        for at, text in enumerate(texts)
    ]


def call(run, *texts: str, lead: Lead | None = None, **more) -> CallAttempt:
    over = {
        "state": State.ENDED,
        "outcome": Outcome.NOT_SUCCESSFUL,
        "open_lead_id": None,
        "open_phone": None,
        "claimed_at": NOW,
        "transcript": turns(*(texts or ("Le llamo del centro.", f"Mire. {SAID}"))),
    }
    lead = lead or LeadFactory(phone_e164=MAIN, phone_alt_e164=OTHER)
    return AttemptFactory(run=run, lead=lead, phone=lead.phone_e164, **(over | more))


def claimed(run, now: datetime) -> list[CallAttempt]:
    return claims.claim(run.campaign_id, worker="worker-a", at_most=5, now=now).attempts


def act(staff, action: str, **extra: str):
    pks = [*Suppression.objects.values_list("pk", flat=True)]
    data = {"action": action, "_selected_action": pks}
    return staff.post(LIST, data | extra, follow=True)


# --- Proposing ----------------------------------------------------------------------


def test_it_is_proposed_with_the_sentence_for_all_numbers_of_the_lead(run):
    attempt = call(run)

    take_in(attempt, now=NOW)

    proposals = Suppression.objects.order_by("pk")
    assert [(one.phone_e164, one.list, one.proposed) for one in proposals] == [
        (MAIN, "request", True),
        (OTHER, "request", True),
    ]
    assert {one.reason for one in proposals} == {SAID}
    assert {one.source for one in proposals} == {f"Llamada {attempt.pk}"}
    said = OptOut.objects.filter(attempt=attempt)
    assert {(one.sentence, one.decision) for one in said} == {(SAID, "")}
    assert {one.phone_hash for one in said} == {one.phone_hash for one in proposals}


def test_the_number_that_rang_counts_though_the_lead_has_another_now(run):
    attempt = call(run)
    Lead.objects.update(phone_e164="+34612345699", phone_alt_e164="")

    take_in(attempt, now=NOW)

    phones = {*Suppression.objects.values_list("phone_e164", flat=True)}
    assert phones == {MAIN, "+34612345699"}


def test_it_is_proposed_whoever_the_provider_says_has_spoken(run):
    attempt = call(run, SAID, "De acuerdo.")

    take_in(attempt, now=NOW)

    assert Suppression.objects.filter(proposed=True).count() == 2


@pytest.mark.parametrize("times", [1, 3])
def test_a_call_proposes_once_however_often_it_is_read(run, times):
    attempt = call(run)

    for _n in range(times):
        take_in(attempt, now=NOW)

    assert Suppression.objects.count() == OptOut.objects.count() == 2


def test_other_words_propose_nothing(run):
    take_in(call(run, "No me llame más tarde de las ocho."), now=NOW)

    assert not Suppression.objects.exists()
    assert not OptOut.objects.exists()


def test_a_test_call_excludes_nobody(run):
    take_in(call(run, is_test=True), now=NOW)

    assert not Suppression.objects.exists()


def test_a_number_excluded_for_good_stays_so(run):
    SuppressionFactory(phone_e164=MAIN, list="request", reason="Por escrito")

    take_in(call(run), now=NOW)

    firm = Suppression.objects.get(phone_e164=MAIN)
    assert (firm.proposed, firm.reason) == (False, "Por escrito")


@pytest.mark.parametrize("transcript", [[], {}, "text", [None, "x", {"text": 3}, {}]])
def test_no_shape_of_a_transcript_breaks_it(run, transcript):
    take_in(call(run, transcript=transcript), now=NOW)

    assert not Suppression.objects.exists()


# --- Holding ------------------------------------------------------------------------


def test_every_lead_of_the_number_waits_by_a_rule_of_its_own(run):
    same = LeadFactory(phone_e164=MAIN)
    take_in(call(run), now=NOW)

    assert claimed(run, NOW) == []
    assert breakdown(run.campaign, now=NOW) == {Rule.PROPOSED: 2}
    same.refresh_from_db()
    assert same.selected_for_calling


def test_a_claim_already_made_does_not_ring_after_the_request(run):
    LeadFactory(phone_e164=MAIN)
    (waiting,) = claimed(run, NOW)
    take_in(call(run, lead=LeadFactory(phone_alt_e164=MAIN)), now=NOW)

    answer = claims.pre_send(waiting, now=NOW)

    assert (answer.allowed, answer.rule) == (False, Rule.PROPOSED)
    waiting.refresh_from_db()
    assert waiting.state == State.CLAIMED


@pytest.mark.parametrize(
    ("decision", "rule"), [("", Rule.PROPOSED), ("confirm", Rule.SUPPRESSED)]
)
def test_another_number_does_not_make_the_lead_callable(run, staff, decision, rule):
    lead = call(run).lead
    take_in(CallAttempt.objects.get(), now=NOW)
    if decision:
        act(staff, decision)

    Lead.objects.update(phone_e164=NEW, phone_alt_e164="", next_call_at=NOW)

    assert breakdown(run.campaign, now=NOW) == {rule: 1}
    assert [*leads_of(run.campaign, rule, now=NOW)] == [lead]
    assert claimed(run, NOW) == []


def test_a_lead_that_got_another_number_goes_on_once_it_is_rejected(run, staff):
    lead = call(run).lead
    take_in(CallAttempt.objects.get(), now=NOW)
    Lead.objects.update(phone_e164=NEW, phone_alt_e164="", next_call_at=NOW)
    assert claimed(run, NOW) == []
    lead.refresh_from_db()
    assert lead.next_call_at is None
    # Of its old number; it holds whoever has that one.
    SuppressionFactory(phone_e164=MAIN, list="robinson")

    act(staff, "reject", post="yes")

    assert breakdown(run.campaign, now=timezone.now()) == {Rule.ALLOWED: 1}

    (again,) = claimed(run, timezone.now())
    assert (again.lead_id, again.phone) == (lead.pk, NEW)


# --- Deciding -----------------------------------------------------------------------


def test_rejected_the_lead_goes_on_where_it_was(run, staff):
    attempt = call(run)
    retried = timezone.now() + timedelta(days=1)
    later = LeadFactory(phone_e164=OTHER, next_call_at=retried)
    take_in(attempt, now=NOW)
    assert claimed(run, NOW) == []

    act(staff, "reject", post="yes")

    assert not Suppression.objects.exists()
    (again,) = claimed(run, timezone.now())
    assert again.lead_id == attempt.lead_id
    assert again.lead_status_before == CallStatus.SELECTED
    later.refresh_from_db()
    assert later.next_call_at == retried


def test_what_was_rejected_is_not_proposed_again_by_the_same_call(run, staff):
    attempt = call(run)
    take_in(attempt, now=NOW)
    act(staff, "reject", post="yes")

    take_in(attempt, now=NOW)

    assert not Suppression.objects.exists()
    said = OptOut.objects.first()
    assert (said.decision, said.decided_by.username) == ("rejected", "admin")
    assert said.decided_at is not None


def test_asked_again_in_another_call_it_is_proposed_again(run, staff):
    attempt = call(run)
    take_in(attempt, now=NOW)
    act(staff, "reject", post="yes")

    take_in(call(run, lead=attempt.lead), now=NOW)

    assert Suppression.objects.filter(proposed=True).count() == 2


def test_accepted_it_holds_for_good(run, staff):
    take_in(call(run), now=NOW)

    act(staff, "confirm")

    assert not Suppression.objects.filter(proposed=True).exists()
    assert {one.decision for one in OptOut.objects.all()} == {"accepted"}
    assert suppressions.suppressed_among([MAIN, OTHER], now=NOW) == {MAIN, OTHER}
    assert claimed(run, NOW) == []
    assert breakdown(run.campaign, now=NOW) == {Rule.SUPPRESSED: 1}


def test_deciding_about_other_numbers_or_lists_decides_nothing_here(run, staff):
    take_in(call(run), now=NOW)
    mine = [*Suppression.objects.values_list("pk", flat=True)]
    SuppressionFactory(phone_e164=MAIN, list="internal")
    SuppressionFactory(phone_e164="+34612345611", list="request")
    others = Suppression.objects.exclude(pk__in=mine)
    data = {"action": "confirm", "_selected_action": [one.pk for one in others]}

    staff.post(LIST, data)

    assert {one.decision for one in OptOut.objects.all()} == {""}


def test_the_list_shows_the_sentence_and_leads_to_the_call(
    run, staff, django_assert_max_num_queries
):
    attempt = call(run)
    take_in(attempt, now=NOW)
    where = reverse("admin:calls_callattempt_change", args=[attempt.pk])

    with django_assert_max_num_queries(20):
        page = staff.get(f"{LIST}?state=proposed").content.decode()

    assert SAID in page
    assert where in page
    one = Suppression.objects.first()
    form = staff.get(reverse("admin:leads_suppression_change", args=[one.pk]))
    assert where in form.content.decode()
    asked = act(staff, "reject")
    assert SAID in asked.content.decode()


def test_an_auditor_sees_the_proposals_and_decides_nothing(run, client):
    take_in(call(run), now=NOW)
    user = User.objects.create_user("auditor", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_suppression"))
    client.force_login(user)

    page = client.get(LIST)
    act(client, "reject", post="yes")

    assert SAID in page.content.decode()
    assert Suppression.objects.filter(proposed=True).count() == 2


def test_the_confirmed_end_of_a_call_brings_both_its_values_and_its_request(run):
    seed_fields()
    attempt = call(run, collected_info={"interesado": "no"})

    effects.follow(attempt.pk, now=NOW)

    assert values_of(attempt).is_interested is False
    assert Suppression.objects.filter(proposed=True).count() == 2
