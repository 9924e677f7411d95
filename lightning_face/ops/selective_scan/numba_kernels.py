"""Loops of the numba backend; importing this module imports numba.

Compiled loops are kept on disk under the state of this file alone, so numbers that another file
sets are arguments. Products may be contracted with sums but sums are not reordered, except in
``_dot``: reordering would cancel the rounding in ``_exp2``.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_ROUND = np.float32(12582912.0)
_LOG2E = np.float32(1.4426950408889634)
_LN2 = np.float32(0.6931471805599453)
_ZERO, _ONE, _TWO, _TWENTY = np.float32(0), np.float32(1), np.float32(2), np.float32(20)
_LOWEST, _HIGHEST = np.float32(-126), np.float32(128)
# 2^x = 1 + x q(x) on [-1/2, 1/2], fitted to the least relative error
_E1, _E2, _E3, _E4, _E5, _E6 = (
    np.float32(float.fromhex(c))
    for c in (
        *("0x1.62e430p-1", "0x1.ebfbdcp-3", "0x1.c6aee8p-5"),
        *("0x1.3b2d4cp-7", "0x1.5f3e54p-10", "0x1.41fbbcp-13"),
    )
)
_L3, _L5, _L7, _L9, _L11, _L13 = (np.float32(1 / n) for n in (3, 5, 7, 9, 11, 13))
_EXPONENT_BIAS, _MANTISSA_BITS = np.int32(127), np.int32(23)

_vector = njit(nogil=True, cache=True, fastmath={"contract"}, error_model="numpy")
_inlined = njit(nogil=True, inline="always", fastmath={"contract"}, error_model="numpy")


@_inlined
def _exp2(x: np.float32) -> np.float32:
    x = _LOWEST if x < _LOWEST else x
    x = _HIGHEST if x > _HIGHEST else x
    shifted = np.float32(x + _ROUND)
    f = x - (shifted - _ROUND)
    p = _ONE + f * (_E1 + f * (_E2 + f * (_E3 + f * (_E4 + f * (_E5 + f * _E6)))))
    # The low bits of the shifted number are the integer part.
    bits = np.int32(np.int32(shifted.view(np.int32)) << _MANTISSA_BITS)
    scale = np.int32(bits + np.int32(_EXPONENT_BIAS << _MANTISSA_BITS))
    return p * scale.view(np.float32)


@njit(nogil=True, fastmath={"contract", "reassoc", "nsz"}, error_model="numpy")
def _dot(x: Floats, y: Floats) -> np.float32:
    total = _ZERO
    for i in range(x.shape[0]):
        total += x[i] * y[i]
    return total


@_inlined
def _token(order: int, step: int, height: int, width: int) -> int:
    if order >= 2:
        step = height * width - 1 - step
    return (step % height) * width + step // height if order % 2 else step


@_vector
def _gather(
    u: Floats, delta: Floats, bias: Floats, softplus: bool,
    step: Floats, slope: Floats, drive: Floats,
) -> None:  # fmt: skip
    """Step sizes after bias and softplus, their slopes and products with u, for one token."""
    for i in range(u.shape[0]):
        x = delta[i] + bias[i]
        s, d = x, _ONE
        if softplus:
            t = _exp2(-abs(x) * _LOG2E)
            r = t / (_TWO + t)
            q = r * r
            p = _L3 + q * (_L5 + q * (_L7 + q * (_L9 + q * (_L11 + q * _L13))))
            log = _TWO * r * (_ONE + q * p)
            above = _ZERO if x < _ZERO else x
            inverse = _ONE / (_ONE + t)
            s = x if x > _TWENTY else above + log
            d = inverse if x > _ZERO else t * inverse
            d = _ONE if x > _TWENTY else d
        step[i] = s
        slope[i] = d
        drive[i] = s * u[i]


@_vector
def _advance(
    step: Floats, drive: Floats, A: Floats, B: np.float32, C: np.float32,
    state: Floats, out: Floats,
) -> None:  # fmt: skip
    """One token, one n."""
    for i in range(step.shape[0]):
        h = _exp2(step[i] * A[i]) * state[i] + drive[i] * B
        state[i] = h
        out[i] += h * C


@_vector
def _recompute(
    step: Floats, drive: Floats, A: Floats, B: np.float32,
    state: Floats, decay: Floats, carried: Floats, after: Floats,
) -> None:  # fmt: skip
    """One token, one n, with what the way back needs."""
    for i in range(step.shape[0]):
        a = _exp2(step[i] * A[i])
        kept = a * state[i]
        h = kept + drive[i] * B
        decay[i] = a
        carried[i] = kept
        after[i] = h
        state[i] = h


@_vector
def _retreat(
    step: Floats, grad: Floats, A: Floats, B: np.float32, C: np.float32, decay: Floats,
    carried: Floats, arriving: Floats, adjoint: Floats, to_u: Floats, to_step: Floats,
    grad_A: Floats,
) -> None:  # fmt: skip
    """One token, one n, on the way back."""
    for i in range(step.shape[0]):
        x = arriving[i] + grad[i] * C
        exponent = x * carried[i]
        adjoint[i] = x
        to_u[i] += x * B
        to_step[i] += exponent * A[i]
        grad_A[i] += exponent * step[i]
        arriving[i] = x * decay[i]


@_vector
def forward_item(
    item: int, block_size: int, chunk_size: int, softplus: bool, height: int, width: int,
    orders: NDArray[np.int64],
    u: Floats, delta: Floats, A: Floats, B: Floats, C: Floats, D: Floats, bias: Floats,
    y: Floats, last: Floats, saved: Floats,
) -> None:  # fmt: skip
    """Scan one block of channels of one batch element in every direction."""
    length, channels = u.shape[1:]
    groups, states = B.shape[3:]
    share = channels // groups
    blocks = (share + block_size - 1) // block_size
    b, group = item // (groups * blocks), item // blocks % groups
    first = group * share + item % blocks * block_size
    end = min(first + block_size, (group + 1) * share)
    size = end - first
    state, A_log2 = np.empty((states, size), np.float32), np.empty((states, size), np.float32)
    step, slope, drive, out = (
        np.empty(size, np.float32), np.empty(size, np.float32),
        np.empty(size, np.float32), np.empty(size, np.float32),
    )  # fmt: skip
    for k in range(orders.shape[0]):
        A_log2[:] = A[k, :, first:end] * _LOG2E
        state[:] = _ZERO
        for t in range(length):
            if saved.size and t % chunk_size == 0:
                saved[b, k, t // chunk_size, :, first:end] = state
            token = _token(orders[k], t, height, width)
            u_t = u[b, token, first:end]
            _gather(u_t, delta[b, token, k, first:end], bias[k, first:end], softplus,
                    step, slope, drive)  # fmt: skip
            out[:] = D[k, first:end] * u_t
            for n in range(states):
                _advance(step, drive, A_log2[n], B[b, token, k, group, n],
                         C[b, token, k, group, n], state[n], out)  # fmt: skip
            if k == 0:
                y[b, token, first:end] = out
            else:
                y[b, token, first:end] += out
        last[b, k, first:end] = state.T


@_vector
def backward_item(
    item: int, block_size: int, chunk_size: int, softplus: bool, height: int, width: int,
    orders: NDArray[np.int64],
    u: Floats, delta: Floats, A: Floats, B: Floats, C: Floats, D: Floats, bias: Floats,
    saved: Floats, grad_y: Floats, grad_u: Floats, grad_delta: Floats, grad_A: Floats,
    grad_B: Floats, grad_C: Floats, grad_D: Floats, grad_bias: Floats,
) -> None:  # fmt: skip
    """Gradients of one slot, a run of channel blocks that sums gradients of B and C apart."""
    length, channels = u.shape[1:]
    groups, states = B.shape[3:]
    slots = grad_B.shape[0]
    share = channels // groups
    blocks = (share + block_size - 1) // block_size
    most = (blocks + slots - 1) // slots
    b, group, slot = item // (groups * slots), item // slots % groups, item % slots
    grad_B[slot, b, :, :, group] = _ZERO
    grad_C[slot, b, :, :, group] = _ZERO
    history = (chunk_size, states, block_size)
    decays, carrieds = np.empty(history, np.float32), np.empty(history, np.float32)
    afters = np.empty(history, np.float32)
    steps, slopes = (
        np.empty((chunk_size, block_size), np.float32),
        np.empty((chunk_size, block_size), np.float32),
    )
    drives, adjoints = (
        np.empty((chunk_size, block_size), np.float32),
        np.empty(block_size, np.float32),
    )
    for block in range(slot * most, min((slot + 1) * most, blocks)):
        first = group * share + block * block_size
        end = min(first + block_size, (group + 1) * share)
        size = end - first
        adjoint = adjoints[:size]
        to_u, to_step = np.empty(size, np.float32), np.empty(size, np.float32)
        arriving = np.empty((states, size), np.float32)
        for k in range(orders.shape[0]):
            A_log2 = A[k, :, first:end] * _LOG2E
            arriving[:] = _ZERO
            for chunk in range((length - 1) // chunk_size, -1, -1):
                start = chunk * chunk_size
                state = saved[b, k, chunk, :, first:end].copy()
                count = min(chunk_size, length - start)
                for t in range(count):
                    token = _token(orders[k], start + t, height, width)
                    step, drive = steps[t, :size], drives[t, :size]
                    _gather(u[b, token, first:end], delta[b, token, k, first:end],
                            bias[k, first:end], softplus, step, slopes[t, :size],
                            drive)  # fmt: skip
                    for n in range(states):
                        _recompute(step, drive, A_log2[n], B[b, token, k, group, n], state[n],
                                   decays[t, n, :size], carrieds[t, n, :size],
                                   afters[t, n, :size])  # fmt: skip
                for t in range(count - 1, -1, -1):
                    token = _token(orders[k], start + t, height, width)
                    step, drive = steps[t, :size], drives[t, :size]
                    u_t, g = u[b, token, first:end], grad_y[b, token, first:end]
                    to_u[:] = _ZERO
                    to_step[:] = _ZERO
                    for n in range(states):
                        _retreat(step, g, A_log2[n], B[b, token, k, group, n],
                                 C[b, token, k, group, n], decays[t, n, :size],
                                 carrieds[t, n, :size], arriving[n], adjoint, to_u, to_step,
                                 grad_A[b, k, n, first:end])  # fmt: skip
                        grad_B[slot, b, token, k, group, n] += _dot(adjoint, drive)
                        grad_C[slot, b, token, k, group, n] += _dot(g, afters[t, n, :size])
                    for i in range(size):
                        raw = (u_t[i] * to_u[i] + to_step[i] * _LN2) * slopes[t, i]
                        grad_delta[b, token, k, first + i] = raw
                        grad_bias[b, k, first + i] += raw
                        grad_D[b, k, first + i] += g[i] * u_t[i]
                        to_u[i] = step[i] * to_u[i] + D[k, first + i] * g[i]
                    if k == 0:
                        grad_u[b, token, first:end] = to_u
                    else:
                        grad_u[b, token, first:end] += to_u
