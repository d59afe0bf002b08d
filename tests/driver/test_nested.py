"""A pass that sees one function alone: what it calls is known when it is verified."""

from weft.driver.passes import run_pipeline
from weft.driver.printing import print_module
from weft.driver.program import parse

TEXT = """
func.func private @double(%a: tensor<4xf32>) -> tensor<4xf32> {
  %0 = ml.add %a, %a : tensor<4xf32>
  func.return %0 : tensor<4xf32>
}
func.func @main(%a: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = ml.add %a, %a : tensor<4xf32>
  %1 = ml.add %a, %a : tensor<4xf32>
  %2 = ml.mul %0, %1 : tensor<4xf32>
  %3 = func.call @double(%2) : (tensor<4xf32>) -> tensor<4xf32>
  func.return %2, %3 : tensor<4xf32>, tensor<4xf32>
}
func.func private @other() {
  func.return
}
"""


def test_a_function_that_calls_another_is_verified_with_it_and_stays_in_its_place():
    module = parse(TEXT)
    run_pipeline(module, "builtin.module(func.func(cse,canonicalize))", verify_each=True)
    assert [op.sym_name.data for op in module.body.block.ops] == ["double", "main", "other"]
    assert print_module(module).count("ml.add") == 2
