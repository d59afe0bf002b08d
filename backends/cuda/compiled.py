"""Compiled functions for a GPU as Python callables: arrays of any library in, arrays of the caller's kind out."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NoReturn

from weft.backends.arguments import bind
from weft.backends.complex_pairs import in_pairs
from weft.backends.cpu.descriptors import words
from weft.backends.cpu.python_api import builtin
from weft.backends.cpu.scalars import argument_type, result_type
from weft.backends.cuda.arrays import Kind, kind_of
from weft.backends.cuda.dlpack import exchange_api
from weft.backends.cuda.driver import OUT_OF_MEMORY
from weft.backends.cuda.failures import asynchronous, failed
from weft.backends.cuda.loaded import Loaded, begin, copy_strided
from weft.backends.cuda.operands import Operand, Operands
from weft.backends.cuda.patches import Words
from weft.backends.cuda.results import Call, Result, Wanted, check_outs, results_of, take_returned
from weft.backends.cuda.short_call import MISSED, ShortCall
from weft.backends.cuda.staging import staging_of
from weft.backends.cuda.states import State, States
from weft.backends.cuda.streams import order_after, stream_of
from weft.backends.signature import ENTRY, Signature, ValueSpec


class CudaFunction:
    """A function on a GPU: call it with arrays, in order or by name.

    Arrays on the GPU (of torch, CuPy, JAX, Numba, weft's own, or anything with `__cuda_array_interface__` or
    `__dlpack__`) are used where they are, and results are of the first one's kind: they are in the making when the call
    returns, in the order of its stream. NumPy's arrays are copied for the call; where there is no other, results are
    NumPy's too. Calls may run in several threads at once.
    """

    def __init__(self, loaded: Loaded) -> None:
        self.signature = loaded.program.signature
        self._loaded = loaded
        self._gpu = loaded.gpu
        self._begin = begin(loaded.gpu.driver)
        self._states = States(loaded, _words(self.signature), loaded.fast)
        self._staging = staging_of(loaded.gpu)
        arguments, results = self.signature.arguments, self.signature.results
        self._writes = any(spec.kind == "memref" for spec in arguments)
        self._returned = [in_pairs(spec) for spec in results if not spec.is_out]
        self._struct = _results_struct(self._returned)
        types: list[Any] = [ctypes.c_void_p] if self._returned else []
        types += [argument_type(spec.dtype) if spec.kind == "scalar" else ctypes.c_void_p for spec in arguments]
        types += [ctypes.c_void_p] * sum(spec.is_out for spec in results)
        self._entry = ctypes.CFUNCTYPE(ctypes.c_int64, *types)(loaded.address(ENTRY + self.signature.name))
        self._short = ShortCall(loaded, self._states, self._begin, self._entry)

    def __call__(self, *args: object, out: object = None, stream: object = None, **kwargs: object) -> Any:
        """One result comes back as an array (a number for a scalar), several as a tuple, none as None.

        `out=` takes an array, or a tuple of them, that the results are written to. `stream=` is the stream to run on:
        a handle, or a stream of torch, CuPy, Numba or cuda-core; by default the current one of the arrays' library.
        Raises :class:`WeftError` for arguments that do not fit, for a failed run-time check, and for every error of
        the device; one of a kernel may come with a later call.
        """
        if stream is None and not kwargs and (found := self._short(args, out)) is not MISSED:
            return found
        specs = self.signature.arguments
        if stream is not None and any(spec.name == "stream" for spec in specs):
            kwargs, stream = {**kwargs, "stream": stream}, None
        given = bind(self.signature, args, kwargs)
        kinds = [kind_of(value) for value in given]
        if not self._loaded.fast.api:
            self._find_short_cut(kinds, given)
        with self._gpu.current():
            number, held = stream_of(stream, [kind for kind in kinds if kind is not None], self._gpu)
            operands = Operands.of(specs, given, kinds, self._gpu, number)
            chosen = operands.stream() if number is None else number
            order_after(self._gpu, operands.streams(), chosen)
            outs = check_outs(self.signature.results, out, operands, self._gpu, chosen)
            results = self._call(operands, outs, chosen, held)
        if not kwargs and stream is None:
            self._short.learn(args, kinds)
        return results

    def _find_short_cut(self, kinds: Sequence[Kind | None], given: Sequence[object]) -> None:
        """Let calls with arrays like these go without Python in between, where their library has what that needs."""
        for kind, value in zip(kinds, given, strict=True):
            if kind is not None and kind.new is not None:
                fast = self._loaded.fast
                fast.api = exchange_api(type(value))
                fast.type = id(type(value)) if fast.api else None
                return

    def fail(self, status: int) -> NoReturn:
        """Raise the error of a call without Python in between."""
        address = self._loaded.fast.failed
        assert address is not None
        state = self._states.by_address(address)
        state.after_failure()
        raise failed(self._loaded, state.record, status)

    def _call(self, operands: Operands, outs: list[Wanted] | None, stream: int, held: object) -> Any:
        state = self._states.take(stream)
        results: list[Result] = []
        try:
            copier = partial(copy_strided, self._loaded, state)
            call = Call(self._gpu, stream, held, operands.kind, copier)
            with operands.placed(self._gpu, stream, self._staging, copier):
                results = results_of(self.signature, call, outs)
                returned = self._run(state, operands.operands, [r.operand for r in results if r.operand is not None])
                take_returned(results, self._returned, returned, partial(self._take, state, operands))
                self._finish(state, operands, results)
        except BaseException:
            for result in results:
                result.drop()  # the traceback holds them
            raise
        finally:
            self._states.give(state)
        values = [result.value for result in results]
        return tuple(values) if len(values) > 1 else values[0] if values else None

    def _take(self, state: State, operands: Operands, result: Result, descriptor: Sequence[int]) -> None:
        result.take(descriptor, state.record, operands, self._loaded)

    def _run(self, state: State, operands: Sequence[Operand], outs: Sequence[Operand]) -> ctypes.Structure:
        """Call host code. Raises :class:`WeftError` for a status that is not 0.

        Without memory it is called again, once others have given back what they keep: it has changed no argument.
        """
        returned = self._struct()
        passed: list[Any] = [ctypes.addressof(returned)] if self._returned else []
        keep: list[Any] = []
        key, scalars = bytearray(), bytearray()
        for operand in (*operands, *outs):
            if operand.scalar is not None:
                passed.append(operand.scalar)
                type_ = argument_type(operand.spec.dtype)
                scalars += bytes(type_(operand.scalar)).ljust(8, b"\0")
                continue
            described = operand.words()
            descriptor = (ctypes.c_int64 * len(described))(*described)
            keep.append(descriptor)
            key += descriptor
            passed.append(ctypes.addressof(descriptor))

        def entry() -> int:
            self._begin(state.address)
            return self._entry(*passed)

        def elsewhere(addresses: Sequence[int]) -> int:
            own = [descriptor[1] for descriptor in keep]
            try:
                _point(keep, addresses)
                return entry()
            finally:
                _point(keep, own)

        status = state.run(entry) if self._returned else state.run_static(entry, bytes(key + scalars), elsewhere)
        if status and state.record.error == OUT_OF_MEMORY and not self._writes and self._gpu.release_kept():
            status = state.run(entry)
        if status:
            raise failed(self._loaded, state.record, status)
        return returned

    def _finish(self, state: State, operands: Operands, results: Sequence[Result]) -> None:
        """Put results where they are wanted; wait where anything lies on the host."""
        waits = operands.staged or any(result.goes_to_host for result in results)
        if waits and (status := self._gpu.driver.status("cuStreamSynchronize", state.stream)):
            raise asynchronous(self._loaded, state.record, status)
        operands.copy_back(self._staging, state.stream)
        for result in results:
            result.finish(self._staging)
        if waits:
            state.record.checked()


def callable_of(loaded: Loaded) -> Callable[..., Any]:
    """A loaded program as a callable: by a short cut, where its code has one."""
    function = CudaFunction(loaded)
    if loaded.short_cut is None:
        return function
    return builtin(loaded.program.signature.name, loaded.address(loaded.short_cut), (function, function.fail))


def _point(descriptors: Sequence[Any], addresses: Sequence[int]) -> None:
    for descriptor, address in zip(descriptors, addresses, strict=True):
        descriptor[0] = descriptor[1] = address


def _words(signature: Signature) -> Words:
    """The words that say all that a call is given (:func:`weft.backends.cuda.fast_call.words_of`)."""
    arrays = [spec for spec in (*signature.arguments, *signature.results) if spec.kind != "scalar"]
    ranks = [len(spec.dims) + spec.dtype.startswith("complex") for spec in arrays]
    return Words.of(ranks, len(signature.arguments) + len(signature.results) - len(arrays))


def _results_struct(specs: Sequence[ValueSpec]) -> type[ctypes.Structure]:
    fields = [
        (f"r{i}", result_type(spec.numpy_dtype) if spec.kind == "scalar" else ctypes.c_int64 * words(len(spec.dims)))
        for i, spec in enumerate(specs)
    ]
    return type("Results", (ctypes.Structure,), {"_fields_": fields})
