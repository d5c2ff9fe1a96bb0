"""The audience's vote over a real socket: one vote a phone, nothing else behind the port, and off when it is off."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse

import pytest

from dashboard.conference import address, vote
from dashboard.conference.address import Place, parse_address
from dashboard.conference.ballot_page import Said
from dashboard.conference.vote import Booth, Poll, Question
from models.errors import NoVote

SAID = Said(
    "en", "Wait", "You said {label}", "The model says {label}", "Voted already", "Over", "Full", "Too often",
    "No cookie", "Nothing is kept", "Research only",
)  # fmt: skip
HERE = Place("127.0.0.1", "127.0.0.1", range(0, 1))
ASKED = Question("How <worn> is it?", ("Grade 0", "Grade 1", "Grade 2"), b"\x89PNG")


@pytest.fixture
def booth() -> Iterator[Booth]:
    opened = Booth(SAID, HERE)
    yield opened
    opened.stop()
    assert not opened.on


class Phone:
    """A browser that keeps its cookie."""

    def __init__(self, booth: Booth) -> None:
        self.port, self.cookie = booth.port, ""

    def ask(self, method: str = "GET", path: str = "/", body: str | None = None) -> tuple[HTTPResponse, str]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        headers = {"Cookie": self.cookie} if self.cookie else {}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        if given := answer.getheader("Set-Cookie"):
            self.cookie = given.partition(";")[0]
        connection.close()
        return answer, text

    def vote(self, label: object, question: Question = ASKED) -> int:
        return self.ask("POST", "/", f"question={question.key}&label={label}")[0].status


def test_three_phones_are_tallied_and_see_the_answer(booth: Booth) -> None:
    phones = [Phone(booth) for _ in range(3)]
    assert "Wait" in phones[0].ask()[1]
    booth.poll.ask(ASKED)
    for phone, label in zip(phones, (2, 2, 0), strict=True):
        text = phone.ask()[1]
        assert "How &lt;worn&gt; is it?" in text
        assert "data:image/png" in text
        assert phone.vote(label) == 303
        assert f"You said Grade {label}" in phone.ask()[1]
    assert booth.poll.tally.counts == (1, 0, 2)
    booth.poll.reveal(1)
    assert booth.poll.tally.answer == 1
    assert "The model says Grade 1" in phones[2].ask()[1]


def test_a_phone_votes_once(booth: Booth) -> None:
    booth.poll.ask(ASKED)
    phone = Phone(booth)
    phone.ask()
    assert phone.vote(1) == 303
    answer, text = phone.ask("POST", "/", f"question={ASKED.key}&label=2")
    assert answer.status == 409
    assert "Voted already" in text
    assert booth.poll.tally.counts == (0, 1, 0)
    another = Question("And this?", ("A", "B"))
    booth.poll.ask(another)
    assert phone.vote(0) == 409  # a form of the last question
    assert phone.vote(0, another) == 303


def test_nobody_votes_without_a_cookie_of_ours_after_the_answer_or_for_what_is_no_label(booth: Booth) -> None:
    booth.poll.ask(ASKED)
    forger = Phone(booth)
    assert forger.vote(0) == 403
    forger.cookie = "phone=0123456789abcdef.forged"
    assert forger.vote(0) == 403
    phone = Phone(booth)
    phone.ask()
    for label in ("3", "-1", "x", "", "²", "9" * 50):
        assert phone.vote(label.encode("ascii", "ignore").decode()) == 409
    booth.poll.reveal(0)
    assert phone.vote(0) == 409
    assert booth.poll.tally.votes == 0


def test_nothing_else_is_behind_the_port(booth: Booth) -> None:
    phone = Phone(booth)
    for path in ("/_stcore/health", "/implant", "/docs", "/openapi.json", "/../etc/passwd", "//", "/picture"):
        answer, text = phone.ask("GET", path)
        assert (answer.status, text) == (404, ""), path
    for method in ("PUT", "DELETE", "OPTIONS", "PATCH"):
        assert phone.ask(method)[0].status == 405
    answer, text = phone.ask()
    assert "default-src 'none'" in answer.getheader("Content-Security-Policy")
    assert answer.getheader("X-Content-Type-Options") == "nosniff"
    assert answer.getheader("Referrer-Policy") == "no-referrer"
    assert answer.getheader("Server") is None
    assert "HttpOnly" in answer.getheader("Set-Cookie") or phone.cookie
    assert "http" not in text.replace('http-equiv="refresh"', "")  # nothing comes from anywhere else


def test_what_is_too_large_or_too_often_is_refused(booth: Booth) -> None:
    booth.poll.ask(ASKED)
    phone = Phone(booth)
    phone.ask()
    assert phone.ask("POST", "/", "x" * (vote.MOST_BYTES + 1))[0].status == 413
    statuses = [phone.ask()[0].status for _ in range(vote.ASKS)]
    assert statuses[0] == 200
    assert statuses[-1] == 429


@pytest.mark.parametrize("limit", ["MOST_PHONES", "AN_ADDRESS"])
def test_a_hall_is_full_at_a_point(limit: str, booth: Booth, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vote, limit, 1)
    assert Phone(booth).ask()[0].status == 200
    assert Phone(booth).ask()[0].status == 503


def test_a_stopped_vote_answers_nobody() -> None:
    booth = Booth(SAID, HERE)
    assert Phone(booth).ask()[0].status == 200
    booth.stop()
    with pytest.raises(ConnectionError):
        Phone(booth).ask()


def test_a_vote_without_its_stage_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    booth = Booth(SAID, HERE)
    Phone(booth).ask()
    monkeypatch.setattr(vote, "UNATTENDED_S", 0.0)
    for _ in range(100):
        if not booth.on:
            break
        time.sleep(0.05)
    assert not booth.on


def test_the_next_port_is_taken_and_none_is_a_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(NoVote, match=f"no port from {port} to {port} is free"):
            Booth(SAID, Place("127.0.0.1", "127.0.0.1", range(port, port + 1)))


def test_its_own_address_is_one() -> None:
    socket.inet_aton(address.find_own_address())


@pytest.mark.parametrize(
    ("named", "place"),
    [
        ("192.168.4.1", Place("192.168.4.1", "192.168.4.1")),
        ("192.168.4.1:8700", Place("192.168.4.1", "192.168.4.1", range(8700, 8701))),
        ("hall.local", Place("hall.local")),
        ("hall.local:80", Place("hall.local", ports=range(80, 81))),
        ("", Place(address.find_own_address())),
    ],
)
def test_the_settings_name_where_phones_reach_it(named: str, place: Place) -> None:
    assert parse_address(named) == place


@pytest.mark.parametrize("named", ["http://hall.local", "hall.local:0", "hall.local:99999", "a b", "-x", "::1", "x/y"])
def test_what_is_no_address_is_a_sentence(named: str) -> None:
    with pytest.raises(NoVote, match="is no address of a vote"):
        parse_address(named)


def test_an_address_of_another_machine_is_a_sentence() -> None:
    with pytest.raises(NoVote, match=r"192.0.2.9 is no address of this machine"):
        Booth(SAID, parse_address("192.0.2.9"))


def test_at_an_address_nothing_answers_elsewhere() -> None:
    booth = Booth(SAID, parse_address("127.0.0.2"))
    assert booth.address == f"http://127.0.0.2:{booth.port}/"
    with pytest.raises(ConnectionError):
        socket.create_connection(("127.0.0.1", booth.port), timeout=5)
    booth.stop()


def test_a_poll_takes_no_more_phones_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vote, "MOST_PHONES", 2)
    poll = Poll()
    poll.ask(ASKED)
    assert [poll.vote(str(number), ASKED.key, 0) for number in range(3)] == [True, True, False]
