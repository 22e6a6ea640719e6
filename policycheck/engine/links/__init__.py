"""Which job of one list follows a job of another (docs/groups-specification.md, Following jobs): what `followed_by` asks about."""
