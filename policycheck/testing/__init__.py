"""Tests of policies: small job lists and what must be found in them, and rules changed on purpose to see whether a test notices."""
