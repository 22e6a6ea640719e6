"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

# No test is timed: how long an example takes says how busy the machine is.
settings.register_profile("policycheck", deadline=None)
settings.load_profile("policycheck")
