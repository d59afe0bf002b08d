"""What the loop dialect's verifiers refuse; beside each, the nearest thing that they take."""

from __future__ import annotations

import pytest
from xdsl.parser import Parser
from xdsl.utils.exceptions import VerifyException

from weft.registry import context


def check(body: str, buffers: str = "%A: memref<8x8xf32>") -> None:
    text = f"func.func @k({buffers}, %n: index) attributes {{loop.kernel}} {{\n{body}\nfunc.return\n}}"
    Parser(context(), text).parse_module().verify()


LOAD = "%v = loop.load %A[{}] : memref<8x8xf32>"

# (what is wrong, what is right, a part of the message)
TWINS = {
    "a table has no power of two of numbers": (
        "%i = arith.constant 3 : i32  %v = loop.lookup %i in array<f32: 1.0, 2.0, 3.0> : i32 -> f32",
        "%i = arith.constant 3 : i32  %v = loop.lookup %i in array<f32: 1.0, 2.0> : i32 -> f32",
        "should be a power of two, it is 3",
    ),
    "a table is larger than its index reaches": (
        "%i = arith.constant true  %v = loop.lookup %i in array<f32: 1.0, 2.0, 3.0, 4.0> : i1 -> f32",
        "%i = arith.constant true  %v = loop.lookup %i in array<f32: 1.0, 2.0> : i1 -> f32",
        "an i1 does not reach all 4 numbers",
    ),
    "a table is of another type than what it gives": (
        "%i = arith.constant 3 : i32  %v = loop.lookup %i in array<f64: 1.0, 2.0> : i32 -> f32",
        "%i = arith.constant 3 : i32  %v = loop.lookup %i in array<f64: 1.0, 2.0> : i32 -> f64",
        "a table of f64 gives no f32",
    ),
    "a hint is for a cache that no machine has": (
        "loop.prefetch %A[0, 0] level 4 : memref<8x8xf32>",
        "loop.prefetch %A[0, 0] level 3 : memref<8x8xf32>",
        "there are caches 1 to 3, and not 4",
    ),
    "a label stands twice": (
        'loop.for "i" %i to 8 { }  loop.for "i" %j to 8 { }',
        'loop.for "i~" %i to 8 { }  loop.for "i~" %j to 8 { }',
        "two loops have the label 'i'",
    ),
    "a label is of ragged marks only": (
        'loop.for "~" %i to 8 { }',
        'loop.for "i~" %i to 8 { }',
        "needs a label",
    ),
    "a counter is used as a value": (
        'loop.for "i" %i to 8 { %x = arith.addi %i, %n : index }',
        'loop.for "i" %i to 8 { %c = loop.index %i : index  %x = arith.addi %c, %n : index }',
        "make a value of it with loop.index",
    ),
    "a load has a computed place": (
        'loop.for "i" %i to 8 { %c = arith.muli %n, %n : index  %v = loop.load %A[%c, %i] : memref<8x8xf32> }',
        'loop.for "i" %i to 8 { %c = arith.muli %n, %n : index  %v = loop.gather %A[%c, %i] : memref<8x8xf32> }',
        "inside 'loop.for' is no symbol",
    ),
    "a gather leaves its buffer by counters alone": (
        'loop.for "i" %i to 9 { %v = loop.gather %A[%i, %n] : memref<8x8xf32> }',
        'loop.for "i" %i to 8 { %v = loop.gather %A[%i, %n] : memref<8x8xf32> }',
        "runs from 0 to 8 in a dimension of size 8",
    ),
    "a counter is stored": (
        '%T = loop.alloc stack "T" : memref<8xindex> loop.for "i" %i to 8 { loop.store %i, %T[%i] : memref<8xindex> }',
        '%T = loop.alloc stack "T" : memref<8xindex> loop.for "i" %i to 8 { loop.store %n, %T[%i] : memref<8xindex> }',
        "used by 'loop.store' as a value",
    ),
    "a value from inside a loop is taken for a symbol": (
        f'loop.for "i" %i to 8 {{ %c = loop.index 2*%i : index {LOAD.format("%c, 0")} }}',
        f"%c = loop.index 2*%n : index {LOAD.format('%c, 0')}",
        "is no symbol",
    ),
    "a row is too short": (
        '"loop.for"(%n) <{lin = #loop.lin<[(8)]>, label = "i"}> ({ ^bb0(%i: index): }) : (index) -> ()',
        '"loop.for"(%n) <{lin = #loop.lin<[(1, 8)]>, label = "i"}> ({ ^bb0(%i: index): }) : (index) -> ()',
        "one entry per counter",
    ),
    "a counter is listed and not used": (
        '"loop.for"(%n) <{lin = #loop.lin<[(0, 8)]>, label = "i"}> ({ ^bb0(%i: index): }) : (index) -> ()',
        '"loop.for"() <{lin = #loop.lin<[(8)]>, label = "i"}> ({ ^bb0(%i: index): }) : () -> ()',
        "no linear form uses",
    ),
    "a counter is listed twice": (
        '%v = "loop.load"(%A, %n, %n) <{lin = #loop.lin<[(1, 0, 0), (0, 1, 0)]>}>'
        " : (memref<8x8xf32>, index, index) -> f32",
        '%v = "loop.load"(%A, %n) <{lin = #loop.lin<[(1, 0), (1, 0)]>}> : (memref<8x8xf32>, index) -> f32',
        "listed twice",
    ),
    "a loop has no bound": (
        '"loop.for"() <{lin = #loop.lin<[]>, label = "i"}> ({ ^bb0(%i: index): }) : () -> ()',
        '"loop.for"() <{lin = #loop.lin<[(0)]>, label = "i"}> ({ ^bb0(%i: index): }) : () -> ()',
        "needs a bound",
    ),
    "an index has the wrong rank": (LOAD.format("0"), LOAD.format("0, 0"), "1 linear forms, 2 are expected"),
    "an index runs out at the end": (
        f'loop.for "i" %i to 4 {{ {LOAD.format("2*%i + 2, 0")} }}',
        f'loop.for "i" %i to 4 {{ {LOAD.format("2*%i + 1, 0")} }}',
        "runs from 2 to 8 in a dimension of size 8",
    ),
    "an index runs out at the start": (
        f'loop.for "i" %i to 4 {{ {LOAD.format("%i - 1, 0")} }}',
        f'loop.for "i" %i to 4 {{ loop.if %i - 1 >= 0 {{ {LOAD.format("%i - 1, 0")} }} }}',
        "runs from -1",
    ),
    "an index runs out in a loop that runs": (
        f'loop.for "i" %i to 9 {{ {LOAD.format("%i, 0")} }}',
        f'loop.for "i" %i to 9 {{ loop.for "j" %j to 0 {{ {LOAD.format("%i, 0")} }} }}',
        "runs from 0 to 8",
    ),
    "the result of a load is another type": (
        '%v = "loop.load"(%A) <{lin = #loop.lin<[(0), (0)]>}> : (memref<8x8xf32>) -> f64',
        '%v = "loop.load"(%A) <{lin = #loop.lin<[(0), (0)]>}> : (memref<8x8xf32>) -> f32',
        "the result is f64",
    ),
    "the value of a store is another type": (
        '"loop.store"(%n, %A) <{lin = #loop.lin<[(0), (0)]>}> : (index, memref<8x8xf32>) -> ()',
        '%v = arith.constant 0.0 : f32 "loop.store"(%v, %A) <{lin = #loop.lin<[(0), (0)]>}>'
        " : (f32, memref<8x8xf32>) -> ()",
        "the value is index",
    ),
    "a vector loop holds a loop": (
        'loop.for "i" %i to 8 vector(4) { loop.for "j" %j to 8 { } }',
        'loop.for "i" %i to 8 vector(4) { loop.for "j" %j to 8 unroll { } }',
        "which is not unrolled",
    ),
    "a vector loop holds a vector loop": (
        'loop.for "i" %i to 8 vector(4) { loop.for "j" %j to 8 vector(4) { } }',
        'loop.for "i" %i to 8 unroll { loop.for "j" %j to 8 vector(4) { } }',
        "which is not unrolled",
    ),
    "a vector's counter decides": (
        'loop.for "i" %i to 8 vector(4) { loop.if %i - 1 >= 0 { } }',
        'loop.for "i" %i to 8 vector(4) { loop.if %n - 1 >= 0 { } }',
        "decides control flow",
    ),
    "a wholly unrolled loop has no constant bound": (
        'loop.for "i" %i to %n unroll { }',
        'loop.for "i" %i to %n unroll(2) { }',
        "needs a constant among its bounds",
    ),
    "a vector has one lane": (
        'loop.for "i" %i to 8 attributes {m = #loop.mark<vector(1)>} { }',
        'loop.for "i" %i to 8 attributes {m = #loop.mark<vector(2)>} { }',
        "should be from 2",
    ),
    "a reduction over what indexes it": (
        f'loop.for "i" %i to 8 {{ {LOAD.format("%i, 0")}'
        " loop.reduce add %v into %A[%i, 0] over (%i) : memref<8x8xf32> }",
        f'loop.for "i" %i to 8 {{ {LOAD.format("%i, 0")}'
        " loop.reduce add %v into %A[0, 0] over (%i) : memref<8x8xf32> }",
        "occurs in the index",
    ),
    "a reduction over a symbol": (
        f"{LOAD.format('0, 0')} loop.reduce add %v into %A[0, 0] over (%n) : memref<8x8xf32>",
        f"{LOAD.format('0, 0')} loop.reduce add %v into %A[0, 0] : memref<8x8xf32>",
        "a symbol is none",
    ),
    "a kind that floats do not have": (
        f"{LOAD.format('0, 0')} loop.reduce umax %v into %A[0, 0] : memref<8x8xf32>",
        f"{LOAD.format('0, 0')} loop.reduce max %v into %A[0, 0] : memref<8x8xf32>",
        "there is no 'umax' of f32",
    ),
    "a kind that is none": (
        f"{LOAD.format('0, 0')} loop.reduce sum %v into %A[0, 0] : memref<8x8xf32>",
        f"{LOAD.format('0, 0')} loop.reduce add %v into %A[0, 0] : memref<8x8xf32>",
        "'sum' is no kind",
    ),
    "two kinds in one nest": (
        f'loop.for "i" %i to 8 {{ {LOAD.format("%i, 0")} loop.reduce add %v into %A[0, 0] : memref<8x8xf32>'
        " loop.reduce max %v into %A[0, 0] : memref<8x8xf32> }",
        f'loop.for "i" %i to 8 {{ {LOAD.format("%i, 0")} loop.reduce add %v into %A[0, 0] : memref<8x8xf32> }}'
        f' loop.for "j" %j to 8 {{ %w = loop.load %A[%j, 0] : memref<8x8xf32>'
        " loop.reduce max %w into %A[0, 0] : memref<8x8xf32> }",
        "by 'add' and by 'max'",
    ),
    "a space that is none": (
        '%T = loop.alloc cache "T" : memref<8xf32>',
        '%T = loop.alloc heap "T" : memref<8xf32>',
        "'cache' is no space",
    ),
    "a run-time size is missing": (
        '%T = loop.alloc heap "T" : memref<?xf32>',
        '%T = loop.alloc heap "T"(%n) : memref<?xf32>',
        "needs 1 sizes, 0 are given",
    ),
    "registers of a run-time size": (
        '%T = loop.alloc reg "T"(%n) : memref<?xf32>',
        '%T = loop.alloc reg "T" : memref<4xf32>',
        "has no run-time sizes",
    ),
    "elements that loops do not compute on": (
        '%T = loop.alloc heap "T" : memref<8xi7>',
        '%T = loop.alloc heap "T" : memref<8xi8>',
        "do not compute on elements of i7",
    ),
    "a slice of another shape": (
        "%p = loop.private %A : memref<8x8xf32> -> memref<4xf32>",
        "%p = loop.private %A : memref<8x8xf32> -> memref<8xf32>",
        "a worker's slice",
    ),
}


@pytest.mark.parametrize("what", TWINS)
def test_the_verifier_refuses_one_twin_and_takes_the_other(what):
    wrong, right, message = TWINS[what]
    with pytest.raises(VerifyException) as error:
        check(wrong)
    assert message in str(error.value)
    check(right)


def test_a_counter_is_used_inside_its_loop_only():
    text = """
    "func.func"() <{sym_name = "k", function_type = (memref<8xf32>) -> ()}> ({
    ^bb0(%A: memref<8xf32>):
      loop.for "i" %i to 8 { }
      loop.for "j" %j to 8 { %v = loop.load %A[%j] : memref<8xf32> }
      func.return
    }) : () -> ()"""
    module = Parser(context(), text).parse_module()
    module.verify()
    first, second = [op for op in module.walk() if op.name == "loop.for"]
    next(op for op in second.walk() if op.name == "loop.load").operands[1] = first.counter
    with pytest.raises(VerifyException, match="loop"):
        module.verify()


@pytest.mark.parametrize(
    ("argument", "index", "fine"),
    [
        ("memref<4x16xf32> {loop.align = 64 : i64}", "%i, %j", True),
        ("memref<4x16xf32>", "%i, %j", True),
        ("memref<4x17xf32> {loop.align = 64 : i64}", "%i, %j", False),
        ("memref<4x17xf32> {loop.align = 64 : i64}", "%i, %j + 1", False),
        ("memref<4x?xf32> {loop.align = 64 : i64}", "%i, %j", False),
    ],
)
def test_a_nontemporal_store_goes_to_places_whole_vectors_apart(argument, index, fine):
    type_ = argument.split(" ")[0]
    body = f"""%v = arith.constant 0.0 : f32
      loop.for "i" %i to 4 {{ loop.for "j" %j to 16 vector(16) {{
        loop.store %v, %A[{index}] nontemporal : {type_} }} }}"""
    if fine:
        check(body, f"%A: {argument}")
    else:
        with pytest.raises(VerifyException, match="whole vectors apart"):
            check(body, f"%A: {argument}")


@pytest.mark.parametrize("element", ["f16", "bf16", "f32", "f64", "i1", "i8", "i16", "i32", "i64", "index"])
def test_every_element_type_loads_reduces_and_stores(element):
    kind = "or" if element == "i1" else "max"
    check(
        f"""loop.for "i" %i to 8 {{ %v = loop.load %B[%i] : memref<8x{element}>
          loop.store %v, %B[%i] : memref<8x{element}>
          loop.reduce {kind} %v into %B[0] over (%i) : memref<8x{element}> }}""",
        f"%B: memref<8x{element}>",
    )


@pytest.mark.parametrize("element", ["ui8", "i7", "f8E4M3FN", "vector<4xf32>"])
def test_no_other_element_type_is_taken(element):
    with pytest.raises(VerifyException, match="do not compute on"):
        check(f"%v = loop.load %B[0] : memref<8x{element}>", f"%B: memref<8x{element}>")
