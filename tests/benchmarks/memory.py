"""Does the dashboard keep what it has answered? Resident memory after 20 and after 200 answers in one process.

    .venv/bin/python tests/benchmarks/memory.py [CARD]

One session drops a fresh picture for every answer, so that the queue and each cache of the session fill up and have to
let go; Streamlit's own harness runs the real pages, without a browser.
"""

from __future__ import annotations

import argparse
import gc
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from streamlit.testing.v1 import AppTest

import dashboard
from dashboard.case import pages
from models.cards import card
from models.cases import cases

FEW, MANY = 20, 200


def film(case: Path, seed: int) -> bytes:
    """Return a case with noise of its own, 512 pixels on the longer side, as PNG."""
    picture = Pillow.open(case).convert("L")
    picture.thumbnail((512, 512))
    pixels = np.asarray(picture, np.int16)
    noisy = pixels + np.random.default_rng(seed).integers(-4, 5, pixels.shape, np.int16)
    out = BytesIO()
    Pillow.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(out, "PNG")
    return out.getvalue()


def resident_mb() -> float:
    """Resident memory of this process in MiB (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


def main() -> None:
    """Answer, measure, and fail where memory grew by more than 50 MiB."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("card", nargs="?", default="shoulder-implants")
    used = card(options.parse_args().card)
    case = next(c.path for c in cases() if c.path.suffix == ".png" and c.task == used.task)
    app = Path(dashboard.__file__).with_name("app.py")
    page = AppTest.from_file(app, default_timeout=600).run().switch_page(pages.find_page_script(used.task)).run()
    measured = {}
    for i in range(1, MANY + 1):
        page.file_uploader[0].upload(f"{i}.png", film(case, i))
        page.run()
        if page.exception:
            sys.exit(f"the page failed at picture {i}: {page.exception[0].message}")
        if i in (FEW, MANY // 2, MANY):
            gc.collect()
            measured[i] = resident_mb()
            sys.stdout.write(f"after {i:3d} answers {measured[i]:.0f} MiB\n")
            sys.stdout.flush()
    grown = measured[MANY] - measured[FEW]
    sys.exit(0 if grown <= 50 else f"{grown:.0f} MiB more after {MANY} answers than after {FEW}")


if __name__ == "__main__":
    main()
