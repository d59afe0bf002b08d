"""Results as pictures: what is in the files, by readers of their own, and what is refused."""

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weft.backends.signature import Signature, ValueSpec
from weft.diagnostics import WeftError
from weft.driver.deliver import check_outputs, deliver
from weft.driver.pictures import encoded

GREY = np.arange(6, dtype=np.uint8).reshape(2, 3) * 50
COLOURS = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)


def read_png(data):
    """The samples of a PNG file, `[height, width, samples]`, by the book."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    position, chunks = 8, []
    while position < len(data):
        (length,) = struct.unpack_from(">I", data, position)
        kind, body = data[position + 4 : position + 8], data[position + 8 : position + 8 + length]
        (check,) = struct.unpack_from(">I", data, position + 8 + length)
        assert check == zlib.crc32(kind + body)
        chunks.append((kind, body))
        position += 12 + length
    assert [kind for kind, _ in chunks] == [b"IHDR", b"IDAT", b"IEND"]
    width, height, depth, colours, *rest = struct.unpack(">IIBBBBB", chunks[0][1])
    assert (depth, rest) == (8, [0, 0, 0])
    samples = {0: 1, 2: 3}[colours]
    rows = np.frombuffer(zlib.decompress(chunks[1][1]), np.uint8).reshape(height, 1 + width * samples)
    assert not rows[:, 0].any()
    return rows[:, 1:].reshape(height, width, samples)


def read_netpbm(data):
    magic, size, most, body = data.split(b"\n", 3)
    width, height = map(int, size.split())
    assert most == b"255"
    return np.frombuffer(body, np.uint8).reshape(height, width, {b"P5": 1, b"P6": 3}[magic])


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 5), st.integers(1, 5), st.sampled_from([(), (1,), (3,)]), st.integers(0, 99))
def test_a_png_holds_the_elements(height, width, colours, seed):
    array = np.random.default_rng(seed).integers(0, 256, (height, width, *colours)).astype(np.uint8)
    np.testing.assert_array_equal(read_png(encoded("a.png", array)), array.reshape(height, width, -1))


def test_netpbm_files_hold_the_elements():
    np.testing.assert_array_equal(read_netpbm(encoded("a.pgm", GREY))[..., 0], GREY)
    np.testing.assert_array_equal(read_netpbm(encoded("a.ppm", COLOURS)), COLOURS)


def test_grey_and_colours_become_each_other_where_the_kind_of_file_wants_it():
    np.testing.assert_array_equal(read_netpbm(encoded("a.ppm", GREY)), np.stack([GREY] * 3, axis=-1))
    np.testing.assert_array_equal(read_netpbm(encoded("a.pgm", np.stack([GREY] * 3, axis=-1)))[..., 0], GREY)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (np.array([0.0, 0.5, 1.0, -3.0, 7.0, np.nan, np.inf, -np.inf]), [0, 128, 255, 0, 255, 0, 255, 0]),
        (np.array([0.25], np.float16), [64]),
        (np.array([False, True]), [0, 255]),
        (np.array([0, 7, 255], np.uint8), [0, 7, 255]),
    ],
)
def test_elements_become_pixels(row, expected):
    assert read_png(encoded("a.png", row[None]))[0, :, 0].tolist() == expected


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("a.jpg", GREY, "must end in .png, .pgm, .ppm"),
        ("a.png", GREY[0], "a result of 3 is not a picture"),
        ("a.png", np.zeros((2, 3, 4), np.uint8), "2x3x4 is not a picture"),
        ("a.png", np.zeros((0, 3), np.uint8), "0x3 is not a picture"),
        ("a.png", GREY.astype(np.int32), "int32 is not a picture"),
    ],
)
def test_what_is_no_picture_is_refused(name, array, message):
    with pytest.raises(WeftError, match=message):
        encoded(name, array)


def signature(*outputs):
    results = [ValueSpec(f"r{n}", "tensor", "ui8", (2, 3), output=name) for n, name in enumerate(outputs)]
    return Signature("main", (), tuple(results))


def test_a_result_with_a_file_is_written_and_others_are_printed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    deliver(signature("a.png", None), [GREY, GREY], None)
    np.testing.assert_array_equal(read_png((tmp_path / "a.png").read_bytes())[..., 0], GREY)
    assert capsys.readouterr().out == "r0: 2x3xui8, written to a.png\nr1: 2x3xui8 =\n[[  0  50 100]\n [150 200 250]]\n"


def test_output_writes_the_one_picture(tmp_path):
    file = tmp_path / "b.pgm"
    deliver(signature(None, None), [np.float32(1), GREY], str(file))
    np.testing.assert_array_equal(read_netpbm(file.read_bytes())[..., 0], GREY)
    for results, message in (([GREY, GREY], "it is r0, r1"), ([GREY[0], GREY[0]], "it is none")):
        with pytest.raises(WeftError, match=message):
            deliver(signature(None, None), results, str(file))


@pytest.mark.parametrize("name", ["../a.png", "/a.png", "folder/a.png", "a.txt", ".."])
def test_a_program_cannot_choose_a_folder_or_another_kind_of_file(name):
    check_outputs(signature("a.png"), "results.npz")
    with pytest.raises(WeftError, match=r"weft\.output must be the name of a picture"):
        check_outputs(signature(name), None)


def test_another_kind_of_output_is_refused_before_anything_runs():
    with pytest.raises(WeftError, match=r"--output writes \.npz, \.png, \.pgm, \.ppm, not 'a\.txt'"):
        check_outputs(signature(None), "a.txt")
