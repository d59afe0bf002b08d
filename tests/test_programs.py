import random

from xdsl.dialects.builtin import UnknownLoc

from tests.programs import assert_same, random_program
from weft.backends import reference
from weft.dialects import ml


def test_random_programs_verify_run_and_repeat():
    for seed in range(20):
        first, second = (random_program(random.Random(seed)) for _ in range(2))
        assert str(first.module) == str(second.module)
        assert_same(reference.run(first.module, "main", first.args), reference.run(second.module, "main", second.args))


def test_random_programs_cover_the_dialect():
    seen = set()
    text = ""
    for seed in range(300):
        module = random_program(random.Random(seed), windows=True).module
        seen |= {type(op) for op in module.walk()}
        text += str(module)
        assert not any(isinstance(op.location, UnknownLoc) for op in module.walk())
    missing = set(ml.ML.operations) - seen
    assert not {op.name for op in missing}
    assert all(word in text for word in ("?x", "scf.if", "scf.for", "func.call", "bf16", "ui64"))
