#!/usr/bin/env python3
"""The arithmetic of docs/arithmetic.md in Python, written from that page alone.

    arith_reference.py FILE.safetensors    checks test vectors bit by bit: exit status 0 if every element is equal, 1 if
                                           one is not, 2 if the file is missing or malformed
    arith_reference.py --self-test         checks every operator against float64 mathematics
    arith_reference.py --ties              the entries of the tables that lie closest to a tie

Functions stand in the page's order under the page's names. Tensors are int64 arrays. Wherever a value could leave 64 bits
the arrays hold Python integers instead (`rnd` sees to that), so there is no bound that the page does not state.
"""

import functools
import json
import math
import struct
import sys
from decimal import ROUND_FLOOR, Decimal, getcontext

import numpy as np

getcontext().prec = 60

# 1. Words ---------------------------------------------------------------------------------------------------------------

L = 2**26 - 1


def _rnd(x: int, s: int) -> int:
    return x if s == 0 else (x + (1 << (s - 1))) >> s if s > 0 else x << -s


_rnd_objects = np.frompyfunc(_rnd, 2, 1)


def rnd(x, s):
    """x / 2^s to the nearest, ties up, of arrays or integers that broadcast; Python integers where 64 bits may not do."""
    x, s = np.asarray(x), np.asarray(s)
    if x.size == 0 or s.size == 0:
        return np.zeros(np.broadcast_shapes(x.shape, s.shape), np.int64)
    if x.dtype != object and s.dtype != object:
        size = max(int(x.max()), -int(x.min())).bit_length()
        if size + max(0, -int(s.min())) <= 61:
            right = np.clip(s, 0, 62).astype(np.int64)  # |x| < 2^61 gives 0 for s = 62 and all beyond
            half = np.where(right > 0, np.int64(1) << np.maximum(right - 1, 0), 0)
            return ((x.astype(np.int64) + half) >> right) << np.maximum(-s, 0).astype(np.int64)
    return np.asarray(_rnd_objects(x.astype(object), s.astype(object)), dtype=object)


def div(a, b):
    """a / b to the nearest, ties up; b > 0."""
    return (2 * a + b) // (2 * b)


def sat(x):
    return np.minimum(np.maximum(x, -L), L).astype(np.int64)


def bits(x):
    """The number of binary digits of an int64 array x >= 0."""
    x = np.array(x, np.int64)
    n = np.zeros_like(x)
    for step in (32, 16, 8, 4, 2, 1):
        big = x >= np.int64(1) << step
        n += np.where(big, step, 0)
        x = np.where(big, x >> step, x)
    return n + x


def nearest(r: Decimal) -> int:
    return int((r + Decimal("0.5")).to_integral_value(ROUND_FLOOR))


def normal(x, e):
    """The Scale (m, e), two int64 arrays, of int64 array x >= 0 times 2^e."""
    x = np.asarray(x, np.int64)
    more = bits(x) - 16
    m = (x >> np.maximum(more, 0)) << np.maximum(-more, 0)
    return m, np.where(x > 0, e + more, 0)


def scale(r: float):
    """The Scale (m, e), two ints, nearest to the double r >= 0."""
    if r == 0:
        return 0, 0
    e = math.frexp(r)[1] - 16  # floor(log2 r) - 15
    m = math.floor(math.ldexp(r, -e) + 0.5)  # exact: 53 bits hold the sum as well
    return (2**15, e + 1) if m == 2**16 else (m, e)


# 2. Values --------------------------------------------------------------------------------------------------------------


def quantise(x):
    """x[T,K] -> codes q[T,K] and the Scales m[T], e[T]."""
    m, e = normal(np.abs(x).max(axis=-1, initial=0), 0)
    r = np.where(m > 0, 127 * 2**25 // np.maximum(m, 1), 0)
    return rnd(rnd(x, e[..., None] + 2) * r[..., None], 23), m, e


def border(r, f_y):
    """Finite float32 r[n] -> y[n]. Doubles hold r 2^f exactly, and so does the half when it matters."""
    if not np.isfinite(r).all():
        raise ValueError("an infinity or NaN at the border")
    return np.clip(np.floor(np.ldexp(r.astype(np.float64), f_y) + 0.5), -L, L).astype(np.int64)


def border_out(x, f_x):
    """x[n] -> float32 r[n], ties to even."""
    return np.ldexp(x.astype(np.float64), -f_x).astype(np.float32)


# 3. Weights -------------------------------------------------------------------------------------------------------------


def matrix_codes(g, steps, group):
    """4-bit codes g[N,K] and steps[N,K/G] -> c[N,K]."""
    return g * np.repeat(steps, group, axis=1)


def align(x, f_x, f):
    return sat(rnd(x, f_x - f))


# 4. Operators -----------------------------------------------------------------------------------------------------------


def matmul(a, b):
    """a[...,K] b[...,K,N], exact: every sum of the page's bounds lies far below the 2^53 of a double."""
    return (a.astype(np.float64) @ b.astype(np.float64)).astype(np.int64)


def linear(x, c, u, h, f_x, f_y, bias=None, f_bias=0):
    """x[T,K], c[N,K], Scales u[N], h[N], bias[N] -> y[T,N]."""
    b = 0 if bias is None else align(bias, f_bias, f_y)
    k0 = max(0, (127**2 * x.shape[1]).bit_length() - 26)
    q, m, e = quantise(x)
    P = rnd(matmul(q, c.T), k0)
    M = (m[:, None] * u) >> 15
    s = f_x - f_y - e[:, None] - h - k0 - 15
    return sat(sat(rnd(P * M, s)) + b)


def norm(x, sign, u, h, epsilon, f_x, f_y, offset=None, f_offset=0):
    """x[T,D], factors sign[D], u[D], h[D] -> y[T,D]; LayerNorm if there is offset[D], else RMSNorm."""
    D = x.shape[1]
    m_eps, e_eps = scale(epsilon * D)
    m_D, e_D = scale(math.sqrt(D))
    beta = 0 if offset is None else align(offset, f_offset, f_y)
    c = x if offset is None else x - div(x.sum(axis=1), D)[:, None]
    _, e = normal(np.abs(c).max(axis=1), 0)
    d = rnd(c, e[:, None])
    y = np.empty_like(x)
    for row, total in enumerate((d * d).sum(axis=1)):  # once per row, in Python integers
        V = min(int(total) + _rnd(m_eps, -(e_eps + 2 * f_x - 2 * int(e[row]))), 2**62)
        if V == 0:
            y[row] = sat(np.broadcast_to(beta, D))
            continue
        p = V.bit_length() - 32
        p += p % 2
        g = math.isqrt((V >> p if p >= 0 else V << -p) << 30)
        m_r, e_r = normal((m_D << 45) // g, e_D - 30 - p // 2)
        M = (m_r * u) >> 15
        s = -(e_r + h + f_y) - 15
        y[row] = sat(sat(sign * rnd(d[row] * M, s)) + beta)
    return y


RHO = {"gelu_tanh": 3, "gelu_erf": 3, "silu": 4}


def tail(x, f_x, function):
    """tau(|x|) in units of 2^-16."""
    T, rho = table_T(function), RHO[function]
    z = rnd(np.abs(x), f_x - 16)
    z = np.minimum(z, 2 ** (16 + rho)).astype(np.int64)
    i = np.minimum(z >> (7 + rho), 511)
    w = z - (i << (7 + rho))
    return np.where(z >= 2 ** (16 + rho), 0, T[i] + rnd((T[i + 1] - T[i]) * w, 7 + rho))


def F(x, f_x, f, function):
    """The function of x[n] -> [n] with fraction f."""
    if function == "relu":
        return sat(rnd(np.maximum(x, 0), f_x - f))
    t = tail(x, f_x, function)
    return sat(rnd(x * np.where(x < 0, t, 2**16 - t), 16 + f_x - f))


def gate(a, b, function, f_a, f_b, f_y):
    """a[n], b[n] -> y[n]."""
    return sat(rnd(F(a, f_a, f_a, function) * b, f_a + f_b - f_y))


def rope(x, head_dim, rotary_dim, theta, first_position, f_x, f_y):
    """x[T,H*d], row t at position first_position + t -> y[T,H*d]; a pair is (i, i + rotary_dim / 2) of its head."""
    heads = x.reshape(x.shape[0], -1, head_dim)
    half = rotary_dim // 2
    C, S = tables_CS(x.shape[0], first_position, rotary_dim, theta)
    C, S = C[:, None, :], S[:, None, :]
    lo, hi, rest = heads[..., :half], heads[..., half:rotary_dim], heads[..., rotary_dim:]
    s = 15 + f_x - f_y
    y = [sat(rnd(lo * C - hi * S, s)), sat(rnd(hi * C + lo * S, s)), align(rest, f_x, f_y)]
    return np.concatenate(y, axis=-1).reshape(x.shape)


def exp2(delta, n_B=0):
    """2^(n_B - delta), delta >= 0 in steps of 2^-12, in units of 2^-15."""
    E = table_E()
    n, a, b = (delta >> 12) - n_B, (delta >> 6) % 64, delta % 64
    return np.where(n >= 16, 0, rnd(E[a] - rnd((E[a] - E[a + 1]) * b, 6), np.clip(n, 0, 16)))


def attention(q, k, v, visible, heads, kv_heads, head_dim, c, f_q, f_k, f_v, f_y):
    """q[Tq,H*d], k[Tk,Hkv*d], v[Tk,Hkv*d], query i seeing the first visible[i] keys -> y[Tq,H*d]."""
    d = head_dim
    m_c, e_c = scale(c * math.log2(math.e) / 127**2)
    k0 = max(0, (127**2 * d).bit_length() - 18)
    y = np.zeros_like(q)
    sees = np.arange(k.shape[0]) < visible[:, None]
    for head in range(heads):
        kv = head // (heads // kv_heads)
        q_code, mq, eq = quantise(q[:, head * d : (head + 1) * d])
        k_code, mk, ek = quantise(k[:, kv * d : (kv + 1) * d])
        v_code, mv, ev = quantise(v[:, kv * d : (kv + 1) * d])
        sees_v = sees & (mv > 0)
        live = sees_v.any(axis=1)  # the others give 0

        mq1, eq1 = normal(mq * m_c, eq + e_c)
        S = rnd(matmul(q_code, k_code.T), k0)
        M = (mq1[:, None] * mk) >> 20
        s = np.clip(f_q + f_k - 12 - eq1[:, None] - ek - k0 - 20, 1, 31)
        t = rnd(S * M, s)
        greatest = np.where(sees, t, -(2**30)).max(axis=1, initial=-(2**30))
        delta = np.where(sees, greatest[:, None] - t, 0)
        nu = np.where(sees_v, ev, -(2**30)).max(axis=1, initial=-(2**30))
        rho = np.where(sees_v, mv >> np.clip(nu[:, None] - ev, 0, 63), 0)

        Lambda, O = np.zeros(len(q), np.int64), np.zeros((len(q), d), np.int64)
        for first in range(0, k.shape[0], 64):
            B = slice(first, first + 64)
            n_B = np.where(sees[:, B], delta[:, B] >> 12, 2**20).min(axis=1)
            n_B = np.where(sees[:, B].any(axis=1), n_B, 0)
            e = np.where(sees[:, B], exp2(delta[:, B], n_B[:, None]), 0)
            w = rnd(((e * rho[:, B]) >> 16) * 255, 15)
            Lambda += rnd(2**5 * e.sum(axis=1), n_B)
            O += rnd(2**5 * matmul(w, v_code[B]), n_B[:, None])

        m_L, e_L = normal(127 * 255 * np.where(live, Lambda, 1), 0)
        m_R, e_R = normal(2**46 // m_L, -46 - e_L)
        shift = np.where(live, f_v - f_y - e_R - nu - 31, 0)
        y[:, head * d : (head + 1) * d] = np.where(live[:, None], sat(rnd(O * m_R[:, None], shift[:, None])), 0)
    return y


def routing(x, f_x):
    """Logits x[T,N] -> expert[T], p[T]."""
    t = rnd(x * 47274, f_x + 3)
    e = exp2(np.minimum(t.max(axis=1)[:, None] - t, 2**30).astype(np.int64))
    return t.argmax(axis=1), div(2**30, e.sum(axis=1))


def route_scale(x, p, f_x, f_y):
    """x[T,D], p[T] -> y[T,D]."""
    return sat(rnd(x * p[:, None], 15 + f_x - f_y))


def add(a, b, f_a, f_b, f_y):
    """a[...,n], b[n] (any number of last extents) -> y as a."""
    return sat(rnd(a, f_a - f_y) + rnd(b, f_b - f_y))


def scale_by(x, factor, f_x, f_y):
    """x times the real constant factor -> y."""
    m, e = scale(abs(factor))
    return sat((-1 if factor < 0 else 1) * rnd(x * m, f_x - f_y - e))


def embedding(codes, u, h, ids, f_y):
    """codes[V,D], Scales u[V], h[V], ids[T] -> y[T,D]."""
    return sat(rnd(codes[ids] * u[ids, None], -(h[ids, None] + f_y)))


# 5. Tables --------------------------------------------------------------------------------------------------------------


def exact_E(a: int) -> Decimal:
    return 2**15 * (-Decimal(2).ln() * a / 64).exp()


@functools.cache
def table_E():
    return np.array([nearest(exact_E(a)) for a in range(65)])


def pi() -> Decimal:
    """Machin: 16 arctan(1/5) - 4 arctan(1/239)."""

    def arctan_inverse(n):
        return sum((-1) ** k * Decimal(1) / ((2 * k + 1) * Decimal(n) ** (2 * k + 1)) for k in range(50))

    return 16 * arctan_inverse(5) - 4 * arctan_inverse(239)


PI = pi()


def erf(x: Decimal) -> Decimal:
    """2 / sqrt(pi) exp(-x^2) sum over n of 2^n x^(2n+1) / (1 3 5 ... (2n+1)): no term is negative."""
    term = total = x
    n = 0
    while term > Decimal("1e-60"):
        n += 1
        term *= 2 * x * x / (2 * n + 1)
        total += term
    return 2 / PI.sqrt() * (-x * x).exp() * total


def exact_T(function: str, i: int) -> Decimal:
    z = Decimal(i) * 2 ** RHO[function] / 512
    if function == "silu":
        tau = 1 / (1 + z.exp())
    elif function == "gelu_tanh":
        u = (2 / PI).sqrt() * (z + Decimal("0.044715") * z**3)
        tau = 1 / (1 + (2 * u).exp())  # 1 - tanh u = 2 / (1 + exp 2u)
    else:
        tau = (1 - erf(z / Decimal(2).sqrt())) / 2
    return 2**16 * tau


@functools.cache
def table_T(function: str):
    return np.array([nearest(exact_T(function, i)) for i in range(513)])


def cos_sin(phi: Decimal):
    """By the power series, of phi reduced to [-pi, pi]."""
    phi -= 2 * PI * (phi / (2 * PI)).to_integral_value()
    parts, term, n = [Decimal(0)] * 4, Decimal(1), 0
    while abs(term) > Decimal("1e-60"):
        parts[n % 4] += term
        n += 1
        term *= phi / n
    return parts[0] - parts[2], parts[1] - parts[3]


def exact_CS(rows: int, first_position: int, rotary_dim: int, theta: float):
    """For each row the lists of 2^15 cos and 2^15 sin, row after row by the addition theorems: 1e-59 lost a row."""
    log = Decimal(theta).ln()
    rates = [Decimal(nearest(2**40 * (-log * 2 * i / rotary_dim).exp())) / 2**40 for i in range(rotary_dim // 2)]
    step = [cos_sin(rate) for rate in rates]
    now = [cos_sin(first_position * rate) for rate in rates]
    for _ in range(rows):
        yield [2**15 * c for c, _ in now], [2**15 * s for _, s in now]
        now = [(c * c1 - s * s1, s * c1 + c * s1) for (c, s), (c1, s1) in zip(now, step)]


@functools.cache
def tables_CS(rows: int, first_position: int, rotary_dim: int, theta: float):
    """C, S, each [rows, rotary_dim / 2]."""
    table = [[[nearest(r) for r in half] for half in row] for row in exact_CS(rows, first_position, rotary_dim, theta)]
    table = np.array(table, np.int64).reshape(rows, 2, rotary_dim // 2)
    return table[:, 0], table[:, 1]


# Test vectors -----------------------------------------------------------------------------------------------------------


class Malformed(Exception):
    pass


DTYPES = {"I8": "<i1", "U8": "<u1", "I32": "<i4", "I64": "<i8", "F32": "<f4"}


def read_safetensors(path: str):
    """-> metadata {name: string}, tensors {name: array}."""
    with open(path, "rb") as file:
        blob = file.read()
    if len(blob) < 8:
        raise Malformed("shorter than a header length")
    (length,) = struct.unpack_from("<Q", blob)
    if length > len(blob) - 8:
        raise Malformed("the header is longer than the file")
    header = json.loads(blob[8 : 8 + length].decode("utf-8"))
    metadata = header.pop("__metadata__", {})
    data, tensors = blob[8 + length :], {}
    for name, entry in header.items():
        dtype = np.dtype(DTYPES[entry["dtype"]])
        begin, end = entry["data_offsets"]
        shape = tuple(entry["shape"])
        if min(shape, default=0) < 0 or not 0 <= begin <= end <= len(data):
            raise Malformed(f"{name}: shape or offsets out of range")
        if end - begin != math.prod(shape) * dtype.itemsize:
            raise Malformed(f"{name}: its shape does not fill its offsets")
        tensors[name] = np.frombuffer(data[begin:end], dtype).reshape(shape)
    return metadata, tensors


def run_norm(t, p):
    if p["kind"] not in ("layer", "rms") or (p["kind"] == "layer") != ("offset" in t):
        raise Malformed("a norm is of kind layer with an offset or of kind rms without")
    offset = (t["offset"], p["f_offset"]) if p["kind"] == "layer" else ()
    return norm(t["x"], t["sign"], t["mantissa"], t["exponent"], float(p["epsilon"]), p["f_x"], p["f_y"], *offset)


def run_linear(t, p):
    c = matrix_codes(t["codes"], t["steps"], p["group"]) if "steps" in t else t["codes"]
    bias = (t["bias"], p["f_bias"]) if "bias" in t else ()
    return linear(t["x"], c, t["mantissa"], t["exponent"], p["f_x"], p["f_y"], *bias)


def run_attention(t, p):
    shape = (p["heads"], p["kv_heads"], p["head_dim"], float(p["scale"]))
    return attention(t["q"], t["k"], t["v"], t["visible"], *shape, p["f_q"], p["f_k"], p["f_v"], p["f_y"])


def run_rope(t, p):
    where = (p["head_dim"], p["rotary_dim"], float(p["theta"]), p["first_position"])
    return rope(t["x"], *where, p["f_x"], p["f_y"])


# operator: the names of its results, and what computes them from a case's tensors t and parameters p
OPERATORS = {
    "quantise": (("codes", "mantissa", "exponent"), lambda t, p: quantise(t["x"])),
    "linear": (("y",), run_linear),
    "norm": (("y",), run_norm),
    "function": (("y",), lambda t, p: F(t["x"], p["f_x"], p["f_y"], p["function"])),
    "gate": (("y",), lambda t, p: gate(t["a"], t["b"], p["function"], p["f_a"], p["f_b"], p["f_y"])),
    "rope": (("y",), run_rope),
    "attention": (("y",), run_attention),
    "routing": (("expert", "p"), lambda t, p: routing(t["x"], p["f_x"])),
    "route_scale": (("y",), lambda t, p: route_scale(t["x"], t["p"], p["f_x"], p["f_y"])),
    "add": (("y",), lambda t, p: add(t["a"], t["b"], p["f_a"], p["f_b"], p["f_y"])),
    "scale": (("y",), lambda t, p: scale_by(t["x"], float(p["factor"]), p["f_x"], p["f_y"])),
    "embedding": (("y",), lambda t, p: embedding(t["codes"], t["mantissa"], t["exponent"], t["ids"], p["f_y"])),
    "align": (("y",), lambda t, p: align(t["x"], p["f_x"], p["f_y"])),
    "border": (("y",), lambda t, p: border(t["r"], p["f_y"])),
    "border_out": (("r",), lambda t, p: border_out(t["x"], p["f_x"])),
}


def widen(tensor):
    return tensor if tensor.dtype.kind == "f" else tensor.astype(np.int64)


def as_bits(tensor):
    return tensor.view(np.int32) if tensor.dtype.kind == "f" else tensor


def check_case(case: str, parameters: dict, tensors: dict):
    """-> rows compared, elements compared, None or what differs."""
    results, run = OPERATORS[parameters["operator"]]
    given = {name: widen(tensor) for name, tensor in tensors.items()}
    expected = [given.pop(name) for name in results]
    found = run(given, parameters)
    found = found if isinstance(found, tuple) else (found,)
    elements, rows = sum(tensor.size for tensor in expected), len(expected[0])
    for name, want, have in zip(results, expected, found):
        if want.shape != have.shape or want.dtype != have.dtype:
            raise Malformed(f"{name} should have shape {have.shape} and type {have.dtype}")
        wrong = np.argwhere(as_bits(want) != as_bits(have))
        if len(wrong):
            at = tuple(int(i) for i in wrong[0])
            return rows, elements, (
                f"{parameters['operator']}: case {case}: {name}{list(at)}: "
                f"expected {want[at]}, found {have[at]} ({len(wrong)} of {want.size} differ)"
            )
    return rows, elements, None


def check_file(path: str) -> int:
    try:
        metadata, tensors = read_safetensors(path)
        cases = {case: {} for case in metadata}
        for name, tensor in tensors.items():
            case, _, short = name.rpartition("/")
            if case not in cases:
                raise Malformed(f"tensor {name} belongs to no case")
            cases[case][short] = tensor
        if not cases:
            raise Malformed("it has no cases")
    except (OSError, Malformed, ValueError, LookupError, TypeError, AttributeError) as error:
        print(f"{path}: cannot be read: {type(error).__name__}: {error}", file=sys.stderr)
        return 2
    totals, equal = {}, True
    for case, text in metadata.items():
        try:
            parameters = json.loads(text)
            rows, elements, difference = check_case(case, parameters, cases[case])
        except (Malformed, ValueError, LookupError, TypeError, ArithmeticError, AttributeError) as error:
            print(f"{path}: case {case}: malformed: {type(error).__name__}: {error}", file=sys.stderr)
            return 2
        total = totals.setdefault(parameters["operator"], [0, 0, 0])
        for i, count in enumerate((1, rows, elements)):
            total[i] += count
        if difference:
            equal = False
            print(difference, file=sys.stderr)
    for operator, (count, rows, elements) in totals.items():
        print(f"{operator:12} {count:6} cases {rows:9} vectors {elements:10} elements")
    return 0 if equal else 1


# Self-test --------------------------------------------------------------------------------------------------------------


def ties():
    """The least distance from a tie over each table: {name: (distance, index)}."""

    def distance(r):
        return abs(r - r.to_integral_value(ROUND_FLOOR) - Decimal("0.5"))

    least = {"E": min((distance(exact_E(a)), a) for a in range(65))}
    for function in RHO:
        least[f"T {function}"] = min((distance(exact_T(function, i)), i) for i in range(513))
    return least


def print_ties():
    for name, (distance, index) in ties().items():
        print(f"{name:12} entry {index:3} lies {float(distance):.6e} = 2^{math.log2(distance):.2f} from a tie")


class SelfTest:
    def __init__(self):
        self.rng = np.random.default_rng(1)
        self.failed = 0

    def fixed(self, shape, f, size=1.0):
        return sat(np.rint(self.rng.normal(size=shape) * size * 2.0**f).astype(np.int64))

    def weights(self, n, k, size=0.05):
        """-> codes, u, h and the real matrix."""
        codes = self.rng.integers(-127, 128, (n, k))
        u, h = normal(self.rng.integers(2**30, 2**34, n), 0)
        h = h + math.floor(math.log2(size)) - 2 * 14 - 18
        return codes, u, h, codes * 127.0 * (u * 2.0**h)[:, None]

    def equal(self, name, have, want):
        good = bool(np.all(np.asarray(have) == np.asarray(want)))
        self.report(name, good, "equal" if good else "NOT EQUAL")

    def close(self, name, have, want, tolerance, unit=0.0):
        """The greatest error, less one unit of the result, over the root mean square of what is wanted."""
        size = float(np.sqrt(np.mean(np.square(want))))
        error = max(0.0, float(np.abs(have - want).max()) - unit) / size
        self.report(name, error <= tolerance, f"error {error:.2e} of rms {size:.3g}, at most {tolerance:.0e}")

    def report(self, name, good, text):
        self.failed += not good
        print(f"{'ok  ' if good else 'FAIL'} {name:44} {text}")

    def words(self):
        rng = self.rng
        x = np.concatenate([rng.integers(-(2**60), 2**60, 2000) >> rng.integers(0, 60, 2000), np.arange(-40, 40)])
        s = rng.integers(-40, 80, x.size)
        pairs = [(int(a), int(b)) for a, b in zip(x, s)]
        self.equal("rnd, shifts apiece", rnd(x, s), np.array([_rnd(a, b) for a, b in pairs], object))
        for s in (-40, -1, 0, 1, 5, 60, 61, 62, 63, 64, 100):
            self.equal(f"rnd, shift {s}", rnd(x, s), np.array([_rnd(int(a), s) for a in x], object))
        x = np.concatenate([np.abs(x), 2 ** np.arange(62), 2 ** np.arange(62) - 1])
        self.equal("bits", bits(x), [int(a).bit_length() for a in x])
        m, e = normal(x, 7)
        self.equal("normal, range", (m >= 2**15) & (m < 2**16), x > 0)
        self.close("normal, value", m * 2.0**e, x * 128.0, 2**-15 * 10)
        self.equal("div", div(np.array([5, -5, 7, -7, 6]), np.array([2, 2, 4, 4, 4])), [3, -2, 2, -2, 2])
        self.equal("nearest", [nearest(Decimal(r)) for r in ("2.5", "-2.5", "2.4", "-2.6")], [3, -2, 2, -3])
        scales = [scale(r) for r in (1.0, 3.0, 0.1, 65535.6, 1 - 2**-53, 2.0**-1074)]
        want = [(2**15, -15), (49152, -14), (52429, -19), (2**15, 1), (2**15, -15), (2**15, -1089)]
        self.equal("scale", scales, want)

    def values(self):
        rng = self.rng
        x = rng.integers(-L, L + 1, (3000, 24)) >> rng.integers(0, 26, (3000, 1))
        x[0], x[1], x[2, 0] = 0, L, -L
        q, m, e = quantise(x)
        a = np.abs(x).max(axis=1)
        self.equal("quantise, range", np.abs(q).max(axis=1), np.where(a > 0, 127, 0))
        error = np.abs(q - 127.0 * x / np.maximum(a, 1)[:, None]).max()
        self.report("quantise, codes", error < 0.52, f"error {error:.4f} of a code, at most 0.52")
        error = np.abs(q * (m * 2.0**e)[:, None] / 127 - x).max(axis=1) / np.maximum(a, 1) * 127
        self.report("quantise, value", error.max() < 0.52, f"error {error.max():.4f} of a code, at most 0.52")
        r = np.array([0.375, 0.125, -0.125, -0.375, 1e30, -1e30, 0.0, 2.0**-149, 0.4999999, -0.5000001], np.float32)
        self.equal("border", border(r, 2), [2, 1, 0, -1, L, -L, 0, 0, 2, -2])
        self.equal("border, integers", border(np.float32([0.5, -0.5, 0.49999997, -0.50000006]), 0), [1, 0, 0, -1])
        x = rng.integers(-L, L + 1, 1000)
        self.equal("border_out", border_out(x, 11), (x / 2048).astype(np.float32))

    def linear(self):
        for K, bias in ((96, False), (6000, True), (40000, True)):
            x, (c, u, h, W) = self.fixed((50, K), 14), self.weights(40, K)
            b = self.fixed(40, 17) if bias else None
            y = linear(x, c, u, h, 14, 18 - 4, b, 17) * 2.0**-14
            q, m, e = quantise(x)
            offset = 0 if b is None else b * 2.0**-17
            own = q * (m * 2.0 ** (e - 14))[:, None] / 127 @ W.T + offset
            self.close(f"linear K={K}, its own int8 operands", y, own, 5e-4, 2**-14)
            self.close(f"linear K={K}, the real operands", y, x * 2.0**-14 @ W.T + offset, 0.1)
        g, z = self.rng.integers(-7, 8, (40, 128)), self.rng.integers(1, 19, (40, 4))
        c = matrix_codes(g, z, 32)
        self.equal("linear, 4-bit codes", c[5, 70], g[5, 70] * z[5, 2])

    def norms(self):
        for f_x, size, epsilon, D in ((14, 1, 1e-5, 384), (20, 0.001, 1e-6, 576), (8, 3000, 1e-5, 33), (24, 1e-6, 1e-5, 64)):
            x = self.fixed((60, D), f_x, size)
            sign = self.rng.choice([-1, 1], D)
            u, h = normal(self.rng.integers(2**20, 2**22, D), -21)
            offset = self.fixed(D, 16)
            real, factor, beta = x * 2.0**-f_x, sign * u * 2.0**h, offset * 2.0**-16
            for kind in ("layer", "rms"):
                c = real - real.mean(axis=1, keepdims=True) if kind == "layer" else real
                want = c / np.sqrt((c * c).mean(axis=1, keepdims=True) + epsilon) * factor
                want = want + beta if kind == "layer" else want
                given = (offset, 16) if kind == "layer" else ()
                y = norm(x, sign, u, h, epsilon, f_x, 18, *given) * 2.0**-18
                # rounding the mean to a unit of x is one unit of x in the result, times the factor over the deviation
                unit = 2**-18 + 2.0**-f_x / np.sqrt((c * c).mean(axis=1).min() + epsilon) * np.abs(factor).max()
                self.close(f"{kind} norm, f_x={f_x}, inputs of {size:g}", y, want, 3e-4, unit if kind == "layer" else 2**-18)
        zero = norm(np.zeros((2, 8), np.int64), 1, np.full(8, 2**15), np.full(8, -15), 0.0, 8, 8, np.arange(8), 8)
        self.equal("layer norm of zeros without epsilon", zero, [np.arange(8)] * 2)

    def functions(self):
        real = {
            "gelu_tanh": lambda x: x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
            "gelu_erf": lambda x: x / 2 * (1 + np.vectorize(math.erf)(x / np.sqrt(2))),
            "silu": lambda x: x / (1 + np.exp(-x)),
            "relu": lambda x: np.maximum(x, 0),
        }
        for function, formula in real.items():
            for f_x, f_y in ((20, 20), (16, 22), (12, 9), (-2, 3), (30, 32)):
                x = self.fixed(20000, f_x, min(5.0, 2.0 ** (25 - f_x) / 3))
                want = formula(x * 2.0**-f_x)
                want = np.clip(want, -L * 2.0**-f_y, L * 2.0**-f_y)
                y = F(x, f_x, f_y, function) * 2.0**-f_y
                # a table's chords miss tau by up to its second derivative times a cell squared over 8: 1.2e-5
                self.close(f"{function}, f_x={f_x}, f_y={f_y}", y, want, 1e-4, 2.0**-f_y)
            # The chord error of the function, times b of rms 3.
            a, b = self.fixed(20000, 20, 4), self.fixed(20000, 18, 3)
            want = formula(a * 2.0**-20) * b * 2.0**-18
            self.close(f"gate {function}", gate(a, b, function, 20, 18, 17) * 2.0**-17, want, 2e-4, 2**-17)

    def positions(self):
        for first, rotary in ((0, 64), (1000000, 64), (777, 32)):
            x = self.fixed((30, 3 * 64), 18)
            y = rope(x, 64, rotary, 10000.0, first, 18, 20).reshape(30, 3, 64) * 2.0**-20
            heads = x.reshape(30, 3, 64) * 2.0**-18
            pair = heads[..., : rotary // 2] + 1j * heads[..., rotary // 2 : rotary]
            phi = (first + np.arange(30))[:, None] * 10000.0 ** (-2 * np.arange(rotary // 2) / rotary)
            pair = pair * np.exp(1j * phi)[:, None, :]
            want = np.concatenate([pair.real, pair.imag, heads[..., rotary:]], axis=-1)
            self.close(f"rope, {rotary} of 64, from {first}", y, want, 3e-4, 2**-20)

    def attentions(self):
        cases = ((4, 2, 64, 50, 70, 16, 1), (2, 1, 16, 30, 900, 12, 2), (1, 1, 128, 40, 5, 24, 0.2))
        for H, G, d, Tq, Tk, f, size in cases:
            q, k, v = (self.fixed((T, n * d), f, size) for T, n in ((Tq, H), (Tk, G), (Tk, G)))
            v = v >> self.rng.integers(0, 6, (Tk, 1))
            v[min(3, Tk - 1)] = 0
            c = 1 / math.sqrt(d)
            visible = self.rng.integers(0, Tk + 1, Tq)
            visible[0] = 0
            y = attention(q, k, v, visible, H, G, d, c, f, f, f, f + 1) * 2.0 ** -(f + 1)

            def own(x, n):
                code, m, e = quantise(x.reshape(-1, d))
                return (code * (m * 2.0 ** (e - f))[:, None] / 127).reshape(-1, n, d)

            qr, kr, vr = own(q, H), np.repeat(own(k, G), H // G, 1), np.repeat(own(v, G), H // G, 1)
            score = c * np.einsum("ihd,jhd->hij", qr, kr)
            sees = np.arange(Tk) < visible[:, None]
            p = np.where(sees, np.exp(score - score.max(axis=2, keepdims=True)), 0)
            p = p / np.maximum(p.sum(axis=2, keepdims=True), 1e-300)
            want = np.einsum("hij,jhd->ihd", p, vr).reshape(Tq, -1)
            root = np.sqrt(np.mean((y - want) ** 2) / np.mean(want**2))
            most = 0.005 if Tk < 10 else 0.02  # the 8 bits of w: half a step of each of many keys adds up
            name = f"attention H={H}/{G} d={d} Tk={Tk}"
            self.report(name, root <= most, f"rms error {root:.2e} of rms, at most {most:.0e}")
            # alone: the same whatever keys stand behind the visible ones
            last = Tq - 1
            n = int(visible[last])
            alone = attention(q[last:], k[:n], v[:n], visible[last:], H, G, d, c, f, f, f, f + 1) * 2.0 ** -(f + 1)
            self.equal("attention, the last query alone", alone[0], y[last])

    def rest(self):
        x = self.fixed((500, 7), 16, 2)
        expert, p = routing(x, 16)
        real = np.exp(x * 2.0**-16)
        self.equal("routing, expert", expert, real.argmax(axis=1))
        self.close("routing, weight", p * 2.0**-15, real.max(axis=1) / real.sum(axis=1), 3e-4)
        y = route_scale(x, p, 16, 15) * 2.0**-15
        self.close("route_scale", y, x * 2.0**-16 * (p * 2.0**-15)[:, None], 1e-6, 2**-15)
        b = self.fixed(7, 20)
        self.close("add", add(x, b, 16, 20, 18) * 2.0**-18, x * 2.0**-16 + b * 2.0**-20, 1e-6, 2**-18)
        for r in (0.3, -7.7, 1e-3, 0.0):
            want = x * 2.0**-16 * r
            self.close(f"scale by {r}", scale_by(x, r, 16, 18) * 2.0**-18 + 1e-9, want + 1e-9, 5e-5, 2**-18)
        codes, u, h, _ = self.weights(30, 20, 1)
        h = h + 6
        ids = self.rng.integers(0, 30, 100)
        want = codes[ids] * (u * 2.0**h)[ids, None]
        self.close("embedding", embedding(codes, u, h, ids, 20) * 2.0**-20, want, 1e-5, 2**-20)
        self.close("align", align(x, 16, 12) * 2.0**-12, x * 2.0**-16, 1e-9, 2**-13)
        self.equal("align, saturating", align(np.array([L, -L, 1, 0]), 0, 40), [L, -L, L, 0])

    def run(self) -> int:
        parts = (self.words, self.values, self.linear, self.norms, self.functions, self.positions, self.attentions)
        for part in (*parts, self.rest):
            part()
        print_ties()
        print("all good" if self.failed == 0 else f"{self.failed} failed")
        return 1 if self.failed else 0


def main(arguments) -> int:
    if arguments == ["--self-test"]:
        return SelfTest().run()
    if arguments == ["--ties"]:
        print_ties()
        return 0
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    return check_file(arguments[0])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
