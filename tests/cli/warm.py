"""A process that has imported lightning and forks to run each command it is sent.

Importing lightning takes around ten seconds of processor time; a forked command starts at
once. One request a line on standard input, one answer a line on standard output, in JSON.
"""

from __future__ import annotations

import json
import os
import sys
import traceback

import lightning_face.cli.front
import lightning_face.cli.run


def run(request: dict[str, object]) -> int:
    os.chdir(request["cwd"])
    os.environ.update(request["env"])
    sys.path[:0] = request["path"]
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(request[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    sys.argv = ["lightning-face", *request["argv"]]
    return lightning_face.cli.front.main(request["argv"])


def serve() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            status = 99
            try:
                status = run(json.loads(line))
            except SystemExit as error:
                status = error.code if isinstance(error.code, int) else 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(json.dumps({"status": status}), flush=True)


if __name__ == "__main__":
    serve()
