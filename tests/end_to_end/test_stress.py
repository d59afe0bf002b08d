"""Many programs called from many threads of Python for long: every result right, memory flat; forks; a clean exit."""

import gc
import os
import random
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import weft
from weft.diagnostics import WeftError

THREADS, CALLS = 8, 10_000

UNARY = ("exp", "tanh", "sigmoid", "abs", "neg", "relu")


def text(kind, n):
    """A program of one of five families, its sizes by its number."""
    rows, columns = 3 + 7 * (n % 5), 5 + 11 * (n % 7) + 400 * (n % 3 == 0)
    x, row, turned = f"tensor<{rows}x{columns}xf32>", f"tensor<{rows}xf32>", f"tensor<{columns}x{rows}xf32>"
    square = f"tensor<{rows}x{rows}xf32>"
    bodies = {
        "chain": (x, f"%0 = ml.{UNARY[n % 6]} %x : {x}\n%r = ml.add %0, %x : {x}"),
        "sums": (row, f"%r = ml.reduce add %x, dims = [1] : {x} to {row}"),
        "softmax": (x, f"%r = ml.softmax %x : {x}"),
        "product": (square, f"%0 = ml.transpose %x, perm = [1, 0] : {x} to {turned}\n"
                    f"%r = ml.matmul %x, %0 : ({x}, {turned}) -> {square}"),
        "any size": ("tensor<?xf32>", "%0 = ml.mul %x, %x : tensor<?xf32>\n%r = ml.exp %0 : tensor<?xf32>"),
    }  # fmt: skip
    result, body = bodies[kind]
    given = "tensor<?xf32>" if kind == "any size" else x
    shape = (1 + 97 * n,) if kind == "any size" else (rows, columns)
    return f"func.func @main(%x: {given}) -> {result} {{\n{body}\nfunc.return %r : {result}\n}}\n", shape


FAMILIES = ("chain", "sums", "softmax", "product", "any size")

LARGE = """
func.func @main(%x: tensor<4000x500xf32>) -> tensor<4000x500xf32> {
  %0 = ml.tanh %x : tensor<4000x500xf32>
  %r = ml.softmax %0 : tensor<4000x500xf32>
  func.return %r : tensor<4000x500xf32>
}
"""


def memory():
    """The bytes that the process has in memory now."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def programs(count):
    """Compiled programs with an input and what they give for it when nobody else calls."""
    made = []
    for n in range(count):
        source, shape = text(FAMILIES[n % len(FAMILIES)], n)
        compiled = weft.compile(source, threads=1 + n % 4)
        x = np.random.default_rng(n).standard_normal(shape, np.float32)
        made.append((compiled, x, compiled(x)))
    return made


@pytest.mark.long
@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="memory is read from /proc")
def test_ten_thousand_calls_of_fifty_programs_from_eight_threads():
    ready = [*programs(49), (weft.compile(LARGE), x := np.ones((4000, 500), np.float32), weft.compile(LARGE)(x))]
    wrong, seen = [], []

    def work(seed):
        choose = random.Random(seed)
        for n in range(CALLS // THREADS):
            number = choose.randrange(len(ready)) if n % 50 else 49
            compiled, x, expected = ready[number]
            out = np.empty_like(expected) if choose.random() < 0.3 else None
            result = compiled(x, out=out)
            if not np.array_equal(result, expected) or (out is not None and result is not out):
                wrong.append(number)
            if seed == 0 and n % 125 == 124:
                seen.append(memory())

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, range(THREADS)))
    gc.collect()
    assert not wrong
    assert max(seen[len(seen) // 2 :]) < max(seen[: len(seen) // 2]) + (48 << 20)


def test_some_programs_called_from_some_threads():
    ready = programs(5)
    wrong = []

    def work():
        for _ in range(40):
            wrong.extend(n for n, (f, x, expected) in enumerate(ready) if not np.array_equal(f(x), expected))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_call_that_fails_in_one_thread_leaves_the_others_alone():
    x = "tensor<?xf32>"
    body = f"%r = ml.add %x, %y : {x}\nfunc.return %r : {x}"
    add = weft.compile(f"func.func @main(%x: {x}, %y: {x}) -> {x} {{\n{body}\n}}\n", threads=2)
    softmax = weft.compile(LARGE, threads=2)
    x, n = np.random.default_rng(0).standard_normal((4000, 500), np.float32), np.ones(3_000_000, np.float32)
    expected, failed = softmax(x), []

    def fail():
        for _ in range(20):
            with pytest.raises(WeftError, match="the same sizes"):
                add(n, n[:-1])
            failed.append(bool((add(n, n) == 2).all()))

    with ThreadPoolExecutor(4) as pool:
        failing = pool.submit(fail)
        results = [pool.submit(softmax, x) for _ in range(12)]
        failing.result()
    assert all(np.array_equal(result.result(), expected) for result in results)
    assert failed == [True] * 20


FORKED = f"""
import os, sys, threading
import numpy as np
import weft
from weft.diagnostics import WeftError
f = weft.compile({LARGE!r}, threads=4)
x = np.random.default_rng(0).standard_normal((4000, 500), np.float32)
expected = f(x)
child = os.fork()
if child == 0:
    again = np.array_equal(f(x), expected) and np.array_equal(weft.compile({LARGE!r}, threads=3)(x), expected)
    os._exit(0 if again else 1)
assert np.array_equal(f(x), expected)
assert os.waitpid(child, 0)[1] == 0
threading.Thread(target=lambda: [f(x) for _ in range(50)], daemon=True).start()
print("done", flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork_has_threads_of_its_own_and_the_process_ends_while_calls_run():
    done = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")
