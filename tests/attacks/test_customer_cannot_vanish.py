"""Making the uses of a customer disappear from statements, by way of the files that only the operator has."""

from __future__ import annotations

from collections.abc import Callable

from typer.testing import CliRunner

from custodes.cli.ledger.ledger import app
from custodes.storage.ledger.open import LedgerPaths

Start = Callable[[], str]


def test_a_lost_map_is_rebuilt_and_says_the_same(operator):
    account = operator.use(4)
    operator.lose_maps()
    with operator.serving() as server:
        operator.head(server)
        assert operator.verdict(operator.statement(server, account)) == "PRESENT"


def test_erased_bodies_and_a_lost_map_stop_the_server(operator, refused):
    account = operator.use(4)
    operator.erase_bodies(operator.uses())
    operator.lose_maps()
    text = refused()
    assert "entries 0 up to" in text and "4 uses" in text, text
    assert "ledger-private/maps" in text, text
    assert account not in text


def test_bodies_erased_before_the_head_stop_the_server(operator, refused):
    operator.use(3, head=True)
    operator.use(2, head=False)
    late = operator.uses()[3:]
    operator.erase_bodies(late)
    text = refused()
    assert f"entry {late[0]}" in text, text


def test_an_older_map_is_brought_up_to_the_log(operator):
    account = operator.use(2)
    maps = LedgerPaths(operator.data).private / "maps"
    old = {name: (maps / name).read_bytes() for name in ("account.map", "account.uses")}
    operator.use(3)
    for name, data in old.items():
        (maps / name).write_bytes(data)
    with operator.serving() as server:
        file = operator.statement(server, account)
        assert operator.verdict(file) == "PRESENT"
        assert file.read_text().count('"k":"use"') == 5


def test_a_map_that_gives_the_uses_to_another_account_never_reads_as_absence(operator):
    account = operator.use(3)
    state = LedgerPaths(operator.data).private / "maps" / "account.map"
    data = bytearray(state.read_bytes())
    at = data.index(account.encode())
    data[at + 11 : at + 12] = b"7" if data[at + 11 : at + 12] != b"7" else b"8"
    state.write_bytes(bytes(data))
    with operator.serving() as server:
        assert operator.verdict(operator.statement(server, account)) == "INVALID"
    status, text = deep_audit(operator)
    assert status == 1
    assert "other accounts than the private bodies" in text or "another account" in text, text


def test_the_deep_audit_names_the_first_difference(operator):
    operator.use(2)
    operator.use(2)
    assert deep_audit(operator)[0] == 0
    rows = LedgerPaths(operator.data).private / "maps" / "account.uses"
    data = bytearray(rows.read_bytes())
    data[-5] ^= 1  # the index of the last use
    rows.write_bytes(bytes(data))
    status, text = deep_audit(operator)
    assert (status, "the list of uses on disk" in text) == (1, True), text


def deep_audit(operator):
    done = CliRunner().invoke(app, ["audit", "--deep", "--data", str(operator.data)])
    return done.exit_code, done.output


def test_another_vrf_key_stops_the_server(operator, refused):
    operator.use(2)
    key = operator.data / "keys" / "ledger-vrf.key"
    kept = key.read_bytes()
    key.unlink()
    assert "ledger-vrf.key" in refused()
    key.write_bytes(b"11" * 32 + b"\n")
    key.chmod(0o600)
    assert "ledger-vrf.key" in refused()
    key.write_bytes(kept)
    with operator.serving():
        pass


def test_a_lost_key_of_the_bodies_stops_the_server(operator, refused):
    operator.use(2)
    key = operator.data / "keys" / "ledger-bodies.key"
    key.unlink()
    text = refused()
    assert "ledger-bodies.key" in text and "restore" in text, text


def test_every_head_continues_the_one_before_and_an_auditor_without_keys_sees_it(operator):
    from custodes.ledger.__main__ import main

    for times in (3, 1, 2):
        operator.use(times)
    file, ledger, trust = operator.folder / "growth", operator.data / "ledger", operator.data / "trust.policy"
    written = CliRunner().invoke(app, ["growth", "--data", str(operator.data), "--out", str(file)])
    assert written.exit_code == 0, written.output
    check = ["growth", str(file), "--trust", str(trust), "--ledger", str(ledger)]
    assert main(check) == 0
    lines = file.read_bytes().splitlines(keepends=True)
    for lie in (lines[1:], lines[:-1], [*lines, lines[-1]], [lines[0], lines[0], *lines[2:]]):
        file.write_bytes(b"".join(lie))
        assert main(check) == 1


def test_a_head_under_another_key_than_the_readers_policy_names_is_invalid(operator):
    import base64

    account = operator.use(1)
    with operator.serving() as server:
        file = operator.statement(server, account)
    policy = operator.data / "trust.policy"
    assert "\n#vrf " in policy.read_text()
    assert operator.verdict(file) == "PRESENT"
    lines = [line for line in policy.read_text().splitlines() if not line.startswith("#vrf")]
    policy.write_text("\n".join([*lines, ""]))
    assert operator.verdict(file) == "PRESENT"  # a policy of before names no such key
    policy.write_text("\n".join([f"#vrf {base64.b64encode(bytes(32)).decode()}", *lines, ""]))
    assert operator.verdict(file) == "INVALID"
