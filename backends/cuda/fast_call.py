"""A call from Python without Python in between, for arrays on a GPU: :mod:`weft.backends.cpu.fast_call` for them.

Arrays of libraries that have DLPack's C exchange API (`__dlpack_c_exchange_api__`; torch has it from 2.10 on) are
looked at, and made, by its functions. A call takes its record from the table :class:`Fast`, which Python fills: what is
not there, or not as it should be, goes the slow way. Calls that repeat one another are graphs; a new one is captured
the slow way.
"""

from __future__ import annotations

from collections.abc import Sequence

from weft.backends.cpu.descriptors import words
from weft.backends.cpu.fast_call import DECLARATIONS, Array, FastCall, fast_call_name
from weft.backends.cuda.dlpack import EXCHANGE, dtype_code
from weft.backends.cuda.record import FAST_RECORDS, Fast, Record
from weft.backends.signature import ENTRY, Signature, ValueSpec

TABLE = "weft.cuda.fast"
"""The symbol of the table."""

_TENSOR_WORDS = 6
"""The size of a DLTensor. Its fields: data 0, device 8, rank 16, dtype 20, shape 24, strides 32, offset 40."""

_OBJECT_TYPE = 8
"""Where an object has its type."""

_DECLARATIONS = (
    DECLARATIONS
    + f"""
@{TABLE} = external global i8
declare i32 @cuCtxGetCurrent(ptr)
declare i32 @cuGraphLaunch(ptr, ptr)
declare i32 @cuStreamIsCapturing(ptr, ptr)
declare void @weft_cuda_begin(ptr)
declare i64 @weft_cuda_take(ptr)
declare i64 @weft_cuda_patch(ptr, ptr)
declare i32 @memcmp(ptr, ptr, i64)
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
define internal void @weft.cuda.silent(ptr %context, ptr %kind, ptr %message) {{
  ret void
}}
"""
)


def call_name(signature: Signature) -> str | None:
    """The name of the function that :func:`call_text` makes; None where there is no short cut."""
    given = any(spec.kind != "scalar" for spec in signature.arguments) and all(
        spec.is_out for spec in signature.results
    )
    return fast_call_name(signature) if given and words_of(signature) else None


def call_text(signature: Signature) -> str:
    """The LLVM IR of the function, to stand in one module with the entry; empty where there is no short cut."""
    return "" if call_name(signature) is None else _CudaCall(signature).text()


def words_of(signature: Signature) -> int:
    """How many words say all that a call is given: the descriptors of arguments and results, then the scalars."""
    arrays = [spec for spec in (*signature.arguments, *signature.results) if spec.kind != "scalar"]
    complex_ = sum(2 for spec in arrays if spec.dtype.startswith("complex"))
    return (
        sum(words(len(spec.dims)) for spec in arrays)
        + complex_
        + len(signature.arguments)
        - len(arrays)
        + len(signature.results)
    )


class _CudaCall(FastCall):
    """The text of one function while it is made."""

    declarations = _DECLARATIONS

    def __init__(self, signature: Signature) -> None:
        super().__init__(signature)
        self._taken = 0
        self._otherwise = "drop" if signature.results else "slow"

    # ---------- arguments and results

    def _prepare(self) -> None:
        self._head.append(f"  %words = alloca [{words_of(self._signature)} x i64], align 8")
        self._type = self._load("ptr", f"@{TABLE}", Fast.type.offset)
        self._need(self._op(f"icmp ne ptr {self._type}, null"))
        self._api = self._load("ptr", f"@{TABLE}", Fast.api.offset)
        self._device = self._load("i64", f"@{TABLE}", Fast.device.offset)
        self._look = self._load("ptr", self._api, EXCHANGE["look"])
        room = self._room(1)
        status = self._op(f"call i32 @cuCtxGetCurrent(ptr {room})")
        self._need(self._same("i32", status, 0))
        wanted = self._load("ptr", f"@{TABLE}", Fast.context.offset)
        self._need(self._same("ptr", self._load("ptr", room), wanted))

    def _array(self, spec: ValueSpec, value: str, *, writeable: bool, otherwise: str = "slow") -> Array:
        """Check an array: of the one type, on the device, of the dtype and shape, row by row."""
        self._need(self._same("ptr", self._load("ptr", value, _OBJECT_TYPE), self._type), otherwise)
        tensor = self._room(_TENSOR_WORDS)
        status = self._op(f"call i32 {self._look}(ptr {value}, ptr {tensor})")
        self._need(self._same("i32", status, 0), "minus" if otherwise == "slow" else "clear")
        device = self._same("i64", self._load("i64", tensor, 8), self._device)
        rank = self._same("i32", self._load("i32", tensor, 16), len(spec.dims))
        dtype = self._same("i32", self._load("i32", tensor, 20), dtype_code(spec.numpy_dtype))
        good = self._op(f"and i1 {device}, {rank}")
        self._need(self._op(f"and i1 {good}, {dtype}"), otherwise)
        sizes = self._sizes(spec, self._load("ptr", tensor, 24), otherwise) if spec.dims else []
        if spec.dims:
            self._check_strides(sizes, self._load("ptr", tensor, 32), otherwise)
        start = self._load("ptr", tensor)
        data = self._op(f"getelementptr i8, ptr {start}, i64 {self._load('i64', tensor, 40)}")
        total = str(spec.numpy_dtype.itemsize)
        for size in sizes:
            total = self._op(f"mul i64 {total}, {size}")
        return Array(spec, data, sizes, total)

    def _sizes(self, spec: ValueSpec, places: str, otherwise: str) -> list[str]:
        sizes: list[str] = []
        for n, dim in enumerate(spec.dims):
            size = self._load("i64", places, 8 * n)
            if dim is not None:
                self._need(self._same("i64", size, dim), otherwise)
            sizes.append(size if dim is None else str(dim))
        return sizes

    def _check_strides(self, sizes: Sequence[str], places: str, otherwise: str) -> None:
        """Strides, where there are any, are those of rows; that of a dim of size 1 is not looked at."""
        given, done = self._block(), self._block()
        self._do(f"br i1 {self._same('ptr', places, 'null')}, label %{done}, label %{given}")
        self._start(given)
        step = "1"
        for n in range(len(sizes) - 1, -1, -1):
            same = self._same("i64", self._load("i64", places, 8 * n), step)
            self._need(self._op(f"or i1 {same}, {self._same('i64', sizes[n], 1)}"), otherwise)
            step = self._op(f"mul i64 {step}, {sizes[n]}")
        self._do(f"br label %{done}")
        self._start(done)

    def _new(self, number: int, spec: ValueSpec) -> str:
        """A new array of the library of the arguments; null, and an error or none in Python, where it cannot be."""
        wanted, managed, made = self._room(_TENSOR_WORDS), self._room(1), self._room(1)
        fields = (
            (0, "ptr null"),
            (8, f"i64 {self._device}"),
            (16, f"i32 {len(spec.dims)}"),
            (20, f"i32 {dtype_code(spec.numpy_dtype)}"),
            (24, f"ptr @weft.shape.{number}"),
            (32, "ptr null"),
            (40, "i64 0"),
        )
        for offset, value in fields:
            self._do(f"store {value}, ptr {self._op(f'getelementptr i8, ptr {wanted}, i64 {offset}')}")
        self._do(f"store ptr null, ptr {made}")
        allocate = self._load("ptr", self._api, EXCHANGE["allocate"])
        status = self._op(f"call i32 {allocate}(ptr {wanted}, ptr {managed}, ptr null, ptr @weft.cuda.silent)")
        there, done = self._block(), self._block()
        self._do(f"br i1 {self._same('i32', status, 0)}, label %{there}, label %{done}")
        self._start(there)
        wrap = self._load("ptr", self._api, EXCHANGE["wrap"])
        self._op(f"call i32 {wrap}(ptr {self._load('ptr', managed)}, ptr {made})")
        self._do(f"br label %{done}")
        self._start(done)
        return self._load("ptr", made)

    def _no_room(self) -> None:
        self._do("br label %minus")  # the slow way tells

    def _descriptor(self, array: Array) -> str:
        place = self._op(f"getelementptr i64, ptr %words, i64 {self._taken}")
        self._taken += words(len(array.sizes))
        self._fill(place, array)
        return place

    # ---------- the call

    def _call(self, passed: Sequence[str], outs: Sequence[str]) -> None:
        for argument in passed:
            if not argument.startswith("ptr "):
                self._do(f"store i64 {self._bits(argument)}, ptr {self._word('%words', self._taken)}")
                self._taken += 1
        assert self._taken == words_of(self._signature)
        stream = self._current_stream()
        record = self._take_record(stream)
        run, replay, join = self._block(), self._block(), self._block()
        self._choose(record, stream, run, replay)
        self._start(run)
        self._do(f"call void @weft_cuda_begin(ptr {record})")
        state = self._op("call ptr @PyEval_SaveThread()")
        status = self._op(f'call i64 @"{ENTRY}{self._signature.name}"({", ".join(passed)})')
        self._do(f"call void @PyEval_RestoreThread(ptr {state})")
        self._do(f"br label %{join}")
        self._start(replay)
        replayed = self._replay(record, stream)
        self._do(f"br label %{join}")
        self._start(join)
        result = self._op(f"phi i64 [ {status}, %{run} ], [ {replayed}, %{replay} ]")
        self._store_field(record, Record.busy.offset, "i64 0")
        self._store_field(f"@{TABLE}", Fast.failed.offset, f"ptr {record}")
        self._need(self._same("i64", result, 0), "failed")
        self._finish(outs, result)
        if outs:
            self._start("clear")
            self._do("call void @PyErr_Clear()")
            self._do("br label %drop")

    def _store_field(self, base: str, offset: int, value: str) -> None:
        self._do(f"store {value}, ptr {self._op(f'getelementptr i8, ptr {base}, i64 {offset}')}")

    def _bits(self, argument: str) -> str:
        """A scalar with its type as an i64."""
        type_, value = argument.split(" ")
        if type_ == "i64":
            return value
        if type_ == "double":
            return self._op(f"bitcast double {value} to i64")
        if type_ == "float":
            type_, value = "i32", self._op(f"bitcast float {value} to i32")
        return self._op(f"zext {type_} {value} to i64")

    def _current_stream(self) -> str:
        kind = self._op(f"trunc i64 {self._device} to i32")
        number = self._op(f"trunc i64 {self._op(f'lshr i64 {self._device}, 32')} to i32")
        room = self._room(1)
        ask = self._load("ptr", self._api, EXCHANGE["stream"])
        status = self._op(f"call i32 {ask}(i32 {kind}, i32 {number}, ptr {room})")
        self._need(self._same("i32", status, 0), "clear" if self._signature.results else "minus")
        return self._load("ptr", room)

    def _take_record(self, stream: str) -> str:
        """A record of the stream, which this call has from here on."""
        found: list[tuple[str, str]] = []
        taken = self._block()
        for number in range(FAST_RECORDS):
            onward = self._block()
            record = self._load("ptr", f"@{TABLE}", Fast.records.offset + 8 * number)
            self._need(self._op(f"icmp ne ptr {record}, null"), onward)
            self._need(self._same("ptr", self._load("ptr", record, Record.stream.offset), stream), onward)
            got = self._op(f"call i64 @weft_cuda_take(ptr {record})")
            found.append((record, self._lines_block()))
            self._do(f"br i1 {self._same('i64', got, 1)}, label %{taken}, label %{onward}")
            self._start(onward)
        self._do(f"br label %{self._otherwise}")
        self._start(taken)
        return self._op("phi ptr " + ", ".join(f"[ {record}, %{block} ]" for record, block in found))

    def _choose(self, record: str, stream: str, run: str, replay: str) -> None:
        """Replay the graph that is for the same words, or that can be put right for these; capture one, the slow way,
        for those of the last call, or for any arrays of their sizes; else run host code, as while the caller captures a
        graph."""
        size = 8 * self._taken
        repeats, fresh, older, capture = self._block(), self._block(), self._block(), self._block()
        other, known = self._block(), self._block()
        again = self._load("i64", record, Record.repeats.offset)
        self._do(f"br i1 {self._same('i64', again, 0)}, label %{run}, label %{repeats}")
        self._start(repeats)
        room = self._room(1)
        self._do(f"store i64 0, ptr {room}")
        self._op(f"call i32 @cuStreamIsCapturing(ptr {stream}, ptr {room})")
        self._need(self._same("i32", self._load("i32", room), 0), run)
        graph = self._load("ptr", record, Record.graph.offset)
        self._need(self._op(f"icmp ne ptr {graph}, null"), older)
        key = self._load("ptr", record, Record.key.offset)
        differ = self._op(f"call i32 @memcmp(ptr %words, ptr {key}, i64 {size})")
        self._do(f"br i1 {self._same('i32', differ, 0)}, label %{replay}, label %{other}")
        self._start(other)
        patched = self._op(f"call i64 @weft_cuda_patch(ptr {record}, ptr %words)")
        self._do(f"br i1 {self._same('i64', patched, 1)}, label %{replay}, label %{older}")
        self._start(older)
        last = self._load("ptr", record, Record.last.offset)
        changed = self._op(f"call i32 @memcmp(ptr %words, ptr {last}, i64 {size})")
        self._do(f"br i1 {self._same('i32', changed, 0)}, label %{capture}, label %{fresh}")
        self._start(capture)
        self._store_field(record, Record.busy.offset, "i64 0")
        self._do(f"br label %{self._otherwise}")
        self._start(fresh)
        tries = self._load("i64", record, Record.tries.offset)
        self._do(f"br i1 {self._op(f'icmp eq i64 {tries}, 0')}, label %{known}, label %{capture}")
        self._start(known)
        self._do(f"call void @llvm.memcpy.p0.p0.i64(ptr {last}, ptr %words, i64 {size}, i1 false)")
        self._do(f"br label %{run}")

    def _replay(self, record: str, stream: str) -> str:
        """Launch the graph of a record; the status."""
        for field, value in ((Record.what, ord("g")), (Record.error, 0)):
            self._store_field(record, field.offset, f"i64 {value}")
        launches = self._load("i64", record, Record.graph_launches.offset)
        self._store_field(record, Record.since.offset, f"i64 {launches}")
        graph = self._load("ptr", record, Record.graph.offset)
        state = self._op("call ptr @PyEval_SaveThread()")
        status = self._op(f"call i32 @cuGraphLaunch(ptr {graph}, ptr {stream})")
        self._do(f"call void @PyEval_RestoreThread(ptr {state})")
        wide = self._op(f"zext i32 {status} to i64")
        self._store_field(record, Record.error.offset, f"i64 {wide}")
        return self._op(f"sub i64 0, {wide}")
