"""What a worker does, whichever process it is in: kinds of work by name.

In: an engine, or what a worker elsewhere needs to open its own. Out: a workshop, which takes units and gives results.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from custodes.core.device import Device
from custodes.engine.ports import FaceEngine
from custodes.jobs.executor import Workshop
from custodes.operations.bulk.look import LOOK, looked
from custodes.operations.tasks.cross import CROSS, matched
from custodes.settings import Settings


@dataclass(frozen=True, slots=True)
class WorkerNetworks:
    """What a worker on another machine has to know; nothing of it is secret.

    Attributes:
        models: folder of fetched models; None for the default of its own machine.
        device: where networks run.
        face_embedder, face_detector: networks of the operator's own.
    """

    models: Path | None
    device: Device
    face_embedder: str
    face_detector: str

    @classmethod
    def of(cls, settings: Settings) -> WorkerNetworks:
        """Those of a server."""
        return cls(settings.models, settings.device, settings.face_embedder, settings.face_detector)


def workshop(engine: FaceEngine) -> Workshop:
    """All kinds of work, by ``engine``."""
    kinds = {LOOK: lambda unit: looked(engine, unit), CROSS: matched}
    return lambda work, unit: kinds[work](unit)


def open_workshop(worker: WorkerNetworks) -> Workshop:
    """The same in a process of its own, on one core. Raises UnavailableError where models are missing."""
    from custodes.deployment.networks.computing import open_engine

    settings = Settings(
        models=worker.models,
        device=worker.device,
        threads=1,
        face_embedder=worker.face_embedder,
        face_detector=worker.face_detector,
    )
    opened = open_engine(settings)
    return workshop(opened.__enter__())  # stays open as long as the process
