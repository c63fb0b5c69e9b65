"""The command line: the same services as the HTTP doors, for a person or a script on the same machine.

Exit status: 0 accepted or done, 1 refused or not done, 2 undecided, 64 wrong usage (or a wrong
setting), 130 interrupted.
"""

from ecert.cli.entry import app, main

__all__ = ["app", "main"]
