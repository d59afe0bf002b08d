"""Rewrites are counted, and stop where there is no room, in every pass that is made of many."""

import pytest

from weft.driver.passes import run_pipeline
from weft.driver.program import parse
from weft.passes.applications import counted

TEXT = """
func.func @main(%a: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = ml.neg %a : tensor<4xf32>
  %1 = ml.neg %0 : tensor<4xf32>
  %2 = ml.exp %1 : tensor<4xf32>
  %3 = ml.exp %1 : tensor<4xf32>
  %4 = ml.exp %1 : tensor<4xf32>
  %5 = ml.add %3, %4 : tensor<4xf32>
  func.return %2, %5 : tensor<4xf32>, tensor<4xf32>
}
"""


@pytest.mark.parametrize(
    "name, what", [("canonicalize", "on 'ml.neg' at"), ("cse", "an equal 'ml.exp' on 'ml.exp' at")]
)
def test_a_pass_makes_as_many_rewrites_as_it_may(name, what):
    with counted() as everything:
        run_pipeline(parse(TEXT), f"builtin.module({name})")
    assert len(everything.made) == 2 and any(what in str(made) for made in everything.made)
    module = parse(TEXT)
    before = module.clone()
    with counted(0) as nothing:
        run_pipeline(module, f"builtin.module({name})")
    assert not nothing.made and module.is_structurally_equivalent(before)
    with counted(1) as one:
        run_pipeline(module, f"builtin.module({name})")
    assert one.made == everything.made[:1] and not module.is_structurally_equivalent(before)
