"""The Helm chart, rendered by Go's templates as Helm renders it, and checked without a cluster.

Helm itself is not at hand, nor are the cluster's own schemas: what is checked is that values fit their schema, that the
documents are YAML of the right kinds, and that what names something names what is there.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from custodes.settings import Settings
from tests.fakes.nodes import KEYS

yaml = pytest.importorskip("yaml")
CHART = Path(__file__).parents[2] / "packaging" / "helm"
VALUES = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
SCHEMA = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))

Render = Callable[[Mapping[str, Any]], dict[str, Any]]


@pytest.fixture(scope="module")
def render(tmp_path_factory: pytest.TempPathFactory) -> Render:
    """Documents by kind, for values that differ from the chart's own in a few."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("needs Go: scripts/install-test-tools.sh")
    folder = tmp_path_factory.mktemp("render")
    source = Path(__file__).with_name("render") / "main.go"
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GO111MODULE": "off"}
    subprocess.run(
        [go, "build", "-o", str(folder / "render"), str(source)], env=environment, cwd=folder, check=True, timeout=280
    )
    templates = [str(path) for path in sorted((CHART / "templates").glob("*.yaml"))]

    def rendered(changes: Mapping[str, Any]) -> dict[str, Any]:
        given = {"Values": merged(VALUES, changes), "Release": {"Name": "faces"}}
        done = subprocess.run(
            [str(folder / "render"), *templates], input=json.dumps(given), capture_output=True, text=True, check=True
        )
        documents = [one for one in yaml.safe_load_all(done.stdout) if one]
        return {one["kind"]: one for one in documents}

    return rendered


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(base)
    for name, value in changes.items():
        found[name] = merged(found[name], value) if isinstance(value, dict) else value
    return found


def unfit(value: Any, schema: Mapping[str, Any], where: str = "values") -> list[str]:
    """What does not fit, for the words that the chart's schema uses."""
    kinds = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float)}
    wanted = schema.get("type", [])
    if wanted and not any(isinstance(value, kinds[one]) for one in ([wanted] if isinstance(wanted, str) else wanted)):
        return [f"{where} is no {wanted}"]
    wrong = [f"{where} is not one of them"] if "enum" in schema and value not in schema["enum"] else []
    if isinstance(value, str):
        wrong += [f"{where} is odd"] if not re.search(schema.get("pattern", ""), value) else []
        wrong += [f"{where} is empty"] if len(value) < schema.get("minLength", 0) else []
    if isinstance(value, dict):
        known = schema.get("properties", {})
        wrong += [f"{where}.{name} is missing" for name in set(schema.get("required", ())) - value.keys()]
        for name, one in value.items():
            patterns = [inner for text, inner in schema.get("patternProperties", {}).items() if re.search(text, name)]
            rest = schema.get("additionalProperties", True)
            inner = known.get(name) or next(iter(patterns), rest if isinstance(rest, dict) else None)
            wrong += [f"{where}.{name} is unknown"] if inner is None and rest is False else []
            wrong += unfit(one, inner or {}, f"{where}.{name}")
    return wrong


def test_values_fit_their_schema_and_wrong_ones_do_not() -> None:
    assert unfit(VALUES, SCHEMA) == []
    for changes in ({"image": {"tag": ""}}, {"data": {"size": "ten"}}, {"sevice": {}}, {"ingress": {"enabled": "yes"}}):
        given = {**VALUES, **{k: merged(VALUES[k], v) if k in VALUES else v for k, v in changes.items()}}
        assert unfit(given, SCHEMA), changes


def test_every_value_is_explained_and_used() -> None:
    text = "".join(path.read_text() for path in (CHART / "templates").glob("*.yaml"))
    assert {name for name in VALUES if f".Values.{name}" not in text} == set()
    assert set(SCHEMA["properties"]) - {"global"} == set(VALUES)


def test_what_names_something_names_what_is_there(render: Render) -> None:
    found = render({})
    assert set(found) == {"StatefulSet", "Service"}
    workload = found["StatefulSet"]["spec"]
    pod, labels = workload["template"]["spec"], workload["template"]["metadata"]["labels"]
    assert workload["selector"]["matchLabels"] == labels == found["Service"]["spec"]["selector"]
    assert workload["replicas"] == 1 and workload["serviceName"] == found["Service"]["metadata"]["name"]
    container = pod["containers"][0]
    ports = {port["name"] for port in container["ports"]}
    probes = [container[name]["httpGet"] for name in ("startupProbe", "readinessProbe", "livenessProbe")]
    assert {probe["port"] for probe in probes} | {found["Service"]["spec"]["ports"][0]["targetPort"]} == ports
    claims = {one["metadata"]["name"] for one in workload["volumeClaimTemplates"]}
    volumes = claims | {one["name"] for one in pod["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == volumes


def test_it_is_confined_and_set_by_settings_that_exist(render: Render) -> None:
    pod = render({"settings": {"ACCOUNT_RATE": 20}})["StatefulSet"]["spec"]["template"]["spec"]
    container = pod["containers"][0]
    assert pod["enableServiceLinks"] is False, "CUSTODES_PORT of a service is no setting"
    assert pod["securityContext"]["runAsNonRoot"] and pod["automountServiceAccountToken"] is False
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    variables = {one["name"]: one["value"] for one in container["env"]}
    assert variables["CUSTODES_ACCOUNT_RATE"] == "20", "a variable is text"
    known = {f"CUSTODES_{item.name.upper()}" for item in fields(Settings)}
    assert variables.keys() - known == set()


def test_an_ingress_a_claim_and_a_secret(render: Render) -> None:
    found = render(
        {
            "ingress": {"enabled": True, "className": "nginx", "tlsSecret": "cert"},
            "data": {"existingClaim": "old"},
            "settingsSecret": "more",
        }
    )
    ingress, workload = found["Ingress"]["spec"], found["StatefulSet"]["spec"]
    assert ingress["tls"] == [{"hosts": ["faces.example.org"], "secretName": "cert"}]
    assert ingress["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"] == "faces"
    assert "volumeClaimTemplates" not in workload
    pod = workload["template"]["spec"]
    assert {"name": "data", "persistentVolumeClaim": {"claimName": "old"}} in pod["volumes"]
    assert pod["containers"][0]["envFrom"] == [{"secretRef": {"name": "more"}}]


def test_workers_of_ray_run_the_same_image_and_the_server_knows_where(render: Render) -> None:
    found = render({"ray": {"workers": 3}})
    cluster = found["RayCluster"]["spec"]
    (group,) = cluster["workerGroupSpecs"]
    assert (group["replicas"], group["minReplicas"], group["maxReplicas"]) == (3, 3, 3)
    server = found["StatefulSet"]["spec"]["template"]["spec"]["containers"][0]
    for part in (cluster["headGroupSpec"], group):
        pod = part["template"]["spec"]
        (worker,) = pod["containers"]
        assert worker["image"] == server["image"] and pod["securityContext"]["runAsNonRoot"]
        assert {one["name"]: one["value"] for one in worker["env"]} == {"RAY_USAGE_STATS_ENABLED": "0"}
        assert "volumes" not in pod and "envFrom" not in worker
    variables = {one["name"]: one["value"] for one in server["env"]}
    assert variables["CUSTODES_RAY"] == "ray://faces-head-svc:10001"
    assert "RayCluster" not in render({})


def test_several_servers_have_names_addresses_and_one_volume(render: Render) -> None:
    found = render({"nodes": 3, "data": {"existingClaim": "shared"}})["StatefulSet"]["spec"]
    assert found["replicas"] == 3
    variables = {one["name"]: one for one in found["template"]["spec"]["containers"][0]["env"]}
    assert variables["CUSTODES_NODE"]["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"
    assert variables["CUSTODES_NODE_URL"]["value"] == "http://$(POD_IP):8080"
    assert list(variables).index("POD_IP") < list(variables).index("CUSTODES_NODE_URL"), "only what stands in front"
    with pytest.raises(subprocess.CalledProcessError):
        render({"nodes": 3})


def test_several_servers_with_volumes_of_their_own_get_the_files_of_one_ledger(render: Render, tmp_path: Path) -> None:
    given = {"nodes": 3, "data": {"filesSecret": "ledger"}, "settings": {"LEDGER_TILES": "s3://bucket/log"}}
    found = render(given)["StatefulSet"]["spec"]
    assert found["volumeClaimTemplates"][0]["metadata"]["name"] == "data", "one volume for each"
    pod = found["template"]["spec"]
    (first,) = pod["initContainers"]
    mounted = {each["name"] for each in pod["volumes"]} | {"data"}
    assert {each["name"] for each in first["volumeMounts"]} <= mounted
    source, target = tmp_path / "files", tmp_path / "data"
    source.mkdir()
    names = first["command"][5:]
    assert set(names) == set(KEYS), "the files that docs/scaling.md names, tried by the tests of servers"
    for name in names:
        (source / name.replace("/", ".")).write_text(name)
    for _ in range(2):  # a pod that is started again
        subprocess.run([sys.executable, *first["command"][1:3], str(source), str(target), *names], check=True)
    assert {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()} == set(names)
    assert all((target / name).read_text() == name for name in names)
    assert {path.stat().st_mode & 0o777 for path in target.rglob("*") if path.is_file()} == {0o600}
    with pytest.raises(subprocess.CalledProcessError):
        render({"nodes": 3, "data": {"filesSecret": "ledger"}})
