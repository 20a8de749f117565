"""A later statement that shows less than an earlier one: only whoever kept the earlier one can see it."""

from custodes.ledger.monitor.finding import FindingKind
from custodes.ledger.monitor.statements import check_statements
from custodes.ledger.prover.files import encode_file
from custodes.ledger.prover.maps.account_map import AccountMap
from custodes.ledger.tlog.merkle import leaf_hash, tree_root

ANN, EVE = "100000000001", "100000000003"


class Copy:
    """What a monitor has of the log."""

    def __init__(self, world):
        self._leaves = [leaf_hash(envelope) for envelope in world.envelopes]
        self.size = len(self._leaves)

    def root_at(self, size):
        return tree_root(self._leaves[:size])


def test_a_later_statement_that_lost_a_use_contradicts_the_earlier_one(world, tmp_path):
    (tmp_path / "january.json").write_bytes(encode_file(world.statement(f"acct:{ANN}")))
    world.use(ANN)
    world.close()
    (tmp_path / "february.json").write_bytes(encode_file(world.statement(f"acct:{ANN}")))
    assert list(check_statements(tmp_path, world.policy(), Copy(world))) == []
    moved = next(iter(world.uses_of(ANN, len(world.envelopes)))).index
    world.relabel = {moved: EVE}
    world.accounts = AccountMap(world.vrf)
    world.close()
    (tmp_path / "march.json").write_bytes(encode_file(world.statement(f"acct:{ANN}")))
    (found,) = check_statements(tmp_path, world.policy(), Copy(world))
    assert found.kind is FindingKind.CONTRADICTION
    assert found.text.startswith("march.json contradicts february.json"), found.text


def test_a_statement_without_a_use_for_which_its_owner_has_a_receipt(world, tmp_path):
    use = next(iter(world.uses_of(ANN, len(world.envelopes)))).index
    world.relabel = {use: EVE}
    world.accounts = AccountMap(world.vrf)
    world.close()
    (tmp_path / "ann.json").write_bytes(encode_file(world.statement(f"acct:{ANN}")))
    assert list(check_statements(tmp_path, world.policy(), Copy(world))) == []
    (found,) = check_statements(tmp_path, world.policy(), Copy(world), {use: ANN})
    assert found.text == f"ann.json does not show entry {use}, for which there is a receipt of that account"


def test_a_statement_of_a_log_that_is_longer_than_what_is_shown(world, tmp_path):
    copy = Copy(world)
    world.use(ANN)
    world.close()
    (tmp_path / "new.json").write_bytes(encode_file(world.statement(f"acct:{ANN}")))
    (found,) = check_statements(tmp_path, world.policy(), copy)
    assert "rollback: new.json" in found.text
