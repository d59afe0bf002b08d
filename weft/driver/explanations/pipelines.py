"""E05: pipelines, passes, and what the tools check about them."""

from __future__ import annotations

from weft import codes
from weft.driver.explanations.base import Example, Explanation

_FILE = "func.func @f() {\n  func.return\n}\n"


def _run(options: str, file: str = _FILE) -> Example:
    return Example(file, f"weft opt FILE {options}")


EXPLANATIONS = (
    Explanation(
        codes.PIPELINE_SYNTAX,
        "A pipeline is written `anchor(pass, pass{option=value option=value}, anchor(pass))`, as in MLIR; the "
        "outermost anchor is the op that it runs on, mostly `builtin.module`, or `any`. Options are separated by "
        "blanks. The column in the message counts in the text of the pipeline.",
        _run("--pass-pipeline='builtin.module(canonicalize,cse'"),
        _run("--pass-pipeline='builtin.module(canonicalize,cse)'"),
    ),
    Explanation(
        codes.UNKNOWN_PASS,
        "`weft opt --list-passes` lists the passes, and `weft help PASS` tells what each of them does.",
        _run("--pass-pipeline='builtin.module(canonicalise)'"),
        _run("--pass-pipeline='builtin.module(canonicalize)'"),
    ),
    Explanation(
        codes.UNKNOWN_OPTION,
        "`weft help PASS` lists the options of a pass, their types and defaults.",
        _run("--pass-pipeline='builtin.module(decompose{op=softmax})'"),
        _run("--pass-pipeline='builtin.module(decompose{ops=softmax})'"),
    ),
    Explanation(
        codes.OPTION_VALUE,
        "An option of a pass needs a value of its type: whole numbers, `true` or `false`, names, or lists of them "
        "with commas. An option without a default must be given.",
        _run("--pass-pipeline='builtin.module(decompose{ops=softmix})'"),
        _run("--pass-pipeline='builtin.module(decompose{ops=softmax})'"),
    ),
    Explanation(
        codes.WRONG_ANCHOR,
        "The outermost anchor of a pipeline is the op that it runs on: a file is a `builtin.module`. A pipeline "
        "for functions stands inside of it.",
        _run("--pass-pipeline='func.func(canonicalize)'"),
        _run("--pass-pipeline='builtin.module(func.func(canonicalize))'"),
    ),
    Explanation(
        codes.NO_REPRODUCER,
        "--run-reproducer runs the pipeline that a file carries at its end, in `{-# external_resources: { "
        'mlir_reproducer: { pipeline: "..." } } #-}`. --mlir-pass-pipeline-crash-reproducer writes such files.',
        _run("--run-reproducer"),
        _run(
            "--run-reproducer",
            _FILE + '{-#\n  external_resources: {\n    mlir_reproducer: {\n      pipeline: "builtin.module(cse)"\n'
            "    }\n  }\n#-}\n",
        ),
    ),
    Explanation(
        codes.MEANING_CHANGED,
        "--check-passes runs the program on made-up inputs before and after every pass, in NumPy. The pass that "
        "is named gave a program that answers otherwise: that is a bug of the pass, of weft's or of a plug-in's. "
        "The file that the hint names reproduces it. Programs that are undefined on some input (a division by "
        "zero) may differ on it too.",
    ),
    Explanation(
        codes.PIPELINE_FAILED,
        "A pass failed, and a reproducer was asked for: the notes say what failed, and where the file is that "
        "holds the program and the pipeline. `weft opt FILE --run-reproducer` runs it again.",
    ),
    Explanation(
        codes.DIAGNOSTICS_DIFFER,
        "With --verify-diagnostics the comments `// expected-error {{text}}` of a file (also note, warning, "
        "remark; `@+1`, `@above`, `@below`, `@unknown`) say which diagnostics it gives. One was not given, or one "
        "was given that no comment expects.",
        Example("func.func @f() {\n  foo.bar\n  func.return\n}\n", "weft opt FILE --verify-diagnostics"),
        Example(
            "func.func @f() {\n  // expected-error @+1 {{operation 'foo.bar' is not registered}}\n  foo.bar\n"
            "  func.return\n}\n",
            "weft opt FILE --verify-diagnostics",
        ),
    ),
    Explanation(
        codes.NOT_INTERESTING,
        "A module is reduced while the test that was given still finds it interesting (it exits with 1); it does "
        "not find the whole module interesting. Run the test on the file by hand: paths in it may be relative to "
        "another folder.",
    ),
)
