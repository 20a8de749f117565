"""The curve edwards25519 in plain integers: just what the VRF needs.

In and out: points in extended coordinates, and their encodings of 32 bytes. Additions use the complete formulas, so no
input needs special care. Fast enough for a verifier (about a millisecond per multiplication), and not constant-time.

Source: RFC 8032 sections 5.1.2 to 5.1.4; Hisil, Wong, Carter, Dawson, "Twisted Edwards Curves Revisited", section 3.
"""

from __future__ import annotations

from typing import TypeAlias

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
"""Order of the prime subgroup, L of RFC 8032."""
_D = -121665 * pow(121666, P - 2, P) % P
_D2 = 2 * _D % P
_SQRT_MINUS_1 = pow(2, (P - 1) // 4, P)

Point: TypeAlias = tuple[int, int, int, int]
"""X, Y, Z, T with x = X/Z, y = Y/Z and x*y = T/Z."""
NEUTRAL: Point = (0, 1, 1, 0)


class PointError(ValueError):
    """The bytes encode no point of the curve."""


def add(a: Point, b: Point) -> Point:
    """Sum of any two points, RFC 8032 section 5.1.4."""
    x1, y1, z1, t1 = a
    x2, y2, z2, t2 = b
    e = (y1 - x1) * (y2 - x2) % P
    f = (y1 + x1) * (y2 + x2) % P
    g = t1 * _D2 % P * t2 % P
    h = 2 * z1 * z2 % P
    e, f, g, h = f - e, h - g, h + g, f + e
    return e * f % P, g * h % P, f * g % P, e * h % P


def double(a: Point) -> Point:
    """Twice a point, RFC 8032 section 5.1.4."""
    x, y, z, _ = a
    xx = x * x % P
    yy = y * y % P
    h = xx + yy
    e = h - (x + y) * (x + y) % P
    g = xx - yy
    f = 2 * z * z % P + g
    return e * f % P, g * h % P, f * g % P, e * h % P


def negate(a: Point) -> Point:
    """The point that cancels ``a``."""
    x, y, z, t = a
    return -x % P, y, z, -t % P


def combine(*terms: tuple[int, Point]) -> Point:
    """Sum of points, each times its scalar of 0 or more; the doublings are shared (Straus' method)."""
    sums = [NEUTRAL]
    for _, point in terms:
        sums += [add(one, point) for one in sums]
    result = NEUTRAL
    for at in reversed(range(max(scalar.bit_length() for scalar, _ in terms))):
        result = double(result)
        chosen = sum((scalar >> at & 1) << place for place, (scalar, _) in enumerate(terms))
        result = add(result, sums[chosen]) if chosen else result
    return result


def encode(point: Point) -> bytes:
    """32 bytes: y, and the lowest bit of x in the top bit."""
    x, y, z, _ = point
    inverse = pow(z, -1, P)
    x, y = x * inverse % P, y * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def decode(data: bytes) -> Point:
    """The point that 32 bytes encode, RFC 8032 section 5.1.3.

    Raises:
        PointError: no point has this encoding, or it is not the canonical one.
    """
    value = int.from_bytes(data, "little")
    sign, y = value >> 255, value & ((1 << 255) - 1)
    if len(data) != 32 or y >= P:
        raise PointError("not a canonical point")
    yy = y * y % P
    u, v = yy - 1, _D * yy + 1
    v3 = v * v % P * v % P
    x = u * v3 % P * pow(u * v3 % P * v3 % P * v % P, (P - 5) // 8, P) % P
    if (v * x % P * x - u) % P:
        x = x * _SQRT_MINUS_1 % P
        if (v * x % P * x - u) % P:
            raise PointError("not on the curve")
    if x == 0 and sign:
        raise PointError("not a canonical point")
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


BASE: Point = decode((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))
