"""The real ansible-playbook, as the conformance cases use it: where it is, and how it is run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "conformance"))

import harness

ROOT = Path(__file__).parent.parent.parent


def real_playbook() -> Path | None:
    """The program: in the folder that ENGINE_ORACLE names, else in the environment that `make oracle` makes."""
    folders = [Path(os.environ["ENGINE_ORACLE"])] if os.environ.get("ENGINE_ORACLE") else [ROOT / ".venv" / "oracle-env" / "bin"]
    return next((folder / "ansible-playbook" for folder in folders if (folder / "ansible-playbook").exists()), None)


def run_real(program: Path, case: harness.Case, folder: Path) -> str:
    """Run the case in `folder`; the normal form of what it printed."""
    python = os.environ.get("ANSIBLE_PYTHON_INTERPRETER", "/usr/bin/python3")
    environ = {
        "HOME": str(folder),
        "PATH": f"{program.parent}:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_PYTHON_INTERPRETER": python,
        "ANSIBLE_LOCALHOST_WARNING": "0",
        "ANSIBLE_ASYNC_DIR": str(folder / ".ansible_async"),
    }
    for _ in range(3):
        case.write(folder)
        done = subprocess.run(
            [str(program), *case.options], cwd=folder, env=environ, capture_output=True, text=True, timeout=300, check=False
        )
        if done.returncode >= 0:  # else a signal ended it: seen, rarely, after its recap on a busy machine
            break
        shutil.rmtree(folder)
        folder.mkdir()
    return harness.normal_form(done.stdout, done.returncode, case, folder)
