"""What becomes of results: they are printed, or written to files."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from weft import codes
from weft.backends.signature import Signature
from weft.diagnostics import WeftError
from weft.driver.output import write_whole
from weft.driver.pictures import ENCODERS, encoded, is_picture


def check_outputs(signature: Signature, output: str | None) -> None:
    """See that results can be delivered, before they are computed. Raises :class:`WeftError` where they cannot."""
    kinds = (".npz", *ENCODERS)
    if output is not None and PurePath(output).suffix not in kinds:
        message = f"--output writes {', '.join(kinds)}, not '{PurePath(output).name}'"
        raise WeftError(message, code=codes.COMMAND_LINE)
    for spec in signature.results:
        name = spec.output
        if name is not None and (PurePath(name).name != name or PurePath(name).suffix not in ENCODERS):
            hint = f"it is written in the current folder; the name ends in {', '.join(ENCODERS)}"
            message = (
                f"the result {spec.name}: weft.output must be the name of a picture, without a folder, not '{name}'"
            )
            raise WeftError(message, hint=hint, code=codes.CANNOT_WRITE)


def deliver(signature: Signature, results: Sequence[Any], output: str | None) -> None:
    """Write all results to an `.npz` file or the one that is a picture to a picture file; without `output`, print them.

    A result with `weft.output` is not printed but written to that picture file, in the current folder.
    Raises :class:`WeftError` where a file cannot be written, or a result is no picture.
    """
    if output is None:
        for spec, value in zip(signature.results, results, strict=True):
            if spec.output is None:
                print(shown(spec.name, value, spec.dtype))
            else:
                array = np.asarray(value)
                write_whole(spec.output, encoded(spec.output, array))
                print(f"{spec.name}: {_shape(array)}x{spec.dtype}, written to {spec.output}")
        return
    path = Path(output)
    if path.suffix == ".npz":
        stream = BytesIO()
        np.savez(stream, allow_pickle=False, **{f"result{n}": np.asarray(value) for n, value in enumerate(results)})
        write_whole(path, stream.getvalue())
    else:
        write_whole(path, encoded(path.name, _picture(path.name, signature, results)))


def _picture(name: str, signature: Signature, results: Sequence[Any]) -> Any:
    """The result that is a picture: the only result, or the only one of a picture's shape."""
    pictures = [n for n, value in enumerate(results) if len(results) == 1 or is_picture(np.shape(value))]
    if len(pictures) != 1:
        found = ", ".join(signature.results[n].name for n in pictures) or "none"
        raise WeftError(
            f"'{name}': one of the results must be a picture, [height, width] or [height, width, 3]; it is {found}",
            hint="write all results to an .npz file",
            code=codes.CANNOT_WRITE,
        )
    return np.asarray(results[pictures[0]])


def shown(name: str, value: Any, dtype: str) -> str:
    """A result as text: its name, shape and dtype first, then as NumPy prints it."""
    array = np.asarray(value)
    if array.ndim == 0:
        return f"{name}: {dtype} = {array[()]}"
    return f"{name}: {_shape(array)}x{dtype} =\n{array}"


def _shape(array: Any) -> str:
    return "x".join(map(str, array.shape))
