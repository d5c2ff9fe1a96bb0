"""The API answers what the command line answers, to those who may ask, and says in a sentence what is wrong."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

import models
from models.audit_log import verify
from models.cli import main
from models.service.door import Quota
from models.settings import settings
from models.types import Box
from models.words import DISCLAIMER
from tests.service.conftest import Asked

Start = Callable[..., Asked]


def predict(file: Path, tmp_path: Path, *options: str) -> dict[str, object]:
    out = tmp_path / "answers.jsonl"
    with pytest.raises(SystemExit) as end:
        main(["predict", *options[:1], str(file), "--no-names", "--out", str(out), *options[1:]])
    assert end.value.code == 0
    (line,) = out.read_text().splitlines()
    return dict(json.loads(line))


def post(client: Asked, path: str, data: bytes, **fields: object) -> dict[str, object]:
    answer = client.post(f"/v1/{path}", files={"file": ("Muster^Erika.png", data)}, data=fields)
    assert answer.status_code == 200, answer.text
    assert answer.headers["X-Intended-Use"] == DISCLAIMER
    return dict(answer.json())


@pytest.mark.parametrize(("card", "route", "task"), [("random_card", "predict", "implant"),
    ("segmenting_card", "segment", "tissue"), ("detecting_card", "detect", "detection")])  # fmt: skip
def test_answers_are_those_of_the_command_line(
    card: str, route: str, task: str, start: Start, picture: Callable[..., bytes], tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:  # fmt: skip
    chosen = request.getfixturevalue(card)
    (tmp_path / "a.png").write_bytes(picture(3))
    line = predict(tmp_path / "a.png", tmp_path, task)
    fields = {"task": task} if route == "predict" else {"card": chosen}
    answer = post(start(), route, picture(3), pictures="false", **fields)
    assert answer.pop("pictures") == {}
    assert line.pop("number") == 1
    assert line.pop("seconds") > 0
    assert answer.pop("seconds") > 0
    assert answer == line


def test_an_image_is_read_and_known_by_cards(random_card: str, start: Start, picture: Callable[..., bytes]) -> None:
    client = start()
    read = post(client, "read", picture(1))
    assert (read["rows"], read["columns"], read["frames"], read["spacing_mm"]) == (80, 60, 1, None)
    assert read["sha256"] == models.read(picture(1)).sha256
    assert post(client, "triage", picture(1))["sha256"] == read["sha256"]
    (card,) = client.get("/v1/cards").json()
    assert (card["id"], card["kind"], len(card["labels"])) == (random_card, "classification", 3)


def test_an_explanation_is_a_map_in_pixels_of_the_image(
    random_card: str, start: Start, picture: Callable[..., bytes]
) -> None:
    said = post(start(), "explain", picture(1), card=random_card, label="Depuy")
    heat = np.asarray(Pillow.open(io.BytesIO(base64.b64decode(str(said["heat"]))))) / 32767 - 1
    right = models.explain(models.read(picture(1)), random_card, label="Depuy").heat
    assert said["target"] == "Depuy"
    np.testing.assert_allclose(heat, right, atol=2e-5)


def test_a_part_of_an_answer_is_explained(segmenting_card: str, start: Start, picture: Callable[..., bytes]) -> None:
    client, image = start(), models.read(picture(1))
    found = models.predict(image, segmenting_card).mask
    top, left = (int(place[0]) for place in np.nonzero(found))
    label = models.card(segmenting_card).labels[found[top, left] - 1].key
    part = {"card": segmenting_card, "method": "grad-cam", "label": label}
    said = post(client, "explain", picture(1), box=f"{left},{top},8.0,6", **part)
    heat = np.asarray(Pillow.open(io.BytesIO(base64.b64decode(str(said["heat"]))))) / 32767 - 1
    right = models.explain(image, segmenting_card, "grad-cam", label=label, box=Box(top, left, 6, 8)).heat
    np.testing.assert_allclose(heat, right, atol=2e-5)
    assert said["heat"] != post(client, "explain", picture(1), **part)["heat"]


def test_pictures_come_along(segmenting_card: str, start: Start, picture: Callable[..., bytes]) -> None:
    said = post(start(), "segment", picture(1))
    assert said["mask"] == "mask"
    mask = np.asarray(Pillow.open(io.BytesIO(base64.b64decode(said["pictures"]["mask"]))))
    assert np.array_equal(mask, models.predict(models.read(picture(1)), segmenting_card).mask)


def test_what_is_wrong_is_a_sentence_without_the_files_name(
    random_card: str, start: Start, picture: Callable[..., bytes]
) -> None:
    client = start(max_file_mb=1)
    wrong = [
        (b"no image", "predict", {"task": "implant"}, 415),
        (picture(1)[:200], "read", {}, 422),
        (picture(1), "predict", {"task": "implant", "card": "none"}, 404),
        (picture(1), "predict", {"task": "implant", "frame": 3}, 422),
        (picture(1), "predict", {"task": "implant", "frame": "one"}, 422),
        (picture(1), "predict", {}, 404),
        (picture(1), "segment", {}, 404),
        (picture(1), "detect", {"card": random_card}, 404),
        (picture(1), "explain", {"card": random_card, "method": "magic"}, 404),
        (picture(1), "explain", {"card": random_card, "box": "1,2,3"}, 422),
        (picture(1), "explain", {"card": random_card, "box": "50,70,10,11"}, 422),
        (picture(1), "explain", {"card": random_card, "box": "1,1,0,5"}, 422),
        (picture(1), "explain", {"card": random_card, "box": "1,1,5,5"}, 404),
    ]
    for data, path, fields, status in wrong:
        answer = client.post(f"/v1/{path}", files={"file": ("Muster^Erika.png", data)}, data=fields)
        said = answer.json()["error"]
        assert answer.status_code == status, (path, fields, said)
        assert said.endswith((".", "/openapi.json"))
        assert "Muster" not in said
        assert "Traceback" not in said


def test_nothing_is_answered_without_a_token(random_card: str, start: Start, tmp_path: Path) -> None:
    client = start()
    routes = [(method.upper(), path) for path, known in client.get("/openapi.json").json()["paths"].items()
              for method in known]  # fmt: skip
    assert len(routes) > 12
    own = client.headers.pop("Authorization")
    for wrong in ("", "Bearer nothing", own[:-1], own.replace("Bearer", "Basic")):
        for method, path in [*routes, ("GET", "/openapi.json"), ("GET", "/nowhere"), ("POST", "/v1/predict")]:
            answer = client.request(method, path, headers={"Authorization": wrong} if wrong else {})
            assert answer.status_code == (200 if path == "/healthz" else 401), (method, path, wrong)
    assert client.get("/v1/cards", headers={"Authorization": own}).status_code == 200
    kept = (tmp_path / "tokens").read_text()
    assert own.partition(" ")[2] not in kept
    (tmp_path / "tokens").write_text("\n".join(line for line in kept.splitlines() if "anna" not in line))
    assert client.get("/v1/cards", headers={"Authorization": own}).status_code == 401  # taken out, and at once


def test_figures_of_use_are_for_administrators(random_card: str, start: Start, picture: Callable[..., bytes]) -> None:
    client = start()
    post(client, "predict", picture(1), task="implant")
    assert client.get("/metrics").status_code == 403
    figures = client.by("eve").get("/metrics").text
    assert f'ortholens_answer_seconds_count{{card="{random_card}"}} 1.0' in figures
    assert 'ortholens_requests_total{method="POST",route="/v1/predict",status="200"} 1.0' in figures
    assert 'status="403"' in figures
    assert not any(word in figures for word in ("anna", "eve", "Muster", models.read(picture(1)).sha256))


def test_the_audit_log_names_the_caller_the_image_and_what_left(
    segmenting_card: str, start: Start, picture: Callable[..., bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORTHOLENS_AUDIT_LOG", str(tmp_path / "audit.jsonl"))
    monkeypatch.setenv("ORTHOLENS_AUDIT_NAMES", "1")
    settings.cache_clear()
    try:
        said = post(start().by("ben"), "segment", picture(1))
    finally:
        monkeypatch.undo()
        settings.cache_clear()
    answer, export = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
    assert (answer["who"], answer["sha256"], answer["card"]) == ("ben", said["sha256"], segmenting_card)
    mask = base64.b64decode(said["pictures"]["mask"])
    assert (export["who"], export["content"]) == ("ben", hashlib.sha256(mask).hexdigest())
    assert verify(tmp_path / "audit.jsonl").lines == 2


def test_requests_and_their_size_are_limited(random_card: str, start: Start, picture: Callable[..., bytes]) -> None:
    client = start(api_requests_a_minute=3, api_request_mb=1)
    large = client.post("/v1/read", files={"file": ("a", bytes(2**20))})
    chunked = client.post("/v1/read", content=(bytes(2**18) for _ in range(5)),
                          headers={"Content-Type": "multipart/form-data; boundary=x"})  # fmt: skip
    for answer in (large, chunked):
        assert (answer.status_code, "1 MB" in answer.json()["error"]) == (413, True)
    assert client.get("/v1/cards").status_code == 200
    late = client.get("/v1/cards")
    assert (late.status_code, int(late.headers["Retry-After"]) >= 1) == (429, True)
    assert client.by("ben").get("/v1/cards").status_code == 200  # another's requests are their own


def test_a_quota_fills_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("models.service.door.time.monotonic", lambda: now[0])
    quota = Quota(2)
    assert [quota.take("a") for _ in range(3)] == [0, 0, 30]
    now[0] = 30
    assert [quota.take("a") for _ in range(2)] == [0, 30]


def test_who_listens_to_others_needs_tokens(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["api", "--address", "0.0.0.0"])
    assert end.value.code == 2
    with pytest.raises(SystemExit) as end:
        main(["api", "token", "anna", "--role", "author"])
    shown = capsys.readouterr()
    assert "tokens" in shown.err
    name, role, hashed = shown.out.split()
    assert (name, role, len(hashed)) == ("anna", "author", 64)
