"""The output forms of the list commands, a module each."""
