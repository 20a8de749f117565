"""What is wrong with training and test data as a whole, by the API's codes; what they are about; which lines count.

In: entries of both sets. Out: a judgement. Sources: behaviour specification, section 3.13; Custom Labels guide,
"Guidelines and quotas".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from custodes.projects.manifest import ManifestLine, UseCase

MAX_LABELS = 250
MAX_LINES = 250_000
MAX_INVALID = 0.2
MIN_OVERLAP = 0.5

MESSAGES: Mapping[str, str] = {
    "ERROR_TOO_MANY_INVALID_ROWS_IN_MANIFEST": "The manifest file contains too many invalid rows.",
    "ERROR_IMAGES_IN_MULTIPLE_S3_BUCKETS": "The images are in multiple S3 buckets.",
    "ERROR_INVALID_PERMISSIONS_IMAGES_S3_BUCKET": "The images' S3 bucket does not exist or cannot be read.",
    "ERROR_INVALID_IMAGES_S3_BUCKET_OWNER": "The images' S3 bucket has another owner.",
    "ERROR_INSUFFICIENT_IMAGES_PER_LABEL_FOR_AUTOSPLIT": "A label has too few images to split training and test data.",
    "ERROR_MANIFEST_TOO_FEW_LABELS": "The manifest has too few labels.",
    "ERROR_MANIFEST_TOO_MANY_LABELS": "The manifest has too many labels.",
    "ERROR_INSUFFICIENT_LABEL_OVERLAP": "Too few labels are in both the training and the test data.",
    "ERROR_MANIFEST_TOO_FEW_USABLE_LABELS": "The manifest has too few usable labels.",
    "ERROR_INSUFFICIENT_USABLE_LABEL_OVERLAP": "Too few usable labels are in both the training and the test data.",
    "ERROR_FAILED_IMAGES_S3_COPY": "The images could not be read from S3.",
}
"""Every error that ends a training, with its message."""


@dataclass(frozen=True, slots=True)
class DataJudgement:
    """What is known of both sets together.

    Attributes:
        use_case: of the training data.
        names: labels to train, in the order of the alphabet.
        errors: codes that end the training, in their order; empty where it can go on.
    """

    use_case: UseCase
    names: tuple[str, ...]
    errors: tuple[str, ...] = ()


def use_case_of(entries: Sequence[ManifestLine]) -> UseCase:
    """What most usable lines are about."""
    counts = Counter(entry.use_case for entry in entries if entry.usable and entry.use_case is not UseCase.UNKNOWN)
    if not counts:
        return UseCase.UNKNOWN
    return max(counts, key=lambda case: (counts[case], case is UseCase.OBJECT))


def names_of(entry: ManifestLine, use_case: UseCase) -> frozenset[str]:
    """Labels of a line that count for a use case."""
    if use_case is UseCase.OBJECT:
        return frozenset(box.name for box in entry.boxes)
    return frozenset(entry.names)


def judge(train: Sequence[ManifestLine], test: Sequence[ManifestLine], *, usable: bool = False) -> DataJudgement:
    """Judge both sets.

    Args:
        train, test: all lines, also those with errors.
        usable: pictures were looked at, so that what is missing now is missing for good: the codes differ.
    """
    use_case = use_case_of(train)
    good = [entry for entry in train if entry.usable]
    names = _names(good, use_case)
    return DataJudgement(use_case, tuple(sorted(names)), tuple(_errors(train, test, names, use_case, usable=usable)))


def _errors(
    train: Sequence[ManifestLine],
    test: Sequence[ManifestLine],
    names: frozenset[str],
    use_case: UseCase,
    *,
    usable: bool,
) -> list[str]:
    both, found = [*train, *test], list[str]()
    bad = sum(not entry.usable for entry in both)
    if bad > MAX_INVALID * len(both):
        found.append("ERROR_TOO_MANY_INVALID_ROWS_IN_MANIFEST")
    buckets = {entry.place[0] for entry in both if entry.usable and entry.source}
    if len(buckets) > 1:
        found.append("ERROR_IMAGES_IN_MULTIPLE_S3_BUCKETS")
    if len(names) < (1 if use_case is UseCase.OBJECT else 2):
        found.append("ERROR_MANIFEST_TOO_FEW_USABLE_LABELS" if usable else "ERROR_MANIFEST_TOO_FEW_LABELS")
    if len(names) > MAX_LABELS:
        found.append("ERROR_MANIFEST_TOO_MANY_LABELS")
    tested = _names([entry for entry in test if entry.usable], use_case)
    if names and len(names & tested) < MIN_OVERLAP * len(names):
        found.append("ERROR_INSUFFICIENT_USABLE_LABEL_OVERLAP" if usable else "ERROR_INSUFFICIENT_LABEL_OVERLAP")
    return found


def _names(entries: Sequence[ManifestLine], use_case: UseCase) -> frozenset[str]:
    return frozenset(name for entry in entries for name in names_of(entry, use_case))


def split_error(entries: Sequence[ManifestLine]) -> str | None:
    """Why a set cannot be split, or None."""
    use_case = use_case_of(entries)
    counts = Counter(name for entry in entries if entry.usable for name in names_of(entry, use_case))
    return "ERROR_INSUFFICIENT_IMAGES_PER_LABEL_FOR_AUTOSPLIT" if counts and min(counts.values()) < 2 else None
