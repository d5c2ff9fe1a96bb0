"""`ortholens deidentify`: files without identifiers, under names that say nothing, and a report of what was changed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import structlog
import typer

from models.commands.batch import Paths, list_batch_files
from models.commands.output import check_output_file, check_output_folder, write_output
from models.errors import InputError
from models.io.identity.deidentify import deidentify as deidentify_file
from models.io.identity.profile import EDITION, Options
from models.io.identity.result import Deidentified
from models.words import DISCLAIMER

REPORT = "deidentification.json"
Folder = Annotated[Path, typer.Option("--out", file_okay=False, help="Folder for the files, and the report.")]
Dates = Annotated[
    Literal["remove", "shift", "keep"],
    typer.Option(help="Dates and times: remove, shift all of a patient by the same days, or keep. Birth always goes."),
]
KeepUids = Annotated[bool, typer.Option("--keep-uids", help="Keep the identifiers of studies, series and instances.")]
Text = Annotated[
    Literal["refuse", "mask"], typer.Option(help="Burned-in text: refuse the file, or mask the lines that are found.")
]
Names = Annotated[
    Path | None,
    typer.Option(dir_okay=False, help="Also write which file became which: for you alone, it names patients."),
]


def deidentify(
    paths: Paths,
    out: Folder,
    dates: Dates = "remove",
    keep_uids: KeepUids = False,
    text: Text = "refuse",
    names: Names = None,
) -> None:
    """Write files without identifiers, and a report of what was changed; no name of a file is told."""
    options = Options(dates, keep_uids, text)
    check_output_folder(out, "--out")
    if names:
        check_output_file(names, "--names")
    files = [file for file in list_batch_files(paths, "-") if out.resolve() not in file.resolve().parents]
    lines, private = [], []
    for number, file in enumerate(files, 1):
        line = {"number": number, **_one(file, out, options)}
        lines.append(line)
        private.append({"number": number, "file": str(file), "written": line.get("written")})
        if "problem" in line:
            typer.echo(f"File {number} of {len(files)} was left out: it {line['problem']}", err=True)
    report = bind_report(lines, options)
    write_output(out / REPORT, json.dumps(report, indent=2).encode())
    if names:
        write_output(names, json.dumps(private, indent=2).encode())
    typer.echo(f"{report['sentence']} {DISCLAIMER}", err=True)
    raise typer.Exit(0 if report["written"] == len(files) else 1)


def bind_report(lines: Sequence[dict[str, object]], options: Options) -> dict[str, object]:
    """Return the report of all files; it holds no value of any."""
    written = sum("written" in line for line in lines)
    masked = sum(int(str(line.get("text_masked", 0))) for line in lines)
    uids = "kept" if options.keep_uids else "replaced"
    dates = {"remove": "removed", "shift": "shifted", "keep": "kept"}[options.dates]
    sentence = (
        f"{written} of {len(lines)} files were de-identified by the Basic Profile of {EDITION}: dates {dates}, UIDs "
        f"{uids}, {masked} lines of burned-in text masked. Text that is written brightly on bright may be missed: look "
        "at the pictures before they are handed on."
    )
    return {
        "sentence": sentence,
        "profile": EDITION,
        "codes": [{"value": value, "scheme": "DCM", "meaning": meaning} for value, meaning in options.list_codes()],
        "dates": options.dates,
        "keep_uids": options.keep_uids,
        "text": options.text,
        "written": written,
        "left_out": len(lines) - written,
        "files": list(lines),
        "disclaimer": DISCLAIMER,
    }


def _one(file: Path, out: Path, options: Options) -> dict[str, object]:
    """Write one file, and return its line of the report."""
    try:
        made = deidentify_file(file.read_bytes(), options)
    except InputError as error:
        return {"problem": f"{error.problem}. {error.fix}"}
    except OSError:
        return {"problem": "cannot be opened. Check that you may read it."}
    except Exception as error:  # noqa: BLE001 - one file must not end the batch, and nothing of it may be told
        structlog.get_logger().error("a file was not de-identified", kind=type(error).__name__)
        return {"problem": f"could not be de-identified ({type(error).__name__}). Please report this as a fault."}
    write_output(out / made.name, made.data)
    return _line(made)


def _line(made: Deidentified) -> dict[str, object]:
    counted = {kind: dict(Counter(_plain(path) for path in paths)) for kind, paths in made.changed.items() if paths}
    return {"written": made.name, **counted, "private_or_unknown": made.private, "text_masked": made.masked}


def _plain(path: str) -> str:
    """Return the path of an element without the numbers of items."""
    return ".".join(part.split("[")[0] for part in path.split("."))
