"""The call for a GPU machine: its steps, the examples, and the sanitizer, with a tool that is not there."""

import os
import sys
from importlib import import_module
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def module(monkeypatch):
    """A program of the folder, by name."""
    monkeypatch.syspath_prepend(str(FOLDER))
    return import_module


def tool(folder, code):
    """A compute-sanitizer that runs the program, says a summary, and gives this code if a race is looked for."""
    script = folder / "compute-sanitizer"
    script.write_text(
        f"""#!{sys.executable}
import subprocess, sys
tool, program = sys.argv[2], sys.argv[5:]
assert sys.argv[1] == "--tool" and sys.argv[3] == "--error-exitcode"
code = subprocess.run(program).returncode
print("========= ERROR SUMMARY: 0 errors")
sys.exit(code or ({code} if tool == "racecheck" else 0))
"""
    )
    script.chmod(0o755)


@pytest.mark.parametrize("code", [0, 99])
def test_the_sanitizer_watches_the_examples(module, tmp_path, monkeypatch, capfd, code):
    sanitize = module("sanitize")
    tool(tmp_path, code)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(sanitize, "INSTALLED", tmp_path)
    rest = ["vector_add_one_block", "--target", "gpu-sim", "--tools", "racecheck"]
    assert sanitize.main(rest) == bool(code)
    said = capfd.readouterr().out
    assert f"racecheck: {'NOT CLEAN' if code else 'clean'} (ERROR SUMMARY: 0 errors)" in said


def test_without_the_sanitizer_it_is_told(module, tmp_path, monkeypatch, capsys):
    sanitize = module("sanitize")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CUDA_HOME", raising=False)
    monkeypatch.delenv("CUDA_PATH", raising=False)
    monkeypatch.setattr(sanitize, "INSTALLED", tmp_path)
    assert sanitize.main([]) == 2
    assert "there is no compute-sanitizer" in capsys.readouterr().err


def test_an_example_that_is_wrong_is_told(module, monkeypatch, capsys):
    examples = module("gpu_examples")
    monkeypatch.setattr(examples, "result", lambda name, entry, target: 1.0 if entry == "main" else 2.0)
    assert examples.main(["reduction", "device_query"]) == 1
    assert "reduction                differs from its twin by 1.00e+00" in capsys.readouterr().out


def test_all_steps_share_the_time(module, tmp_path, monkeypatch, capsys):
    machine = module("gpu_machine")
    assert machine.main(["--list"]) == 0
    listed = capsys.readouterr().out
    for name in ("gpu_examples.py", "-m pytest -m gpu", "sanitize.py", "gpu.py", "gpu_launch.py", "cpu_vs_gpu.py"):
        assert name in listed
    for line in listed.splitlines():
        program = next((word for word in line.split() if word.endswith(".py")), None)
        assert program is None or Path(program).exists()
    quick = {"good": "0", "bad": "3", "absent": "2"}
    made = [machine.Step(name, ("-c", f"print('said'); raise SystemExit({code})"), 0.3) for name, code in quick.items()]
    made.append(machine.Step("endless", ("-c", "import time; time.sleep(60)"), 0.01))
    monkeypatch.setattr(machine, "steps", lambda logs, minutes: made)
    assert machine.main(["--minutes", "2", "--logs", str(tmp_path)]) == 2
    said = capsys.readouterr().out
    assert "good: right after" in said and "absent: cannot run" in said and "endless: its time was over" in said
    assert "bad: FAILED" in said and "    said" in said and (tmp_path / "good.txt").read_text() == "said\n"
