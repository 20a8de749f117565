"""The opened networks of the engines that look at whole pictures: each is opened once, by the first that needs it.

In: a store of converted models and how to compute. Out: sessions by name of card, shared between engines.
"""

from __future__ import annotations

import threading

from custodes.core.device import Device
from custodes.engine.runtime.beside import Beside
from custodes.engine.runtime.memory import Runs
from custodes.engine.runtime.session import NetworkSession, Threads, open_session
from custodes.models.card import load_cards
from custodes.models.store import ModelStore


class Networks:
    """Opens models of ``store`` on ``device``, with ``threads`` threads within one run of a network."""

    def __init__(self, store: ModelStore, device: Device, threads: int, runs: Runs | None = None) -> None:
        """Open nothing yet; sessions share ``runs``."""
        self._runs = runs or Runs()
        self._store, self._device, self._threads = store, device, threads
        self._cards = load_cards()
        self._lock = threading.Lock()
        self.beside = Beside(threads)
        """For networks that need nothing of each other."""
        self._opened: dict[str, NetworkSession] = {}

    def session(self, name: str, *, beside: bool = False) -> NetworkSession:
        """The model of the card ``name``; ``beside``: one of two that run at the same time, on half of the threads.

        Raises:
            UnavailableError: it is missing, altered or does not open.
        """
        with self._lock:
            if name not in self._opened:
                card = self._cards[name]
                threads = Threads(intra=max(1, self._threads // 2) if beside else self._threads)
                self._opened[name] = open_session(self._store.path(card), card, self._device, threads, self._runs)
            return self._opened[name]
