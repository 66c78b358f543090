"""The command line: calls what the rest of the project does, and owns no rules."""
