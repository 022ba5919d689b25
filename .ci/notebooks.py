"""notebooks.py check|update NOTEBOOK FOLDER: executes a copy of a notebook in a folder.

check compares the outputs with the committed ones: texts must be equal, figures must exist and have about the same size.
update writes the outputs into the notebook. In both modes outputs must not contain paths, host names or warnings.
"""

import re
import socket
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
MAX_BYTES = 300_000
FIGURE = "image/png"


def executed(notebook, folder):
    copy = nbformat.from_dict({**notebook, "metadata": METADATA})
    for cell in copy.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    client = NotebookClient(
        copy,
        timeout=300,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute()
    for cell in copy.cells:
        if cell.cell_type == "code":
            cell.outputs = joined(cell.outputs)
    copy.metadata = METADATA
    return copy


def joined(outputs):
    """Joins the pieces of a stream, which depend on when it was flushed."""
    result = []
    for output in outputs:
        if output.output_type == "stream" and result and result[-1].get("name") == output.name:
            result[-1].text += output.text
        else:
            result.append(output)
    return result


def texts(cell):
    """The texts that a cell prints, and the sizes of its figures."""
    said, figures = [], []
    for output in cell.outputs:
        if output.output_type == "stream":
            said.append((output.name, output.text))
        elif output.output_type in ("display_data", "execute_result"):
            said.append((output.output_type, output.data.get("text/plain")))
            if FIGURE in output.data:
                figures.append(len(output.data[FIGURE]))
        else:
            said.append((output.output_type, output.get("evalue")))
    return said, figures


def problems(notebook):
    """Finds content that a committed notebook must not have."""
    if notebook.metadata != METADATA:
        yield f"metadata is {notebook.metadata}, expected {METADATA}"
    private = [str(Path.cwd()), str(Path.home()), "/tmp/", socket.gethostname()]
    figures = 0
    for number, cell in enumerate(notebook.cells):
        if cell.metadata:
            yield f"cell {number} has metadata: {cell.metadata}"
        if cell.cell_type != "code":
            continue
        for output in cell.outputs:
            if output.output_type == "error" or output.get("name") == "stderr":
                yield f"cell {number} has an error or a warning in its output"
            content = {**output.get("data", {}), "stream": output.get("text", "")}
            figures += FIGURE in content
            if FIGURE in content and not 4_000 <= len(content.pop(FIGURE)) <= 120_000:
                yield f"cell {number} has a figure that is too small or too large"
            for text in content.values():
                for word in private:
                    if re.search(rf"(?<!\w){re.escape(word)}", str(text)):
                        yield f"cell {number} contains {word}"
    if not figures:
        yield "the notebook has no figure"


def differences(committed, now):
    for number, (old, new) in enumerate(zip(committed.cells, now.cells)):
        if old.cell_type != "code":
            continue
        (old_texts, old_figures), (new_texts, new_figures) = texts(old), texts(new)
        if old.execution_count != new.execution_count:
            yield f"cell {number} has execution count {old.execution_count}, expected {new.execution_count}"
        if old_texts != new_texts:
            yield f"cell {number} printed\n{new_texts}\nbut the committed notebook has\n{old_texts}"
        if len(old_figures) != len(new_figures):
            yield f"cell {number} has {len(new_figures)} figures, the committed notebook {len(old_figures)}"
        for was, size in zip(old_figures, new_figures):
            if not was / 2 <= size <= was * 2:
                yield f"cell {number} has a figure of {size} bytes, the committed notebook {was}"


def main(mode, path, folder):
    path, start = Path(path), time.monotonic()
    committed = nbformat.read(path, 4)
    try:
        now = executed(committed, Path(folder).resolve())
    except CellExecutionError as e:
        sys.exit(f"a cell failed:\n{e}")
    found = list(problems(now))
    if mode == "update":
        nbformat.write(now, path)
    else:
        found += [*problems(committed), *differences(committed, now)]
    if path.stat().st_size > MAX_BYTES:
        found.append(f"the notebook has {path.stat().st_size} bytes, at most {MAX_BYTES} are allowed")
    if found:
        sys.exit("\n".join(found))
    cells = sum(cell.cell_type == "code" for cell in now.cells)
    figures = sum(len(texts(cell)[1]) for cell in now.cells if cell.cell_type == "code")
    outcome = "outputs written" if mode == "update" else "outputs as committed"
    where = "the top level" if folder == "." else folder
    print(f"  {path.name}, in {where}: {cells} cells, {figures} figures, {outcome}; {time.monotonic() - start:.0f} s")


main(*sys.argv[1:])
