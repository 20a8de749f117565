"""All operations of this server, by their AWS names, ready for the dispatcher.

In: the gate and the use cases. Out: handlers. Nothing else of the edge makes handlers.
"""

from __future__ import annotations

from custodes.edge.aws.translate import archives, evidence, liveness, reembedding, tasks
from custodes.edge.aws.translate import handlers as handling
from custodes.edge.aws.translate.collections import (
    celebrities,
    collections,
    enrol,
    search,
    thumbnails,
    users,
)
from custodes.edge.aws.translate.images import faces, labels, moderation, persons, protection, text
from custodes.edge.aws.translate.images.quality import handlers as assessment_handlers
from custodes.edge.aws.translate.projects import datasets, media, projects, versions
from custodes.edge.aws.translate.streams import events
from custodes.edge.aws.translate.streams import operations as streams
from custodes.edge.aws.translate.video import operations as video
from custodes.edge.aws.wire import Handler
from custodes.operations.catalogue import Operations
from custodes.operations.requests.gate import Gate


def handlers(gate: Gate, operations: Operations, region: str, *, bare_arn: bool = False) -> dict[str, Handler]:
    """A gated handler for every operation that ``operations`` has.

    Args:
        gate: what every handler passes.
        operations: the use cases.
        region: of this server, for ARNs.
        bare_arn: CreateCollection answers with the historical form of its ARN, without ``arn:``.
    """
    return {
        **faces.handlers(gate, operations.detection, operations.comparison),
        **archives.handlers(gate, operations.archives),
        **collections.handlers(gate, operations.collections, operations.tagging, region, bare_arn=bare_arn),
        **enrol.handlers(gate, operations.enrolment),
        **evidence.handlers(gate, operations.evidence),
        **labels.handlers(gate, operations.labels),
        **liveness.handlers(gate, operations.liveness),
        **moderation.handlers(gate, operations.moderation),
        **persons.handlers(gate, operations.persons),
        **protection.handlers(gate, operations.protection),
        **search.handlers(gate, operations.search),
        **streams.handlers(gate, operations.streams, region),
        **events.handlers(gate, operations.events),
        **tasks.handlers(gate, operations.tasks),
        **reembedding.handlers(gate, operations.reembedding),
        **handling.handlers(gate, operations.handlers, operations.verification),
        **assessment_handlers(gate, operations.assessment),
        **text.handlers(gate, operations.text),
        **thumbnails.handlers(gate, operations.thumbnails),
        **celebrities.handlers(gate, operations.celebrities),
        **users.handlers(gate, operations.users),
        **video.handlers(gate, operations.video),
        **projects.handlers(gate, operations.projects.projects, region),
        **datasets.handlers(gate, operations.projects.datasets, region),
        **media.handlers(gate, operations.media),
        **versions.handlers(gate, operations.projects.versions, operations.projects.labels, region),
    }
