"""The party map: who stood behind a customer, ABSENT and PRESENT, and an operator who would like it otherwise."""

# ruff: noqa: RUF001 - names in several alphabets
import dataclasses
import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from custodes.cli.ledger import statement as statement_commands
from custodes.core.clock import FixedClock
from custodes.deployment.record.statements import open_statements
from custodes.ledger.prover.files import encode_file, encode_party, wrap
from custodes.ledger.prover.maps.party_map import PartyMap, PartyPlace
from custodes.ledger.prover.maps.party_map_files import PartyFiles, PlacesDigest
from custodes.ledger.prover.maps.tree import place as map_place
from custodes.ledger.prover.sources import PartySources
from custodes.ledger.prover.statement import Sources, build
from custodes.ledger.tlog.commitment import commit
from custodes.ledger.tlog.entry import b64url, from_b64url
from custodes.ledger.tree import multiproof
from custodes.ledger.verifier.canonical_json import unwrap
from custodes.ledger.verifier.maps.proof import MapError
from custodes.ledger.verifier.party import PartyQuestion, party_json, render_party, verify_party
from custodes.ledger.verifier.party_names import fingerprint, identifier_key, is_fingerprint, name_key, name_keys
from custodes.ledger.verifier.report import as_json, render
from custodes.ledger.verifier.statement import PARTY_SCHEMES, Question, map_of, parse
from custodes.ledger.verifier.verdict import Word, verify
from custodes.ledger.writer.body import canonical
from custodes.screening.comparison import REVIEW, compare_names
from custodes.screening.names.name import prepare
from custodes.storage.files.documents import FolderDocuments
from custodes.storage.ledger.open import open_ledger
from tests.second_verifier.node import mutations, words

CUSTOMER = "100000000001"
INN, LEI = "ru-inn:7700000000", "lei:529900FICTIVETOPCO03"
OWNER = PartyQuestion(("Zarya Optika OOO", "ООО «Заря Оптика»"), (("ru-inn", "7700 000 000"),))
STRANGER = PartyQuestion(("Nobody At All Ltd",), (("lei", "529900FICTIVENOBDY04"),))


def place(name, role, account=CUSTOMER, **more):
    return name, {"acct": account, "role": role, **more}


GRAPH = [
    place("nl-kvk:12345678", "customer"),
    place(name_key("Tulpenveld Software B.V."), "customer"),
    place(INN, "owner", low=80_000, high=80_000),
    place(name_key("Zarya Optika OOO"), "owner", low=80_000, high=80_000),
    place(name_key("Zarya Optika OOO"), "director"),
]


class Parties:
    """A world with a party map."""

    def __init__(self, world, folder):
        self.world = world
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.files = PartyFiles(FolderDocuments(folder), world.vrf)
        self.map = PartyMap(world.vrf)
        self.head = None
        self.salt = 0

    def random(self, count):
        self.salt += 1
        return self.salt.to_bytes(count, "big")

    def onboard(self, graph=GRAPH):
        dossier = self.files.keep(graph, self.random)
        return self.world.append("org", None, dossier.fields(), {"acct": CUSTOMER})

    def dossiers(self, begin, end):
        from custodes.ledger.tlog.entry import decode

        for index in range(begin, end):
            entry = decode(self.world.envelopes[index])
            if entry.kind == "org":
                yield index, entry

    def close(self):
        size = len(self.world.envelopes)
        self.head = self.files.close_head(self.map, self, size, lambda fields: self.world.append("map", None, fields))
        self.world.publish()

    def statement(self, identifier, begin=None, end=None):
        sources = PartySources(self.map, self.head, self.world, lambda *_: None)
        return build(Question(identifier, begin, end), Sources(self.world, sources, places=sources))

    def about(self, asked, begin=None, end=None):
        return encode_party(asked, [encode_file(self.statement(key, begin, end)) for key in asked.map_names()])

    def verdict(self, asked, **period):
        return verify_party(self.about(asked, **period), self.world.policy(), self.world.whole_log)


@pytest.fixture
def parties(make_world, tmp_path):
    world = make_world()
    world.append("boot", None, {"r": "A" * 43})
    world.use(CUSTOMER)
    made = Parties(world, tmp_path / "parties")
    made.onboard()
    world.append("org", None, {"e": "A" * 43}, {"acct": CUSTOMER})  # a profile, which brings no places
    world.use(CUSTOMER)
    made.close()
    return made


@pytest.fixture(scope="module")
def raw(make_world, tmp_path_factory):
    made = Parties(make_world(), tmp_path_factory.mktemp("parties") / "p")
    made.world.append("boot", None, {"r": "A" * 43})
    made.onboard()
    made.close()
    return made.about(OWNER), made.about(STRANGER), encode_file(made.statement(INN)), made.world.policy()


def test_present_as_owner_and_absent_as_user(parties):
    verdict = parties.verdict(OWNER)
    assert verdict.word is Word.PRESENT
    value = party_json(verdict)
    assert {role for role, word in value["roles"].items() if word == "PRESENT"} == {"owner", "director"}
    assert value["roles"]["customer"] == "ABSENT"
    assert value["by_name"] == {
        INN: "PRESENT", name_key("Zarya Optika OOO"): "PRESENT", "namesound:srptk": "ABSENT",
    }  # fmt: skip
    text = render_party(verdict)
    assert text.startswith("PRESENT\n")
    assert "ABSENT       as a customer" in text
    assert f"as an owner, account {CUSTOMER}, 80 %" in text


def test_absent_under_every_name(parties):
    verdict = parties.verdict(STRANGER)
    assert verdict.word is Word.ABSENT
    assert set(party_json(verdict)["roles"].values()) == {"ABSENT"}
    assert "behind no customer" in render_party(verdict)


def test_one_name_alone_is_a_statement_like_others(parties):
    verdict = verify(encode_file(parties.statement(INN)), parties.world.policy(), parties.world.whole_log)
    assert verdict.word is Word.PRESENT
    assert as_json(verdict)["roles"]["owner"] == "PRESENT"
    assert "in 1 place:" in render(verdict)
    absent = verify(encode_file(parties.statement(LEI)), parties.world.policy(), parties.world.whole_log)
    assert absent.word is Word.ABSENT
    assert "behind no customer" in render(absent)


def test_a_period_before_the_dossier_knows_nobody(parties):
    dossier = next(one for one in map(json.loads, parties.world.envelopes) if one["k"] == "org")
    before = dossier["t"]
    assert parties.verdict(OWNER, end=before).word is Word.ABSENT
    assert parties.verdict(OWNER, end=before + 1).word is Word.PRESENT
    # Who was behind a customer before the period began may have been so all through it.
    assert parties.verdict(OWNER, begin=before + 1, end=before + 2).word is Word.PRESENT


def test_an_empty_map_can_say_that_nobody_is_there(make_world, tmp_path):
    made = Parties(make_world(), tmp_path / "parties")
    made.world.append("boot", None, {"r": "A" * 43})
    made.close()
    assert made.verdict(OWNER).word is Word.ABSENT


def test_an_undisclosed_place_is_present_in_a_role_that_nobody_knows(parties):
    bare = dataclasses.replace(parties.statement(INN))
    bare = dataclasses.replace(bare, places=tuple(dataclasses.replace(p, salt=None, body=None) for p in bare.places))
    verdict = verify(encode_file(bare), parties.world.policy())
    assert verdict.word is Word.PRESENT
    assert as_json(verdict)["roles"]["customer"] == "UNDETERMINED"
    assert "not disclosed" in render(verdict)


def refusal(parties, statement):
    verdict = verify(encode_file(statement), parties.world.policy())
    assert verdict.word is Word.INVALID
    return verdict.reasons[0]


def reproven(parties, statement):
    indexes = [statement.head.index, *(one.index for one in statement.places)]
    proof = multiproof.make(indexes, len(parties.world.envelopes), parties.world.node)
    return dataclasses.replace(statement, proof=tuple(proof))


def test_places_cannot_be_hidden_doubled_or_borrowed(parties):
    name = name_key("Zarya Optika OOO")
    honest, other = parties.statement(name), parties.statement("nl-kvk:12345678")
    assert len(honest.places) == 2
    for places in (honest.places[:1], (), honest.places[::-1], honest.places * 2, other.places):
        assert "not all the places" in refusal(parties, reproven(parties, dataclasses.replace(honest, places=places)))
    absent = reproven(parties, dataclasses.replace(parties.statement(LEI), places=honest.places))
    assert "nothing under this identifier" in refusal(parties, absent)


def test_undisclosed_places_of_another_party_in_place_of_the_own_ones(parties):
    """As many places, and no body that would name whose they are: only the map's root tells."""
    honest, other = parties.statement(INN), parties.statement("nl-kvk:12345678")
    assert len(honest.places) == len(other.places) == 1
    borrowed = tuple(dataclasses.replace(place, salt=None, body=None) for place in other.places)
    assert "not all the places" in refusal(parties, reproven(parties, dataclasses.replace(honest, places=borrowed)))


def test_a_place_of_somebody_else_cannot_be_counted(make_world, tmp_path):
    """An operator who enters another party's place under this name is found by the body, which names its party."""
    made = Parties(make_world(), tmp_path / "parties")
    body = canonical({"acct": CUSTOMER, "role": "owner", "party": "ru-inn:7700000001"})
    where = map_place(made.world.vrf, INN)
    index = made.world.append("org", None, PlacesDigest(bytes(32), 1).fields())
    made.map.enter(index, [PartyPlace(INN, bytes(16), body, where)])
    made.head = made.world.append("map", None, made.map.head_fields(index + 1))
    made.world.publish()
    assert "somebody else's" in refusal(made, made.statement(INN))


def test_a_dossier_that_was_left_out_is_missed_in_the_totals(parties):
    """The operator logs a second dossier and a head that knows nothing of it."""
    world = parties.world
    dossier = parties.files.keep([place(LEI, "owner")], parties.random)
    world.append("org", None, dossier.fields(), {"acct": CUSTOMER})
    parties.head = world.append("map", None, parties.map.head_fields(len(world.envelopes)))
    world.publish()
    data = parties.about(PartyQuestion((), (("lei", LEI[4:]),)))
    assert verify_party(data, world.policy()).word is Word.ABSENT
    verdict = verify_party(data, world.policy(), world.whole_log)
    assert verdict.word is Word.INVALID
    assert "brought 6 places, but the map holds 5" in verdict.reasons[0]


def test_an_entry_that_is_no_dossier_brings_no_place(make_world, tmp_path):
    made = Parties(make_world(), tmp_path / "parties")
    body = canonical({"acct": CUSTOMER, "role": "owner", "party": INN})
    index = made.world.append("inc")
    made.map.enter(index, [PartyPlace(INN, bytes(16), body, map_place(made.world.vrf, INN))])
    made.head = made.world.append("map", None, made.map.head_fields(index + 1))
    made.world.publish()
    assert "no dossier" in refusal(made, made.statement(INN))


def edited(data, change):
    inner = unwrap("party", data)
    change(inner)
    return wrap("party", inner)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda inner: inner["statements"].pop(), "do not|not those"),
        (lambda inner: inner["statements"].reverse(), "not those"),
        (lambda inner: inner["names"].append("One More"), "not those"),
        (lambda inner: inner["names"].clear(), "not those"),
        (lambda inner: inner["identifiers"].append(["lei", "x y?"]), "characters"),
        (lambda inner: inner["identifiers"].append("lei"), "pair"),
        (lambda inner: (inner["identifiers"].clear(), inner["names"].clear()), "1 to 200"),
        (lambda inner: inner.update(v=2), "version"),
        (lambda inner: inner.update(more=1), "no place"),
        (lambda inner: inner["statements"].__setitem__(0, {}), "missing"),
    ],
)
def test_a_file_about_a_party_cannot_answer_about_another(raw, change, reason):
    verdict = verify_party(edited(raw[0], change), raw[3])
    assert verdict.word is Word.INVALID
    assert any(one in verdict.reasons[0] for one in reason.split("|"))


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_no_flipped_bit_gives_another_answer(data, raw):
    file = raw[data.draw(st.integers(0, 1))]
    bit = data.draw(st.integers(0, 8 * len(file) - 1))
    flipped = file[: bit // 8] + bytes([file[bit // 8] ^ 1 << bit % 8]) + file[bit // 8 + 1 :]
    assert verify_party(flipped, raw[3]).word is Word.INVALID


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_no_forged_part_under_a_new_checksum_changes_the_answer(data, raw):
    inner = json.loads(raw[2])["statement"]
    field = data.draw(st.sampled_from(["proof", "vrf", "path", "c", "s", "b"]))
    target = inner if field in inner else inner["places"][0]
    if field == "b":
        key = data.draw(st.sampled_from(sorted(target["b"])))
        target["b"] = {**target["b"], key: "other"}
    else:
        packed = bytearray(from_b64url(target[field]))
        bit = data.draw(st.integers(0, 8 * len(packed) - 1))
        packed[bit // 8] ^= 1 << bit % 8
        target[field] = b64url(bytes(packed))
    assert verify(wrap("statement", inner), raw[3]).word is Word.INVALID


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_answered_calmly(junk):
    from custodes.ledger.tlog.trust import parse_policy

    world_policy = parse_policy(
        b"log example.org/ledger+5f5b716d+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4\nquorum none\n"
    )
    assert verify_party(junk, world_policy).word is Word.INVALID


def test_statements_survive_their_own_spelling(parties):
    for name in (INN, LEI, name_key("Zarya Optika OOO"), name_key("北京例子")):
        statement = parties.statement(name)
        assert parse(encode_file(statement)) == statement


def test_files_that_changed_or_went_are_missed(parties):
    path = next(path for path in parties.folder.glob("*.places"))
    whole = path.read_bytes()
    for damage in (whole[:-1], whole.replace(b"80000", b"10000"), b""):
        path.write_bytes(damage)
        with pytest.raises(MapError):
            parties.files.map(parties, len(parties.world.envelopes))
    path.unlink()
    with pytest.raises(MapError, match="gone"):
        parties.files.map(parties, len(parties.world.envelopes))


def test_places_without_an_entry_count_for_nothing(parties):
    parties.files.keep([place(LEI, "owner")], parties.random)
    assert len(parties.files.map(parties, len(parties.world.envelopes))) == 4
    assert {path.stat().st_mode & 0o777 for path in parties.folder.iterdir()} == {0o600}


SAME = [
    ["Zarya Optika OOO", "ООО «Заря Оптика»", "Zarja Optika, Ltd.", "OPTIKA ZARYA LLC"],
    ["Михаил Черников", "Michail Tschernikow", "Mikhail Chernikov", "Tchernikov, Mikhaïl"],
    ["Müller & Söhne GmbH", "Mueller und Soehne", "MULLER SOHNE"],
    ["Tulpenveld Software B.V.", "BV Tulpenveld Software", "Тулпенвелд Софтваре"],
]


@pytest.mark.parametrize("spellings", SAME)
def test_spellings_of_one_name_have_one_fingerprint(spellings):
    assert len({fingerprint(one) for one in spellings}) == 1


def test_names_that_differ_do_not_share_a_fingerprint():
    assert len({fingerprint(one) for one in ("Zarya Optika", "Zarya Logika", "Zarya", "Optika", "Polder")}) == 5


@settings(max_examples=500)
@given(st.one_of(st.text(max_size=60), st.text(alphabet="abcdefhijkotsuwxyzчшжйё .-&", max_size=60)))
def test_a_fingerprint_has_one_spelling(name):
    found = fingerprint(name)
    assert found == "" or (is_fingerprint(found) and map_of(f"namefp:{found}") == "party")


@pytest.mark.parametrize("name", ["namefp:Zarya", "namefp:optika-zarya", "namefp:zara-optika", "namefp:", "namefp:b-a"])
def test_a_fingerprint_in_another_spelling_is_no_question(name):
    assert map_of(name) is None


def test_numbers_find_their_register():
    assert identifier_key("LEI", "5299 00FICTIVETOPCO03", PARTY_SCHEMES) == LEI
    assert identifier_key("de-hrb", "HRB 123", PARTY_SCHEMES) == "id:de-hrb/HRB123"
    assert map_of("id:de-hrb/HRB123") == "party"
    assert identifier_key("lei", "", ()) is None


def test_the_command_answers_about_a_party(tmp_path):
    """Over a ledger on disk that no server has open."""
    data, out = tmp_path / "data", tmp_path / "party.json"
    log = open_ledger(data, "ledger.example/parties", FixedClock(1_767_225_600_000))
    log.start()
    statements = open_statements(data)
    dossier = statements.parties.keep(GRAPH, lambda count: bytes(range(count)))
    log.append("org", body={"acct": CUSTOMER}, fields=dossier.fields()).wait()
    log.close()
    (data / "account").write_text("100000000009\n")
    trust = tmp_path / "trust.policy"
    trust.write_text(f"log {(data / 'ledger.pub').read_text().strip()}\nquorum none\n")
    asked = ["--party", "Заря Оптика", "--party", INN]
    for arguments, word in (
        (asked, "PRESENT"),
        (["--party", "Nobody At All"], "ABSENT"),
        (["--identifier", INN], "PRESENT"),
    ):
        made = CliRunner().invoke(
            statement_commands.app, ["create", "--data", str(data), "--out", str(out), *arguments]
        )
        assert made.exit_code == 0, (made.output, made.exception)
        checked = CliRunner().invoke(
            statement_commands.app,
            ["verify", str(out), "--trust", str(trust), "--ledger", str(data / "ledger"), "--json"],
        )
        assert json.loads(checked.output)["verdict"] == word


def test_a_commitment_is_salted():
    body = canonical({"a": 1})
    assert commit(bytes(16), body) != commit(bytes(15) + b"\x01", body)


@pytest.mark.parametrize(
    "name",
    ["Vision Labs", "ВижнЛабс", "Vizhnlabs", "VisionLabs Nederland B.V.", "VISIONLABS HOLDING (NL)", "VisionLabs"],
)
def test_near_spellings_of_a_firm_share_a_place_that_screening_holds_alike(name: str) -> None:
    assert set(name_keys(name)) & set(name_keys("VisionLabs OOO"))
    ours, theirs = prepare(name), prepare("VisionLabs OOO")
    assert compare_names(ours, theirs).score >= REVIEW


def test_names_of_other_firms_share_no_place() -> None:
    names = ("VisionLabs", "Vision Optics", "Zarya Optika Nederland", "Severnaya Linza Nederland B.V.", "Star Europe")
    for one, other in itertools.combinations(names, 2):
        assert not set(name_keys(one)) & set(name_keys(other)), (one, other)


@settings(max_examples=200)
@given(st.text(max_size=60))
def test_every_key_of_a_name_is_one_of_the_map(name: str) -> None:
    assert all(map_of(key) == "party" for key in name_keys(name))


def test_the_verifier_in_javascript_says_the_same(parties):
    world = parties.world
    files = [parties.about(OWNER), parties.about(STRANGER), parties.about(OWNER, end=world.t + 60_000)]
    changed = list(mutations(files[0], 25, 2))
    own = [verify_party(file, world.policy()).word.value for file in files + changed]
    assert own[:3] == ["PRESENT", "ABSENT", "UNDETERMINED"]
    assert words(world.policy_text(), files + changed) == own
    alone = [encode_file(parties.statement(name)) for name in (INN, LEI)]
    alone += mutations(alone[0], 40, 3)
    own = [verify(file, world.policy()).word.value for file in alone]
    assert own[:2] == ["PRESENT", "ABSENT"]
    assert words(world.policy_text(), alone) == own
