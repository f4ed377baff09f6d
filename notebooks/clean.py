"""Git's clean filter for notebooks: it removes outputs, execution counts and data of the machine.

    git config filter.notebook.clean 'python notebooks/clean.py'
    echo '*.ipynb filter=notebook' >> .git/info/attributes

JupyterLab saves outputs into the file that it runs. With this filter, Git sees no change of such a file: switching
branches and `git commit --all` leave it alone. It uses the standard library only, because Git runs it for each
notebook. The result has the form that notebooks/build.py writes.
"""

import json
import sys

METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def clean(text: str) -> str:
    """A notebook as text, without outputs. Other text is returned unchanged."""
    try:
        notebook = json.loads(text)
        for cell in notebook["cells"]:
            cell["metadata"] = {name: value for name, value in cell["metadata"].items() if name == "tags"}
            if cell["cell_type"] == "code":
                cell["outputs"], cell["execution_count"] = [], None
    except (ValueError, KeyError, TypeError, AttributeError):
        return text
    notebook["metadata"] = METADATA
    notebook["nbformat"], notebook["nbformat_minor"] = 4, 5
    return json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    sys.stdout.write(clean(sys.stdin.buffer.read().decode("utf-8")))
