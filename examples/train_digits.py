"""Makes `digits.npz`: trains the network of `digits.mlir` on the UCI handwritten digits that scikit-learn ships; and
`digits_training.npz`, the images that it is trained on, for `train_digits.mlir`.

Needs scikit-learn (`pip install scikit-learn`). Run it from anywhere:

    python examples/train_digits.py

Every fifth image is kept out of the training; those images and their labels go into the file, with the weights.
The training is plain NumPy: mini-batch gradient descent with momentum on the cross entropy, from a fixed seed.
"""

from itertools import pairwise
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

SIZES = (64, 128, 64, 10)
EPOCHS, BATCH, RATE, MOMENTUM, DECAY = 150, 32, 0.05, 0.9, 1e-4


def forward(weights, x):
    """The activations of every layer; the last are the logits."""
    layers = [x]
    for n, (w, b) in enumerate(weights):
        x = x @ w + b
        if n + 1 < len(weights):
            x = np.maximum(x, 0)
        layers.append(x)
    return layers


def gradients(weights, layers, labels):
    """d(mean cross entropy) / d(weights), by backpropagation."""
    logits = layers[-1]
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    p[np.arange(len(labels)), labels] -= 1
    delta, result = p / len(labels), []
    for n in range(len(weights) - 1, -1, -1):
        w, _ = weights[n]
        result.append((layers[n].T @ delta + DECAY * w, delta.sum(0)))
        delta = (delta @ w.T) * (layers[n] > 0)
    return result[::-1]


def jitter(x, rng):
    """Every image moved by up to one pixel each way, zeros moving in: the writers did not centre theirs either."""
    padded = np.pad(x.reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)))
    moved = np.empty((len(x), 8, 8), np.float32)
    for image, (dy, dx), out in zip(padded, rng.integers(0, 3, (len(x), 2)), moved, strict=True):
        out[:] = image[dy : dy + 8, dx : dx + 8]
    return moved.reshape(-1, 64)


def train(x, labels, rng):
    """Weights and biases of all layers."""
    weights = [
        (rng.normal(0, np.sqrt(2 / m), (m, n)).astype(np.float32), np.zeros(n, np.float32)) for m, n in pairwise(SIZES)
    ]
    speed = [(np.zeros_like(w), np.zeros_like(b)) for w, b in weights]
    for epoch in range(EPOCHS):
        rate = RATE * 0.5 * (1 + np.cos(np.pi * epoch / EPOCHS))
        order = rng.permutation(len(x))
        for start in range(0, len(x), BATCH):
            batch = order[start : start + BATCH]
            steps = gradients(weights, forward(weights, jitter(x[batch], rng)), labels[batch])
            speed = [
                (MOMENTUM * vw - rate * gw, MOMENTUM * vb - rate * gb)
                for (vw, vb), (gw, gb) in zip(speed, steps, strict=True)
            ]
            weights = [
                ((w + vw).astype(np.float32), (b + vb).astype(np.float32))
                for (w, b), (vw, vb) in zip(weights, speed, strict=True)
            ]
    return weights


def main():
    """Train, report, and write the file."""
    images, labels = load_digits(return_X_y=True)
    held_out = np.arange(len(images)) % 5 == 0
    x = (images / 16).astype(np.float32)
    weights = train(x[~held_out], labels[~held_out], np.random.default_rng(7))
    accuracy = (forward(weights, x[held_out])[-1].argmax(1) == labels[held_out]).mean()
    print(f"accuracy on {held_out.sum()} held-out images: {accuracy:.4f}")
    arrays = {"images": images[held_out].astype(np.uint8), "labels": labels[held_out].astype(np.int32)}
    for n, (w, b) in enumerate(weights, 1):
        arrays |= {f"w{n}": w, f"b{n}": b}
    here = Path(__file__)
    np.savez_compressed(here.with_name("digits.npz"), **arrays)
    others = {"images": images[~held_out].astype(np.uint8), "labels": labels[~held_out].astype(np.int32)}
    np.savez_compressed(here.with_name("digits_training.npz"), **others)


if __name__ == "__main__":
    main()
