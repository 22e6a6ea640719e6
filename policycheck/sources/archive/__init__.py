"""The archive: job lists of many fetches in Delta Lake tables, and what each fetch covered (docs/archive.md)."""
