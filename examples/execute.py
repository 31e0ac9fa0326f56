"""Runs a notebook from its first cell to its last, or the code of a guide, and fails with the first that fails.

``python execute.py NOTEBOOK [--write]``: with ``--write`` what it says is kept in the file.
``python execute.py GUIDE.md``: blocks of Python and lines that begin with ``$ rheos``, in a folder of their own.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

SECONDS_MAX = 600


def main() -> None:
    path = Path(sys.argv[1]).resolve()
    if path.suffix == ".md":
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            run_guide(path)
    else:
        run_notebook(path, write="--write" in sys.argv[2:])


def run_notebook(path: Path, write: bool) -> None:
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=SECONDS_MAX,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.execute()
    notebook.metadata["language_info"] = {"name": "python"}
    if write:
        nbformat.write(notebook, path)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    print(f"{path.name}: {len(cells)} cells, {sum(bool(cell.outputs) for cell in cells)} said something")


def run_guide(path: Path) -> None:
    blocks = path.read_text().split("```")[1::2]
    names: dict[str, object] = {"__name__": "guide"}
    ran = 0
    for block in blocks:
        kind, _, text = block.partition("\n")
        if kind == "python":
            exec(compile(text, path.name, "exec"), names)
            ran += 1
        for line in text.splitlines():
            if line.startswith("$ rheos "):
                subprocess.run(line[2:], shell=True, check=True, timeout=SECONDS_MAX)
                ran += 1
    if ran == 0:
        raise SystemExit(f"{path.name} has nothing to run")
    print(f"{path.name}: {ran} blocks and commands")


if __name__ == "__main__":
    main()
