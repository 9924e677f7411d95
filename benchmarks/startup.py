"""Processor time of the commands that should answer at once, beside importing lightning."""

from __future__ import annotations

import resource
import subprocess
import sys

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "lightning-face --version": ["-m", "lightning_face", "--version"],
    "lightning-face --help": ["-m", "lightning_face", "--help"],
    "lightning-face list": ["-m", "lightning_face", "list"],
    "lightning-face info ema": ["-m", "lightning_face", "info", "ema"],
    "lightning-face completion bash": ["-m", "lightning_face", "completion", "bash"],
    "python -c 'import torch'": ["-c", "import torch"],
    "python -c 'import lightning.pytorch'": ["-c", "import lightning.pytorch"],
}

REPEATS = 3


def processor_seconds(words: list[str]) -> float:
    """Run a Python command and return the user and system time it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)  # noqa: S603
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print the shortest of a few runs of every command."""
    print(f"{'command':<40} CPU s")
    for title, words in COMMANDS.items():
        print(f"{title:<40} {min(processor_seconds(words) for _ in range(REPEATS)):5.2f}")


if __name__ == "__main__":
    main()
