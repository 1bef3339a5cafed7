"""Everything about the pretend provider that a test may change, with its default.

Keys of a campaign keep Pearl's own spelling, so that the control API and
PUT Settings/Outbound (pearl-api.md 6.6) read alike.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from ipaddress import ip_address
from typing import Any, Literal
from urllib.parse import urlsplit

from simulator import hours
from simulator.codes import INBOUND, OUTBOUND, TEXT, VOICE
from simulator.outcomes import DEFAULT_WEIGHTS, OUTCOMES
from simulator.schema import ConfigError, build, merge

Range = tuple[float, float]

OUTBOUND_ID = "66f0a1b2c3d4e5f601020304"
PEARL_ID = "66f0aaaabbbbccccdddd0001"
MARKER = "ttAttemptId"

FAULT_KINDS = (
    "429",
    "500_before",
    "500_after",
    "502",
    "slow_before",
    "slow_after",
    "200_without_id",
    "reset_before",
    "reset_after",
    "cut_body",
    "cut_headers",
    "drip",
    "html_200",
    "bare_string",
    "redirect_307",
    "redirect_307_after",
    "redirect_302",
    "wrong_call_id_fresh",
    "empty_results",
    "400",
    "401",
    "402",
    "403",
    "408",
)
FAULT_ROUTES = (
    "any",
    "make_call",
    "call_request",
    "calls",
    "bulk",
    "account",
    "campaign",
    "leads",
    "recording",
)


def _need(fits: bool, message: str) -> None:
    if not fits:
        raise ConfigError(message)


def _need_range(name: str, value: Range) -> None:
    _need(0 <= value[0] <= value[1], f"{name}: expected 0 <= low <= high")


def _need_share(name: str, value: float) -> None:
    _need(0 <= value <= 1, f"{name}: expected a number from 0 to 1")


def _need_loopback(name: str, url: str | None) -> None:
    """Invented patients or not, nothing may leave this machine."""
    if not url:
        return
    host = urlsplit(url).hostname or ""
    try:
        local = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        local = False
    _need(local and url.startswith("http"), f"{name}: only a loopback URL is allowed")


@dataclass(slots=True)
class RateLimit:
    """Token bucket in real seconds (pearl-api.md 1.8); no limit in flight when null."""

    per_second: float = 1.0
    burst: float = 5.0
    in_flight: int | None = 2
    retry_after: float | Literal["date"] | None = None

    def __post_init__(self) -> None:
        _need(self.per_second > 0, "per_second: expected more than 0")
        _need(self.burst >= 1, "burst: expected 1 or more")


@dataclass(slots=True)
class Account:
    """Pearl-api.md 3.1, plus what one dial costs."""

    name: str = "Centro Simulado"
    totalAgents: int = 10
    creditBalance: float = 1_000_000.0
    status: int = 1
    credit_per_call: float = 0.1

    def __post_init__(self) -> None:
        _need(self.status in range(1, 6), "status: expected 1 to 5")


@dataclass(slots=True)
class CallingHours:
    """A stretch of the week: day 0 is Sunday, times are HH:mm (unknown U24)."""

    day: int
    start: str
    end: str

    def __post_init__(self) -> None:
        _need(0 <= self.day <= 6, "day: expected 0 (Sunday) to 6")
        for name, text in (("start", self.start), ("end", self.end)):
            _need(hours.is_time(text), f"{name}: expected HH:mm")


@dataclass(slots=True)
class CampaignConfig:
    """One activity, known as `id` to v1 and as `pearl_id` to v2.

    Nobody ever rings an inbound one here.
    """

    id: str = OUTBOUND_ID
    pearl_id: str = PEARL_ID
    type: int = OUTBOUND
    agentType: int = VOICE
    name: str = "Simulador · citas"
    status: int = 1
    totalAgents: int = 10
    callingHours: list[CallingHours] = field(default_factory=list)
    timeZone: str = "Romance Standard Time"
    maximumCallAttempts: int = 1
    minimumRetryIntervalHours: int = 1
    ringDuration: int = 25
    callTimeout: int = 10
    budgetTotal: int | None = None
    phoneNumber: str = "+34910000000"
    phoneNumberId: str | None = None
    caller_id: str = "910000"
    recordingTrack: int = 3
    isStopRecordingAfterTransferCall: bool | None = None
    transcriptOptions: int = 1
    voiceMail: str = ""
    callWebhookUrl: str | None = None
    leadWebhookUrl: str | None = None
    webhookVersion: Literal["v2", "v1"] = "v2"
    webhook_credential_header: str = "Authorization"
    webhook_credential_value: str | None = None
    declared_variables: list[str] = field(default_factory=lambda: [MARKER])
    # Only of Pearls made through the API, as Settings shows them (6.6).
    flow: dict[str, Any] | None = None
    variables: list[Any] | None = None
    # Only of inbound or text Pearls.
    recordingOptions: bool = True
    waitingSentence: str = ""
    isSayQueueDetails: bool = False
    textChannelId: str | None = None

    def __post_init__(self) -> None:
        _need(self.type in (INBOUND, OUTBOUND), "type: expected 1 or 2")
        _need(self.agentType in (VOICE, TEXT), "agentType: expected 1 or 2")
        _need(self.status in (1, 2, 3, 10), "status: expected 1, 2, 3 or 10")
        _need(self.totalAgents >= 0, "totalAgents: expected 0 or more")
        _need(1 <= self.maximumCallAttempts <= 5, "maximumCallAttempts: 1 to 5")
        _need(1 <= self.minimumRetryIntervalHours <= 6, "minimumRetryIntervalHours")
        _need(10 <= self.ringDuration <= 50, "ringDuration: expected 10 to 50")
        _need(1 <= self.callTimeout <= 120, "callTimeout: expected 1 to 120")
        _need(hours.is_zone(self.timeZone), "timeZone: not a Windows name known here")
        _need_loopback("callWebhookUrl", self.callWebhookUrl)
        _need_loopback("leadWebhookUrl", self.leadWebhookUrl)


@dataclass(slots=True)
class Modes:
    """Where the contract is unknown, which way this Pearl goes (section 12)."""

    paused: Literal["queue", "reject400"] = "queue"
    hours: Literal["queue", "reject400", "ignore"] = "queue"
    no_credit: Literal["reject400", "request_error"] = "reject400"
    unknown_ids: Literal["400", "404"] = "400"
    conversation_codes: Literal["20", "35"] = "20"
    enums_as_strings: bool = False
    public_recordings: bool = False


@dataclass(slots=True)
class Fault:
    """Something that goes wrong with a request, by chance or for the next N."""

    kind: str
    route: str = "any"
    probability: float | None = None
    next: int | None = None
    delay: float = 5.0
    retry_after: float | Literal["date"] | None = None
    to: str | None = None

    def __post_init__(self) -> None:
        _need(self.kind in FAULT_KINDS, f"kind: expected one of {FAULT_KINDS}")
        _need(self.route in FAULT_ROUTES, f"route: expected one of {FAULT_ROUTES}")
        _need_share("probability", self.probability or 0.0)
        one = (self.probability is None) != (self.next is None)
        _need(one, "give either probability or next")


SHARES = (
    "duplicate",
    "delay",
    "reorder",
    "lose",
    "start_only",
    "end_without_summary_then_with",
)


@dataclass(slots=True)
class WebhookFaults:
    """Share of events that go astray (pearl-api.md 8.6), and when the end is told."""

    duplicate: float = 0.0
    delay: float = 0.0
    delay_seconds: float = 60.0
    reorder: float = 0.0
    lose: float = 0.0
    start_only: float = 0.0
    end_without_summary_then_with: float = 0.0
    end_when: Literal["hangup", "processed"] = "hangup"
    timeout_seconds: float = 10.0

    def __post_init__(self) -> None:
        for name in SHARES:
            _need_share(name, getattr(self, name))


@dataclass(slots=True)
class Config:
    """The whole configuration, as GET /_simulator/config shows it."""

    speed: float = 1.0
    seed: int = 1
    rate_limit: RateLimit | None = None
    latency_seconds: Range = (0.0, 0.0)
    account: Account = field(default_factory=Account)
    campaigns: dict[str, CampaignConfig] = field(
        default_factory=lambda: {OUTBOUND_ID: CampaignConfig()}
    )
    modes: Modes = field(default_factory=Modes)
    outcomes: dict[str, float] = field(default_factory=lambda: dict(DEFAULT_WEIGHTS))
    scripted: dict[str, str | list[str]] = field(default_factory=dict)
    suffixes: bool = True
    talk_seconds: Range = (60.0, 180.0)
    ring_seconds: Range = (4.0, 20.0)
    setup_seconds: Range = (1.0, 3.0)
    voicemail_seconds: Range = (10.0, 25.0)
    post_processing_seconds: float = 20.0
    completed_with_zero_duration: float = 0.0
    marker_variable: str = MARKER
    faults: list[Fault] = field(default_factory=list)
    webhooks: WebhookFaults = field(default_factory=WebhookFaults)

    def __post_init__(self) -> None:
        _need(self.speed > 0, "speed: expected more than 0")
        for name in ("talk", "ring", "setup", "voicemail", "latency"):
            _need_range(f"{name}_seconds", getattr(self, f"{name}_seconds"))
        _need_share("completed_with_zero_duration", self.completed_with_zero_duration)
        weights = self.outcomes.values()
        _need(min(weights, default=0) >= 0, "outcomes: expected no negative weight")
        _need(sum(weights) > 0, "outcomes: expected a positive weight")
        for name in [*self.outcomes, *self._scripted_names()]:
            _need(name in OUTCOMES, f"outcomes: {name!r} is not in {sorted(OUTCOMES)}")
        for key, campaign in self.campaigns.items():
            _need(campaign.id == key, f"campaigns.{key}: id must equal its key")
        pearls = {campaign.pearl_id for campaign in self.campaigns.values()}
        own = len(pearls) == len(self.campaigns)
        _need(own, "campaigns: each needs a pearl_id of its own")

    def _scripted_names(self) -> list[str]:
        names: list[str] = []
        for script in self.scripted.values():
            names.extend([script] if isinstance(script, str) else script)
        return names

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def patched(self, patch: object) -> Config:
        """A new configuration with `patch` laid over this one, or ConfigError."""
        if not isinstance(patch, dict):
            raise ConfigError("expected a JSON object")
        current = self.as_json()
        patch = dict(patch)
        if "campaigns" in patch:
            patch["campaigns"] = _by_id(patch["campaigns"])
            for key in patch["campaigns"]:
                current["campaigns"].setdefault(key, {"id": key})
        if isinstance(patch.get("outcomes"), dict):
            current["outcomes"] = {}  # a distribution is replaced, not completed
        config: Config = build(Config, merge(current, patch))
        return config


def _by_id(campaigns: object) -> dict[str, Any]:
    if isinstance(campaigns, dict):
        return campaigns
    if not isinstance(campaigns, list):
        raise ConfigError("campaigns: expected a list or an object")
    if not all(isinstance(c, dict) and "id" in c for c in campaigns):
        raise ConfigError("campaigns: each needs its id")
    return {c["id"]: c for c in campaigns}
