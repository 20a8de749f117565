"""Other people's verifiers accept our log and reject a tampered one: Go's x/mod and npm's @sigstore/verify.

They run where the tools are; scripts/install-test-tools.sh installs them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from custodes.ledger.tlog.checkpoint import open_checkpoint
from custodes.ledger.tlog.note import VerifierKey
from custodes.ledger.tree.tiles import Tree
from custodes.storage.ledger.open import LedgerPaths, read_tiles

HERE = Path(__file__).with_name("interop")
# Where Debian's golang-golang-x-mod-dev puts its source.
GOCODE = Path("/usr/share/gocode")
NODE_MODULES = Path(os.environ.get("CUSTODES_NODE_MODULES", Path(__file__).parents[2] / "build" / "node_modules"))
OLD_SIZE = 1000
KeyOf = Callable[[Path], VerifierKey]


@pytest.fixture(scope="module")
def go_verifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    go = shutil.which("go")
    if go is None or not (GOCODE / "src/golang.org/x/mod/sumdb/tlog").is_dir():
        pytest.skip("needs golang-go and golang-golang-x-mod-dev (scripts/install-test-tools.sh)")
    folder = tmp_path_factory.mktemp("go")
    binary = folder / "verify"
    environment = {**os.environ, "GO111MODULE": "off", "GOPATH": str(GOCODE), "GOCACHE": str(folder / "cache")}
    command = [go, "build", "-o", str(binary), str(HERE / "verify.go")]
    built = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return binary


def _proofs(data: Path) -> str:
    tree = Tree(read_tiles(data), 70_001)
    lines = [f"{index} {','.join(h.hex() for h in tree.inclusion_proof(index))}" for index in (0, 255, 65_536, 70_000)]
    lines.append(f"consistency {','.join(h.hex() for h in tree.consistency_proof(OLD_SIZE))}")
    return "\n".join(lines) + "\n"


def _go(binary: Path, public: Path, key: VerifierKey, proofs: str) -> str:
    command = [str(binary), str(public), str(key), str(OLD_SIZE)]
    return subprocess.run(command, input=proofs, capture_output=True, text=True, check=False, timeout=120).stdout


def test_go_accepts_the_log(go_verifier: Path, grown: Path, key_of: KeyOf) -> None:
    assert _go(go_verifier, LedgerPaths(grown).public, key_of(grown), _proofs(grown)) == "ACCEPTED 70001\n"


@pytest.mark.parametrize(
    ("path", "at"),
    [("checkpoint", 30), ("tile/0/003", 100), ("tile/1/001.p/17", 7), ("tile/2/000.p/1", 0), ("tile/entries/100", 30)],
)
def test_go_rejects_one_changed_bit(
    go_verifier: Path, grown: Path, key_of: KeyOf, tmp_path: Path, path: str, at: int
) -> None:
    copy = tmp_path / "ledger"
    shutil.copytree(LedgerPaths(grown).public, copy)
    data = bytearray((copy / path).read_bytes())
    data[at] ^= 1
    (copy / path).write_bytes(data)
    assert _go(go_verifier, copy, key_of(grown), _proofs(grown)).startswith("REJECTED")


def test_go_rejects_a_changed_proof(go_verifier: Path, grown: Path, key_of: KeyOf) -> None:
    proofs = _proofs(grown).splitlines()
    for at in range(len(proofs)):
        digit = "0" if proofs[at][-1] != "0" else "1"
        changed = "\n".join([*proofs[:at], proofs[at][:-1] + digit, *proofs[at + 1 :]])
        value = _go(go_verifier, LedgerPaths(grown).public, key_of(grown), changed)
        assert value.startswith("REJECTED"), proofs[at]


@pytest.fixture
def sigstore(grown: Path, key_of: KeyOf) -> Callable[[dict[str, object]], str]:
    node = shutil.which("node")
    if node is None or not (NODE_MODULES / "@sigstore" / "verify").is_dir():
        pytest.skip("needs node and @sigstore/verify in build/node_modules (scripts/install-test-tools.sh)")
    key = key_of(grown)

    def verify(proof: dict[str, object]) -> str:
        command = [
            node,
            str(HERE / "verify.js"),
            str(NODE_MODULES.resolve()),
            key.public.hex(),
            key.key_id.hex(),
            key.name,
        ]
        done = subprocess.run(command, input=json.dumps(proof), capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode in (0, 1), done.stderr
        return done.stdout

    return verify


def _sigstore_proof(data: Path, key: VerifierKey, index: int) -> dict[str, object]:
    note = read_tiles(data).get("checkpoint")
    assert note is not None
    tree = Tree(read_tiles(data), open_checkpoint(note, [key]).size)
    return {
        "envelope": tree.entry(index).hex(),
        "index": index,
        "hashes": [hash_.hex() for hash_ in tree.inclusion_proof(index)],
        "checkpoint": note.decode(),
    }


@pytest.mark.npm
def test_sigstore_accepts_our_proofs(sigstore: Callable[..., str], grown: Path, key_of: KeyOf) -> None:
    for index in (0, 70_000):
        assert sigstore(_sigstore_proof(grown, key_of(grown), index)) == "ACCEPTED\n"


@pytest.mark.npm
def test_sigstore_rejects_tampering(sigstore: Callable[..., str], grown: Path, key_of: KeyOf) -> None:
    good = _sigstore_proof(grown, key_of(grown), 5)
    other = _sigstore_proof(grown, key_of(grown), 6)
    assert sigstore({**good, "envelope": other["envelope"]}).startswith("REJECTED")
    assert sigstore({**good, "index": 6}).startswith("REJECTED")
    assert sigstore({**good, "hashes": other["hashes"]}).startswith("REJECTED")
    assert sigstore({**good, "checkpoint": str(good["checkpoint"]).replace("70001", "70002")}).startswith("REJECTED")
