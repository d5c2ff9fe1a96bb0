"""A DICOM node that answers what is sent to it, by rules, and sends the results on.

An image is acknowledged only once it is on disk; answering and storing go on in a thread of their own, from the spool,
so that a slow model or a dead archive holds nobody up and loses nothing.

Reference: DICOM PS3.4 annex B (Storage SCP), annex A (Verification).
"""

from __future__ import annotations

import sqlite3
import threading
from typing import Any

import structlog

from models.cards import card
from models.errors import OrthoLensError
from models.io.pool import find_decoder_pool
from models.pacs.answering import answer_by_rules
from models.pacs.archive import find_storage, needing_pacs_extra
from models.pacs.rules import Rules
from models.pacs.spool import Spool
from models.predictors.engine import engine
from models.settings import settings

VERIFICATION = "1.2.840.10008.1.1"
OUT_OF_RESOURCES, SUCCESS = 0xA700, 0x0000


class Listener:
    """The node, its spool and its worker.

    Parameters
    ----------
    rules
        What is answered by which card, and where results go.
    seconds
        Between two looks at what is due; something that arrives is looked at at once.
    """

    def __init__(self, rules: Rules, spool: Spool, seconds: float = 2.0) -> None:
        self._rules, self._spool, self._seconds = rules, spool, seconds
        self._arrived, self._stopped = threading.Event(), threading.Event()
        self._worker = threading.Thread(target=self._work, name="answers", daemon=True)
        self._server: Any = None

    def start(self) -> int:
        """Load the networks, begin to listen, and return the port.

        Raises
        ------
        OrthoLensError
            When the port is taken, or the extra `pacs` is missing.
        """
        with needing_pacs_extra():
            from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, evt
        find_decoder_pool().stand_by()
        for card_id in dict.fromkeys(rule.card for rule in self._rules.rule):
            engine().prepare(card(card_id))  # else the first image waits for it
        entity = AE(settings().ae_title)
        for context in AllStoragePresentationContexts:
            entity.add_supported_context(str(context.abstract_syntax), ALL_TRANSFER_SYNTAXES)
        entity.add_supported_context(VERIFICATION)
        entity.maximum_pdu_size = 0
        if self._rules.callers:
            entity.require_calling_aet = list(self._rules.callers)
        place = (self._rules.address, self._rules.port)
        try:
            self._server = entity.start_server(place, block=False, evt_handlers=[(evt.EVT_C_STORE, self._receive)])
        except OSError as error:
            raise OrthoLensError(
                f"port {self._rules.port} cannot be listened at ({error.strerror})", fix="Choose another port."
            ) from error
        self._worker.start()
        return int(self._server.server_address[1])

    def stop(self) -> None:
        """Take nothing more, and end once the image under work is done."""
        self._stopped.set()
        self._arrived.set()
        if self._server is not None:
            self._server.shutdown()
            self._worker.join()

    def _receive(self, event: Any) -> int:
        """Keep one image, then acknowledge it."""
        try:
            self._spool.take_in(str(event.request.AffectedSOPInstanceUID), event.encoded_dataset())
        except (sqlite3.Error, OSError):
            return OUT_OF_RESOURCES  # the sender keeps it
        self._arrived.set()
        return SUCCESS

    def _work(self) -> None:
        """Answer and store what is due, until it is stopped."""
        target, log = self._rules.send_to, structlog.get_logger()
        storage = find_storage(target)
        while not self._stopped.is_set():
            self._arrived.clear()
            try:
                answered = self._spool.answer(lambda data: answer_by_rules(data, self._rules.rule), target)
                stored = self._spool.deliver(storage.store, target)
                if answered or stored:
                    log.info("worked", answered=answered, stored=stored)
            except (sqlite3.Error, OSError) as error:
                log.error("the spool cannot be used", kind=type(error).__name__)
            self._arrived.wait(self._seconds)
