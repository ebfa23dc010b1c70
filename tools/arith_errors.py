#!/usr/bin/env python3
"""What each operator of docs/arithmetic.md costs in accuracy: signal to noise, in dB, of its integer result against
the same operator in float64 on the same real inputs, Gaussian unless said otherwise. Alternatives that were rejected
stand beside what was kept.

    python3 tools/arith_errors.py
"""

import math

import arith_reference as arith
import numpy as np

random = np.random.default_rng(20240607)


def fixed(real, fraction):
    return np.clip(np.floor(real * 2.0**fraction + 0.5), -arith.L, arith.L).astype(np.int64)


def decibels(exact, found):
    return 10 * math.log10((exact**2).sum() / ((found - exact) ** 2).sum())


def line(name, exact, found):
    print(f"| {name} | {decibels(exact, found):.1f} |")


def rounded_matrix(weight, bits=8, group=64):
    """Codes and Scales of a matrix [N,K]; for 4 bits the codes times their steps."""
    most = 127 if bits == 8 else 126
    scales = [arith.scale(float(s)) for s in np.abs(weight).max(axis=1) / most / 127]
    u, h = np.array([m for m, _ in scales]), np.array([e for _, e in scales])
    unit = 127 * u * 2.0**h
    if bits == 8:
        return np.rint(weight / unit[:, None]).astype(np.int64), u, h
    blocks = (weight / unit[:, None]).reshape(len(weight), -1, group)
    best = np.full(blocks.shape[:2], np.inf)
    codes = np.zeros_like(blocks)
    for z in range(1, 19):
        rounded = np.clip(np.rint(blocks / z), -7, 7) * z
        error = ((rounded - blocks) ** 2).sum(axis=2)
        codes = np.where((error < best)[..., None], rounded, codes)
        best = np.minimum(best, error)
    return codes.reshape(weight.shape).astype(np.int64), u, h


def linear():
    f = 20
    weight = random.normal(size=(256, 768)) / math.sqrt(768)
    plain = random.normal(size=(128, 768))
    spiked = plain.copy()
    spiked[:, 5] *= 50
    for name, x, w, bits, group in (
        ("linear, 8-bit weights", plain, weight, 8, 0),
        ("linear, 4-bit weights in groups of 32", plain, weight, 4, 32),
        ("linear, 4-bit weights in groups of 64", plain, weight, 4, 64),
        ("linear, 4-bit weights in groups of 128", plain, weight, 4, 128),
        ("linear, one channel of the input 50 times the rest", spiked, weight, 8, 0),
    ):
        c, u, h = rounded_matrix(w, bits, group or 64)
        y = arith.linear(fixed(x, f), c, u, h, f, f)
        line(name, x @ w.T, y * 2.0**-f)
    # What smoothing does about it (strength 1/2): channel 5 divided in x, multiplied in the weight.
    s = np.sqrt(np.abs(spiked).max(axis=0) / np.abs(weight).max(axis=0))
    c, u, h = rounded_matrix(weight * s)
    line("the same, smoothed", spiked @ weight.T, arith.linear(fixed(spiked / s, f), c, u, h, f, f) * 2.0**-f)
    x = fixed(plain, f)
    scale = np.abs(plain).max() / 127
    line("rounding a row of 768, as kept: a scale per row", plain, dequantised(x) * 2.0**-f)
    line("rejected: one scale for all rows", plain, np.rint(plain / scale) * scale)


def dequantised(x):
    q, m, e = arith.quantise(x)
    return q / 127 * (m * 2.0**e)[:, None]


def norms():
    x = random.normal(size=(64, 768)) * 3 + 0.5
    gain = 1 + 0.1 * random.normal(size=768)
    scales = [arith.scale(float(abs(g))) for g in gain]
    u, h = np.array([m for m, _ in scales]), np.array([e for _, e in scales])
    sign = np.where(gain < 0, -1, 1)
    exact = (x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + 1e-6) * gain
    zero = np.zeros(768, np.int64)
    line("layer norm", exact, arith.norm(fixed(x, 18), sign, u, h, 1e-6, 18, 18, zero, 18) * 2.0**-18)
    exact = x / np.sqrt((x**2).mean(axis=1, keepdims=True) + 1e-5) * gain
    line("RMS norm", exact, arith.norm(fixed(x, 18), sign, u, h, 1e-5, 18, 18) * 2.0**-18)


def functions():
    x = random.normal(size=100000)
    b = random.normal(size=100000)
    erf = np.vectorize(math.erf)
    for name, exact in (
        ("gelu_tanh", x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))),
        ("gelu_erf", x / 2 * (1 + erf(x / math.sqrt(2)))),
        ("silu", x / (1 + np.exp(-x))),
    ):
        line(name, exact, arith.F(fixed(x, 19), 19, 19, name) * 2.0**-19)
        if name == "silu":
            line("gate with silu", exact * b, arith.gate(fixed(x, 19), fixed(b, 19), name, 19, 19, 18) * 2.0**-18)
            table = np.rint(2.0**20 * np.array([z / (1 + math.exp(z)) for z in np.arange(513) / 32])) / 2**20
            chord = np.maximum(x, 0) - np.interp(np.abs(x), np.arange(513) / 32, table)
            small = np.abs(x) < 1 / 64
            line("silu of inputs below 1/64", exact[small], arith.F(fixed(x, 24), 24, 24, name)[small] * 2.0**-24)
            line("rejected: max(x, 0) less a table of the rest, the same inputs", exact[small], chord[small])


def rope():
    x = random.normal(size=(200, 64))
    angle = np.arange(200)[:, None] * 10000.0 ** (-np.arange(32) / 32)
    lo, hi = x[:, :32], x[:, 32:]
    exact = np.hstack([lo * np.cos(angle) - hi * np.sin(angle), hi * np.cos(angle) + lo * np.sin(angle)])
    line("RoPE", exact, arith.rope(fixed(x, 20), 64, 64, 10000.0, 0, 20, 20) * 2.0**-20)


def attention():
    keys, queries, d, f = 1024, 64, 64, 18
    everything = np.full(queries, keys)
    for spread in (1, 2, 4):
        q, k, v = (random.normal(size=(n, d)) for n in (queries, keys, keys))
        k = k * spread
        logits = q @ k.T / 8
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        exact = weights @ v / weights.sum(axis=1, keepdims=True)
        y = arith.attention(fixed(q, f), fixed(k, f), fixed(v, f), everything, 1, 1, d, 0.125, f, f, f, 20)
        line(f"attention, 1,024 keys, logits of deviation {spread}", exact, y * 2.0**-20)
        # The rounding of the weights alone, by what was tried.
        for name, block, most in (
            ("its 8-bit weights alone, as kept: an exponent per 64 keys", 64, 255),
            ("an exponent per 32 keys", 32, 255),
            ("rejected: one exponent per row", keys, 255),
            ("rejected, at twice the products: 16-bit weights", keys, 65535),
        ):
            octaves = np.floor(-np.log2(weights)).reshape(queries, -1, block).min(axis=2)
            unit = np.repeat(2.0**-octaves, block, axis=1)
            line(name, exact, np.rint(weights / unit * most) / most * unit @ v / weights.sum(axis=1, keepdims=True))


def main():
    print("| operator | SNR dB |\n|---|---|")
    for part in (linear, norms, functions, rope, attention):
        part()


if __name__ == "__main__":
    main()
