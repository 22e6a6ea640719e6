"""The kinds of rules, a file each."""
