"""The table's barriers in shared memory (mbarriers), which count arrivals and bytes; fences; clusters and registers."""

from __future__ import annotations

from weft.dialects.nvvm.instruction import Code, Instruction, Need, NvvmOp

_COUNTED = "$addr `,` $count (`,` `predicate` `=` $predicate^)? attr-dict `:` type(operands)"
_EXPECTED = "$addr `,` $txcount (`,` `predicate` `=` $predicate^)? attr-dict `:` type(operands)"
_ARRIVED = "$addr attr-dict `:` type($addr) `->` type($res)"
_WAITED = "$addr `,` $phase `,` $ticks attr-dict `:` type(operands)"
_TESTED = "$addr `,` $state attr-dict `:` type(operands) `->` type($res)"


def _wait(op: NvvmOp) -> Code:
    space = ".shared" if op.INSTRUCTION.name.endswith("shared") else ""
    return Code(
        f"{{\n\t.reg .pred P1;\n\tLAB_WAIT:\n\tmbarrier.try_wait.parity{space}.b64 P1, [%addr], %phase, %ticks;\n\t"
        "@P1 bra.uni DONE;\n\tbra.uni LAB_WAIT;\n\tDONE:\n\t}"
    )


def _arrive_async(op: NvvmOp) -> Code:
    space = ".shared" if op.INSTRUCTION.name.endswith("shared") else ""
    kept = "" if op.word("noinc") in (None, "0") else ".noinc"
    return Code(f"llvm.nvvm.cp.async.mbarrier.arrive{kept}{space}", tuple(op.operands))


def _proxy(op: NvvmOp) -> Code:
    kind = op.word("kind") or ""
    return Code(f"llvm.nvvm.fence.proxy.{kind}" + (f"_{op.word('space')}" if kind == "async.shared" else ""))


def _check_proxy(op: NvvmOp) -> str | None:
    shared = op.word("kind") == "async.shared"
    if shared == op.has("space"):
        return None
    return "async.shared says whose shared memory, as space" if shared else "only async.shared has a space"


def _need_of_proxy(op: NvvmOp) -> Need:
    return Need("sm_70", 75) if op.word("kind") == "alias" else Need("sm_90", 80)


def _set_registers(op: NvvmOp) -> Code:
    action = "inc" if op.word("action") == "increase" else "dec"
    return Code(f"llvm.nvvm.setmaxnreg.{action}.sync.aligned.u32", (f"i32 {op.word('regCount')}",))


def _check_registers(op: NvvmOp) -> str | None:
    count = int(op.word("regCount") or 0)
    return (
        None if 24 <= count <= 256 and count % 8 == 0 else f"{count} registers; a multiple of 8 from 24 to 256 is set"
    )


INSTRUCTIONS: tuple[Instruction, ...] = (
    Instruction("mbarrier.init", "addr: ptr, count: i32, predicate?: i1", "", _COUNTED,
        "llvm.nvvm.mbarrier.init(addr, count)",
        "Makes a barrier that waits for so many arrivals.", predicated="mbarrier.init.b64 [%addr], %count;",
        chip="sm_80", ptx=70, meaning="mbarrier.init"),
    Instruction("mbarrier.init.shared", "addr: shared, count: i32, predicate?: i1", "", _COUNTED,
        "llvm.nvvm.mbarrier.init.shared(addr, count)", "Makes a barrier that waits for so many arrivals.",
        predicated="mbarrier.init.shared.b64 [%addr], %count;", chip="sm_80", ptx=70, meaning="mbarrier.init"),
    Instruction("mbarrier.inval", "addr: ptr", "", "$addr attr-dict `:` type(operands)", "llvm.nvvm.mbarrier.inval",
        "Ends a barrier; its memory may be used for something else.", chip="sm_80", ptx=70, meaning="mbarrier.inval"),
    Instruction("mbarrier.inval.shared", "addr: shared", "", "$addr attr-dict `:` type(operands)",
        "llvm.nvvm.mbarrier.inval.shared", "Ends a barrier; its memory may be used for something else.",
        chip="sm_80", ptx=70, meaning="mbarrier.inval"),
    Instruction("mbarrier.arrive", "addr: ptr", "res: i64", _ARRIVED, "llvm.nvvm.mbarrier.arrive",
        "Arrives at a barrier; gives its state before.", chip="sm_80", ptx=70, meaning="mbarrier.arrive"),
    Instruction("mbarrier.arrive.shared", "addr: shared", "res: i64", "$addr attr-dict `:` type($addr) `->` type($res)",
        "llvm.nvvm.mbarrier.arrive.shared", "Arrives at a barrier; gives its state before.",
        chip="sm_80", ptx=70, meaning="mbarrier.arrive"),
    Instruction("mbarrier.arrive.nocomplete", "addr: ptr, count: i32", "res: i64",
        "$addr `,` $count attr-dict `:` type(operands) `->` type($res)", "llvm.nvvm.mbarrier.arrive.noComplete",
        "Arrives so many times at a barrier, but not the last one; gives its state before.",
        chip="sm_80", ptx=70, meaning="mbarrier.arrive"),
    Instruction("mbarrier.arrive.nocomplete.shared", "addr: shared, count: i32", "res: i64",
        "$addr `,` $count attr-dict `:` type(operands) `->` type($res)", "llvm.nvvm.mbarrier.arrive.noComplete.shared",
        "Arrives so many times at a barrier, but not the last one; gives its state before.",
        chip="sm_80", ptx=70, meaning="mbarrier.arrive"),
    Instruction("mbarrier.arrive.expect_tx", "addr: ptr, txcount: i32, predicate?: i1", "", _EXPECTED,
        "mbarrier.arrive.expect_tx.b64 _, [%addr], %txcount;",
        "Arrives at a barrier, which waits for so many bytes more.",
        predicated="mbarrier.arrive.expect_tx.b64 _, [%addr], %txcount;", chip="sm_90", ptx=80,
        meaning="mbarrier.expect"),
    Instruction("mbarrier.arrive.expect_tx.shared", "addr: shared, txcount: i32, predicate?: i1", "", _EXPECTED,
        "llvm.nvvm.mbarrier.arrive.expect.tx.scope.cta.space.cta(addr, txcount) -> i64",
        "Arrives at a barrier, which waits for so many bytes more.",
        predicated="mbarrier.arrive.expect_tx.shared.b64 _, [%addr], %txcount;", chip="sm_90", ptx=80,
        meaning="mbarrier.expect"),
    Instruction("mbarrier.try_wait.parity", "addr: ptr, phase: i32, ticks: i32", "", _WAITED, _wait,
        "Waits until the phase of this parity is complete.", chip="sm_90", ptx=80, meaning="mbarrier.wait"),
    Instruction("mbarrier.try_wait.parity.shared", "addr: shared, phase: i32, ticks: i32", "", _WAITED, _wait,
        "Waits until the phase of this parity is complete.", chip="sm_90", ptx=80, meaning="mbarrier.wait"),
    Instruction("mbarrier.test.wait", "addr: ptr, state: i64", "res: i1", _TESTED, "llvm.nvvm.mbarrier.test.wait",
        "Whether the phase that a state tells of is complete.", chip="sm_80", ptx=70, meaning="mbarrier.test"),
    Instruction("mbarrier.test.wait.shared", "addr: shared, state: i64", "res: i1", _TESTED,
        "llvm.nvvm.mbarrier.test.wait.shared", "Whether the phase that a state tells of is complete.",
        chip="sm_80", ptx=70, meaning="mbarrier.test"),
    Instruction("mbarrier.arrive.shared.cluster", "addr: cluster, count: i32", "",
        "$addr `,` $count attr-dict `:` type(operands)",
        "llvm.nvvm.mbarrier.arrive.scope.cluster.space.cluster",
        "Arrives so many times at a barrier of a block of the cluster.",
        chip="sm_90", ptx=80, meaning="mbarrier.remote"),
    Instruction("mapa.shared.cluster", "addr: shared, block: i32", "res: cluster",
        "$addr `,` $block attr-dict `:` type($addr) `->` type($res)", "llvm.nvvm.mapa.shared.cluster",
        "The place of a block of the cluster that is where `addr` is in this block.",
        chip="sm_90", ptx=78, meaning="cluster.address", pure=True),
    Instruction("cp.async.mbarrier.arrive", "addr: ptr", "", "$addr attr-dict `:` type(operands)", _arrive_async,
        "Arrives at a barrier once the copies that this thread began are done.", attributes="noinc: i1 = 0",
        chip="sm_80", ptx=70, meaning="mbarrier.async"),
    Instruction("cp.async.mbarrier.arrive.shared", "addr: shared", "", "$addr attr-dict `:` type(operands)",
        _arrive_async,
        "Arrives at a barrier once the copies that this thread began are done.", attributes="noinc: i1 = 0",
        chip="sm_80", ptx=70, meaning="mbarrier.async"),
    Instruction("fence.sc.cluster", "", "", "attr-dict", "llvm.nvvm.fence.sc.cluster",
        "Orders memory among the threads of the cluster.", chip="sm_90", ptx=78, meaning="fence"),
    Instruction("fence.proxy", "", "", "attr-dict", _proxy, "Orders memory between the ways that lead to it.",
        attributes="kind: proxy_kind, space?: shared_space", meaning="fence", check=_check_proxy, needs=_need_of_proxy,
        example="nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}"),
    Instruction("fence.mbarrier.init", "", "", "attr-dict", "llvm.nvvm.fence.mbarrier_init.release.cluster",
        "Lets the cluster see the barriers that this thread made.", chip="sm_90", ptx=80, meaning="fence"),
    Instruction("setmaxregister", "", "", "$action $regCount attr-dict", _set_registers,
        "Gives registers of the warp's threads away, or takes more.", attributes="action: action, regCount: i32",
        chip="sm_90a", ptx=80, meaning="registers", check=_check_registers, example="nvvm.setmaxregister increase 240"),
    Instruction("griddepcontrol.wait", "", "", "attr-dict", "llvm.nvvm.griddepcontrol.wait",
        "Waits until the launches that this one depends on are done.", chip="sm_90", ptx=78, meaning="launch"),
    Instruction("griddepcontrol.launch.dependents", "", "", "attr-dict", "llvm.nvvm.griddepcontrol.launch.dependents",
        "Lets the launches that depend on this one begin.", chip="sm_90", ptx=78, meaning="launch"),
    Instruction("nanosleep", "duration: i32", "", "$duration attr-dict `:` type($duration)", "llvm.nvvm.nanosleep",
        "Sleeps for about so many nanoseconds.", chip="sm_70", ptx=63, meaning="sleep"),
)  # fmt: skip
