"""A group of commands whose modules are imported when a command is called, not when the group is listed.

In: a table of names, one-line explanations and places of commands. Out: a command group for Typer. ``--help`` of the
whole program and completion of command names read the table only; everything else loads the one command it is about.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup


@dataclass(frozen=True, slots=True)
class CommandEntry:
    """One command, or one noun with commands of its own.

    Attributes:
        section: heading that it stands under in the list of commands.
        name: the word that calls it.
        help: first sentence of its explanation; a test compares it with the command's own.
        place: ``module:attribute`` of a function, or of a ``typer.Typer`` with commands of its own.
    """

    section: str
    name: str
    help: str
    place: str

    def load(self) -> Any:
        """Import the command. A function becomes a command, a ``Typer`` a group."""
        module, _, attribute = self.place.partition(":")
        found = getattr(import_module(module), attribute)
        if isinstance(found, typer.Typer):
            found.rich_markup_mode = None
            group = typer.main.get_group(found)
            group.name = self.name
            return group
        alone = typer.Typer(rich_markup_mode=None, add_completion=False)
        alone.command(self.name)(found)
        return typer.main.get_command(alone)


class LazyCommands(MutableMapping[str, Any]):
    """Commands by name; looking one up imports it, and the names alone import nothing."""

    def __init__(self, entries: Mapping[str, CommandEntry]) -> None:
        """Offer ``entries``."""
        self._entries = entries
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            self._loaded[name] = self._entries[name].load()
        return self._loaded[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        raise TypeError("commands are not taken away")

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


class LazyGroup(TyperGroup):
    """A group over ``entries``, which a subclass names."""

    entries: ClassVar[tuple[CommandEntry, ...]] = ()

    def __init__(self, **attributes: Any) -> None:
        """Take what Typer hands over; the commands are those of ``entries``."""
        super().__init__(**attributes)
        self.commands = LazyCommands({entry.name: entry for entry in self.entries})

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - click's signature
        """Names in the order of the table."""
        return list(self.commands)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - click's signature
        """Write the list of commands by section, from the table alone."""
        widest = max(len(entry.name) for entry in self.entries)
        for section in dict.fromkeys(entry.section for entry in self.entries):
            rows = [(entry.name.ljust(widest), entry.help) for entry in self.entries if entry.section == section]
            with formatter.section(section):
                formatter.write_dl(rows)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:  # noqa: ARG002 - click's signature
        """Complete names of commands and options, from the table alone."""
        listed: list[Any] = [TyperCommand(entry.name, help=entry.help) for entry in self.entries]
        listing = TyperGroup(name=self.name, commands=listed, params=self.params)
        return listing.shell_complete(typer.Context(listing), incomplete)
