"""Triton kernels of the directional scan's gradients.

With the adjoint ``x`` of a state, ``x_l = g_l C_l + a_(l+1) x_(l+1)`` is a scan like that of the
states, walked backwards. The layout of programs, segments and intervals is that of
:mod:`lightning_face.ops.selective_scan.triton_kernels`.
"""

# The language of kernels has types of its own, found at a launch, and no starred tuples.
# ruff: noqa: ANN001, ANN201, RUF005
# mypy: disable-error-code="no-untyped-def, assignment, var-annotated"

from __future__ import annotations

import triton
import triton.language as tl

from lightning_face.ops.selective_scan.triton_kernels import (
    LOG2_E,
    RUN_TIME,
    channel_block,
    only_if,
    read_row,
    step_size,
    visited,
)

LN_2: tl.constexpr = tl.constexpr(0.6931471805599453)


@triton.jit(do_not_specialize=RUN_TIME)
def adjoint_kernel(
    delta,  # (batch, length, DIRECTIONS, CHANNELS)
    A,  # (DIRECTIONS, STATES, CHANNELS)
    C,  # (batch, length, DIRECTIONS, GROUPS, STATES)
    bias,  # (DIRECTIONS, CHANNELS)
    grad_y,  # (batch, length, CHANNELS)
    ends,  # written, (batch, DIRECTIONS, segments, STATES, CHANNELS)
    sums,  # written: sum of the step sizes, (batch, DIRECTIONS, segments, CHANNELS)
    length,
    height,
    width,
    orders,
    intervals,
    segments,
    HAS_BIAS: tl.constexpr,
    SOFTPLUS: tl.constexpr,
    CHANNELS: tl.constexpr,
    DIRECTIONS: tl.constexpr,
    GROUPS: tl.constexpr,
    STATES: tl.constexpr,
    INTERVAL: tl.constexpr,
    UNROLL: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_C: tl.constexpr,
):
    """Walk backwards through a segment for the adjoint of the state that it was given."""
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

    grad_row = grad_y + first_token * CHANNELS + channel
    delta_row = delta + (first_token * DIRECTIONS + k) * CHANNELS + channel
    C_row = C + ((first_token * DIRECTIONS + k) * GROUPS + group) * STATES + n
    walk = (length, height, width, (orders >> (2 * k)) & 3)

    A_tile = tl.load(A + k * TILE + tile, mask=tile_exists, other=0.0) * LOG2_E
    bias_k = tl.zeros((BLOCK_C,), tl.float32)
    if HAS_BIAS:
        bias_k = read_row(bias + channel, k, CHANNELS, exists)
    adjoint = tl.zeros((BLOCK_N, BLOCK_C), tl.float32)
    total = tl.zeros((BLOCK_C,), tl.float32)

    per_segment = tl.cdiv(intervals, segments)
    begin = segment * per_segment * INTERVAL
    end = tl.minimum(begin + per_segment * INTERVAL, length)
    for done in range(0, end - begin, UNROLL):
        steps = ()
        for i in tl.static_range(UNROLL):
            step = end - 1 - done - i
            token = visited(step, walk)
            mask = only_if(step >= begin, exists)
            g_t = read_row(grad_row, token, CHANNELS, mask)
            raw = read_row(delta_row, token, DIRECTIONS * CHANNELS, mask)
            C_t = read_row(C_row, token, READOUT, only_if(step >= begin, state_exists))
            steps = steps + ((mask, g_t, raw, C_t),)
        for i in tl.static_range(UNROLL):
            mask, g_t, raw, C_t = steps[i]
            delta_t, _slope = step_size(raw, bias_k, mask, SOFTPLUS)
            adjoint += g_t[None, :] * C_t[:, None]
            adjoint *= tl.exp2(delta_t[None, :] * A_tile)
            total += delta_t
    at = plane * segments + segment
    tl.store(ends + at * TILE + tile, adjoint, mask=tile_exists)
    tl.store(sums + at * CHANNELS + channel, total, mask=exists)


@triton.jit(do_not_specialize=RUN_TIME)
def gradient_kernel(
    u,  # (batch, length, CHANNELS)
    delta,  # (batch, length, DIRECTIONS, CHANNELS)
    A,  # (DIRECTIONS, STATES, CHANNELS)
    B,  # (batch, length, DIRECTIONS, GROUPS, STATES)
    C,  # like B
    D,  # (DIRECTIONS, CHANNELS)
    bias,  # like D
    grad_y,  # like u
    boundaries,  # (batch, DIRECTIONS, intervals, STATES, CHANNELS)
    starts,  # adjoint given to each segment, (batch, DIRECTIONS, segments, STATES, CHANNELS)
    scratch,  # (batch, DIRECTIONS, segments, INTERVAL / UNROLL, STATES, CHANNELS)
    grad_u,  # (batch, DIRECTIONS, length, CHANNELS)
    grad_delta,  # like delta
    grad_A,  # (batch, DIRECTIONS, segments, STATES, CHANNELS)
    grad_B,  # (blocks of a group, batch, length, DIRECTIONS, GROUPS, STATES)
    grad_C,  # like grad_B
    grad_D,  # (batch, DIRECTIONS, segments, CHANNELS)
    grad_bias,  # like grad_D
    length,
    height,
    width,
    orders,
    intervals,
    segments,
    HAS_D: tl.constexpr,
    HAS_BIAS: tl.constexpr,
    SOFTPLUS: tl.constexpr,
    HAS_STARTS: tl.constexpr,
    CHANNELS: tl.constexpr,
    DIRECTIONS: tl.constexpr,
    GROUPS: tl.constexpr,
    STATES: tl.constexpr,
    INTERVAL: tl.constexpr,
    UNROLL: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_C: tl.constexpr,
):
    """Walk backwards through a segment with every gradient.

    An interval is walked forwards first, which leaves the state before every UNROLL-th token in
    ``scratch``; each of these parts is then repeated in registers and walked backwards.
    """
    channel, exists, group, rank = channel_block(CHANNELS, GROUPS, BLOCK_C)
    k = tl.program_id(1) // segments
    segment = tl.program_id(1) % segments
    plane = tl.program_id(2).to(tl.int64) * DIRECTIONS + k
    owner = plane * segments + segment
    first_token = tl.program_id(2).to(tl.int64) * length
    n = tl.arange(0, BLOCK_N)
    state_exists = n < STATES
    tile = n[:, None] * CHANNELS + channel[None, :]
    tile_exists = state_exists[:, None] & exists[None, :]
    TILE: tl.constexpr = STATES * CHANNELS
    READOUT: tl.constexpr = DIRECTIONS * GROUPS * STATES
    PARTS: tl.constexpr = INTERVAL // UNROLL

    shared = ((first_token * DIRECTIONS + k) * GROUPS + group) * STATES + n
    partial = tl.num_programs(2).to(tl.int64) * length * rank * READOUT + shared
    delta_at = (first_token * DIRECTIONS + k) * CHANNELS + channel
    u_row = u + first_token * CHANNELS + channel
    grad_row = grad_y + first_token * CHANNELS + channel
    grad_u_row = grad_u + plane * length * CHANNELS + channel
    walk = (length, height, width, (orders >> (2 * k)) & 3)

    A_tile = tl.load(A + k * TILE + tile, mask=tile_exists, other=0.0) * LOG2_E
    bias_k = tl.zeros((BLOCK_C,), tl.float32)
    if HAS_BIAS:
        bias_k = read_row(bias + channel, k, CHANNELS, exists)
    skip = tl.zeros((BLOCK_C,), tl.float32)
    if HAS_D:
        skip = read_row(D + channel, k, CHANNELS, exists)
    adjoint = tl.zeros((BLOCK_N, BLOCK_C), tl.float32)
    if HAS_STARTS:
        adjoint = tl.load(starts + owner * TILE + tile, mask=tile_exists, other=0.0)
    A_total = tl.zeros((BLOCK_N, BLOCK_C), tl.float32)
    D_total = tl.zeros((BLOCK_C,), tl.float32)
    bias_total = tl.zeros((BLOCK_C,), tl.float32)

    per_segment = tl.cdiv(intervals, segments)
    stop = tl.minimum((segment + 1) * per_segment, intervals)
    for back in range(0, stop - segment * per_segment):
        interval = stop - 1 - back
        begin = interval * INTERVAL
        parts = tl.cdiv(tl.minimum(length - begin, INTERVAL), UNROLL)
        boundary = boundaries + (plane * intervals + interval) * TILE + tile
        state = tl.load(boundary, mask=tile_exists, other=0.0)
        # Another thread may read what this one writes, in either order.
        tl.debug_barrier()
        for part in range(0, parts):
            tl.store(scratch + (owner * PARTS + part) * TILE + tile, state, mask=tile_exists)
            steps = ()
            for i in tl.static_range(UNROLL):
                step = begin + part * UNROLL + i
                token = visited(step, walk)
                mask = only_if(step < length, exists)
                u_t = read_row(u_row, token, CHANNELS, mask)
                raw = read_row(delta + delta_at, token, DIRECTIONS * CHANNELS, mask)
                B_t = read_row(B + shared, token, READOUT, only_if(step < length, state_exists))
                steps = steps + ((mask, u_t, raw, B_t),)
            for i in tl.static_range(UNROLL):
                mask, u_t, raw, B_t = steps[i]
                delta_t, _slope = step_size(raw, bias_k, mask, SOFTPLUS)
                decay = tl.exp2(delta_t[None, :] * A_tile)
                state = decay * state + (delta_t * u_t)[None, :] * B_t[:, None]
        tl.debug_barrier()
        for left in range(0, parts):
            part = parts - 1 - left
            before = scratch + (owner * PARTS + part) * TILE + tile
            state = tl.load(before, mask=tile_exists, other=0.0)
            steps = ()
            for i in tl.static_range(UNROLL):
                step = begin + part * UNROLL + i
                token = visited(step, walk)
                mask = only_if(step < length, exists)
                readable = only_if(step < length, state_exists)
                u_t = read_row(u_row, token, CHANNELS, mask)
                raw = read_row(delta + delta_at, token, DIRECTIONS * CHANNELS, mask)
                B_t = read_row(B + shared, token, READOUT, readable)
                steps = steps + ((token, mask, readable, u_t, raw, B_t),)
            # What only the way back needs is read one token ahead, for want of registers.
            next_g = read_row(grad_row, token, CHANNELS, mask)
            next_C = read_row(C + shared, token, READOUT, readable)
            states = ()
            for i in tl.static_range(UNROLL):
                token, mask, readable, u_t, raw, B_t = steps[i]
                delta_t, slope = step_size(raw, bias_k, mask, SOFTPLUS)
                decay = tl.exp2(delta_t[None, :] * A_tile)
                kept = decay * state
                states = states + ((delta_t, slope, decay, kept),)
                state = kept + (delta_t * u_t)[None, :] * B_t[:, None]
            for j in tl.static_range(UNROLL):
                g_t, C_t = next_g, next_C
                if j + 1 < UNROLL:
                    token, mask, readable, u_t, raw, B_t = steps[UNROLL - 2 - j]
                    next_g = read_row(grad_row, token, CHANNELS, mask)
                    next_C = read_row(C + shared, token, READOUT, readable)
                token, mask, readable, u_t, raw, B_t = steps[UNROLL - 1 - j]
                delta_t, slope, decay, kept = states[UNROLL - 1 - j]
                drive = (delta_t * u_t)[None, :]
                adjoint += g_t[None, :] * C_t[:, None]
                C_grad = tl.sum((kept + drive * B_t[:, None]) * g_t[None, :], axis=1)
                B_grad = tl.sum(adjoint * drive, axis=1)
                tl.store(grad_C + partial + token * READOUT, C_grad, mask=readable)
                tl.store(grad_B + partial + token * READOUT, B_grad, mask=readable)
                through = tl.sum(adjoint * B_t[:, None], axis=0)
                exponent = adjoint * kept
                A_total += exponent * delta_t[None, :]
                delta_grad = u_t * through + LN_2 * tl.sum(exponent * A_tile, axis=0)
                # Padded channels have no step size and no input, but a slope.
                delta_grad = tl.where(mask, delta_grad * slope, 0.0)
                delta_row = grad_delta + delta_at + token * (DIRECTIONS * CHANNELS)
                tl.store(delta_row, delta_grad.to(grad_delta.dtype.element_ty), mask=mask)
                u_grad = delta_t * through + skip * g_t
                tl.store(grad_u_row + token * CHANNELS, u_grad, mask=mask)
                bias_total += delta_grad
                D_total += g_t * u_t
                adjoint *= decay
    tl.store(grad_A + owner * TILE + tile, A_total, mask=tile_exists)
    if HAS_D:
        tl.store(grad_D + owner * CHANNELS + channel, D_total, mask=exists)
    if HAS_BIAS:
        tl.store(grad_bias + owner * CHANNELS + channel, bias_total, mask=exists)
