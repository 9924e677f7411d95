from __future__ import annotations

import subprocess
import sys

import pytest

from lightning_face.errors import ConfigError
from lightning_face_sis.commands import main
from lightning_face_sis.commands.verbs import VERBS


def test_verbs_are_listed(capsys):
    assert main([]) == 0
    printed = capsys.readouterr().out
    assert all(f"  {name} " in printed for name in VERBS)


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_explains_itself(name, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([name, "--help"])
    assert stopped.value.code == 0
    assert VERBS[name].description[:30] in capsys.readouterr().out


def test_an_unknown_verb_is_answered_with_those_there_are():
    with pytest.raises(ConfigError, match=r"no verb 'swap'; its verbs are .*swap-style"):
        main(["swap"])


def test_help_does_not_wait_for_torch():
    code = (
        "import sys\nfrom lightning_face_sis.commands import main\n"
        "try:\n    main(['swap-style', '--help'])\nexcept SystemExit:\n    pass\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0
