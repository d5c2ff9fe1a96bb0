"""How often the points of an implant save the first pose of a simulated frame, which nothing came before.

`python -m tests.benchmarks.first_poses [OUT.json]`. Each frame is a sequence of its own: outlined by the network, posed
with the library of outlines alone, and with the poses from points beside it, by outlines only. The best fit is right
within `RIGHT_DEG` of the exact pose. The designs are those of `models.simulation.components`, of which the network of
points has seen none.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np

import models
from models.simulation.components import DESIGNS
from models.simulation.motion import MOVEMENTS, render_motion_picture, simulate_motion
from models.tasks.kinematics.locate import NAMES, Component
from models.tasks.kinematics.points import CARD as POINTS
from models.tasks.kinematics.points import propose_frame_poses
from models.tasks.kinematics.sequence import Options, follow_sequence
from models.tasks.kinematics.shape import measure_rotation_deg
from models.tasks.kinematics.study import outline
from models.types import Image

OUTLINES = "tka-fluoroscopy"
FRAMES, SEED, RIGHT_DEG = 5, 31, 5.0


def main() -> None:
    """Measure, and write a line a frame and component, then the counts."""
    rows = []
    for design, movement in product(DESIGNS, MOVEMENTS):
        case = simulate_motion(design, movement, FRAMES, 1024, SEED)
        exact, meshes = (case.femoral_poses, case.tibial_poses), (case.femoral, case.tibial)
        components = Component(case.femoral), Component(case.tibial)
        for t in range(FRAMES):
            picture = render_motion_picture(case, t, SEED)
            image = Image((picture / np.float32(255))[None], f"{design.name} {t}", f"{design.name}-{movement}-{t}")
            place = partial(models.predict, image, POINTS)
            frame = outline(image, models.predict(image, OUTLINES), place)
            both = [
                follow_sequence([one], components, case.camera, Options(edges=False))[0]
                for one in (replace(frame, points=None), frame)
            ]
            for index, name in enumerate(NAMES):
                right = exact[index][t]
                off = [measure_rotation_deg(a[index].fits[0].pose, right) if a[index].fits else 180.0 for a in both]
                starts = propose_frame_poses(place, meshes[index], index, case.camera)
                apart = [measure_rotation_deg(pose, right) for pose in starts]
                row = {
                    "case": f"{design.name} {movement} {t}", "component": name, "library_deg": round(off[0], 2),
                    "with_points_deg": round(off[1], 2), "points_alone_deg": [round(one, 1) for one in apart],
                }  # fmt: skip
                rows.append(row)
                sys.stdout.write(f"{json.dumps(row)}\n")
                sys.stdout.flush()
    wrong = [row["library_deg"] > RIGHT_DEG for row in rows]
    still = [row["with_points_deg"] > RIGHT_DEG for row in rows]
    told = {
        "n": len(rows),
        "wrong_by_library": sum(wrong),
        "saved": sum(a and not b for a, b in zip(wrong, still, strict=True)),
        "spoilt": sum(b and not a for a, b in zip(wrong, still, strict=True)),
        "points_alone_within_10_deg": sum(min(row["points_alone_deg"], default=180) < 10 for row in rows),
    }  # fmt: skip
    sys.stdout.write(f"{json.dumps(told)}\n")
    if sys.argv[1:]:
        Path(sys.argv[1]).write_text(json.dumps({"counts": told, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
