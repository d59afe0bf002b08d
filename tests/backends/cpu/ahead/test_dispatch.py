"""Libraries for several CPUs: what is asked of the machine decides, and every version gives the same results."""

import ctypes
import platform
import re
import shutil

import numpy as np
import pytest

import weft
from weft.backends.cpu.ahead.dispatch import FEATURES, Version, dispatch_ir, version_ir
from weft.backends.cpu.library import Library
from weft.backends.llvm.object_code import to_object
from weft.driver.host import host_cpu
from weft.driver.targets import read_targets

LEVELS = "cpu:x86-64-v3,cpu:x86-64-v2,cpu:x86-64-v4"

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="x86-64 only")

PROGRAM = """
func.func @main(%x: tensor<20x37xf32>, %w: tensor<37x50xf32>) -> tensor<20x50xf32> {
  %0 = ml.matmul %x, %w : (tensor<20x37xf32>, tensor<37x50xf32>) -> tensor<20x50xf32>
  %1 = ml.softmax %0 : tensor<20x50xf32>
  func.return %1 : tensor<20x50xf32>
}
func.func @any(%x: tensor<?xf32>) -> tensor<?xf32> {
  %0 = ml.exp %x : tensor<?xf32>
  func.return %0 : tensor<?xf32>
}
"""


@pytest.fixture(scope="module")
def versions():
    return [Version(t.machine, t.features, "", str(n)) for n, t in enumerate(read_targets(LEVELS, 2, 2))]


@pytest.fixture(scope="module")
def chosen(versions):
    """The version that is chosen on a machine with some features, whose system keeps registers as XCR0 says."""
    ir = dispatch_ir([], versions)
    ir = re.sub(
        r"define internal \{ i32, i32, i32, i32 \} @weft.cpuid.*?\n}\n",
        "declare { i32, i32, i32, i32 } @weft.cpuid(i32, i32)\n",
        ir,
        flags=re.S,
    )
    ir = re.sub(
        r"define internal i32 @weft.registers.kept.*?\n}\n", "declare i32 @weft.registers.kept()\n", ir, flags=re.S
    )
    ir = ir.replace("define internal i32 @weft.version()", "define i32 @version()")

    def ask(features, kept):
        table = {}
        for name in features:
            if name in FEATURES:
                bit = FEATURES[name]
                table.setdefault((bit.leaf, bit.subleaf), [0, 0, 0, 0])[bit.register] |= 1 << bit.bit
        # the table of the machine as a chain of selects: LLVM returns four words in registers of its own choice
        lines, value = [], "zeroinitializer"
        for n, ((leaf, subleaf), words) in enumerate(table.items()):
            signed = [word - (1 << 32) if word >= 1 << 31 else word for word in (leaf, subleaf, *words)]
            inside = ", ".join(f"i32 {word}" for word in signed[2:])
            lines += [
                f"  %a{n} = icmp eq i32 %leaf, {signed[0]}",
                f"  %b{n} = icmp eq i32 %subleaf, {signed[1]}",
                f"  %c{n} = and i1 %a{n}, %b{n}",
                f"  %t{n} = select i1 %c{n}, {{ i32, i32, i32, i32 }} {{ {inside} }}, {{ i32, i32, i32, i32 }} {value}",
            ]
            value = f"%t{n}"
        body = "\n".join([*lines, f"  ret {{ i32, i32, i32, i32 }} {value}"])
        text = ir.replace(
            "declare { i32, i32, i32, i32 } @weft.cpuid(i32, i32)",
            f"define internal {{ i32, i32, i32, i32 }} @weft.cpuid(i32 %leaf, i32 %subleaf) {{\n{body}\n}}",
        ).replace(
            "declare i32 @weft.registers.kept()",
            f"define internal i32 @weft.registers.kept() {{\n  ret i32 {kept}\n}}",
        )
        library = Library(to_object(text), ["version"])
        version = ctypes.CFUNCTYPE(ctypes.c_int32)(library.address("version"))
        assert version() == version()
        return version()

    return ask


def test_the_least_comes_first(versions):
    assert [version.machine.cpu for version in versions] == ["x86-64-v2", "x86-64-v3", "x86-64-v4"]


def test_the_best_version_that_the_machine_can_run_is_chosen(versions, chosen):
    for n, version in enumerate(versions):
        assert chosen(version.features, 0xE7) == n
    assert chosen((), 0xE7) == 0


def test_one_missing_feature_or_registers_that_the_system_drops_leave_the_version_before(versions, chosen):
    for missing in ("fma", "lzcnt", "avx2"):
        assert chosen([f for f in versions[1].features if f != missing], 0x7) == 0
    for missing in ("avx512vl", "avx512bw"):
        assert chosen([f for f in versions[2].features if f != missing], 0xE7) == 1
    assert chosen(versions[2].features, 0x7) == 1
    assert chosen(versions[2].features, 0x3) == 0


def test_every_function_of_a_version_has_its_features(versions):
    ir = 'define internal void @"f.kernel"(ptr noalias %a) {\n  ret void\n}\n'
    ir += "define i64 @g(ptr %a) noinline {\n  ret i64 0\n}\n"
    text = version_ir(Version(versions[2].machine, (), ir, ""))
    assert text.count('"target-cpu"="x86-64-v4"') == 2
    assert "+avx512vl" in text


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler to link a library")
def test_a_library_for_several_cpus_gives_what_the_program_gives(tmp_path):
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((20, 37), np.float32), rng.standard_normal((37, 50), np.float32)
    weft.export(PROGRAM, tmp_path / "libp.so", target=LEVELS, threads=2)
    np.testing.assert_allclose(
        weft.load(tmp_path / "libp.so")(x, w), weft.compile(PROGRAM, "reference")(x, w), rtol=1e-4, atol=1e-6
    )
    any_size = weft.load(tmp_path / "libp.so", "any")
    np.testing.assert_allclose(any_size(x[0]), np.exp(x[0]), rtol=1e-5)
    weft.export(PROGRAM, tmp_path / "p.s", target=LEVELS)
    text = (tmp_path / "p.s").read_text()
    assert "%zmm" in text and "%ymm" in text and "cpuid" in text
    if host_cpu(1).vector_bytes == 64:
        assert weft.load(tmp_path / "libp.so").signature == weft.compile(PROGRAM).signature


@pytest.mark.parametrize(
    "target, message",
    [
        ("cpu:x86-64-v2,cpu:aarch64", "for x86-64 only"),
        ("cpu:x86-64-v2,cpu:x86-64-v2", "has to have less features than each of the others"),
        ("cpu:x86-64-v2,cpu:x86-64-v3,+xop", "can ask its machine for the feature 'xop'"),
        ("cpu:x86-64-v2,cpu:x86-64-v9", "unknown target"),
        ("cpu:x86-64-v2,gpu", "'gpu' is no feature"),
    ],
)
def test_targets_that_do_not_go_together_are_refused(tmp_path, target, message):
    with pytest.raises(weft.WeftError, match=message):
        weft.export(PROGRAM, tmp_path / "p.o", target=target)


def test_several_cpus_are_for_code_with_its_weights_inside(tmp_path):
    with pytest.raises(weft.WeftError, match="cannot be a module"):
        weft.export(PROGRAM, tmp_path / "p.mlir", target=LEVELS)
    with pytest.raises(weft.WeftError, match="cannot have their weights in a file"):
        weft.export(PROGRAM, tmp_path / "p.o", target=LEVELS, weights=tmp_path / "p.safetensors")
