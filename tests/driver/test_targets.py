"""CPUs by name: what LLVM is told of them, and what the passes are."""

import pytest

import weft
from weft.backends.llvm.machine import host_machine
from weft.dialects.target import Cpu
from weft.driver.host import host_cpu, set_target
from weft.driver.targets import PORTABLE_THREADS, read_target


def facts(text, threads=None):
    target = read_target(text, threads, 3)
    return target.machine.triple, target.cpu.vector_bytes, target.cpu.vector_registers, target.cpu.threads


X86 = "x86_64-unknown-linux-gnu"


@pytest.mark.parametrize(
    "text, wanted",
    [
        ("cpu:x86-64", (X86, 16, 16, PORTABLE_THREADS)),
        ("cpu:x86-64-v2", (X86, 16, 16, PORTABLE_THREADS)),
        ("cpu:x86-64-v3", (X86, 32, 16, PORTABLE_THREADS)),
        ("cpu:x86-64-v4", (X86, 64, 32, PORTABLE_THREADS)),
        ("cpu:x86_64-linux-gnu", ("x86_64-linux-gnu", 16, 16, PORTABLE_THREADS)),
        ("cpu:amd64-pc-linux-gnu", ("x86_64-pc-linux-gnu", 16, 16, PORTABLE_THREADS)),
        ("cpu:x86_64-linux-gnu,+avx2", ("x86_64-linux-gnu", 32, 16, PORTABLE_THREADS)),
        ("cpu:x86-64,+avx512f,+avx512vl", (X86, 64, 32, PORTABLE_THREADS)),
        ("cpu:x86-64-v4,-avx512vl", (X86, 32, 16, PORTABLE_THREADS)),
        ("cpu:aarch64", ("aarch64-unknown-linux-gnu", 16, 32, PORTABLE_THREADS)),
        ("cpu:arm64-linux-gnu,+fullfp16", ("aarch64-linux-gnu", 16, 32, PORTABLE_THREADS)),
        ("cpu:riscv64", ("riscv64-unknown-linux-gnu", 16, 16, PORTABLE_THREADS)),
        ("cpu:riscv64,+v", ("riscv64-unknown-linux-gnu", 16, 32, PORTABLE_THREADS)),
        ("cpu:riscv64-linux-gnu,+v,+zvl256b", ("riscv64-linux-gnu", 32, 32, PORTABLE_THREADS)),
    ],
)
def test_a_name_or_triple_says_what_the_cpu_has(text, wanted):
    assert facts(text) == wanted
    assert facts(text, 2)[3] == 2
    assert read_target(text, None, 1).named


@pytest.mark.parametrize("text", ["cpu", "cpu:", "cpu:native"])
def test_the_default_is_this_machine(text):
    target = read_target(text, None, 3)
    assert (target.machine, target.cpu, target.named) == (host_machine(), host_cpu(3), False)
    assert {f"+{feature}" for feature in target.features} <= set(host_machine().features.split(","))


def test_features_are_taken_from_this_machine_too():
    flags = host_machine().features.split(",")
    if "+avx2" not in flags:
        pytest.skip("this machine has no AVX2 to take away")
    target = read_target("cpu,-avx2,-avx512f", None, 1)
    assert target.named and target.cpu.vector_bytes == 16 and "avx2" not in target.features
    assert target.machine.features.endswith(",-avx2,-avx512f")
    assert target.cpu.l2_bytes == host_cpu(1).l2_bytes


@pytest.mark.parametrize("flag, named", [("avx2", "avx2"), ("", "NAME"), ("+", "NAME")])
def test_a_feature_needs_its_sign_and_name(flag, named):
    with pytest.raises(
        weft.WeftError, match=rf"'{'[+]' if flag == '+' else flag}' is no feature; write \+{named} or -{named}"
    ):
        read_target(f"cpu:x86-64,{flag}", None, 1)


def test_what_a_module_says_itself_goes_before_the_default_but_not_before_a_name(tmp_path):
    text = "builtin.module attributes {weft.target = #target.cpu<threads = 5, vector_bytes = 16>} {\n}\n"
    for target, wanted in (("cpu", "threads = 5, vector_bytes = 16"), ("cpu:x86-64-v4", "vector_bytes = 64")):
        weft.export(text, tmp_path / "m.mlir", target)
        assert wanted in (tmp_path / "m.mlir").read_text()


def test_features_whose_instructions_are_used_are_facts_for_the_passes():
    assert read_target("cpu:x86-64-v4", None, 1).cpu.features == "avx512dq"
    assert read_target("cpu:x86-64-v4,+avx512bf16,+avx512vnni", None, 1).cpu.has("avx512bf16", "avx512vnni")
    assert not read_target("cpu:x86-64-v4,-avx512f", None, 1).cpu.has("avx512dq")
    assert not read_target("cpu:x86-64-v3", None, 1).cpu.has("avx512dq")


def test_a_module_for_a_cpu_with_more_features_is_refused():
    module = weft.parse('builtin.module attributes {weft.target = #target.cpu<features = "avx512dq,other">} {\n}')
    set_target(module, Cpu(features="avx512dq"))
    with pytest.raises(weft.WeftError, match="the module is for a CPU with 'avx512dq', which this one lacks"):
        set_target(module, Cpu())
