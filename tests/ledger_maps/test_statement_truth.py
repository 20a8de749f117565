"""For any history and any question, the verdict is the truth about that history."""

from hypothesis import given, settings
from hypothesis import strategies as st

from custodes.ledger.prover.files import encode_file
from custodes.ledger.verifier.verdict import Word, verify

START, MINUTE = 1_767_225_600_000, 60_000
ACCOUNTS = [f"10000000000{digit}" for digit in range(4)]

steps = st.lists(
    st.one_of(
        st.tuples(st.just("use"), st.sampled_from(ACCOUNTS[:3]), st.integers(0, 5)),
        st.tuples(st.just("head"), st.integers(0, 2)),
        st.tuples(st.just("other")),
    ),
    max_size=25,
)
minutes = st.one_of(st.none(), st.integers(0, 40).map(lambda minute: START + minute * MINUTE))


@settings(max_examples=60, deadline=None)
@given(history=steps, account=st.sampled_from(ACCOUNTS), begin=minutes, end=minutes)
def test_the_verdict_is_the_truth(make_world, history, account, begin, end):
    world = make_world()
    world.append("boot", None, {"r": "A" * 43})
    done = []
    for step in history:
        if step[0] == "use":
            index = world.use(step[1], units=step[2])
            done.append((index, step[1], world.t - MINUTE, step[2]))
        elif step[0] == "head":
            world.close(gap=step[1])
        else:
            world.append("inc")
    world.close()
    verdict = verify(encode_file(world.statement(f"acct:{account}", begin, end)), world.policy(), world.whole_log)
    expected = [
        (index, t, units)
        for index, who, t, units in done
        if who == account and (begin is None or begin <= t) and (end is None or t < end)
    ]
    covered = world.t - MINUTE  # the last head is the last entry
    if (begin or 0) > covered or (end or 0) > covered or (None not in (begin, end) and begin >= end):
        assert verdict.word is Word.UNDETERMINED
    else:
        assert [(use.index, use.t, use.units) for use in verdict.evidence.uses] == expected
        assert verdict.word is (Word.PRESENT if expected else Word.ABSENT)
        total = sum(units for _, _, _, units in done)
        assert (verdict.evidence.head.node.count, verdict.evidence.head.node.units) == (len(done), total)
