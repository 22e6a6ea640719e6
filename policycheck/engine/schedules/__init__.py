"""What the schedules of backup plans promised, and which jobs answered (docs/groups-specification.md, Missed runs): what `missed_runs` asks about."""
