import numpy as np

from tests.passes.graph.harness import body_of, module_of, ops_of, passed, run_passes
from weft.backends import reference


def test_ops_on_constants_become_constants():
    module = passed(
        """
        func.func @main() -> tensor<2xf32> {
          %a = ml.constant dense<[1.0, 2.0]> : tensor<2xf32>
          %b = ml.exp %a : tensor<2xf32>
          %c = ml.add %b, %a : tensor<2xf32>
          func.return %c : tensor<2xf32>
        }""",
        "fold",
    )
    assert ops_of(module) == ["ml.constant"]
    (found,) = reference.run(module, "main", [])
    np.testing.assert_allclose(found, np.exp([1.0, 2.0]) + np.array([1.0, 2.0]), rtol=1e-6)


def test_constants_do_not_grow_but_splats_may():
    text = """
      func.func @main() -> tensor<64x2xf32> {
        %a = ml.constant dense<VALUE> : tensor<2xf32>
        %b = ml.broadcast_in_dim %a, dims = [1] : tensor<2xf32> to tensor<64x2xf32>
        func.return %b : tensor<64x2xf32>
      }"""
    assert ops_of(passed(text.replace("VALUE", "[1.0, 2.0]"), "fold")) == ["ml.constant", "ml.broadcast_in_dim"]
    assert ops_of(passed(text.replace("VALUE", "1.0"), "fold")) == ["ml.constant"]
    assert len(ops_of(passed(text.replace("VALUE", "1.0"), "fold", max_elements=100))) == 2


def test_a_large_constant_is_transposed_where_nothing_else_reads_it():
    text = """
      func.func @main() -> (tensor<3x2xf32>TYPE) {
        %a = ml.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
        %b = ml.transpose %a, perm = [1, 0] : tensor<2x3xf32> to tensor<3x2xf32>
        func.return %bMORE : tensor<3x2xf32>TYPE
      }"""
    alone = text.replace("TYPE", "").replace("MORE", "")
    module = passed(alone, "fold", max_elements=1)
    assert ops_of(module) == ["ml.constant"]
    (found,) = reference.run(module, "main", [])
    assert found.tolist() == [[1, 4], [2, 5], [3, 6]]
    both = text.replace("TYPE", ", tensor<2x3xf32>").replace("MORE", ", %a")
    assert ops_of(passed(both, "fold", max_elements=1)) == ["ml.constant", "ml.transpose"]
    assert len(ops_of(passed(alone, "fold", max_elements=1, max_moved_elements=4))) == 2


def test_scalars_fold_with_the_numbers_of_the_targets():
    module = passed(
        """
        func.func @main() -> (i8, i8, i32, f32) {
          %min = arith.constant -128 : i8
          %m1 = arith.constant -1 : i8
          %zero = arith.constant 0 : i8
          %big = arith.constant 1.0e30 : f32
          %0 = arith.divsi %min, %m1 : i8
          %1 = arith.divsi %min, %zero : i8
          %2 = arith.fptosi %big : f32 to i32
          %3 = math.sqrt %big : f32
          func.return %0, %1, %2, %3 : i8, i8, i32, f32
        }""",
        "fold",
    )
    assert set(ops_of(module)) == {"arith.constant"}
    assert [float(v) for v in reference.run(module, "main", [])] == [-128, -1, 2**31 - 1, np.float32(1e15)]


def test_a_check_that_fails_stays_for_the_run():
    module = passed(
        """
        func.func @main() -> tensor<?xf32> {
          %m = arith.constant -1 : index
          %a = ml.iota dim = 0, sizes(%m) : tensor<?xf32>
          func.return %a : tensor<?xf32>
        }""",
        "fold",
    )
    assert "ml.iota" in ops_of(module)


def test_elements_of_constants_are_read():
    module = passed(
        """
        func.func @main() -> i32 {
          %c1 = arith.constant 1 : index
          %a = ml.constant dense<[4, 5]> : tensor<2xi32>
          %b = tensor.extract %a[%c1] : tensor<2xi32>
          func.return %b : i32
        }""",
        "fold",
    )
    assert body_of(module)[0].endswith("arith.constant 5 : i32")


def test_an_index_switch_on_a_constant_is_its_case():
    text = """
      func.func @main() -> i32 {
        %i = arith.constant 7 : index
        %r = scf.index_switch %i -> i32
        case 2 {
          %a = arith.constant 20 : i32
          scf.yield %a : i32
        }
        default {
          %c = arith.constant 9 : i32
          scf.yield %c : i32
        }
        func.return %r : i32
      }"""
    module = module_of(text)
    run_passes(module, "fold")
    assert "scf.index_switch" not in ops_of(module)
    assert reference.run(module, "main", []) == (9,)
