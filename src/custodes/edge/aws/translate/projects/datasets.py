"""Operations on datasets between AWS members and commands."""

from __future__ import annotations

from custodes.edge.aws.translate.route import Output, Params, gated, nothing
from custodes.edge.aws.wire import Handler
from custodes.operations.images.ports import S3Object
from custodes.operations.projects.arns import arn_of
from custodes.operations.projects.commands import (
    CreateDataset,
    DeleteDataset,
    DescribeDataset,
    DistributeDatasetEntries,
    ListDatasetEntries,
    ListDatasetLabels,
    UpdateDatasetEntries,
)
from custodes.operations.projects.datasets import Datasets, EntriesListed, LabelsListed
from custodes.operations.requests.gate import Gate
from custodes.projects.entities import Dataset, DatasetKey, DatasetType


def handlers(gate: Gate, datasets: Datasets, region: str) -> dict[str, Handler]:
    """Handlers of this family by operation."""

    def created(key: DatasetKey) -> Output:
        return {"DatasetArn": arn_of(region, key)}

    return {
        "CreateDataset": gated(gate, create_command, datasets.create, created),
        "DescribeDataset": gated(gate, _describe_command, datasets.describe, describe_output),
        "ListDatasetEntries": gated(gate, list_entries_command, datasets.list_entries, entries_output),
        "ListDatasetLabels": gated(gate, list_labels_command, datasets.list_labels, labels_output),
        "UpdateDatasetEntries": gated(gate, _update_command, datasets.update, nothing),
        "DistributeDatasetEntries": gated(gate, _distribute_command, datasets.distribute, nothing),
        "DeleteDataset": gated(gate, _delete_command, datasets.delete, nothing),
    }


def create_command(params: Params) -> CreateDataset:
    """Parameters of CreateDataset."""
    source = params.get("DatasetSource")
    where = {} if source is None else source.get("GroundTruthManifest", {}).get("S3Object", {})
    return CreateDataset(
        arn=params["ProjectArn"],
        kind=DatasetType(params["DatasetType"]),
        manifest=S3Object(where["Bucket"], where["Name"], where.get("Version")) if len(where) > 1 else None,
        copy_of=None if source is None else source.get("DatasetArn"),
        tags=dict(params.get("Tags", {})),
        sourced=source is not None,
    )


def _describe_command(params: Params) -> DescribeDataset:
    return DescribeDataset(arn=params["DatasetArn"])


def _update_command(params: Params) -> UpdateDatasetEntries:
    return UpdateDatasetEntries(arn=params["DatasetArn"], lines=params["Changes"]["GroundTruth"])


def _distribute_command(params: Params) -> DistributeDatasetEntries:
    return DistributeDatasetEntries(arns=tuple(dataset["Arn"] for dataset in params["Datasets"]))


def _delete_command(params: Params) -> DeleteDataset:
    return DeleteDataset(arn=params["DatasetArn"])


def list_entries_command(params: Params) -> ListDatasetEntries:
    """Parameters of ListDatasetEntries."""
    return ListDatasetEntries(
        arn=params["DatasetArn"],
        contains_labels=tuple(params.get("ContainsLabels", ())),
        labeled=params.get("Labeled"),
        source_contains=params.get("SourceRefContains"),
        has_errors=params.get("HasErrors"),
        max_results=params.get("MaxResults"),
        next_token=params.get("NextToken"),
    )


def list_labels_command(params: Params) -> ListDatasetLabels:
    """Parameters of ListDatasetLabels."""
    return ListDatasetLabels(
        arn=params["DatasetArn"], max_results=params.get("MaxResults"), next_token=params.get("NextToken")
    )


def describe_output(dataset: Dataset) -> Output:
    """Output of DescribeDataset."""
    stats = dataset.stats
    return {
        "DatasetDescription": {
            "CreationTimestamp": dataset.key.created_ts_ms / 1000,
            "LastUpdatedTimestamp": dataset.updated_ts_ms / 1000,
            **_state(dataset),
            "DatasetStats": {
                "LabeledEntries": stats.labeled,
                "TotalEntries": stats.total,
                "TotalLabels": stats.labels,
                "ErrorEntries": stats.errors,
            },
        }
    }


def dataset_metadata(region: str, dataset: Dataset) -> Output:
    """The structure ``DatasetMetadata``."""
    return {
        "CreationTimestamp": dataset.key.created_ts_ms / 1000,
        "DatasetType": dataset.key.kind.value,
        "DatasetArn": arn_of(region, dataset.key),
        **_state(dataset),
    }


def entries_output(result: EntriesListed) -> Output:
    """Output of ListDatasetEntries."""
    return {"DatasetEntries": list(result.lines), "NextToken": result.next_token}


def labels_output(result: LabelsListed) -> Output:
    """Output of ListDatasetLabels."""
    return {
        "DatasetLabelDescriptions": [
            {"LabelName": name, "LabelStats": {"EntryCount": entries, "BoundingBoxCount": boxes}}
            for name, entries, boxes in result.labels
        ],
        "NextToken": result.next_token,
    }


def _state(dataset: Dataset) -> Output:
    return {
        "Status": dataset.status.value,
        "StatusMessage": dataset.message or None,
        "StatusMessageCode": dataset.message_code,
    }
