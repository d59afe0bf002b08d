"""Equations of what reads at computed places, says elements by their place, or makes random numbers."""

import numpy as np
import pytest

import weft
from tests.passes.graph.harness import module_of, ops_of, run_passes
from tests.passes.loops.kernels import compare
from weft.backends import reference

X = np.array([[3, -1, 2, 7, 7], [0, 5, 5, -9, 1]], np.float32)
IDS = np.array([[1, 0, 4], [-3, 9, 2]], np.int8)
STATE = np.array([5, (1 << 64) - 2], np.uint64)

# (op, its text, types of the arguments and results, with and without run-time sizes, arguments)
CASES = {
    "take": ("ml.take %a, %b, axis = 1 : {0}, {1} to {2}", ["2x5xf32", "2x3xi8"], ["2x2x3xf32"], (X, IDS)),
    "one_hot": ("ml.one_hot %a, dim = 1 : {0} to {1}", ["2x3xi8"], ["2x4x3xf16"], (IDS,)),
    "one_hot ui64": ("ml.one_hot %a, dim = 0 : {0} to {1}", ["2xui64"], ["4x2xi1"], (STATE,)),
    "tri": ("ml.tri diagonal = 1 : {0}", [], ["3x4x5xf64"], ()),
    "tri i1": ("ml.tri diagonal = -1 : {0}", [], ["4x5xi1"], ()),
    "tril": ("ml.tril %a, diagonal = 1 : {0}", ["2x5xf32"], ["2x5xf32"], (X,)),
    "triu": ("ml.triu %a : {0}", ["2x5xf32"], ["2x5xf32"], (X,)),
    "top_k": ("ml.top_k %a, k = 3 : {0} to {1}, {2}", ["2x5xf32"], ["2x3xf32", "2x3xi64"], (X,)),
}
CASES |= {
    f"{name} {algorithm} {element}": (
        f"ml.random_{name} {algorithm}, %a : {{0}} to {{2}}",
        ["2xui64"],
        ["2xui64", f"3x6x{element}"],
        (STATE,),
    )
    for name in ("uniform", "normal")
    for algorithm in ("THREE_FRY", "PHILOX")
    for element in ("f16", "bf16", "f32", "f64")
}


def program(case: str, dynamic: bool):
    """A module of one op, and its arguments."""
    text, arguments, results, values = CASES[case]
    arguments = [f"tensor<{type_}>" for type_ in arguments]
    results = [f"tensor<{type_}>" for type_ in results]
    if dynamic:
        sizes = "".join(
            f"%{n} = tensor.cast %{n}0 : {t} to {_hidden(t)}\n" for n, t in zip("ab", arguments, strict=False)
        )
        given = [f"%{n}0: {t}" for n, t in zip("ab", arguments, strict=False)]
        hidden = [_hidden(type_) for type_ in arguments]
        results = hidden if case in ("tril", "triu") else results
    else:
        sizes, hidden = "", arguments
        given = [f"%{n}: {t}" for n, t in zip("ab", arguments, strict=False)]
    names = ["%r", "%s"][: len(results)]
    body = text.format(*hidden, *results)
    return module_of(
        f"func.func @main({', '.join(given)}) -> ({', '.join(results)}) {{ {sizes}"
        f"{', '.join(names)} = {body}\n func.return {', '.join(names)} : {', '.join(results)} }}"
    ), values


def _hidden(type_: str) -> str:
    return type_.replace("<2x", "<?x").replace("x5x", "x?x")


SIZED = [case for case in CASES if case.split()[0] not in ("tri", "uniform", "normal")]


@pytest.mark.parametrize(("case", "dynamic"), [*((case, False) for case in CASES), *((case, True) for case in SIZED)])
def test_an_equation_means_what_the_op_means(case, dynamic):
    module, values = program(case, dynamic)
    name = next(op for op in ops_of(module) if op.startswith("ml.")).removeprefix("ml.")
    expected = reference.run(module, "main", list(values))
    run_passes(module, "decompose", ops=(name,))
    assert f"ml.{name}" not in ops_of(module)
    for found, value in zip(reference.run(module, "main", list(values)), expected, strict=True):
        compare(np.asarray(found), np.asarray(value))


def test_sizes_that_are_given_are_kept():
    text = """func.func @main(%n: index, %i: tensor<3xi32>) -> (tensor<?x4xf32>, tensor<3x?xi1>) {
      %0 = ml.tri diagonal = 0, sizes(%n) : tensor<?x4xf32>
      %1 = ml.one_hot %i, dim = 1, sizes(%n) : tensor<3xi32> to tensor<3x?xi1>
      func.return %0, %1 : tensor<?x4xf32>, tensor<3x?xi1>
    }"""
    module = module_of(text)
    run_passes(module, "decompose", ops=("tri", "one_hot"))
    first, second = reference.run(module, "main", [6, np.array([5, 0, 7], np.int32)])
    np.testing.assert_array_equal(first, np.tri(6, 4))
    np.testing.assert_array_equal(second, np.array([5, 0, 7])[:, None] == np.arange(6))


@pytest.mark.parametrize("case", [case for case in CASES if case.split()[0] in ("uniform", "normal")])
def test_random_numbers_are_the_same_in_machine_code(case):
    module, values = program(case, dynamic=False)
    expected = reference.run(module, "main", list(values))
    for found, value in zip(weft.compile(module, threads=1)(*values), expected, strict=True):
        compare(np.asarray(found), np.asarray(value), 1e-5 if "f32" in case and "normal" in case else None)
