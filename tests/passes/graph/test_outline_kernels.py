"""outline-kernels: what is fused, what is kept apart, and that the program stays a program."""

from __future__ import annotations

from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp, UnknownLoc
from xdsl.parser import Parser

from weft.passes.graph.clusters import MOST_OPS
from weft.passes.graph.outline_kernels import KERNEL, OutlineKernels
from weft.registry import context

HERE = ' loc("test.mlir":1:1)'


def outlined(text: str) -> ModuleOp:
    """The module of some functions after the pass, verified."""
    ctx = context()
    module = Parser(ctx, text).parse_module()
    module.verify()
    OutlineKernels().apply(ctx, module)
    module.verify()
    return module


def main(arguments: str, body: str, results: str = "tensor<4x8xf32>") -> str:
    return f"func.func @main({arguments}) -> ({results}) {{\n{body}\n}}"


def functions(module: ModuleOp) -> list[func.FuncOp]:
    return [op for op in module.ops if isinstance(op, func.FuncOp)]


def kernels(module: ModuleOp) -> list[list[str]]:
    """The names of the ml ops of each kernel."""
    return [
        [op.name.removeprefix("ml.") for op in function.body.block.ops if op.name.startswith("ml.")]
        for function in functions(module)
        if KERNEL in function.attributes
    ]


def host(module: ModuleOp) -> list[str]:
    return [op.name for op in next(iter(module.ops)).walk()][1:]


X = "%x: tensor<4x8xf32>"


def test_a_chain_becomes_one_kernel() -> None:
    body = """
        %a = ml.exp %x : tensor<4x8xf32>
        %b = ml.neg %a : tensor<4x8xf32>
        %c = ml.tanh %b : tensor<4x8xf32>
        func.return %c : tensor<4x8xf32>"""
    module = outlined(main(X, body))
    assert kernels(module) == [["exp", "neg", "tanh"]]
    assert host(module) == ["func.call", "func.return"]


def test_a_product_takes_its_epilogue_along() -> None:
    body = """
        %c0 = arith.constant 0 : index
        %n = tensor.dim %x, %c0 : tensor<?x16xf32>
        %p = ml.matmul %x, %w : (tensor<?x16xf32>, tensor<16x8xf32>) -> tensor<?x8xf32>
        %bias = ml.broadcast_in_dim %b, dims = [1], sizes(%n) : tensor<8xf32> to tensor<?x8xf32>
        %s = ml.add %p, %bias : tensor<?x8xf32>
        %y = ml.relu %s : tensor<?x8xf32>
        func.return %y : tensor<?x8xf32>"""
    arguments = "%x: tensor<?x16xf32>, %w: tensor<16x8xf32>, %b: tensor<8xf32>"
    module = outlined(main(arguments, body, "tensor<?x8xf32>"))
    assert kernels(module) == [["matmul", "broadcast_in_dim", "add", "relu"]]
    assert host(module) == ["func.call", "func.return"]
    assert len(functions(module)[1].body.block.args) == 3


def test_a_run_time_size_that_no_input_has_is_an_argument() -> None:
    body = """
        %b = ml.broadcast_in_dim %x, dims = [1], sizes(%n) : tensor<8xf32> to tensor<?x8xf32>
        %y = ml.neg %b : tensor<?x8xf32>
        func.return %y : tensor<?x8xf32>"""
    module = outlined(main("%x: tensor<8xf32>, %n: index", body, "tensor<?x8xf32>"))
    assert [str(arg.type) for arg in functions(module)[1].body.block.args] == ["tensor<8xf32>", "index"]


def test_two_heavy_ops_are_two_kernels() -> None:
    body = """
        %a = ml.matmul %x, %x : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
        %b = ml.matmul %a, %x : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
        %c = ml.add %a, %b : tensor<8x8xf32>
        func.return %c : tensor<8x8xf32>"""
    module = outlined(main("%x: tensor<8x8xf32>", body, "tensor<8x8xf32>"))
    assert kernels(module) == [["matmul"], ["matmul", "add"]]


def test_a_diamond_of_elementwise_ops_is_one_kernel() -> None:
    body = """
        %t = ml.exp %x : tensor<4x8xf32>
        %l = ml.neg %t : tensor<4x8xf32>
        %r = ml.abs %t : tensor<4x8xf32>
        %y = ml.add %l, %r : tensor<4x8xf32>
        func.return %y : tensor<4x8xf32>"""
    assert kernels(outlined(main(X, body))) == [["exp", "neg", "abs", "add"]]


def test_several_results_of_one_shape_are_one_kernel() -> None:
    body = """
        %t = ml.exp %x : tensor<4x8xf32>
        %l = ml.neg %t : tensor<4x8xf32>
        %r = ml.abs %t : tensor<4x8xf32>
        func.return %t, %l, %r : tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>"""
    module = outlined(main(X, body, ", ".join(["tensor<4x8xf32>"] * 3)))
    assert kernels(module) == [["exp", "neg", "abs"]]
    assert len(functions(module)[1].function_type.outputs) == 3


def test_a_value_path_does_not_leave_a_kernel_and_come_back() -> None:
    body = """
        %t = ml.exp %x : tensor<4x8xf32>
        %s = ml.reduce add %t, dims = [0] : tensor<4x8xf32> to tensor<8xf32>
        %b = ml.broadcast_in_dim %s, dims = [1] : tensor<8xf32> to tensor<4x8xf32>
        %y = ml.div %t, %b : tensor<4x8xf32>
        func.return %y : tensor<4x8xf32>"""
    assert kernels(outlined(main(X, body))) == [["exp"], ["reduce"], ["broadcast_in_dim", "div"]]


def test_a_use_on_the_host_between_two_ops_keeps_them_apart() -> None:
    body = """
        %t = ml.exp %x : tensor<f32>
        %v = tensor.extract %t[] : tensor<f32>
        %u = tensor.from_elements %v : tensor<f32>
        %y = ml.add %t, %u : tensor<f32>
        func.return %y : tensor<f32>"""
    assert kernels(outlined(main("%x: tensor<f32>", body, "tensor<f32>"))) == [["exp"], ["add"]]


def test_a_costly_op_is_not_repeated_for_each_element_of_a_product() -> None:
    body = """
        %t = ml.{op} %x : tensor<4x8xf32>
        %y = ml.matmul %t, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
        func.return %y : tensor<4x8xf32>"""
    arguments = f"{X}, %w: tensor<8x8xf32>"
    assert kernels(outlined(main(arguments, body.format(op="exp")))) == [["exp"], ["matmul"]]
    assert kernels(outlined(main(arguments, body.format(op="relu")))) == [["relu", "matmul"]]


def test_a_costly_op_is_not_repeated_along_a_broadcast() -> None:
    body = """
        %t = ml.{op} %x : tensor<8xf32>
        %b = ml.broadcast_in_dim %t, dims = [1] : tensor<8xf32> to tensor<4x8xf32>
        %y = ml.add %b, %a : tensor<4x8xf32>
        func.return %y : tensor<4x8xf32>"""
    arguments = "%x: tensor<8xf32>, %a: tensor<4x8xf32>"
    assert kernels(outlined(main(arguments, body.format(op="tanh")))) == [
        ["tanh"],
        ["broadcast_in_dim", "add"],
    ]
    assert len(kernels(outlined(main(arguments, body.format(op="abs"))))) == 1


def test_an_op_that_is_read_at_two_places_is_computed_once() -> None:
    body = """
        %t = ml.abs %x : tensor<8x8xf32>
        %r = ml.transpose %t, perm = [1, 0] : tensor<8x8xf32> to tensor<8x8xf32>
        %y = ml.add %t, %r : tensor<8x8xf32>
        func.return %y : tensor<8x8xf32>"""
    module = outlined(main("%x: tensor<8x8xf32>", body, "tensor<8x8xf32>"))
    assert kernels(module) == [["abs"], ["transpose", "add"]]


def test_equal_kernels_are_one_function() -> None:
    module = outlined(
        """
        func.func @main(%x: tensor<4x4xf32>, %w: tensor<4x4xf32>, %n: tensor<4x4xf32>) -> tensor<4x4xf32> {
          %a = ml.matmul %x, %w : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
          %b = ml.relu %a : tensor<4x4xf32>
          %c = ml.matmul %b, %n : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
          %d = ml.relu %c : tensor<4x4xf32>
          %e = ml.matmul %d, %n : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
          %f = ml.tanh %e : tensor<4x4xf32>
          func.return %f : tensor<4x4xf32>
        }
        func.func @other(%x: tensor<4x4xf32>, %w: tensor<4x4xf32>) -> tensor<4x4xf32> {
          %a = ml.matmul %x, %w : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
          %b = ml.relu %a : tensor<4x4xf32>
          func.return %b : tensor<4x4xf32>
        }"""
    )
    assert kernels(module) == [["matmul", "relu"], ["matmul", "tanh"]]
    calls = [op.callee.string_value() for op in module.walk() if isinstance(op, func.CallOp)]
    assert calls == ["main_kernel_0", "main_kernel_0", "main_kernel_1", "main_kernel_0"]


def test_kernels_that_differ_in_an_attribute_stay_two() -> None:
    body = """
        %a = ml.softmax %x, axis = 0 : tensor<4x8xf32>
        %b = ml.softmax %a, axis = 1 : tensor<4x8xf32>
        func.return %b : tensor<4x8xf32>"""
    assert kernels(outlined(main(X, body))) == [["softmax"], ["softmax"]]


def test_splats_move_into_kernels_and_large_constants_stay() -> None:
    body = """
        %s = ml.constant dense<2.0> : tensor<3xf32>
        %d = ml.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
        %e = arith.constant dense<4.0> : tensor<3xf32>
        %a = ml.mul %x, %s : tensor<3xf32>
        %b = ml.add %a, %d : tensor<3xf32>
        %c = ml.add %b, %e : tensor<3xf32>
        func.return %c : tensor<3xf32>"""
    module = outlined(main("%x: tensor<3xf32>", body, "tensor<3xf32>"))
    assert kernels(module) == [["constant", "constant", "mul", "add", "add"]]
    assert host(module) == ["ml.constant", "func.call", "func.return"]


def test_reshapes_stay_in_the_host() -> None:
    body = """
        %a = ml.exp %x : tensor<4x8xf32>
        %r = ml.reshape %a : tensor<4x8xf32> to tensor<32xf32>
        %y = ml.neg %r : tensor<32xf32>
        func.return %y : tensor<32xf32>"""
    module = outlined(main(X, body, "tensor<32xf32>"))
    assert kernels(module) == [["exp"], ["neg"]]
    assert host(module) == ["func.call", "ml.reshape", "func.call", "func.return"]


def test_a_size_becomes_host_arithmetic() -> None:
    body = """
        %n = ml.get_dimension_size %x, dim = 0 : tensor<?xf32> to tensor<i32>
        func.return %n : tensor<i32>"""
    module = outlined(main("%x: tensor<?xf32>", body, "tensor<i32>"))
    assert kernels(module) == []
    assert "tensor.dim" in host(module)


def test_ops_in_the_regions_of_control_flow_are_outlined_too() -> None:
    body = """
        %c0 = arith.constant 0 : index
        %c1 = arith.constant 1 : index
        %w = ml.exp %x : tensor<4x8xf32>
        %y = scf.for %i = %c0 to %n step %c1 iter_args(%s = %x) -> (tensor<4x8xf32>) {
          %t = ml.add %s, %w : tensor<4x8xf32>
          scf.yield %t : tensor<4x8xf32>
        }
        %z = scf.if %p -> (tensor<4x8xf32>) {
          %t = ml.neg %y : tensor<4x8xf32>
          scf.yield %t : tensor<4x8xf32>
        } else {
          scf.yield %y : tensor<4x8xf32>
        }
        func.return %z : tensor<4x8xf32>"""
    module = outlined(main(f"{X}, %p: i1, %n: index", body))
    assert kernels(module) == [["exp"], ["add"], ["neg"]]


def test_the_body_of_a_reduction_stays_in_it() -> None:
    body = """
        %z = ml.constant dense<0.0> : tensor<f32>
        %a = ml.neg %x : tensor<4x8xf32>
        %y = ml.reduce(%a init %z), dims = [1] : (tensor<4x8xf32>, tensor<f32>) -> tensor<4xf32> {
        ^bb0(%l: tensor<f32>, %r: tensor<f32>):
          %m = ml.abs %r : tensor<f32>
          %s = ml.add %l, %m : tensor<f32>
          ml.return %s : tensor<f32>
        }
        func.return %y : tensor<4xf32>"""
    assert kernels(outlined(main(X, body, "tensor<4xf32>"))) == [["constant", "neg", "reduce"]]


def test_dead_ops_make_no_kernel() -> None:
    body = """
        %a = ml.exp %x : tensor<4x8xf32>
        %b = ml.neg %a : tensor<4x8xf32>
        func.return %x : tensor<4x8xf32>"""
    module = outlined(main(X, body))
    assert kernels(module) == []
    assert host(module) == ["func.return"]


def test_an_op_that_only_dead_ops_of_a_region_use_is_dead() -> None:
    body = """
        %a = ml.exp %x : tensor<4x8xf32>
        %y = scf.if %p -> (tensor<4x8xf32>) {
          %b = ml.neg %a : tensor<4x8xf32>
          scf.yield %x : tensor<4x8xf32>
        } else {
          scf.yield %x : tensor<4x8xf32>
        }
        func.return %y : tensor<4x8xf32>"""
    assert kernels(outlined(main(f"{X}, %p: i1", body))) == []


def test_a_kernel_that_is_one_already_is_left_alone() -> None:
    module = outlined(
        """
        func.func private @k(%x: tensor<4xf32>) -> tensor<4xf32> attributes {ml.kernel} {
          %a = ml.exp %x : tensor<4xf32>
          func.return %a : tensor<4xf32>
        }"""
    )
    assert kernels(module) == [["exp"]]


def test_names_that_are_taken_are_not_used_again() -> None:
    module = outlined(
        """
        func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
          %a = ml.exp %x : tensor<4xf32>
          func.return %a : tensor<4xf32>
        }
        func.func @main_kernel_0(%x: tensor<4xf32>) -> tensor<4xf32> {
          func.return %x : tensor<4xf32>
        }"""
    )
    names = [function.sym_name.data for function in functions(module)]
    assert len(set(names)) == len(names) == 3


def test_every_new_op_has_a_location() -> None:
    body = f"""
        %a = "ml.exp"(%x) : (tensor<4x8xf32>) -> tensor<4x8xf32>{HERE}
        %b = "ml.neg"(%a) : (tensor<4x8xf32>) -> tensor<4x8xf32>{HERE}
        "func.return"(%b) : (tensor<4x8xf32>) -> (){HERE}"""
    module = outlined(main(X, body))
    call = next(op for op in module.walk() if isinstance(op, func.CallOp))
    assert not any(isinstance(op.location, UnknownLoc) for op in (call, *functions(module)[1].walk()))


def test_a_long_chain_is_cut_into_kernels_of_bounded_size() -> None:
    body = "".join(f"%v{n + 1} = ml.neg %v{n} : tensor<4xf32>\n" for n in range(300))
    body += "func.return %v300 : tensor<4xf32>"
    sizes = [len(names) for names in kernels(outlined(main("%v0: tensor<4xf32>", body, "tensor<4xf32>")))]
    assert max(sizes) <= MOST_OPS
    assert len(sizes) == 2  # 128 + 128 + 44, and equal kernels are one
