"""Programs and their parts in one module: inner parts are seen from inside alone, and memory is given back in order."""

import pytest

from weft.backends.llvm.elf import read_elf, undefined_symbols
from weft.backends.llvm.machine import host_machine, unknown_feature
from weft.backends.llvm.object_code import InvalidIR, Linked, Machine, Part

MAIN = """
@weft.hidden = global i32 7
declare i32 @help()
declare i32 @other()
define i32 @main() {
  %a = call i32 @help()
  %b = call i32 @other()
  %c = load i32, ptr @weft.hidden
  %d = add i32 %a, %b
  %e = add i32 %c, %d
  ret i32 %e
}
"""
INNER = "define i32 @help() {\n  %a = call i32 @own()\n  ret i32 %a\n}\ndefine internal i32 @own() {\n  ret i32 1\n}\n"
OUTER = "declare i32 @elsewhere()\ndefine i32 @other() {\n  %a = call i32 @elsewhere()\n  ret i32 %a\n}\n"


def test_an_inner_part_is_not_seen_from_outside_and_an_outer_one_is():
    with Linked(MAIN, [Part(INNER), Part(OUTER, inner=False)], host_machine()) as linked:
        text = linked.ir()
        assert "define i32 @main()" in text and "define i32 @other()" in text
        assert "define internal i32 @help()" in text and "define internal i32 @own()" in text
        assert "@weft.hidden = internal global" in text
        assert undefined_symbols(linked.object()) == ["elsewhere"]
        assert "main:" in linked.assembly()


def test_llvms_module_is_gone_behind_the_with():
    with Linked("define void @f() {\n  ret void\n}\n", [], host_machine()) as linked:
        module = linked._module
    assert module.closed


def test_wrong_ir_is_refused_in_every_part():
    with pytest.raises(InvalidIR):
        Linked("define", [], host_machine())
    with pytest.raises(InvalidIR):
        Linked(MAIN, [Part("define i32 @help() {\n  ret i64 1\n}\n")], host_machine())


def test_code_is_for_the_machine_that_is_asked_for():
    arm = Machine("aarch64-unknown-linux-gnu", "generic", "+neon")
    with Linked("define void @f() {\n  ret void\n}\n", [], arm) as linked:
        assert read_elf(linked.object()).machine == 183


def test_a_feature_that_llvm_does_not_know_is_found(capfd):
    assert unknown_feature(Machine("x86_64-unknown-linux-gnu", "", "+avx2,-sse4a")) is None
    assert unknown_feature(Machine("x86_64-unknown-linux-gnu", "", "+avx2,-nosuch,+noother")) == "nosuch"
    assert capfd.readouterr().err == ""
