from xdsl.dialects.builtin import FusedLoc

from tests.passes.graph.harness import ops_of, passed


def test_equal_ops_become_one_that_has_both_places():
    module = passed(
        """
        func.func @main(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
          %0 = ml.add %x, %y : tensor<4xf32>
          %1 = ml.add %y, %x : tensor<4xf32>
          %2 = ml.add %x, %y : tensor<4xf32>
          %3 = ml.mul %0, %1 : tensor<4xf32>
          %4 = ml.mul %3, %2 : tensor<4xf32>
          func.return %4 : tensor<4xf32>
        }""",
        "cse",
    )
    assert ops_of(module) == ["ml.add", "ml.mul", "ml.mul"]
    (first, *_) = (op for op in module.walk() if op.name == "ml.add")
    assert isinstance(first.location, FusedLoc)


def test_operands_in_another_order_stay_apart_where_order_counts():
    module = passed(
        """
        func.func @main(%x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
          %0 = ml.sub %x, %y : tensor<4xf32>
          %1 = ml.sub %y, %x : tensor<4xf32>
          func.return %0, %1 : tensor<4xf32>, tensor<4xf32>
        }""",
        "cse",
    )
    assert ops_of(module) == ["ml.sub", "ml.sub"]


def test_ops_with_other_attributes_or_types_stay_apart():
    module = passed(
        """
        func.func @main(%x: tensor<4x4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4x4xi8>, tensor<4x4xi16>) {
          %0 = ml.reduce add %x, dims = [0] : tensor<4x4xf32> to tensor<4xf32>
          %1 = ml.reduce add %x, dims = [1] : tensor<4x4xf32> to tensor<4xf32>
          %2 = ml.convert %x : tensor<4x4xf32> to tensor<4x4xi8>
          %3 = ml.convert %x : tensor<4x4xf32> to tensor<4x4xi16>
          func.return %0, %1, %2, %3 : tensor<4xf32>, tensor<4xf32>, tensor<4x4xi8>, tensor<4x4xi16>
        }""",
        "cse",
    )
    assert ops_of(module).count("ml.reduce") == 2
    assert ops_of(module).count("ml.convert") == 2


def test_ops_with_equal_regions_are_joined_and_others_are_not():
    text = """
      func.func @main(%x: tensor<4xf32>, %z: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
        %0 = ml.reduce(%x init %z), dims = [0] : (tensor<4xf32>, tensor<f32>) -> tensor<f32> {
        ^bb0(%a: tensor<f32>, %b: tensor<f32>):
          %c = ml.abs %b : tensor<f32>
          %d = ml.add %a, %c : tensor<f32>
          ml.return %d : tensor<f32>
        }
        %1 = ml.reduce(%x init %z), dims = [0] : (tensor<4xf32>, tensor<f32>) -> tensor<f32> {
        ^bb0(%a: tensor<f32>, %b: tensor<f32>):
          %c = ml.OP %b : tensor<f32>
          %d = ml.add %a, %c : tensor<f32>
          ml.return %d : tensor<f32>
        }
        func.return %0, %1 : tensor<f32>, tensor<f32>
      }"""
    assert ops_of(passed(text.replace("OP", "abs"), "cse")).count("ml.reduce") == 1
    assert ops_of(passed(text.replace("OP", "neg"), "cse")).count("ml.reduce") == 2


def test_values_of_one_branch_are_not_used_in_the_other():
    module = passed(
        """
        func.func @main(%p: i1, %x: tensor<4xf32>) -> tensor<4xf32> {
          %r = scf.if %p -> (tensor<4xf32>) {
            %0 = ml.exp %x : tensor<4xf32>
            scf.yield %0 : tensor<4xf32>
          } else {
            %1 = ml.exp %x : tensor<4xf32>
            scf.yield %1 : tensor<4xf32>
          }
          %2 = ml.exp %x : tensor<4xf32>
          %3 = ml.add %r, %2 : tensor<4xf32>
          func.return %3 : tensor<4xf32>
        }""",
        "cse",
    )
    assert ops_of(module).count("ml.exp") == 3


def test_blocks_see_what_dominates_them():
    module = passed(
        """
        func.func @main(%p: i1, %x: i32) -> i32 {
          %0 = arith.addi %x, %x : i32
          cf.cond_br %p, ^a, ^b
        ^a:
          %1 = arith.addi %x, %x : i32
          %2 = arith.muli %1, %x : i32
          cf.br ^c(%2 : i32)
        ^b:
          %3 = arith.muli %0, %x : i32
          cf.br ^c(%3 : i32)
        ^c(%4: i32):
          %5 = arith.addi %x, %x : i32
          %6 = arith.addi %4, %5 : i32
          func.return %6 : i32
        }""",
        "cse",
    )
    assert ops_of(module).count("arith.addi") == 2
    assert ops_of(module).count("arith.muli") == 2


def test_loads_stay():
    module = passed(
        """
        func.func @main(%m: memref<4xf32>, %i: index, %v: f32) -> (f32, f32) {
          %0 = memref.load %m[%i] : memref<4xf32>
          memref.store %v, %m[%i] : memref<4xf32>
          %1 = memref.load %m[%i] : memref<4xf32>
          func.return %0, %1 : f32, f32
        }""",
        "cse",
    )
    assert ops_of(module).count("memref.load") == 2
