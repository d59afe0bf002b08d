"""The table's instructions that threads of a block or warp do together: barriers, shuffles, votes, reductions."""

from __future__ import annotations

from xdsl.dialects import llvm

from weft.dialects.nvvm.instruction import Code, Instruction, NvvmOp


def _barrier(op: NvvmOp) -> Code:
    number = op.values("barrierId") or ("i32 0",)
    if threads := op.values("numberOfThreads"):
        return Code("llvm.nvvm.barrier.cta.sync.aligned.count", (*number, *threads))
    return Code("llvm.nvvm.barrier.cta.sync.aligned.all", number)


def _barrier_arrive(op: NvvmOp) -> Code:
    number = op.values("barrierId") or ("i32 0",)
    return Code("llvm.nvvm.barrier.cta.arrive.aligned.count", (*number, op.value("numberOfThreads")))


def _cluster(op: NvvmOp) -> Code:
    word = op.INSTRUCTION.name.removeprefix("cluster.")
    return Code(f"llvm.nvvm.barrier.cluster.{word}{'.aligned' if op.has('aligned') else ''}")


def _shuffle_pair(op: NvvmOp) -> bool:
    return isinstance(op.results[0].type, llvm.LLVMStructType)


def _shuffle(op: NvvmOp) -> Code:
    kind = "i32" if str(op.value("val").type) == "i32" else "f32"
    return Code(f"llvm.nvvm.shfl.sync.{op.word('kind')}.{kind}{'p' if _shuffle_pair(op) else ''}", tuple(op.operands))


def _check_shuffle(op: NvvmOp) -> str | None:
    value, result = op.value("val").type, op.results[0].type
    if str(value) not in ("i32", "f32"):
        return f"a value of type i32 or f32 is shuffled, not {value}"
    if op.has("return_value_and_is_valid") != _shuffle_pair(op):
        return "with return_value_and_is_valid, and only then, it gives a struct of the value and an i1"
    inner = result.types.data[0] if isinstance(result, llvm.LLVMStructType) else result
    return None if inner == value else f"a value of type {value} gives {value}, not {inner}"


INSTRUCTIONS: tuple[Instruction, ...] = (
    Instruction("barrier0", "", "", "attr-dict", "llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)",
        "All threads of the block wait for each other.", meaning="barrier"),
    Instruction("barrier", "barrierId?: i32, numberOfThreads?: i32", "",
        "(`id` `=` $barrierId^)? (`number_of_threads` `=` $numberOfThreads^)? attr-dict", _barrier,
        "Threads wait for each other at one of 16 barriers: all of the block, or as many as are said.",
        meaning="barrier"),
    Instruction("barrier.arrive", "barrierId?: i32, numberOfThreads: i32", "",
        "(`id` `=` $barrierId^)? `number_of_threads` `=` $numberOfThreads attr-dict", _barrier_arrive,
        "Says at a barrier that a thread has come, and does not wait.", meaning="barrier.arrive"),
    Instruction("exit", "", "", "attr-dict", "llvm.nvvm.exit", "The thread ends.", meaning="exit"),
    Instruction("bar.warp.sync", "mask: i32", "", "$mask attr-dict `:` type($mask)", "llvm.nvvm.bar.warp.sync",
        "The threads of a warp that the mask names wait for each other.", meaning="warp"),
    Instruction("cluster.arrive", "", "", "attr-dict", _cluster,
        "Says at the barrier of the cluster that a thread has come.",
        attributes="aligned?: unit", chip="sm_90", ptx=78, meaning="cluster.arrive"),
    Instruction("cluster.arrive.relaxed", "", "", "attr-dict", _cluster,
        "Says at the barrier of the cluster that a thread has come, without ordering memory.",
        attributes="aligned?: unit", chip="sm_90", ptx=80, meaning="cluster.arrive"),
    Instruction("cluster.wait", "", "", "attr-dict", _cluster,
        "Waits until all threads of the cluster have come to its barrier.",
        attributes="aligned?: unit", chip="sm_90", ptx=78, meaning="cluster.wait"),
    Instruction("shfl.sync", "thread_mask: i32, val: any, offset: i32, mask_and_clamp: i32", "res: any",
        "$kind $thread_mask `,` $val `,` $offset `,` $mask_and_clamp attr-dict `:` type($val) `->` type($res)",
        _shuffle,
        "A value of another lane of the warp.", attributes="kind: shfl_kind, return_value_and_is_valid?: unit",
        meaning="shuffle", check=_check_shuffle),
    Instruction("redux.sync", "val: i32, mask_and_clamp: i32", "res: i32",
        "$kind $val `,` $mask_and_clamp attr-dict `:` type($val) `->` type($res)", "llvm.nvvm.redux.sync.{kind}",
        "The values of a warp, combined.", attributes="kind: redux_kind", chip="sm_80", ptx=70, meaning="redux"),
    Instruction("vote.ballot.sync", "mask: i32, pred: i1", "res: i32", "$mask `,` $pred attr-dict `:` type($res)",
        "llvm.nvvm.vote.ballot.sync", "The lanes of a warp in which something is true, as bits.", meaning="vote"),
    Instruction("vote.sync", "mask: i32, pred: i1", "res: i1", "$kind $mask `,` $pred attr-dict `->` type($res)",
        "llvm.nvvm.vote.{kind}.sync", "Whether something is true in all lanes of a warp, in any, or in all or none.",
        attributes="kind: vote_sync_kind", meaning="vote"),
    Instruction("activemask", "", "res: i32", "attr-dict `:` type($res)", "llvm.nvvm.activemask",
        "The lanes of a warp that run at this moment, as bits.", ptx=62, meaning="vote"),
    Instruction("elect.sync", "", "pred: i1", "attr-dict `->` type(results)",
        "llvm.nvvm.elect.sync(i32 -1) -> { i32, i1 }.1",
        "True in one thread of the warp.", chip="sm_90", ptx=80, meaning="elect", example="%0 = nvvm.elect.sync -> i1"),
)  # fmt: skip
