"""Make an environment from uv.lock in an image: uv itself by its hash in the lock, then `uv sync --frozen`.

python3 install_locked.py --only-group hub
"""

import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

(uv,) = [one for one in tomllib.loads(Path("uv.lock").read_text())["package"] if one["name"] == "uv"]
hashes = [f"--hash={wheel['hash']}" for wheel in uv["wheels"]]
with tempfile.TemporaryDirectory() as folder:
    (Path(folder) / "uv.txt").write_text(f"uv=={uv['version']} {' '.join(hashes)}\n")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-cache-dir", "--require-hashes"]
    subprocess.run([*pip, "--target", folder, "-r", f"{folder}/uv.txt"], check=True)
    sync = ["sync", "--quiet", "--frozen", "--no-install-project", "--compile-bytecode", "--no-cache"]
    subprocess.run([f"{folder}/bin/uv", *sync, "--python", sys.executable, *sys.argv[1:]], check=True)
