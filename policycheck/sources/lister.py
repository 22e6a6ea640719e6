"""The answers of one list operation, place by place: each decoded as the operation's model has it, none lost (see `pages`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

from policycheck.errors import PolicycheckError
from policycheck.sources.connection import AwsSession, Connection
from policycheck.sources.operations import Operation
from policycheck.sources.pages import Answer, guard, list_answers
from policycheck.sources.places import Place
from policycheck.sources.trace import Say, trace


class Lister:
    """One session, and the places a connection names. Opening it finds the credentials: see AwsSession for what it raises."""

    def __init__(self, connection: Connection, operation: Operation, debug: Say | None = None) -> None:
        self._connection = connection
        self._operation = operation
        self._debug = debug
        self._session = AwsSession(connection)

    def places(self) -> tuple[Place, ...]:
        """Every role in every Region. Raises FetchError or UsageError where no Region is named, or one that cannot be."""
        regions = self._session.regions()
        return tuple(Place(role, region) for role in self._connection.role_arns or (None,) for region in regions)

    def setting(self, name: str) -> str | None:
        """What the profile says of a setting of the AWS CLI."""
        return self._session.setting(name)

    def answers(self, place: Place, parameters: Mapping[str, object]) -> Iterator[Answer]:
        """The answers of one place, in order, times as they were sent. Raises FetchError or UsageError."""
        client: Any = self._session.backup_client(place.region, place.role_arn)
        with closing(client):
            if self._debug is not None:
                trace(client, self._debug)
            dataset = self._operation.dataset
            guard(client, types={dataset.operation: self._operation.answer_type})
            yield from list_answers(client, dataset, parameters, place.label)

    def caller_account(self, place: Place) -> str | None:
        """The account of the credentials; None where that cannot be told."""
        if not self._connection.sign_request:
            return None
        try:
            return self._session.caller_account(place.role_arn)
        except PolicycheckError:
            return None

    def foreign_host(self, place: Place) -> str:
        """The host that answered, where it is none of AWS's own."""
        return self._session.foreign_host(place.region)
