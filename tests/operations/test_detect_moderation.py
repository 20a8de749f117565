"""DetectModerationLabels over a scripted engine, and the taxonomy behind the real one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custodes.core.errors import HumanLoopError, NotSupportedError
from custodes.engine.labels.taxonomy import load_taxonomy
from custodes.engine.moderation.body_parts import KINDS
from custodes.engine.moderation.pipeline import CLASSES
from custodes.engine.moderation.taxonomy import load_moderation_taxonomy
from tests.fakes.engine import picture
from tests.fakes.live import running
from tests.fakes.sight import sight

IMAGE = {"Bytes": picture()}
LOOP = {"HumanLoopName": "review", "FlowDefinitionArn": "arn:aws:sagemaker:eu-central-1:123456789012:flow/a"}
ADAPTER = "arn:aws:rekognition:eu-central-1:123456789012:project/a/version/b/1700000000000"
TAXONOMY = load_moderation_taxonomy()


def test_names_parents_levels_and_kinds(server):
    answer = server.call("DetectModerationLabels", Image=IMAGE)
    assert answer == {
        "ModerationLabels": [
            {"Name": "Explicit", "ParentName": "", "TaxonomyLevel": 1, "Confidence": 90.0},
            {"Name": "Explicit Nudity", "ParentName": "Explicit", "TaxonomyLevel": 2, "Confidence": 90.0},
        ],
        "ModerationModelVersion": "7.0",
        "ContentTypes": [{"Name": "Illustrated", "Confidence": 60.0}],
    }
    assert server.recorder.outcomes[-1].images == 1
    assert server.recorder.outcomes[-1].counts["moderation_labels_detected"] == 2


def test_50_percent_unless_asked_otherwise(server):
    names = [c["Name"] for c in server.call("DetectModerationLabels", Image=IMAGE, MinConfidence=0)["ModerationLabels"]]
    assert names == ["Explicit", "Explicit Nudity", "Alcohol"]
    assert server.call("DetectModerationLabels", Image=IMAGE, MinConfidence=95)["ContentTypes"] == []


@pytest.mark.parametrize(
    ("more", "error"), [({"HumanLoopConfig": LOOP}, HumanLoopError), ({"ProjectVersion": ADAPTER}, NotSupportedError)]
)
def test_reviews_and_adapters_are_refused_before_anything_is_looked_at(server, more, error):
    with pytest.raises(error):
        server.call("DetectModerationLabels", Image=IMAGE, **more)
    assert server.recorder.outcomes[-1].images == 0
    assert server.recorder.outcomes[-1].code == error.__name__


def test_the_modelled_errors_reach_boto3(tmp_path):
    from tests.fakes.engine import SquareEngine

    with running(tmp_path / "data", engine=SquareEngine(), sight=sight()) as live:
        client = live.client()
        with pytest.raises(client.exceptions.HumanLoopQuotaExceededException, match="reviewers"):
            client.detect_moderation_labels(Image=IMAGE, HumanLoopConfig=LOOP)
        with pytest.raises(client.exceptions.ResourceNotFoundException, match="does not exist"):
            client.detect_moderation_labels(Image=IMAGE, ProjectVersion=ADAPTER)


def test_every_meaning_has_a_name_and_every_class_is_one_of_its_network():
    meant = {*TAXONOMY.whole.values(), *TAXONOMY.labels, *TAXONOMY.parts.values()}
    assert meant <= TAXONOMY.above.keys()
    assert {name for name in TAXONOMY.above.values() if name} <= TAXONOMY.above.keys()
    assert set(TAXONOMY.whole) <= set(CLASSES)
    assert set(TAXONOMY.parts) <= set(KINDS)
    assert {label for members in TAXONOMY.labels.values() for label in members} <= load_taxonomy().terms.keys()
    assert TAXONOMY.level("Exposed Female Nipple") == 3


@given(st.dictionaries(st.sampled_from(sorted(TAXONOMY.above)), st.floats(0, 1)), st.floats(0, 100))
def test_names_above_are_told_and_at_least_as_sure(shares, least):
    found = {concern.name: concern for concern in TAXONOMY.concerns(shares, least)}
    for concern in found.values():
        assert concern.confidence_pct >= least
        if concern.parent:
            assert found[concern.parent].confidence_pct >= concern.confidence_pct
            assert found[concern.parent].level == concern.level - 1
    assert {name for name, share in shares.items() if 100 * share >= least} <= found.keys()
