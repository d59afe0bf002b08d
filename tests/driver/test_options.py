"""Options of passes as text."""

from dataclasses import dataclass

import pytest
from xdsl.passes import ModulePass

from weft.diagnostics import WeftError
from weft.driver.options import make_pass


@dataclass(frozen=True)
class Sample(ModulePass):
    name = "sample"
    count: int
    scale: float = 1.0
    fast: bool = False
    label: str | None = None
    sizes: tuple[int, ...] = ()

    def apply(self, ctx, op):
        pass


def test_text_becomes_the_types_of_the_fields():
    made = make_pass(Sample, [("count", "3"), ("scale", "0.5"), ("fast", "true"), ("label", "x"), ("sizes", "1,2")])
    assert made == Sample(3, 0.5, True, "x", (1, 2))


def test_an_option_may_be_spelled_with_underscores_or_dashes():
    @dataclass(frozen=True)
    class Spelled(ModulePass):
        name = "spelled"
        max_count: int = 0

        def apply(self, ctx, op):
            pass

    assert make_pass(Spelled, [("max-count", "1")]) == make_pass(Spelled, [("max_count", "1")]) == Spelled(1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([("count", "1"), ("cuont", "1")], "did you mean 'count'"),
        ([("count", "1"), ("zzz", "1")], "the options of 'sample' are: count"),
        ([("count", "x")], "'x' value invalid, expected int"),
        ([("count", "1"), ("fast", "maybe")], "'maybe' value invalid, expected bool"),
        ([("count", "1"), ("sizes", "1,a")], "value invalid"),
        ([("scale", "1")], "needs the option count"),
    ],
)
def test_a_wrong_option_is_refused(options, message):
    with pytest.raises(WeftError, match=message):
        make_pass(Sample, options)
