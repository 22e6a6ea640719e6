"""The command line: one module a command; `app` alone turns errors into exit codes."""
