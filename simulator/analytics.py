"""Totals of a campaign over a range, in the shape of section 6.7."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from simulator import answers
from simulator.codes import Conversation, Sentiment
from simulator.records import Call, Campaign
from simulator.searching import between

if TYPE_CHECKING:
    from simulator.world import World

OVERVIEW = {
    "needRetry": Conversation.NEED_RETRY,
    "wrongCountryCode": Conversation.WRONG_COUNTRY_CODE,
    "voiceMailLeft": Conversation.VOICE_MAIL_LEFT,
    "successful": Conversation.SUCCESS,
    "unsuccessful": Conversation.NOT_SUCCESSFUL,
    "completed": Conversation.COMPLETED,
    "unreachable": Conversation.UNREACHABLE,
    "error": Conversation.ERROR,
}

MOODS = {
    "negative": Sentiment.NEGATIVE,
    "slightlyNegative": Sentiment.SLIGHTLY_NEGATIVE,
    "neutral": Sentiment.NEUTRAL,
    "slightlyPositive": Sentiment.SLIGHTLY_POSITIVE,
    "positive": Sentiment.POSITIVE,
}

EVENTS = ("takeMessage", "smsSent", "callTransferred", "calendarBooked", "emailSent")


def analytics(
    world: World, campaign: Campaign, first: float, last: float
) -> dict[str, Any]:
    """Every key Pearl answers; counts are real, prices use credit_per_call."""
    calls = between(campaign.calls, first, last, at=lambda call: call.started_at)
    tags = Counter(tag for call in calls for tag in answers.tags_of(world, call))
    return {
        "callsStatusOverview": _overview(campaign, calls),
        "callsSentimentOverview": _moods(world, calls),
        **_time_lines(campaign, calls, cost=world.config.account.credit_per_call),
        "callLabelCount": [
            {"id": tag, "name": tag, "color": "#3b82f6", "count": n}
            for tag, n in tags.items()
        ],
        "callEventsCounts": {f"{name}Count": 0 for name in EVENTS},
        "callsByHourDayOfWeeks": _by_hour(calls),
    }


def _time_lines(
    campaign: Campaign, calls: list[Call], *, cost: float
) -> dict[str, list[dict[str, Any]]]:
    """One element a day, in UTC."""
    days: dict[str, list[Call]] = defaultdict(list)
    for call in calls:
        days[f"{_moment(call):%Y-%m-%dT00:00:00Z}"].append(call)

    def line(tell: Callable[[list[Call]], dict[str, Any]]) -> list[dict[str, Any]]:
        return [{"date": day, **tell(group)} for day, group in days.items()]

    return {
        "callsStatusTimeLine": line(lambda group: _overview(campaign, group)),
        "callsAverageTimeLine": line(
            lambda group: {"averageCallDuration": _average_duration(group)}
        ),
        "callsCostTimeLine": line(
            lambda group: {"totalPrice": cost * len(group), "averageCostPerCall": cost}
        ),
        "callsPickupRateTimeLine": line(
            lambda group: {"pickupRatePercentage": _pickup_rate(group)}
        ),
        "callsSuccessRateTimeLine": line(
            lambda group: {"successRatePercentage": _success_rate(group)}
        ),
    }


def _by_hour(calls: list[Call]) -> list[dict[str, int]]:
    moments = map(_moment, calls)
    hours = Counter((moment.hour, moment.isoweekday() % 7) for moment in moments)
    return [
        {"hourOfDay": hour, "dayOfWeek": day, "count": n}
        for (hour, day), n in hours.items()
    ]


def _moment(call: Call) -> datetime:
    return datetime.fromtimestamp(call.started_at, UTC)


def _overview(campaign: Campaign, calls: list[Call]) -> dict[str, int]:
    verdicts = Counter(call.conversation for call in calls)
    return {
        "totalCalls": len(calls),
        "totalLeads": len(campaign.leads),
        "needFollowUp": 0,
        "wrongNumber": 0,
        **{name: verdicts[verdict] for name, verdict in OVERVIEW.items()},
    }


def _moods(world: World, calls: list[Call]) -> dict[str, int]:
    moods = Counter(answers.mood_of(world, call) for call in calls)
    return {name: moods[mood] for name, mood in MOODS.items()}


def _average_duration(calls: list[Call]) -> float:
    talked = [call.duration for call in calls if call.answered]
    return sum(talked) / len(talked) if talked else 0.0


def _pickup_rate(calls: list[Call]) -> float:
    return 100 * sum(call.answered for call in calls) / len(calls)


def _success_rate(calls: list[Call]) -> float:
    wins = sum(call.conversation is Conversation.SUCCESS for call in calls)
    return 100 * wins / len(calls)
