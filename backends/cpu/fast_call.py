"""A call from Python without Python in between: machine code that takes the arguments as CPython passes them.

For a function whose results are tensors, of which at most one has a shape that only the run knows, LLVM IR is made
that checks every argument (an exact `numpy.ndarray` of the dtype and shape, contiguous; an exact `float`, `int` or
`bool`), fills the memref descriptors, makes the results where no `out=` is given, releases the GIL, and calls. Memory
that the function returns becomes an array that frees it. Whatever it does not take as it is goes to
:class:`weft.backends.cpu.compiled.CompiledFunction`, which converts, or says what is wrong. So it is a short cut and
changes no meaning.

The calling convention is METH_FASTCALL | METH_KEYWORDS of PEP 590; the fields of arrays are those of NumPy's
`PyArrayObject`, which its C ABI fixes.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from weft.backends.complex_pairs import is_complex
from weft.backends.cpu.descriptors import words
from weft.backends.cpu.function_text import FunctionText
from weft.backends.signature import ENTRY, Signature, ValueSpec
from weft.dialects.host_marks import INTO

PREFIX = "weft.fast."
"""What stands before the name of a function that follows this convention."""

_TYPE, _DATA, _RANK, _DIMS, _DESCR, _FLAGS = 8, 16, 24, 32, 56, 64
"""Offsets in an array: `ob_type`, `data`, `nd`, `dimensions`, `descr`, `flags`."""

_CONTIGUOUS, _ALIGNED, _WRITEABLE = 0x1, 0x100, 0x400

_SLOW, _FAILED, _TOO_LARGE, _DELIVER = 0, 1, 2, 3
"""What the state of the function holds: what takes the call instead, what raises for a status, for a result, and what
puts a result into an array."""

_TUPLE_SIZE, _TUPLE_ITEMS = 16, 24
_FLOAT_VALUE = 16

_SCALARS = {"f64": "double", "f32": "float", "index": "i64", "i1": "i1"} | {
    f"{sign}{width}": f"i{width}" for sign in ("i", "si", "ui") for width in (8, 16, 32, 64)
}
"""The scalar types that are taken, and how LLVM spells them."""

DECLARATIONS = """
declare ptr @PyEval_SaveThread()
declare void @PyEval_RestoreThread(ptr)
declare ptr @PyObject_Vectorcall(ptr, ptr, i64, ptr)
declare ptr @PyLong_FromLongLong(i64)
declare i64 @PyLong_AsLongLong(ptr)
declare ptr @PyErr_Occurred()
declare void @PyErr_Clear()
declare void @Py_IncRef(ptr)
declare void @Py_DecRef(ptr)
declare ptr @PyTuple_New(i64)
declare i32 @PyTuple_SetItem(ptr, i64, ptr)
declare ptr @weft.np.new(ptr, ptr, i32, ptr, ptr, ptr, i32, ptr)
"""


_RETURNING = """
declare i32 @weft.np.base(ptr, ptr)
declare ptr @PyCapsule_New(ptr, ptr, ptr)
declare void @weft_release(ptr)
"""
"""What a function that returns memory needs besides."""


def dtype_symbol(spec: ValueSpec) -> str:
    """The symbol that stands for the dtype object of a spec."""
    return f"weft.np.dtype.{spec.numpy_dtype.name}"


def fast_call_name(signature: Signature) -> str | None:
    """The name of the function that :func:`fast_call_text` makes; None where there is no short cut."""
    taken = all(spec.dtype in _SCALARS if spec.kind == "scalar" else is_plain(spec) for spec in signature.arguments)
    given = all(spec.kind != "scalar" and is_plain(spec) for spec in signature.results)
    returned = sum(not spec.is_out for spec in signature.results)
    return PREFIX + signature.name if taken and given and returned <= 1 else None


def fast_call_text(signature: Signature, *, into: bool = False) -> str:
    """The LLVM IR of the function, to stand in one module with the entry; empty where there is no short cut.

    `into` says whether the module has an entry that takes memory for a result whose sizes only the run knows.
    """
    return "" if fast_call_name(signature) is None else FastCall(signature, into=into).text()


def is_plain(spec: ValueSpec) -> bool:
    """Whether the layout of an array is row-major without gaps, of elements that are one number."""
    return spec.strides is None and not is_complex(spec)


class Array:
    """An array that was checked: where its elements are, its sizes, and the object."""

    def __init__(self, spec: ValueSpec, data: str, sizes: Sequence[str], size: str, value: str = "null") -> None:
        self.spec = spec
        self.value = value
        self.data = data
        self.sizes = sizes
        self.bytes = size
        self.written = spec.kind == "memref"


class FastCall(FunctionText):
    """The text of one function while it is made.

    Other backends make theirs by other ways to look at an array, to make one, and to call.
    """

    declarations = DECLARATIONS
    """What the text needs of Python, as LLVM IR."""

    def __init__(self, signature: Signature, *, into: bool = False) -> None:
        super().__init__()
        self._signature = signature
        self._returned = next((spec for spec in signature.results if not spec.is_out), None)
        self._into = into and self._returned is not None and self._returned.kind == "tensor"
        self._given: Sequence[Array] = ()
        self._hoped: Array | None = None
        self._descriptor_of_returned = ""

    def text(self) -> str:
        """The whole text."""
        name = f'@"{PREFIX}{self._signature.name}"'
        self._take()
        globals_ = [f"@{symbol} = external global i8" for symbol in self._symbols]
        # optnone: it is as fast as it is made, and code for it is made in half the time
        head = f"define ptr {name}(ptr %self, ptr %args, i64 %nargs, ptr %kwnames) noinline optnone {{\nentry:"
        before = [self.declarations, _RETURNING if self._returned else "", *globals_, *self._shapes()]
        return "\n".join([*before, head, *self._head, "  br label %start", *self._lines, "}", ""])

    # ---------- pieces
    def _shapes(self) -> list[str]:
        """Constants with the shapes of the results."""
        texts: list[str] = []
        for n, spec in enumerate(spec for spec in self._signature.results if spec.is_out):
            sizes = ", ".join(f"i64 {dim}" for dim in spec.dims)
            body = f"[{sizes}]" if spec.dims else "zeroinitializer"
            texts.append(f"@weft.shape.{n} = internal constant [{len(spec.dims)} x i64] {body}")
        return texts

    # ---------- the function
    def _take(self) -> None:
        arguments = self._signature.arguments
        results = [spec for spec in self._signature.results if spec.is_out or self._into]
        self._start("start")
        self._need(self._same("i64", "%nargs", len(arguments)))
        self._prepare()
        given = self._out_argument()
        passed: list[str] = []
        arrays: list[Array] = []
        for n, spec in enumerate(arguments):
            value = self._load("ptr", "%args", 8 * n)
            if spec.kind == "scalar":
                passed.append(self._scalar(spec, value))
                continue
            arrays.append(self._array(spec, value, writeable=spec.kind == "memref"))
            passed.append(f"ptr {self._descriptor(arrays[-1])}")
        if not results or (self._returned is not None and not self._into):
            self._need(self._same("ptr", given, "null"))
        self._given = tuple(arrays)
        outs = self._outs(given, results) if results else []
        for value, spec in zip(outs, results, strict=True):
            if not spec.is_out:
                arrays.append(self._hoped_for(spec, value))
                continue
            out = self._array(spec, value, writeable=True, otherwise="drop")
            out.written = True
            arrays.append(out)
            passed.append(f"ptr {self._descriptor(out)}")
        self._apart(arrays, "drop" if results else "slow")
        self._call(passed, outs)

    def _prepare(self) -> None:
        """Look at what the call needs besides its arguments."""

    def _out_argument(self) -> str:
        """What `out=` is: null where there is none. Other keywords go the slow way."""
        named, join, before = self._block(), self._block(), self._block()
        self._do(f"br label %{before}")
        self._start(before)
        self._do(f"br i1 {self._same('ptr', '%kwnames', 'null')}, label %{join}, label %{named}")
        self._start(named)
        self._need(self._same("i64", self._load("i64", "%kwnames", _TUPLE_SIZE), 1))
        name = self._load("ptr", "%kwnames", _TUPLE_ITEMS)
        self._need(self._same("ptr", name, self._symbol("weft.py.out")))
        out = self._load("ptr", "%args", 8 * len(self._signature.arguments))
        self._need(self._op(f"icmp ne ptr {out}, {self._symbol('weft.py.None')}"))
        last = self._lines_block()
        self._do(f"br label %{join}")
        self._start(join)
        return self._op(f"phi ptr [ null, %{before} ], [ {out}, %{last} ]")

    def _outs(self, given: str, results: Sequence[ValueSpec]) -> list[str]:
        """The arrays for the results: those that are given, or new ones. What is new is owned until it is returned.

        For a result whose sizes only the run knows there is none, null, where none is given.
        """
        new, held, join = self._block(), self._block(), self._block()
        self._do(f"br i1 {self._same('ptr', given, 'null')}, label %{new}, label %{held}")
        self._start(held)
        old = [given]
        if len(results) > 1:
            self._need(self._same("ptr", self._load("ptr", given, _TYPE), self._symbol("weft.py.tuple")))
            self._need(self._same("i64", self._load("i64", given, _TUPLE_SIZE), len(results)))
            old = [self._load("ptr", given, _TUPLE_ITEMS + 8 * n) for n in range(len(results))]
        for value in old:
            self._do(f"call void @Py_IncRef(ptr {value})")
        from_held = self._lines_block()
        self._do(f"br label %{join}")
        self._start(new)
        fresh: list[str] = []
        numbers = count()
        for spec in results:
            if not spec.is_out:
                fresh.append("null")
                continue
            array = self._new(next(numbers), spec)
            fine, lost = self._block(), self._block()
            self._do(f"br i1 {self._same('ptr', array, 'null')}, label %{lost}, label %{fine}")
            self._start(lost)
            for earlier in fresh:
                self._do(f"call void @Py_DecRef(ptr {earlier})")
            self._no_room()
            self._start(fine)
            fresh.append(array)
        from_new = self._lines_block()
        self._do(f"br label %{join}")
        self._start(join)
        return [
            self._op(f"phi ptr [ {kept}, %{from_held} ], [ {made}, %{from_new} ]")
            for kept, made in zip(old, fresh, strict=True)
        ]

    def _new(self, number: int, spec: ValueSpec) -> str:
        """A new array for a result; null where there is no memory."""
        dtype = self._symbol(dtype_symbol(spec))
        self._do(f"call void @Py_IncRef(ptr {dtype})")  # the call takes a reference over
        return self._op(
            f"call ptr @weft.np.new(ptr {self._symbol('weft.np.ndarray')}, ptr {dtype}, i32 {len(spec.dims)}, "
            f"ptr @weft.shape.{number}, ptr null, ptr null, i32 0, ptr null)"
        )

    def _hoped_for(self, spec: ValueSpec, value: str) -> Array:
        """The array that is given for a result of unknown sizes: the entry finds its memory in the descriptor.

        Where none is given the descriptor tells of no memory, and the array of no elements at null.
        """
        self._descriptor_of_returned = place = self._room(words(len(spec.dims)))
        given, none, join = self._block(), self._block(), self._block()
        self._do(f"br i1 {self._same('ptr', value, 'null')}, label %{none}, label %{given}")
        self._start(given)
        array = self._array(spec, value, writeable=True, otherwise="drop")
        self._fill(place, array)
        last = self._lines_block()
        self._do(f"br label %{join}")
        self._start(none)
        self._do(f"store ptr null, ptr {self._word(place, 1)}")
        self._do(f"br label %{join}")
        self._start(join)
        data = self._op(f"phi ptr [ {array.data}, %{last} ], [ null, %{none} ]")
        size = self._op(f"phi i64 [ {array.bytes}, %{last} ], [ 0, %{none} ]")
        hoped = Array(spec, data, (), size, value)
        hoped.written = True
        self._hoped = hoped
        return hoped

    def _no_room(self) -> None:
        """Leave where there is no memory for a result: Python knows the error."""
        self._do("ret ptr null")

    def _array(self, spec: ValueSpec, value: str, *, writeable: bool, otherwise: str = "slow") -> Array:
        """Check an array."""
        self._need(self._same("ptr", self._load("ptr", value, _TYPE), self._symbol("weft.np.ndarray")), otherwise)
        descr = self._same("ptr", self._load("ptr", value, _DESCR), self._symbol(dtype_symbol(spec)))
        rank = self._same("i32", self._load("i32", value, _RANK), len(spec.dims))
        wanted = _CONTIGUOUS | _ALIGNED | (_WRITEABLE if writeable else 0)
        flags = self._op(f"and i32 {self._load('i32', value, _FLAGS)}, {wanted}")
        good = self._op(f"and i1 {descr}, {rank}")
        self._need(self._op(f"and i1 {good}, {self._same('i32', flags, wanted)}"), otherwise)
        sizes: list[str] = []
        if spec.dims:
            places = self._load("ptr", value, _DIMS)
            for n, dim in enumerate(spec.dims):
                size = self._load("i64", places, 8 * n)
                if dim is not None:
                    self._need(self._same("i64", size, dim), otherwise)
                sizes.append(size if dim is None else str(dim))
        data = self._load("ptr", value, _DATA)
        total = str(spec.numpy_dtype.itemsize)
        for size in sizes:
            total = self._op(f"mul i64 {total}, {size}")
        return Array(spec, data, sizes, total, value)

    def _descriptor(self, array: Array) -> str:
        """A memref descriptor in row-major order."""
        place = self._room(words(len(array.sizes)))
        self._fill(place, array)
        return place

    def _fill(self, place: str, array: Array) -> None:
        """Write the descriptor of an array."""
        rank = len(array.sizes)
        strides = ["1"]
        for size in reversed(array.sizes[1:]):
            strides.append(self._op(f"mul i64 {strides[-1]}, {size}"))
        values = [*array.sizes, *(reversed(strides[:rank]) if rank else ())]
        for word in (0, 1):
            self._do(f"store ptr {array.data}, ptr {self._word(place, word)}")
        for word, value in enumerate(["0", *values]):
            self._do(f"store i64 {value}, ptr {self._word(place, 2 + word)}")

    def _apart(self, arrays: Sequence[Array], otherwise: str) -> None:
        """What is written overlaps nothing; where it does, the slow way says so, or copies."""
        ends: dict[int, tuple[str, str]] = {}
        for n, array in enumerate(arrays):
            start = self._op(f"ptrtoint ptr {array.data} to i64")
            ends[n] = start, self._op(f"add i64 {start}, {array.bytes}")
        for n, array in enumerate(arrays):
            for m, other in enumerate(arrays):
                if m == n or not array.written or (other.written and m < n):
                    continue
                below = self._op(f"icmp ule i64 {ends[n][1]}, {ends[m][0]}")
                above = self._op(f"icmp ule i64 {ends[m][1]}, {ends[n][0]}")
                self._need(self._op(f"or i1 {below}, {above}"), otherwise)

    def _scalar(self, spec: ValueSpec, value: str) -> str:
        """A number, with its type."""
        type_ = _SCALARS[spec.dtype]
        if type_ in ("double", "float"):
            self._need(self._same("ptr", self._load("ptr", value, _TYPE), self._symbol("weft.py.float")))
            number = self._load("double", value, _FLOAT_VALUE)
            return f"double {number}" if type_ == "double" else f"float {self._op(f'fptrunc double {number} to float')}"
        if type_ == "i1":
            true = self._same("ptr", value, self._symbol("weft.py.True"))
            false = self._same("ptr", value, self._symbol("weft.py.False"))
            self._need(self._op(f"or i1 {true}, {false}"))
            return f"i1 {true}"
        self._need(self._same("ptr", self._load("ptr", value, _TYPE), self._symbol("weft.py.int")))
        number = self._op(f"call i64 @PyLong_AsLongLong(ptr {value})")
        self._need(self._op(f"icmp ne i64 {number}, -1"), "minus")
        if type_ == "i64":
            if spec.dtype == "ui64":
                self._need(self._op(f"icmp sge i64 {number}, 0"))
            return f"i64 {number}"
        narrow = self._op(f"trunc i64 {number} to {type_}")
        back = self._op(f"{'zext' if spec.dtype.startswith('ui') else 'sext'} {type_} {narrow} to i64")
        self._need(self._same("i64", back, number))
        return f"{type_} {narrow}"

    def _call(self, passed: Sequence[str], outs: Sequence[str]) -> None:
        descriptor = self._descriptor_of_returned
        if self._returned is not None and not self._into:
            descriptor = self._room(words(len(self._returned.dims)))
        entry = INTO if self._into else ENTRY
        passed = [f"ptr {descriptor}", *passed] if descriptor else passed
        state = self._op("call ptr @PyEval_SaveThread()")
        status = self._op(f'call i64 @"{entry}{self._signature.name}"({", ".join(passed)})')
        self._do(f"call void @PyEval_RestoreThread(ptr {state})")
        self._need(self._same("i64", status, 0), "failed")
        self._finish(outs, status, descriptor)

    def _finish(self, outs: Sequence[str], status: str, descriptor: str = "") -> None:
        """Return, and what happens at each of the ways out. `descriptor` tells of returned memory."""
        self._return(outs if self._returned is None else self._results(self._returned, descriptor, outs))
        self._start("failed")
        for out in outs:
            self._do(f"call void @Py_DecRef(ptr {out})")
        self._tell(_FAILED, status)
        if outs:
            self._start("drop")
            for out in outs:
                self._do(f"call void @Py_DecRef(ptr {out})")
            self._do("br label %slow")
        self._start("minus")  # -1, or an error: either way the slow way tells
        self._do("call void @PyErr_Clear()")
        self._do("br label %slow")
        self._start("slow")
        slow = self._load("ptr", "%self", _TUPLE_ITEMS + 8 * _SLOW)
        self._do(
            f"ret ptr {self._op(f'call ptr @PyObject_Vectorcall(ptr {slow}, ptr %args, i64 %nargs, ptr %kwnames)')}"
        )

    def _results(self, spec: ValueSpec, descriptor: str, outs: Sequence[str]) -> Sequence[str]:
        """All results in order: those in `outs`, and the one that a descriptor tells of.

        Where an array was given for that, the result is there already, or is delivered there.
        """
        hoped = self._hoped
        place = next(n for n, result in enumerate(self._signature.results) if not result.is_out)
        if hoped is None:
            return [*outs[:place], self._array_at(spec, descriptor, outs), *outs[place:]]
        there, elsewhere, deliver, join = (self._block() for _ in range(4))
        self._do(f"br i1 {self._is_there(descriptor, hoped)}, label %{there}, label %{elsewhere}")
        self._start(there)
        self._do(f"br label %{join}")
        self._start(elsewhere)
        made = self._array_at(spec, descriptor, outs)
        last = self._lines_block()
        self._do(f"br i1 {self._same('ptr', hoped.value, 'null')}, label %{join}, label %{deliver}")
        self._start(deliver)
        self._deliver(hoped, made, outs)
        delivered = self._lines_block()
        self._do(f"br label %{join}")
        self._start(join)
        ways = ((hoped.value, there), (made, last), (hoped.value, delivered))
        result = self._op("phi ptr " + ", ".join(f"[ {value}, %{block} ]" for value, block in ways))
        return [*outs[:place], result, *outs[place + 1 :]]

    def _is_there(self, descriptor: str, hoped: Array) -> str:
        """Whether a returned array with elements lies where it was hoped for; its sizes are right then."""
        same = self._same("ptr", self._load("ptr", descriptor), hoped.data)
        return self._op(f"and i1 {same}, {self._op(f'icmp ne i64 {hoped.bytes}, 0')}")

    def _deliver(self, hoped: Array, made: str, outs: Sequence[str]) -> None:
        """Put a result that lies elsewhere into the array that was given for it; where it does not fit, leave."""
        room = self._room(2)
        for word, value in enumerate((hoped.value, made)):
            self._do(f"store ptr {value}, ptr {self._word(room, word)}")
        told = self._load("ptr", "%self", _TUPLE_ITEMS + 8 * _DELIVER)
        done = self._op(f"call ptr @PyObject_Vectorcall(ptr {told}, ptr {room}, i64 2, ptr null)")
        self._do(f"call void @Py_DecRef(ptr {made})")
        self._do(f"call void @Py_DecRef(ptr {done})")
        lost, fine = self._block(), self._block()
        self._do(f"br i1 {self._same('ptr', done, 'null')}, label %{lost}, label %{fine}")
        self._start(lost)
        for out in outs:
            self._do(f"call void @Py_DecRef(ptr {out})")
        self._do("ret ptr null")
        self._start(fine)

    def _array_at(self, spec: ValueSpec, descriptor: str, outs: Sequence[str]) -> str:
        """An array on the memory that a descriptor tells of.

        That memory is that of an array, which the new one then keeps, or it is freed with the new one. What is in
        `outs` is given up where there is none.
        """
        rank = len(spec.dims)
        allocated, aligned = (self._load("ptr", self._word(descriptor, word)) for word in (0, 1))
        offset = self._load("i64", self._word(descriptor, 2))
        start = self._op(f"mul i64 {offset}, {spec.numpy_dtype.itemsize}")
        data = self._op(f"getelementptr i8, ptr {aligned}, i64 {start}")
        owner = "null"
        for array in (*self._given, *([self._hoped] if self._hoped is not None else [])):
            owner = self._op(f"select i1 {self._same('ptr', array.data, allocated)}, ptr {array.value}, ptr {owner}")
        # an array without elements may have no memory: None keeps it as well as anything
        nothing = self._same("ptr", allocated, "null")
        owner = self._op(f"select i1 {nothing}, ptr {self._symbol('weft.py.None')}, ptr {owner}")
        theirs, ours, join = self._block(), self._block(), self._block()
        self._do(f"br i1 {self._same('ptr', owner, 'null')}, label %{ours}, label %{theirs}")
        self._start(theirs)
        self._do(f"call void @Py_IncRef(ptr {owner})")
        self._do(f"br label %{join}")
        self._start(ours)
        capsule = self._op(f"call ptr @PyCapsule_New(ptr {allocated}, ptr null, ptr @weft_release)")
        self._do(f"br label %{join}")
        self._start(join)
        base = self._op(f"phi ptr [ {owner}, %{theirs} ], [ {capsule}, %{ours} ]")
        dtype = self._symbol(dtype_symbol(spec))
        self._do(f"call void @Py_IncRef(ptr {dtype})")
        flags = _CONTIGUOUS | _ALIGNED | _WRITEABLE
        made = self._op(
            f"call ptr @weft.np.new(ptr {self._symbol('weft.np.ndarray')}, ptr {dtype}, i32 {rank}, "
            f"ptr {self._word(descriptor, 3)}, ptr null, ptr {data}, i32 {flags}, ptr null)"
        )
        fine, lost = self._block(), self._block()
        self._do(f"br i1 {self._same('ptr', made, 'null')}, label %{lost}, label %{fine}")
        self._start(lost)
        for value in (*outs, base):
            self._do(f"call void @Py_DecRef(ptr {value})")
        self._do("call void @PyErr_Clear()")
        self._tell(_TOO_LARGE, self._op(f"ptrtoint ptr {descriptor} to i64"))
        self._start(fine)
        self._op(f"call i32 @weft.np.base(ptr {made}, ptr {base})")
        return made

    def _return(self, outs: Sequence[str]) -> None:
        if not outs:
            none = self._symbol("weft.py.None")
            self._do(f"call void @Py_IncRef(ptr {none})")
            self._do(f"ret ptr {none}")
        elif len(outs) == 1:
            self._do(f"ret ptr {outs[0]}")
        else:
            pack = self._op(f"call ptr @PyTuple_New(i64 {len(outs)})")
            for n, out in enumerate(outs):
                self._op(f"call i32 @PyTuple_SetItem(ptr {pack}, i64 {n}, ptr {out})")
            self._do(f"ret ptr {pack}")

    def _tell(self, what: int, number: str) -> None:
        """Call what raises an error, with a number."""
        integer = self._op(f"call ptr @PyLong_FromLongLong(i64 {number})")
        room = self._room(1)
        self._do(f"store ptr {integer}, ptr {room}")
        told = self._load("ptr", "%self", _TUPLE_ITEMS + 8 * what)
        result = self._op(f"call ptr @PyObject_Vectorcall(ptr {told}, ptr {room}, i64 1, ptr null)")
        self._do(f"call void @Py_DecRef(ptr {integer})")
        self._do(f"ret ptr {result}")
