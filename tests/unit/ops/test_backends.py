"""The choice of a backend."""

import importlib
import warnings

import pytest
import torch

from lightning_face.ops.selective_scan import available_backends, backends, choose_backend


@pytest.fixture(autouse=True)
def fresh_choice(monkeypatch):
    monkeypatch.delenv(backends.ENVIRONMENT_VARIABLE, raising=False)
    backends._choose.cache_clear()
    yield
    backends._choose.cache_clear()


@pytest.fixture
def refuse(monkeypatch):
    """Make backends unavailable for a reason."""

    def without(**reasons):
        for name, reason in reasons.items():
            module = importlib.import_module(f"lightning_face.ops.selective_scan.{name}")
            monkeypatch.setattr(module, "unavailable", lambda reason=reason: reason)

    return without


def test_the_best_usable_backend_is_taken_in_silence(refuse):
    refuse(c=None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert choose_backend("cpu") == "c"


def test_a_fallback_is_announced_once_with_every_reason(refuse):
    refuse(c="no C compiler", numba="numba is not installed")
    with pytest.warns(UserWarning, match=r"'chunked'.*no C compiler.*numba is not installed"):
        assert choose_backend("cpu") == "chunked"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert choose_backend(torch.device("cpu")) == "chunked"


def test_numba_comes_before_plain_torch(refuse):
    refuse(c="no C compiler", numba=None)
    with pytest.warns(UserWarning, match="'numba'"):
        assert choose_backend("cpu") == "numba"


@pytest.mark.parametrize("device", ["meta", "mps"])
def test_other_devices_use_plain_torch(device):
    assert choose_backend(device) == "chunked"


def test_gpus_prefer_fused_kernels(refuse):
    refuse(triton=None)
    assert choose_backend("cuda") == "triton"
    backends._choose.cache_clear()
    refuse(triton="triton is not installed", mamba_ssm="mamba-ssm is not installed")
    with pytest.warns(UserWarning, match="triton is not installed"):
        assert choose_backend("cuda") == "chunked"


def test_the_environment_decides_and_the_argument_overrides_it(monkeypatch):
    monkeypatch.setenv(backends.ENVIRONMENT_VARIABLE, "reference")
    assert choose_backend("cpu") == "reference"
    assert choose_backend("cpu", "chunked") == "chunked"


def test_a_backend_asked_for_by_name_is_never_replaced(refuse):
    refuse(c="no C compiler")
    with pytest.raises(RuntimeError, match="backend 'c' cannot be used: no C compiler"):
        choose_backend("cpu", "c")


def test_a_backend_of_another_device_is_refused(refuse):
    refuse(c=None)
    with pytest.raises(RuntimeError, match="does not compute on cuda tensors"):
        choose_backend("cuda", "c")


def test_unknown_names_are_refused_with_the_known_ones(monkeypatch):
    monkeypatch.setenv(backends.ENVIRONMENT_VARIABLE, "fortran")
    with pytest.raises(ValueError, match="'fortran'; choose one of auto, triton, mamba_ssm, c"):
        choose_backend("cpu")


def test_the_table_names_all_backends_with_reasons(refuse):
    refuse(c="no C compiler", numba=None)
    table = {status.name: status for status in available_backends()}
    assert set(table) == set(backends.NAMES)
    assert table["c"] == ("c", False, "no C compiler")
    assert table["numba"] == ("numba", True, "")
    assert table["chunked"].usable
