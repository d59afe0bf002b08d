from tests.passes.graph.harness import ops_of, passed


def test_carried_values_that_nobody_needs_go_with_what_makes_them():
    module = passed(
        """
        func.func @main(%n: index, %x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
          %c0 = arith.constant 0 : index
          %c1 = arith.constant 1 : index
          %a, %b = scf.for %i = %c0 to %n step %c1 iter_args(%p = %x, %q = %y) -> (tensor<4xf32>, tensor<4xf32>) {
            %0 = ml.add %p, %p : tensor<4xf32>
            %1 = ml.exp %q : tensor<4xf32>
            scf.yield %0, %1 : tensor<4xf32>, tensor<4xf32>
          }
          func.return %a : tensor<4xf32>
        }""",
        "dce",
    )
    assert "ml.exp" not in ops_of(module)
    (loop,) = (op for op in module.walk() if op.name == "scf.for")
    assert len(loop.results) == 1


def test_a_carried_value_that_feeds_another_stays():
    module = passed(
        """
        func.func @main(%n: index, %x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
          %c0 = arith.constant 0 : index
          %c1 = arith.constant 1 : index
          %a, %b = scf.for %i = %c0 to %n step %c1 iter_args(%p = %x, %q = %y) -> (tensor<4xf32>, tensor<4xf32>) {
            %0 = ml.add %p, %q : tensor<4xf32>
            %1 = ml.exp %q : tensor<4xf32>
            scf.yield %0, %1 : tensor<4xf32>, tensor<4xf32>
          }
          func.return %a : tensor<4xf32>
        }""",
        "dce",
    )
    assert "ml.exp" in ops_of(module)


def test_while_loses_what_its_condition_does_not_need():
    module = passed(
        """
        func.func @main(%n: i32, %x: tensor<4xf32>) -> i32 {
          %two = arith.constant 2 : i32
          %limit = arith.constant 100 : i32
          %r, %s = scf.while (%a = %n, %b = %x) : (i32, tensor<4xf32>) -> (i32, tensor<4xf32>) {
            %go = arith.cmpi slt, %a, %limit : i32
            scf.condition(%go) %a, %b : i32, tensor<4xf32>
          } do {
          ^bb0(%c: i32, %d: tensor<4xf32>):
            %e = arith.muli %c, %two : i32
            %f = ml.neg %d : tensor<4xf32>
            scf.yield %e, %f : i32, tensor<4xf32>
          }
          func.return %r : i32
        }""",
        "dce",
    )
    assert "ml.neg" not in ops_of(module)
    (loop,) = (op for op in module.walk() if op.name == "scf.while")
    assert (len(loop.operands), len(loop.results)) == (1, 1)


def test_branches_lose_results_but_keep_effects():
    module = passed(
        """
        func.func @main(%p: i1, %x: tensor<4xf32>, %m: memref<f32>, %v: f32) {
          %r = scf.if %p -> (tensor<4xf32>) {
            %0 = ml.exp %x : tensor<4xf32>
            memref.store %v, %m[] : memref<f32>
            scf.yield %0 : tensor<4xf32>
          } else {
            scf.yield %x : tensor<4xf32>
          }
          func.return
        }""",
        "dce",
    )
    assert "ml.exp" not in ops_of(module)
    assert "memref.store" in ops_of(module)


def test_private_functions_that_nobody_calls_go():
    module = passed(
        """
        func.func @main() { func.call @a() : () -> () func.return }
        func.func private @a() { func.call @b() : () -> () func.return }
        func.func private @b() { func.return }
        func.func private @c() { func.call @d() : () -> () func.return }
        func.func private @d() { func.return }
        func.func @public() { func.return }
        """,
        "dce",
    )
    assert [op.sym_name.data for op in module.ops] == ["main", "a", "b", "public"]
