"""The console of a deployment: which of its parts stand behind the pages.

In: an opened deployment and its throttle. Out: routes. Everything that a page asks passes the validation, the
limits and the gate that requests of the API pass.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from custodes.console.app import ConsolePages, console_pages
from custodes.console.ports import Answered, ApiCall, ConsoleParts, CredentialsCall, ReviewCall, SessionLimits
from custodes.core.clock import SystemClock
from custodes.core.errors import InvalidParameterError, NotSupportedError
from custodes.core.ids import RequestId
from custodes.deployment.networks.scores import score_rates
from custodes.deployment.record.ledger import POLICY_FILE
from custodes.edge.aws.errors import ApiError
from custodes.edge.aws.model import Operation, Service
from custodes.edge.aws.sts import issued_output
from custodes.edge.aws.validate import validate
from custodes.edge.aws.wire import Handler
from custodes.edge.endpoints.reviews import Act
from custodes.edge.http.workers import Workers
from custodes.jobs.schedule import ScheduleState
from custodes.operations.accounts.credentials.sign_in_links import SignInLinks
from custodes.operations.accounts.directory import AccountDirectory
from custodes.operations.accounts.sts import GetSessionToken, SecurityTokens
from custodes.operations.accounts.throttle import Throttle
from custodes.operations.record.administration import Administration
from custodes.operations.requests.context import Context
from custodes.operations.requests.gate import Gate
from custodes.operations.requests.ports import AccessKey
from custodes.operations.requests.recent import RecentRequests
from custodes.settings import Settings

T = TypeVar("T")

CREDENTIALS_S = 900
"""How long scripts of a page may sign with what they were given: as short as STS gives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleSources:
    """What the console is made from: parts of an open deployment.

    ``services`` are the models of the API and of STS, ``handlers`` those of both.
    """

    settings: Settings
    services: Sequence[Service]
    handlers: Mapping[str, Handler]
    review_actions: Mapping[str, Act]
    administration: Administration
    accounts: AccountDirectory
    operator: AccessKey
    links: SignInLinks
    throttle: Throttle
    public_entry: Callable[[int], bytes]
    schedules: Callable[[], Sequence[ScheduleState]]
    recent: RecentRequests
    request_ids: Callable[[], RequestId]
    gate: Gate


def open_console(sources: ConsoleSources) -> ConsolePages:
    """The console of a deployment."""
    settings = sources.settings
    parts = ConsoleParts(
        api=_api(sources),
        reviews=_reviews(sources),
        admin=sources.administration.ask_as,
        credentials=_credentials(sources),
        keys=sources.accounts,
        operator=sources.operator.caller(settings.region),
        links=sources.links,
        run=Workers(settings.workers).run,
        clock=SystemClock(),
        random=os.urandom,
        region=settings.region,
        request_ids=sources.request_ids,
        false_match_rate=score_rates(settings).false_match_rate,
        trust_policy=lambda: (settings.data / POLICY_FILE).read_text(encoding="utf-8"),
        public_entry=sources.public_entry,
        schedules=sources.schedules,
        pace=sources.recent.pace,
        limits=SessionLimits(
            idle_ms=settings.console_idle_minutes * 60_000, absolute_ms=settings.console_hours * 3_600_000
        ),
    )
    return console_pages(parts)


def _api(sources: ConsoleSources) -> ApiCall:
    operations = {name: operation for service in sources.services for name, operation in service.known.items()}
    handlers, throttle = sources.handlers, sources.throttle

    def call(context: Context, name: str, members: Mapping[str, Any]) -> Answered:
        if name not in handlers:
            raise NotSupportedError(f"Operation {name} is not supported by this server")
        with throttle.passing(context.caller.account_id, name):
            begun_s, failed = time.perf_counter(), True
            try:
                released = _plain(
                    lambda: _validated(operations[name], members, lambda: handlers[name](context, members))
                )
                failed = False
                return released
            finally:
                sources.recent.add(name, time.perf_counter() - begun_s, failed=failed)

    return call


def _reviews(sources: ConsoleSources) -> ReviewCall:
    def call(context: Context, name: str, token: str, members: Mapping[str, Any]) -> Answered:
        with sources.throttle.passing(context.caller.account_id, name):
            return _plain(lambda: sources.review_actions[name](context, token, members))

    return call


def _credentials(sources: ConsoleSources) -> CredentialsCall:
    tokens = SecurityTokens(sources.accounts, SystemClock())

    def call(context: Context, policy: str) -> Answered:
        with sources.throttle.passing(context.caller.account_id, GetSessionToken.operation):
            command = GetSessionToken(duration_s=CREDENTIALS_S, policy=policy)
            return sources.gate.perform(context, command, tokens.session_token).map(issued_output)

    return call


def _validated(operation: Operation, members: Mapping[str, Any], call: Callable[[], T]) -> T:
    validate(members, operation)
    return call()


def _plain(call: Callable[[], T]) -> T:
    """The API's own errors as errors that every room knows."""
    try:
        return call()
    except ApiError as error:
        raise InvalidParameterError(error.message) from error
