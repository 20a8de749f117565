"""Exit statuses of commands, so that a script can tell what happened without reading words; docs/cli.md lists them."""

from __future__ import annotations

from enum import IntEnum


class ExitStatus(IntEnum):
    """What a command ended with."""

    DONE = 0
    FAILED = 1
    """It could not be done; one line on standard error says why."""
    USAGE = 2
    """The arguments are wrong."""
    SOME_FAILED = 3
    """Of several files some could not be worked on; the others were."""
    NOTHING_TO_DO = 4
    """There was nothing to work on, as in a folder without pictures."""
    REVIEW = 5
    """A person has to decide: a screening's verdict is review, or a search's result is held for reviewers."""
    BLOCKED = 6
    """A screening's verdict is blocked."""
    INTERRUPTED = 130
