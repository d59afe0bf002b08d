"""Text of the loop dialect: it reads back to the same module, in custom and in generic form."""

from __future__ import annotations

import inspect
import io
import re
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import ParseError

from weft.dialects.loop import LOOP, ScheduleAttr
from weft.dialects.loop.schedule import STEPS, Interchange, Tile
from weft.frontends.mlir import parse_module
from weft.registry import context

TEXT = """
func.func @k(%A: memref<8x4xf32> {loop.name = "A"}, %C: memref<8x8xf32> {loop.name = "C", loop.align = 64 : i64})
    attributes {loop.kernel, loop.schedule = #loop.schedule<
      tile i 12 into (ip, ir), interchange (ip, k, ir), unroll "k~" 4, unroll ir, vectorize Ap.jr 16,
      stage B at kc as Bp in heap (jp, k), stage C at ip as Cr in reg, map i to block, map j to thread 2,
      rfactor m as mp over jo parts ji, partition ip, inline P, fuse_consumer T, prefetch C at ip,
      prefetch B at k 32 3, nontemporal Y, nontemporal Y 4096, parallelize i>} {
  %c0 = arith.constant 0 : index
  %n = memref.dim %A, %c0 : memref<8x4xf32>
  %t = loop.alloc heap "t"(%n, %n) : memref<?x512x?xf32>
  loop.for "i" %i to min(8, 3 - 4*%n, -%n, -7, %n + 1) {
    loop.for "j" %j to 8 vector(8) {
      loop.for "k" %k to 4 unroll(2) attributes {foo = 1 : i32} {
        %a = loop.load %A[%i, %k] : memref<8x4xf32>
        %b = loop.load %A[2*%k - %i + 3, 0] {hi} : memref<8x4xf32>
        %p = arith.mulf %a, %b : f32
        loop.reduce add %p into %C[%i, %j] over (%k) : memref<8x8xf32>
        loop.store %p, %C[%i, %j] nontemporal : memref<8x8xf32>
        loop.store %p, %C[%i, %j] nontemporal(4096) : memref<8x8xf32>
        loop.prefetch %C[%i, %j] : memref<8x8xf32>
        loop.prefetch %C[%i, %j + 64] level 2 : memref<8x8xf32>
      }
    }
    %x = loop.alloc reg "x" : memref<4x5xi8>
    %y = loop.private %x : memref<4x5xi8> -> memref<5xi8>
    loop.if 3 - %i >= 0 {
      %z = loop.index 3*%i + 4*%n - 1 : index
    } else {
      loop.for "j~" %l to 0 parallel {
      }
    }
    loop.if -3 >= 0 {
    }
  }
  func.return
}
"""


def generic(module: ModuleOp) -> str:
    out = io.StringIO()
    Printer(out, print_generic_format=True).print_op(module)
    return out.getvalue()


def read(text: str) -> ModuleOp:
    return Parser(context(), text).parse_module()


@pytest.mark.parametrize("reader", [read, lambda text: parse_module(text, context())])
def test_text_reads_back_to_the_same_module_in_both_forms(reader):
    module = reader(TEXT)
    module.verify()
    assert generic(reader(str(module))) == generic(module)
    assert str(reader(generic(module))) == str(module)


FORM = st.lists(st.tuples(st.sampled_from(["%i", "%j", "%n"]), st.integers(-5, 5)), max_size=5)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(FORM, st.integers(-9, 9)), min_size=1, max_size=4))
def test_linear_forms_read_back_whatever_they_are(forms):
    def spell(terms, constant):
        text = " ".join(f"{'-' if c < 0 else '+'} {abs(c)}*{v}" for v, c in terms) + f" + {constant}"
        return text.lstrip("+ ").replace("+ -", "- ").replace("- - ", "- ")

    bound = ", ".join(spell(*form) for form in forms)
    module = read(
        f"""func.func @k(%n: index) {{
          loop.for "i" %i to 4 {{ loop.for "j" %j to 4 {{ loop.for "k" %k to min({bound}) {{ }} }} }}
          func.return }}"""
    )
    module.verify()
    again = read(str(module))
    assert generic(again) == generic(module)
    inner = [op for op in again.walk() if op.name == "loop.for"][2]
    assert len(inner.forms()) == len(forms)
    for form, (terms, constant) in zip(inner.forms(), forms, strict=True):
        assert form.constant == constant
        totals = {name: sum(c for v, c in terms if v == name) for name in {v for v, _ in terms}}
        assert sorted(c for _, c in form.terms) == sorted(c for c in totals.values() if c)


NAME = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_.]{0,6}~{0,2}", fullmatch=True)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(NAME, st.integers(1, 99), NAME, NAME), max_size=4))
def test_schedules_read_back_whatever_names_they_have(tiles):
    steps = tuple(Tile(*tile) for tile in tiles) + tuple(Interchange((a, c, d)) for a, _, c, d in tiles)
    schedule = ScheduleAttr(steps)
    assert Parser(context(), str(schedule)).parse_attribute() == schedule


def test_every_step_has_its_example_as_its_text():
    for step in STEPS:
        for example in re.findall(r"`([^`]*)`", step.__doc__ or ""):
            attribute = Parser(context(), f"#loop.schedule<{example}>").parse_attribute()
            assert isinstance(attribute, ScheduleAttr)
            assert [str(s) for s in attribute.data] == [example]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tile i into (a, b)", "a number (size) is expected"),
        ("tyle i 3 into (a, b)", "'tyle' is no schedule step"),
        ("interchange i, j", "a list in parentheses (loops) is expected"),
        ("map i block", "to"),
    ],
)
def test_a_wrong_schedule_is_a_clear_error(text, message):
    with pytest.raises(ParseError, match=re.escape(message)):
        Parser(context(), f"#loop.schedule<{text}>").parse_attribute()


def test_the_target_reads_back_and_knows_its_facts():
    text = '#target.cpu<threads = 8, vector_bytes = 64, features = "avx512f">'
    attribute = Parser(context(), text).parse_attribute()
    assert attribute.data.threads == 8 and attribute.data.l1_bytes == 32768
    assert Parser(context(), str(attribute)).parse_attribute() == attribute
    with pytest.raises(ParseError, match="no fact about a CPU"):
        Parser(context(), "#target.cpu<cores = 8>").parse_attribute()


@pytest.mark.parametrize("op", list(LOOP.operations), ids=lambda op: op.name)
def test_the_syntax_in_each_docstring_reads(op):
    example = re.search(r"```mlir\n(.*?)```", inspect.getdoc(op) or "", re.S)
    assert example is not None
    body = dedent(example[1])
    names = {
        "A": "memref<1024x1024xf32>",
        "C": "memref<8x1024xf32>" if "8x1024" in body else "memref<1024x1024xf32>",
        "all": "memref<4x512xf32>",
        "v": "f32",
        "p": "f32",
        "bits": "i32",
        "ring": "memref<3x128x32xf32>",
        "left": "memref<128x32xf16>",
        "right": "memref<32x128xf16>",
        "sums": "memref<4x4x2x2x2xf32>",
        **dict.fromkeys(("a", "b") if op.name == "loop.mma" else (), "vector<8xf16>"),
        **dict.fromkeys(("n", *(["row"] if "%row," in body else [])), "index"),
    }
    counters = sorted(set(re.findall(r"%(ic|ip|ir|i|j|k|kc|l|kb|s|im|jn|ks|r|h)\b", body)))
    if op.name == "loop.for":
        counters.remove("ip")
    nest = " ".join(f'loop.for "{c}" %{c} to %n {{' for c in counters if c != "n")
    aligned = " {loop.align = 64 : i64}"
    arguments = ", ".join(f"%{n}: {t}{aligned if n == 'C' else ''}" for n, t in names.items())
    read(f"func.func @k({arguments}) {{ {nest} {body} {'}' * len(counters)} func.return }}").verify()
