"""The opened networks of the engines that look at whole pictures: each is opened once, by the first that needs it.

In: a store of converted models and how to compute. Out: sessions by name of card, shared between engines.
"""

from __future__ import annotations

import threading

from custodes.core.device import Arithmetic, Device
from custodes.engine.runtime.beside import Beside
from custodes.engine.runtime.memory import Runs
from custodes.engine.runtime.narrow import BEARS, open_narrow
from custodes.engine.runtime.session import OpenedNetwork, Threads, open_session
from custodes.models.card import ModelCard, load_cards
from custodes.models.store import ModelStore


class Networks:
    """Opens models of ``store`` on ``device``, with ``threads`` threads within one run of a network."""

    def __init__(
        self,
        store: ModelStore,
        device: Device,
        threads: int,
        runs: Runs | None = None,
        arithmetic: Arithmetic = Arithmetic.FLOAT32,
    ) -> None:
        """Open nothing yet; sessions share ``runs``, and take ``arithmetic`` where the network bears it."""
        self.arithmetic = arithmetic
        self._runs = runs or Runs()
        self._store, self._device, self._threads = store, device, threads
        self._cards = load_cards()
        self._lock = threading.Lock()
        self.beside = Beside(threads)
        """For networks that need nothing of each other."""
        self._opened: dict[tuple[str, bool], OpenedNetwork] = {}

    def session(self, name: str, *, beside: bool = False, exact: bool = False) -> OpenedNetwork:
        """The model of the card ``name``.

        Args:
            name: of the card.
            beside: it is one of two that run at the same time, on half of the threads.
            exact: in float32 in any case, since something was fitted to what comes out.

        Raises:
            UnavailableError: it is missing, altered or does not open.
        """
        with self._lock:
            narrow = self.arithmetic is Arithmetic.BFLOAT16 and name in BEARS and not exact
            if (name, narrow) not in self._opened:
                threads = max(1, self._threads // 2) if beside else self._threads
                self._opened[name, narrow] = self._open(self._cards[name], threads, narrow=narrow)
            return self._opened[name, narrow]

    def _open(self, card: ModelCard, threads: int, *, narrow: bool) -> OpenedNetwork:
        path = self._store.path(card)
        if narrow:
            return open_narrow(path, card, threads, self._runs)
        return open_session(path, card, self._device, Threads(intra=threads), self._runs)
