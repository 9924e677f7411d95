"""Triton kernels of the directional scan.

A program owns one sample, one direction, one block of channels and one segment of the sequence, and
holds the states of its channels in registers as a tile ``(states, channels)``. It walks over the
tokens in the order of its direction, found by arithmetic, so nothing is permuted in memory.

Segments are cut into intervals. The state at the start of each interval is all that the forward
pass keeps; the backward pass finds the states between by walking through the interval once more.
Everything a program adds up goes to a place of its own, so results do not depend on timing.

Source: Gu and Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces", section 3.3
(states kept on chip, recomputed in the backward pass).
"""

# The language of kernels has types of its own, found at a launch, and no starred tuples.
# ruff: noqa: ANN001, ANN201, RUF005
# mypy: disable-error-code="no-untyped-def, assignment, var-annotated"

from __future__ import annotations

import triton
import triton.language as tl

# Sizes that change from call to call and need no kernel of their own.
RUN_TIME = ("length", "height", "width", "orders", "intervals", "segments")
# exp2 is an instruction of the device, exp is not
LOG2_E: tl.constexpr = tl.constexpr(1.4426950408889634)


@triton.jit
def visited(step, walk):
    """Row-order index of the token that the direction visits at ``step``."""
    length, height, width, order = walk
    by_column = order % 2 == 1
    line = tl.where(by_column, height, width)
    along = step % line
    across = step // line
    token = tl.where(by_column, along * width + across, step)
    return tl.where(order >= 2, length - 1 - token, token).to(tl.int64)


@triton.jit
def softplus(x):
    """Softplus, the identity above 20, and its slope."""
    e = tl.exp2(-tl.abs(x) * LOG2_E)
    # log1p(e) = 2 artanh(e / (2 + e)): relative precision also where e is small
    t = e / (2.0 + e)
    s = t * t
    series = 1.0 / 15.0
    series = series * s + 1.0 / 13.0
    series = series * s + 1.0 / 11.0
    series = series * s + 1.0 / 9.0
    series = series * s + 1.0 / 7.0
    series = series * s + 1.0 / 5.0
    series = series * s + 1.0 / 3.0
    series = series * s + 1.0
    value = tl.maximum(x, 0.0) + 2.0 * t * series
    slope = tl.where(x >= 0.0, 1.0, e) / (1.0 + e)
    return tl.where(x > 20.0, x, value), tl.where(x > 20.0, 1.0, slope)


@triton.jit
def channel_block(CHANNELS: tl.constexpr, GROUPS: tl.constexpr, BLOCK_C: tl.constexpr):
    """Channels of this program, which of them exist, their group and the block's rank in it."""
    share: tl.constexpr = CHANNELS // GROUPS
    blocks: tl.constexpr = (share + BLOCK_C - 1) // BLOCK_C
    group = tl.program_id(0) // blocks
    rank = tl.program_id(0) % blocks
    inside = rank * BLOCK_C + tl.arange(0, BLOCK_C)
    return group * share + inside, inside < share, group, rank


@triton.jit
def only_if(condition, mask):
    """The mask where a condition on the whole program holds, nothing where it does not."""
    return mask & (tl.zeros(mask.shape, tl.int32) == tl.where(condition, 0, 1))


@triton.jit
def read_row(row, token, stride: tl.constexpr, mask):
    """What a row of pointers reads at a token, in float32, zero where masked."""
    return tl.load(row + token * stride, mask=mask, other=0.0).to(tl.float32)


@triton.jit
def step_size(raw, bias, mask, SOFTPLUS: tl.constexpr):
    """Step sizes of the channels, zero where masked, and their slope in the raw value."""
    delta = raw + bias
    slope = tl.full(delta.shape, 1.0, tl.float32)
    if SOFTPLUS:
        delta, slope = softplus(delta)
    # A step size of zero leaves the state as it is.
    return tl.where(mask, delta, 0.0), slope


@triton.jit(do_not_specialize=RUN_TIME)
def scan_kernel(
    u,  # (batch, length, CHANNELS)
    delta,  # (batch, length, DIRECTIONS, CHANNELS)
    A,  # (DIRECTIONS, STATES, CHANNELS)
    B,  # (batch, length, DIRECTIONS, GROUPS, STATES)
    C,  # like B
    D,  # (DIRECTIONS, CHANNELS)
    bias,  # like D
    starts,  # read if HAS_STARTS, (batch, DIRECTIONS, segments, STATES, CHANNELS)
    y,  # written if OUTPUT, (batch, DIRECTIONS, length, CHANNELS)
    boundaries,  # written if SAVE, (batch, DIRECTIONS, intervals, STATES, CHANNELS)
    ends,  # written, like starts
    sums,  # sum of the step sizes, written unless OUTPUT, (batch, DIRECTIONS, segments, CHANNELS)
    length,
    height,
    width,
    orders,  # two bits for each direction
    intervals,
    segments,
    HAS_D: tl.constexpr,
    HAS_BIAS: tl.constexpr,
    SOFTPLUS: tl.constexpr,
    HAS_STARTS: tl.constexpr,
    OUTPUT: tl.constexpr,
    SAVE: tl.constexpr,
    CHANNELS: tl.constexpr,
    DIRECTIONS: tl.constexpr,
    GROUPS: tl.constexpr,
    STATES: tl.constexpr,
    INTERVAL: tl.constexpr,
    UNROLL: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_C: tl.constexpr,
):
    """Walk through a segment, with the outputs (OUTPUT) or for its last state alone."""
    channel, exists, group, _rank = channel_block(CHANNELS, GROUPS, BLOCK_C)
    k = tl.program_id(1) // segments
    segment = tl.program_id(1) % segments
    plane = tl.program_id(2).to(tl.int64) * DIRECTIONS + k
    first_token = tl.program_id(2).to(tl.int64) * length
    n = tl.arange(0, BLOCK_N)
    state_exists = n < STATES
    tile = n[:, None] * CHANNELS + channel[None, :]
    tile_exists = state_exists[:, None] & exists[None, :]
    TILE: tl.constexpr = STATES * CHANNELS
    READOUT: tl.constexpr = DIRECTIONS * GROUPS * STATES

    u_row = u + first_token * CHANNELS + channel
    delta_row = delta + (first_token * DIRECTIONS + k) * CHANNELS + channel
    B_row = B + ((first_token * DIRECTIONS + k) * GROUPS + group) * STATES + n
    C_row = C + ((first_token * DIRECTIONS + k) * GROUPS + group) * STATES + n
    y_row = y + plane * length * CHANNELS + channel
    walk = (length, height, width, (orders >> (2 * k)) & 3)

    A_tile = tl.load(A + k * TILE + tile, mask=tile_exists, other=0.0) * LOG2_E
    bias_k = tl.zeros((BLOCK_C,), tl.float32)
    if HAS_BIAS:
        bias_k = read_row(bias + channel, k, CHANNELS, exists)
    skip = tl.zeros((BLOCK_C,), tl.float32)
    if HAS_D:
        skip = read_row(D + channel, k, CHANNELS, exists)
    state = tl.zeros((BLOCK_N, BLOCK_C), tl.float32)
    if HAS_STARTS:
        start = starts + (plane * segments + segment) * TILE + tile
        state = tl.load(start, mask=tile_exists, other=0.0)
    total = tl.zeros((BLOCK_C,), tl.float32)

    per_segment = tl.cdiv(intervals, segments)
    for interval in range(
        segment * per_segment, tl.minimum((segment + 1) * per_segment, intervals)
    ):
        if SAVE:
            boundary = boundaries + (plane * intervals + interval) * TILE + tile
            tl.store(boundary, state, mask=tile_exists)
        begin = interval * INTERVAL
        for first in range(begin, tl.minimum(begin + INTERVAL, length), UNROLL):
            # All loads come before the first use, so that their latencies overlap.
            steps = ()
            for i in tl.static_range(UNROLL):
                token = visited(first + i, walk)
                mask = only_if(first + i < length, exists)
                readable = only_if(first + i < length, state_exists)
                u_t = read_row(u_row, token, CHANNELS, mask)
                raw = read_row(delta_row, token, DIRECTIONS * CHANNELS, mask)
                B_t = read_row(B_row, token, READOUT, readable)
                C_t = B_t
                if OUTPUT:
                    C_t = read_row(C_row, token, READOUT, readable)
                steps = steps + ((token, mask, u_t, raw, B_t, C_t),)
            for i in tl.static_range(UNROLL):
                token, mask, u_t, raw, B_t, C_t = steps[i]
                delta_t, _slope = step_size(raw, bias_k, mask, SOFTPLUS)
                decay = tl.exp2(delta_t[None, :] * A_tile)
                state = decay * state + (delta_t * u_t)[None, :] * B_t[:, None]
                if OUTPUT:
                    y_t = tl.sum(state * C_t[:, None], axis=0) + skip * u_t
                    tl.store(y_row + token * CHANNELS, y_t, mask=mask)
                else:
                    total += delta_t
    tl.store(ends + (plane * segments + segment) * TILE + tile, state, mask=tile_exists)
    if not OUTPUT:
        at = sums + (plane * segments + segment) * CHANNELS + channel
        tl.store(at, total, mask=exists)


@triton.jit(do_not_specialize=["segments"])
def carry_kernel(
    A,  # (DIRECTIONS, STATES, CHANNELS)
    ends,  # what leaves a segment given zero, (batch, DIRECTIONS, segments, STATES, CHANNELS)
    sums,  # sum of the step sizes, (batch, DIRECTIONS, segments, CHANNELS)
    starts,  # written: what each segment is given, like ends
    segments,
    BACKWARDS: tl.constexpr,
    CHANNELS: tl.constexpr,
    DIRECTIONS: tl.constexpr,
    STATES: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_C: tl.constexpr,
):
    """Carry states, or adjoints from the last segment on (BACKWARDS), over the segments."""
    channel = tl.program_id(0) * BLOCK_C + tl.arange(0, BLOCK_C)
    exists = channel < CHANNELS
    k = tl.program_id(1)
    plane = tl.program_id(2).to(tl.int64) * DIRECTIONS + k
    n = tl.arange(0, BLOCK_N)
    tile = n[:, None] * CHANNELS + channel[None, :]
    tile_exists = (n < STATES)[:, None] & exists[None, :]
    TILE: tl.constexpr = STATES * CHANNELS

    A_tile = tl.load(A + k * TILE + tile, mask=tile_exists, other=0.0) * LOG2_E
    carried = tl.zeros((BLOCK_N, BLOCK_C), tl.float32)
    for i in range(0, segments):
        segment = i
        if BACKWARDS:
            segment = segments - 1 - i
        at = plane * segments + segment
        total = read_row(sums + channel, at, CHANNELS, exists)
        end = tl.load(ends + at * TILE + tile, mask=tile_exists, other=0.0)
        tl.store(starts + at * TILE + tile, carried, mask=tile_exists)
        carried = end + tl.exp2(total[None, :] * A_tile) * carried
