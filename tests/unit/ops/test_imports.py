"""Compilers are not imported by those who do not use them."""

import subprocess
import sys

CHECK = """
import sys
import torch
import lightning_face.ops
from lightning_face.ops.selective_scan import directional_scan
x = torch.ones(1, 4, 2)
shared = torch.ones(1, 4, 1, 1, 3)
directional_scan(x, x[:, :, None], -torch.ones(1, 2, 3), shared, shared, height=1, width=4,
                 backend="chunked")
print(*sorted(sys.modules.keys() & {"numba", "triton", "mamba_ssm", "lightning", "torchvision"}))
"""


def test_a_scan_in_plain_torch_imports_no_compiler():
    child = subprocess.run(
        [sys.executable, "-c", CHECK], capture_output=True, text=True, check=True
    )
    assert child.stdout.strip() == ""
