"""Makes `transformer_block.npz`: the weights of a small transformer, set by hand to continue a repeated sequence.

    python examples/transformer_block.py

A token is 64 numbers: the digit as one-hot (0 to 9), the position as cosines and sines (10 to 29) and their negatives
(30 to 49), so that all tokens have one mean and one variance and layer_norm changes no direction; and the digit that
comes next, as it becomes known (50 to 59). A head's query is its position turned back by seven steps; so the key that
is most alike is that of seven digits ago, eight before the next one: the length of the sequence.
"""

from pathlib import Path

import numpy as np

LENGTH, WIDTH, HEADS, HEAD, BACK = 24, 64, 2, 32, 7
DIGIT, PLACE, OPPOSITE, NEXT = 0, 10, 30, 50
FREQUENCIES = np.array([1, 3, 5, 7, 9, 2, 4, 6, 8, 11]) * 2 * np.pi / 48
"""The first five are those of the first head, the others those of the second one."""
SHARPNESS = 6.0


def rotation(angle: float) -> np.ndarray:
    """The matrix that turns a row `(cos t, sin t)` by an angle."""
    return np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def heads() -> tuple[np.ndarray, np.ndarray]:
    """The matrices of query, key and value, side by side; and what puts the values of the heads together."""
    qkv = np.zeros((WIDTH, 3, HEADS, HEAD))
    projection = np.zeros((HEADS, HEAD, WIDTH))
    for number, frequency in enumerate(FREQUENCIES):
        head, pair = divmod(number, 5)
        own = slice(2 * pair, 2 * pair + 2)
        for start, sign in ((PLACE, 1.0), (OPPOSITE, -1.0)):
            rows = slice(start + 2 * number, start + 2 * number + 2)
            qkv[rows, 0, head, own] = sign * SHARPNESS * rotation(-BACK * frequency)
            qkv[rows, 1, head, own] = sign * np.eye(2)
    for digit in range(10):
        qkv[DIGIT + digit, 2, :, digit] = 1.0
        projection[:, digit, NEXT + digit] = 0.5
    return qkv.reshape(WIDTH, -1), projection.reshape(-1, WIDTH)


def weights() -> dict[str, np.ndarray]:
    """All arrays of the file."""
    angles = np.arange(LENGTH)[:, None] * FREQUENCIES
    place = np.stack([np.cos(angles), np.sin(angles)], axis=-1).reshape(LENGTH, -1)
    positions = np.zeros((LENGTH, WIDTH))
    positions[:, PLACE:OPPOSITE], positions[:, OPPOSITE:NEXT] = place, -place
    up, down = np.zeros((WIDTH, 2 * WIDTH)), np.zeros((2 * WIDTH, WIDTH))
    for digit in range(10):  # the MLP makes what is likely likelier
        up[NEXT + digit, digit], down[digit, NEXT + digit] = 1.0, 1.0
    qkv, projection = heads()
    floats = {
        "embeddings": np.eye(10, WIDTH),
        "positions": positions,
        "qkv": qkv,
        "projection": projection,
        "up": up,
        "down": down,
        "unembedding": np.eye(WIDTH, 10, -NEXT),
        **{f"scale{n}": np.ones(WIDTH) for n in (1, 2)},
        **{f"bias{n}": np.zeros(WIDTH) for n in (1, 2)},
    }
    digits = np.array([3, 1, 4, 1, 5, 9, 2, 6] * 3, np.int32)
    return {"digits": digits, **{name: array.astype(np.float32) for name, array in floats.items()}}


if __name__ == "__main__":
    np.savez_compressed(Path(__file__).with_suffix(".npz"), **weights())
