"""The emulator inside a process: `moto.mock_aws` with the job operations, for tests of code that uses boto3."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

from policycheck.emulator.extra import require_moto
from policycheck.emulator.faults import FaultPlan
from policycheck.emulator.service import Service
from policycheck.emulator.store import Store


@contextmanager
def mock_backup(store: Store, *, faults: Sequence[str] | FaultPlan = (), date_skew: timedelta = timedelta()) -> Iterator[Service]:
    """Within it, boto3 clients made in this process reach the store and not AWS; every service moto has is mocked as well.

    Yields the service, whose `requests` tell what was asked. Faults of operations other than those of jobs (AssumeRole) have no effect here, and `cut` looks
    like `truncated`. May stand inside `moto.mock_aws`; vaults and plans made before it are gone then.
    Raises UsageError where moto is not installed or a fault is none.
    """
    service = Service(store, faults, date_skew=date_skew)
    require_moto()
    from moto import mock_aws
    from moto.backup.models import backup_backends
    from moto.core.responses import BaseResponse

    from policycheck.emulator.backend import account_of, backend_type

    def current_account(response: BaseResponse) -> str:
        return account_of(response.headers, store.management)

    with mock_aws(), patch.object(BaseResponse, "get_current_account", current_account), patch.object(backup_backends, "backend", backend_type(service)):
        # Backends are made once for each account and Region, and would stay what they are.
        backup_backends.clear()
        try:
            yield service
        finally:
            backup_backends.clear()
