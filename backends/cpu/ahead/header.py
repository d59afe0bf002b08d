"""The C header of compiled code: a plain function and MLIR's C interface for each public function."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from weft.backends.cpu.ahead.interface import (
    ELEMENTS,
    ERROR,
    THREADS,
    WEIGHTS,
    ComplexElement,
    Function,
    Passed,
    descriptor_name,
    identifier,
)
from weft.backends.cpu.ahead.record import Record
from weft.backends.signature import ValueSpec

_WIDTH = 100

_HEAD = """/* {title}

{facts}

Each function comes twice.

The plain one takes pointers to contiguous arrays in row-major order, a size (in elements) for each `?` of an argument's
type, and pointers to where the results go. A result whose type has a `?` is allocated: its pointer and its sizes are
stored, and free() takes the memory back. It returns 0, or the status of a check that failed; then no result is
meant to be read, nothing has to be freed, and {error} has the text. Results must not overlap arguments.

The one called _mlir_ciface_... follows MLIR's C interface: memrefs are passed as pointers to descriptors, sizes and
strides in elements. First a pointer to a struct of what is returned (results that are allocated, and scalars), where
there is such; then the arguments; then a descriptor for each tensor result of static shape, whose memory the caller
brings. It returns the status.

Calls may run in several threads at once. */"""


def header(name: str, functions: Sequence[Function], record: Record, source: str) -> str:
    """The text of a header called `name` for functions of the program `source`."""
    guard = identifier(name).upper()
    facts = f"Made by weft {record.version} from {source}, for {record.triple} ({record.cpu or 'any CPU'})."
    error = record.prefix + ERROR
    title = f"{name}: link with -lm -lpthread"
    parts = [
        _commentable(_HEAD.format(title=title, facts=facts, error=error)),
        f"#ifndef {guard}\n#define {guard}\n\n#include <stdbool.h>\n#include <stdint.h>\n",
        *_complex_include(functions),
        '#ifdef __cplusplus\nextern "C" {\n#endif\n',
        "/* The text of a status, NULL for 0. It lives as long as the code does. */\n"
        f"const char *{error}(int status);\n",
        f"/* The most threads of a call, up to {record.threads}; 0, as at the start, stands for one a core. */\n"
        f"void {record.prefix}{THREADS}(int threads);\n",
        *_loading(record),
        *_complex_numbers(functions),
        *_descriptors(functions),
        *(part for function in functions for part in _function(function)),
        "#ifdef __cplusplus\n}\n#endif\n",
        f"#endif /* {guard} */\n",
    ]
    return "\n".join(parts)


def _loading(record: Record) -> Iterable[str]:
    if record.weights is not None:
        file = record.weights.file
        yield _commentable(
            f"/* Maps the constants, {file}, into memory: to be called before all else. Returns a status. */"
        ) + (f"\nint {record.prefix}{WEIGHTS}(const char *file);\n")


def _commentable(comment: str) -> str:
    """A comment in which nothing but its end ends it."""
    inside = comment.removeprefix("/*").removesuffix("*/")
    return f"/*{_safe(inside)}*/"


def _safe(text: str) -> str:
    return text.replace("*/", "* /").replace("/*", "/ *").replace("??", "? ?").replace("\\\n", "\\ \n")


def _numbers(functions: Sequence[Function]) -> Sequence[ComplexElement]:
    """The types of complex numbers that functions take or give, each once."""
    passed = (one for function in functions for one in (*function.arguments, *function.results))
    found = {one.number.name: one.number for one in passed if one.number is not None}
    return [found[name] for name in sorted(found)]


def _complex_include(functions: Sequence[Function]) -> Iterable[str]:
    if _numbers(functions):
        yield "#ifdef __cplusplus\n#include <complex>\n#endif\n"


def _complex_numbers(functions: Sequence[Function]) -> Iterable[str]:
    """The types of complex numbers. Another header of weft may have defined them before."""
    for number in _numbers(functions):
        guard = number.name.upper()
        yield (
            f"#ifndef {guard}\n#define {guard}\n"
            "/* A complex number: its real and its imaginary part. A memref has it as two numbers in a row. */\n"
            f"#ifdef __cplusplus\ntypedef {number.cplusplus} {number.name};\n"
            f"#else\ntypedef {number.c} {number.name};\n#endif\n#endif\n"
        )


def _descriptors(functions: Sequence[Function]) -> Iterable[str]:
    """The types of descriptors, each once. Another header of weft may have declared them before."""
    specs = {
        descriptor_name(passed.spec): passed.spec
        for function in functions
        for passed in (*function.arguments, *function.results)
        if passed.spec.kind != "scalar"
    }
    for name, spec in sorted(specs.items()):
        element, rank = ELEMENTS[spec.dtype], len(spec.dims)
        what = f"/* A memref of {element.says or spec.dtype}, rank {rank}. */"
        fields = [f"{element.c} *allocated;", f"{element.c} *aligned;", "int64_t offset;"]
        fields += [f"int64_t sizes[{rank}];", f"int64_t strides[{rank}];"] if rank else []
        lines = "\n".join(f"  {field}" for field in fields)
        guard = name.upper()
        yield f"#ifndef {guard}\n#define {guard}\n{what}\ntypedef struct {name} {{\n{lines}\n}} {name};\n#endif\n"


def _function(function: Function) -> Iterable[str]:
    told = [f"{function.signature}", *_told(function)]
    comment = _commentable("/* " + "\n   ".join(told) + " */")
    yield f"{comment}\n{_declaration('int', function.plain, [str(p) for p in function.parameters()])}\n"
    yield _entry(function)


def _told(function: Function) -> Iterable[str]:
    """What has to be known of parameters besides their types."""
    for passed in (*function.arguments, *function.results):
        spec = passed.spec
        if says := ELEMENTS[spec.dtype].says:
            yield f"{passed.value.name}: {says}."
    for passed in function.arguments:
        if passed.spec.kind == "memref":
            yield f"{passed.value.name}: used in place{_strides(passed)}."
    for passed in function.results:
        if passed.spec.kind == "tensor" and not passed.spec.is_out:
            yield f"{passed.value.name}: allocated, to be given back with free(); {_dims(passed)}."


def _strides(passed: Passed) -> str:
    strides = passed.spec.strides
    return "" if strides is None else f", strides ({', '.join('?' if s is None else str(s) for s in strides)})"


def _dims(passed: Passed) -> str:
    assert passed.sizes[0] is not None
    return f"{passed.sizes[0].name}: its {f'{passed.rank} sizes' if passed.rank > 1 else 'size'}"


def _declaration(result: str, name: str, parameters: Sequence[str]) -> str:
    line = f"{result} {name}({', '.join(parameters) or 'void'});"
    if len(line) <= _WIDTH:
        return line
    return f"{result} {name}(\n    " + ",\n    ".join(parameters) + ");"


def _entry(function: Function) -> str:
    """The declaration of a function of MLIR's C interface."""
    name = function.descriptors
    if any(p.spec.kind == "scalar" and ELEMENTS[p.spec.dtype].says for p in function.arguments):
        return f"/* {name}: C has no portable type for its 16-bit floats. */\n"
    returned = [passed for passed in function.results if not passed.spec.is_out]
    struct = f"{function.plain}_results"
    parts: list[str] = []
    if returned:
        fields = "\n".join(f"  {_held(p.spec)} {p.value.name};" for p in returned)
        parts.append(f"typedef struct {struct} {{\n{fields}\n}} {struct};\n")
    parameters = [f"{struct} *results"] if returned else []
    parameters += [_passed(p) for p in function.arguments]
    parameters += [_passed(p) for p in function.results if p.spec.is_out]
    return "".join([*parts, _declaration("int64_t", name, parameters), "\n"])


def _held(spec: ValueSpec) -> str:
    return ELEMENTS[spec.dtype].c if spec.kind == "scalar" else descriptor_name(spec)


def _passed(passed: Passed) -> str:
    name = passed.value.name
    return f"{_held(passed.spec)}{' ' if passed.spec.kind == 'scalar' else ' *'}{name}"
