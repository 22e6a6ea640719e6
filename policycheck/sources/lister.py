"""The answers of one list operation, place by place: each decoded as the operation's model has it, none lost (see `pages`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

from policycheck.errors import PolicycheckError
from policycheck.sources.connection import Connection
from policycheck.sources.operations import Operation
from policycheck.sources.pacing import Pacer, Tally
from policycheck.sources.pages import Answer, guard, list_answers
from policycheck.sources.places import Place
from policycheck.sources.session import AwsSession, is_aws
from policycheck.sources.trace import Say, trace


class Lister:
    """One session, and the places a connection names. Opening it finds the credentials: see AwsSession for what it raises."""

    def __init__(self, connection: Connection, operation: Operation, debug: Say | None = None) -> None:
        self._connection = connection
        self._operation = operation
        self._debug = debug
        self._session = AwsSession(connection)
        self._pacer = Pacer()

    def places(self) -> tuple[Place, ...]:
        """Every profile or role in every Region. Raises FetchError or UsageError where no Region is named, or one that cannot be."""
        return tuple(Place(identity, region) for identity in self._session.identities() for region in self._session.regions(identity))

    def setting(self, name: str) -> str | None:
        """What the profile says of a setting of the AWS CLI."""
        return self._session.setting(name)

    def answers(self, place: Place, parameters: Mapping[str, object]) -> Iterator[Answer]:
        """The answers of one place, in order, times as they were sent. Raises FetchError or UsageError."""
        client: Any = self._session.backup_client(place.region, place.identity)
        with closing(client):
            if self._debug is not None:
                trace(client, self._debug)
            dataset = self._operation.dataset
            guard(client, types={dataset.operation: self._operation.answer_type})
            self._pacer.attach(client, self._pacer.lane(place, published=is_aws(str(client.meta.endpoint_url))), Tally())
            yield from list_answers(client, dataset, parameters, place.label)

    def caller_account(self, place: Place) -> str | None:
        """The account of the credentials; None where that cannot be told."""
        if not self._connection.sign_request:
            return None
        try:
            return self._session.caller_account(place.identity)
        except PolicycheckError:
            return None

    def foreign_host(self, place: Place) -> str:
        """The host that answered, where it is none of AWS's own."""
        return self._session.foreign_host(place.region, place.identity)
