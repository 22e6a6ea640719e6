"""The kinds of rules, one file each: what only rules of that kind do."""
