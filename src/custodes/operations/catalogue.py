"""All use cases of a server, built from the ports they need.

In: engine, gallery, object store and small services. Out: one value that holds the handlers of every family. It opens
nothing and keeps no state of its own.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from custodes.core.clock import Clock
from custodes.core.errors import NotSupportedError
from custodes.core.ids import FaceId
from custodes.core.pages import PageTokens
from custodes.engine.ports import FaceEngine, TextEngine
from custodes.operations.archives.archives import Archives
from custodes.operations.collections.celebrities import NOBODY, Celebrities, CelebrityGallery
from custodes.operations.collections.collections import Collections
from custodes.operations.collections.enrol import FaceIds, FaceOperations
from custodes.operations.collections.erasure import Erasures
from custodes.operations.collections.idempotency import Replays
from custodes.operations.collections.ports import Gallery
from custodes.operations.collections.search import Search
from custodes.operations.collections.tags import Tagging
from custodes.operations.collections.thumbnails import Thumbnails
from custodes.operations.collections.users import Users
from custodes.operations.handlers.run import HandlerParts
from custodes.operations.handlers.use_cases import HandlerAdapters, HandlerOperations
from custodes.operations.handlers.verify import FalseMatchRate, Verification
from custodes.operations.images.assess import PortraitAssessment
from custodes.operations.images.compare_faces import FaceComparison
from custodes.operations.images.detect_equipment import Protection
from custodes.operations.images.detect_faces import Detection
from custodes.operations.images.detect_labels import LabelDetection
from custodes.operations.images.detect_moderation import Moderation
from custodes.operations.images.detect_text import TextDetection
from custodes.operations.images.engines import ImageEngines
from custodes.operations.images.ports import ObjectStore
from custodes.operations.images.sources import Pictures
from custodes.operations.liveness.use_cases import FaceLiveness, LivenessAdapters
from custodes.operations.media.use_cases import MediaAnalysis
from custodes.operations.persons.persons import PersonDescription
from custodes.operations.projects.use_cases import (
    ProjectAdapters,
    ProjectEngines,
    ProjectOperations,
    absent,
    build_projects,
)
from custodes.operations.record.evidence.own_evidence import OwnEvidence
from custodes.operations.reviews.reviews import Holding
from custodes.operations.streams.events import StreamEvents
from custodes.operations.streams.use_cases import StreamAdapters, StreamOperations
from custodes.operations.tasks.reembedding import Reembedding
from custodes.operations.tasks.use_cases import TaskAdapters, TaskOperations
from custodes.operations.video.use_cases import VideoAdapters, VideoOperations


def random_face_id() -> FaceId:
    """A fresh id that tells nothing about the face: a version 4 UUID."""
    return FaceId(str(uuid.uuid4()))


def no_text() -> TextEngine:
    """Stands where no engine for text was put in."""
    raise NotSupportedError("This server was put together without networks that read text.")


@dataclass(frozen=True, slots=True)
class Ports:
    """What the use cases work with.

    Attributes:
        page_key: secret of 32 bytes that signs pagination tokens.
        new_face_id: gives ids to enrolled faces.
        erasures: told of faces that come and go.
        holding: where results are left that two persons have to confirm.
        text: opens the engine that reads text, when it is first asked.
        sight: opens the engines that look at whole pictures.
        celebrities: where known people are.
        video: jobs and files of stored videos.
        liveness: sessions of face liveness.
        projects: where custom labels are.
        streams: processors and sources of live streams.
        handlers: where documents of handlers are.
        tasks: jobs over whole collections.
        false_match_rate: what a similarity stands for.
        evidence: what accounts may have of the record about themselves.
    """

    engine: FaceEngine
    gallery: Gallery
    objects: ObjectStore
    clock: Clock
    page_key: bytes
    erasures: Erasures
    holding: Holding
    new_face_id: Callable[[], FaceId] = random_face_id
    text: Callable[[], TextEngine] = no_text
    sight: ImageEngines = field(default_factory=ImageEngines)
    celebrities: CelebrityGallery = NOBODY
    video: VideoAdapters | None = None
    liveness: LivenessAdapters | None = None
    projects: ProjectAdapters | None = None
    streams: StreamAdapters | None = None
    handlers: HandlerAdapters | None = None
    tasks: TaskAdapters | None = None
    false_match_rate: FalseMatchRate = lambda _: None
    evidence: OwnEvidence = field(default_factory=OwnEvidence)


@dataclass(frozen=True, slots=True)
class Operations:
    """The use cases by family."""

    detection: Detection
    comparison: FaceComparison
    collections: Collections
    enrolment: FaceOperations
    search: Search
    users: Users
    archives: Archives
    tagging: Tagging
    thumbnails: Thumbnails
    text: TextDetection
    labels: LabelDetection
    celebrities: Celebrities
    assessment: PortraitAssessment
    moderation: Moderation
    protection: Protection
    persons: PersonDescription
    video: VideoOperations
    liveness: FaceLiveness
    projects: ProjectOperations
    media: MediaAnalysis
    streams: StreamOperations
    events: StreamEvents
    handlers: HandlerOperations
    tasks: TaskOperations
    reembedding: Reembedding
    verification: Verification
    evidence: OwnEvidence


def build(ports: Ports) -> Operations:
    """Connect the use cases to ``ports``."""
    engine, gallery = ports.engine, ports.gallery
    pictures, pages = Pictures(ports.objects), PageTokens(ports.page_key)
    labelling = ports.projects or absent()
    looking = ProjectEngines(ports.sight.custom, ports.sight.moderation, engine)
    projects = build_projects(ports.projects, looking, ports.objects, pages)
    enrolment = FaceOperations(engine, gallery, pictures, pages, FaceIds(ports.new_face_id, ports.erasures))
    streams = StreamOperations(engine, gallery, pages, ports.streams)
    return Operations(
        detection=Detection(engine, pictures),
        comparison=FaceComparison(engine, pictures),
        collections=Collections(engine, gallery, pages, ports.clock, ports.erasures, ports.celebrities.key),
        enrolment=enrolment,
        search=Search(engine, gallery, pictures, ports.holding),
        users=Users(engine, gallery, pages, Replays(gallery, ports.clock), ports.erasures),
        archives=Archives(engine, gallery, pages, ports.erasures),
        tagging=Tagging(gallery, streams, projects.tags),
        thumbnails=Thumbnails(gallery),
        text=TextDetection(ports.text, pictures),
        labels=LabelDetection(ports.sight.labels, pictures),
        celebrities=Celebrities(engine, gallery, pictures, ports.celebrities),
        assessment=PortraitAssessment(engine, ports.sight.portraits, pictures),
        moderation=Moderation(ports.sight.moderation, pictures, projects.adapters),
        protection=Protection(ports.sight.equipment, pictures),
        persons=PersonDescription(ports.sight.equipment, pictures),
        video=VideoOperations(engine, gallery, ports.holding, pages, ports.video),
        liveness=FaceLiveness(ports.liveness),
        projects=projects,
        media=MediaAnalysis(
            labelling.jobs, ports.objects, pages, projects.adapters.version, labelling.new_id, labelling.wake
        ),
        streams=streams,
        handlers=HandlerOperations(
            HandlerParts(engine, ports.sight.portraits, gallery, pictures, enrolment), ports.handlers
        ),
        reembedding=Reembedding(engine, gallery, pictures, pages),
        tasks=TaskOperations(engine, gallery, ports.tasks),
        verification=Verification(engine, gallery, pictures, ports.false_match_rate),
        events=StreamEvents(gallery, None if ports.streams is None else ports.streams.events),
        evidence=ports.evidence,
    )
