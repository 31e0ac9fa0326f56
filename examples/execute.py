"""Runs a notebook from its first cell to its last and fails with the first that fails.

``python execute.py NOTEBOOK [--write]``: with ``--write`` what it says is kept in the file.
"""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

SECONDS_MAX = 600


def main() -> None:
    path = Path(sys.argv[1])
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
    if "--write" in sys.argv[2:]:
        nbformat.write(notebook, path)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    print(f"{path.name}: {len(cells)} cells, {sum(map(says, cells))} said something")


def says(cell: nbformat.NotebookNode) -> bool:
    return bool(cell.outputs)


if __name__ == "__main__":
    main()
