"""policycheck: judge AWS Backup job lists against policies that read like the sentence an auditor signs."""

__version__ = "0.1.0"
