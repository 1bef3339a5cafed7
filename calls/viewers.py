"""Who has a screen open, and what they may do. It is asked for all of them at once, so
that what is redrawn each second costs no question for each viewer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import wraps
from threading import Lock
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import Permission, User
from django.contrib.auth.signals import user_logged_out
from django.contrib.auth.views import redirect_to_login
from django.contrib.sessions.models import Session
from django.core.exceptions import PermissionDenied
from django.dispatch import receiver
from django.utils import timezone

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser
    from django.http import HttpRequest, HttpResponse

P = ParamSpec("P")

# What was ended or taken away in another process is heard of within this time.
ASKED_EVERY = timedelta(seconds=5)
TRUSTED_FOR = 2 * ASKED_EVERY
NAMES = (
    "calls.view_campaign",
    "calls.run_campaign",
    "leads.view_lead",
    "leads.select_lead",
    "leads.change_lead",
    "leads.import_lead",
)


@dataclass(frozen=True, kw_only=True)
class Rights:
    """What the parts of /calls ask about whoever looks at them."""

    names: frozenset[str]
    is_staff: bool

    @classmethod
    def of(cls, user: User | AnonymousUser) -> Rights:
        names = frozenset(name for name in NAMES if user.has_perm(name))
        return cls(names=names, is_staff=user.is_staff)

    @property
    def key(self) -> str:
        return ",".join([*sorted(self.names), str(self.is_staff)])

    @property
    def may_view(self) -> bool:
        return "calls.view_campaign" in self.names

    @property
    def may_run(self) -> bool:
        return "calls.run_campaign" in self.names

    @property
    def may_see_leads(self) -> bool:
        return "leads.view_lead" in self.names

    @property
    def may_select(self) -> bool:
        return "leads.select_lead" in self.names

    @property
    def may_change_leads(self) -> bool:
        return "leads.change_lead" in self.names

    @property
    def may_import(self) -> bool:
        return self.is_staff and "leads.import_lead" in self.names


@dataclass(kw_only=True)
class Viewer:
    rights: Rights
    asked_at: datetime
    screens: int = 0


@dataclass
class Viewers:
    """Of this process, by session. Nobody is in it but by a request that was let in the
    usual way, and only while its stream of events lasts."""

    known: dict[str, Viewer] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)
    asked_at: datetime = field(default_factory=timezone.now)

    @contextmanager
    def looking(self, session_key: str, rights: Rights) -> Iterator[None]:
        with self.lock:
            new = Viewer(rights=rights, asked_at=timezone.now())
            viewer = self.known.setdefault(session_key, new)
            viewer.screens += 1
        try:
            yield
        finally:
            with self.lock:
                viewer.screens -= 1
                if not viewer.screens and self.known.get(session_key) is viewer:
                    del self.known[session_key]

    def rights_of(self, session_key: str, *, now: datetime) -> Rights | None:
        """None: not known, or not asked about of late."""
        viewer = self.known.get(session_key)
        if viewer is None or now - viewer.asked_at > TRUSTED_FOR:
            return None
        return viewer.rights

    def forget(self, session_key: str) -> None:
        with self.lock:
            self.known.pop(session_key, None)

    def ask_now_and_then(self, *, now: datetime) -> None:
        """Sessions, people and rights of all who look, in four queries."""
        if now - self.asked_at < ASKED_EVERY or not self.known:
            return
        self.asked_at = now
        known = {**self.known}
        rights = _rights_by_session(known, now=now)
        with self.lock:
            for key, viewer in known.items():
                if key in rights:
                    viewer.rights, viewer.asked_at = rights[key], now
                elif self.known.get(key) is viewer:
                    del self.known[key]


viewers = Viewers()


@receiver(user_logged_out)
def _forget_who_leaves(request: HttpRequest | None = None, **_rest: Any) -> None:
    if request is not None and request.session.session_key:
        viewers.forget(request.session.session_key)


def for_viewers(
    view: Callable[Concatenate[HttpRequest, Rights, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Login and `view_campaign` for a part that is redrawn all the time: without a
    question if the viewer is known."""

    @login_not_required
    @wraps(view)
    def checked(
        request: HttpRequest, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponse:
        key = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
        rights = viewers.rights_of(key, now=timezone.now())
        if rights is None:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            rights = Rights.of(request.user)
        if not rights.may_view:
            raise PermissionDenied
        return view(request, rights, *args, **kwargs)

    return checked  # type: ignore[return-value]


def _rights_by_session(keys: Iterable[str], *, now: datetime) -> dict[str, Rights]:
    """Of the sessions that go on, of people who are still let in."""
    sessions = Session.objects.filter(session_key__in=[*keys], expire_date__gt=now)
    facts = {row.session_key: row.get_decoded() for row in sessions}
    ids = {str(fact.get(SESSION_KEY)) for fact in facts.values()}
    active = User.objects.filter(is_active=True, pk__in=[i for i in ids if i.isdigit()])
    people = {str(user.pk): user for user in active}
    names = _names_by_user(people.values())
    return {
        key: Rights(names=frozenset(names[user.pk]), is_staff=user.is_staff)
        for key, fact in facts.items()
        if (user := people.get(str(fact.get(SESSION_KEY)))) and _is_of(user, fact)
    }


def _names_by_user(people: Iterable[User]) -> dict[int, set[str]]:
    names = {user.pk: set(NAMES) if user.is_superuser else set() for user in people}
    codenames = [name.partition(".")[2] for name in NAMES]
    for owner in ("user", "group__user"):
        rows = Permission.objects.filter(
            codename__in=codenames, **{f"{owner}__in": [*names]}
        )
        for pk, app, codename in rows.values_list(
            owner, "content_type__app_label", "codename"
        ):
            names.get(pk, set()).add(f"{app}.{codename}")
    return {pk: own & {*NAMES} for pk, own in names.items()}


def _is_of(user: User, facts: dict[str, Any]) -> bool:
    """A new password ends the sessions that were begun with the old one."""
    return bool(facts.get(HASH_SESSION_KEY) == user.get_session_auth_hash())
