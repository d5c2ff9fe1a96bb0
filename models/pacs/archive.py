"""An archive's doors: DICOMweb (QIDO-RS, WADO-RS, STOW-RS) and, for storing alone, C-STORE.

dicomweb-client and pynetdicom do the talking (extra `pacs`). Whatever they raise becomes `NoArchive`, which is tried
again, or `Refused`, which is not; what an archive says is never repeated, since it can quote a patient.

Reference: DICOM PS3.18 (web services), PS3.4 annex B (storage).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from typing import TYPE_CHECKING, Any

from models.errors import OrthoLensError
from models.pacs.made import StoredObject
from models.pacs.spool import Refused
from models.settings import settings

if TYPE_CHECKING:
    from dicomweb_client.api import DICOMwebClient

MOST = 200
"""Series that a query returns at most."""
SECONDS = 20
TOLD = ("00080020", "00080060", "00180015", "00201209")
"""What is asked of a series: day, modality, body part, number of images."""
ADDRESS = re.compile(r"(?P<ae>[^@\s]{1,16})@(?P<host>[^:\s]+|\[[^\]]+\]):(?P<port>\d{1,5})")
FIX = "Check the address and that the archive runs; what waits is sent later."


class NoArchive(OrthoLensError):
    """An archive that does not answer, or not as it should."""


@dataclass(frozen=True)
class Query:
    """What is looked for; empty fields leave all in.

    Attributes
    ----------
    day, until
        Of the study, the last day too.
    modality, body_part
        As DICOM codes them ("DX", "KNEE").
    accession
        The order's number.
    """

    day: date | None = None
    until: date | None = None
    modality: str = ""
    body_part: str = ""
    accession: str = ""

    def filters(self) -> dict[str, str]:
        """Return the attributes to match (PS3.18 8.3.4.1, PS3.4 C.2.2.2)."""
        found = {"Modality": self.modality, "BodyPartExamined": self.body_part, "AccessionNumber": self.accession}
        if self.day or self.until:
            ends = [f"{end:%Y%m%d}" if end else "" for end in (self.day, self.until)]
            found["StudyDate"] = ends[0] if self.until is None or self.day == self.until else "-".join(ends)
        return {key: value.strip() for key, value in found.items() if value.strip()}


@dataclass(frozen=True)
class Series:
    """One series that an archive has, without anything that names a patient."""

    study: str
    series: str
    day: str
    modality: str
    body_part: str
    images: int


class Archive:
    """A DICOMweb archive.

    Parameters
    ----------
    url
        Of the service, such as "http://pacs:8042/dicom-web"; by default that of the settings.
    """

    def __init__(self, url: str | None = None) -> None:
        self.url = (url or settings().archive_url).rstrip("/")
        if not self.url:
            raise NoArchive(
                "no archive is set", fix="Set ORTHOLENS_ARCHIVE_URL to the address of its DICOMweb service."
            )

    def find(self, query: Query) -> list[Series]:
        """Return the series that match, newest first, `MOST` at most."""
        with self._asking() as client:
            rows = client.search_for_series(search_filters=query.filters(), fields=list(TOLD), limit=MOST)
        wanted = query.body_part.strip().upper()
        found = [one for one in map(_series, rows) if not wanted or one.body_part.upper() == wanted]
        return sorted(found, key=lambda one: (one.day, one.study, one.series), reverse=True)

    def fetch(self, study: str, series: str) -> list[bytes]:
        """Return the files of a series."""
        with self._asking() as client:
            found = client.retrieve_series(study, series, media_types=(("application/dicom", "*"),))
        return [_file(one) for one in found]

    def list_instances(self, study: str) -> list[str]:
        """Return the identifiers of all objects of a study."""
        with self._asking() as client:
            return [one["00080018"]["Value"][0] for one in client.search_for_instances(study)]

    def store(self, one: StoredObject) -> None:
        """Store one object in its study; one that is there already is left as it is.

        Raises
        ------
        NoArchive, Refused
            When it may be tried again, and when not.
        """
        import pydicom

        with self._asking() as client:
            said = client.store_instances([pydicom.dcmread(BytesIO(one.data))], study_instance_uid=one.study)
        if said.get("FailedSOPSequence"):
            code = int(said.FailedSOPSequence[0].get("FailureReason") or 0)
            kind = NoArchive if code & 0xFF00 == 0xA700 else Refused  # out of resources (PS3.4 B.2.3)
            raise kind(f"the archive did not take a {one.kind} (code {code:#06x})", fix=FIX)

    @contextmanager
    def _asking(self) -> Iterator[DICOMwebClient]:
        with needing_pacs_extra():
            import requests
            from dicomweb_client.api import DICOMwebClient
        session = requests.Session()
        session.trust_env = False  # no proxy for what is in the house
        if settings().archive_user:
            session.auth = (settings().archive_user, settings().archive_password.get_secret_value())
        client = DICOMwebClient(self.url, session=session, timeout=SECONDS)
        client.set_http_retry_params(retry=False)  # the spool tries again
        try:
            yield client
        except requests.HTTPError as error:
            status = error.response.status_code if error.response is not None else 0
            final = 400 <= status < 500 and status not in (401, 403, 404, 408, 409, 425, 429)
            raise (Refused if final else NoArchive)(f"the archive answered with status {status}", fix=FIX) from None
        except (requests.RequestException, OSError, ValueError, KeyError) as error:
            raise NoArchive(f"the archive does not answer ({type(error).__name__})", fix=FIX) from None
        finally:
            session.close()


class Storage:
    """An archive that is stored to by C-STORE.

    Parameters
    ----------
    address
        "AE@host:port".
    """

    def __init__(self, address: str) -> None:
        known = ADDRESS.fullmatch(address)
        if known is None:
            raise NoArchive(f"{address!r} is no address of a DICOM node", fix="Write it as AE@host:port.")
        self.ae, self.host, self.port = known["ae"], known["host"].strip("[]"), int(known["port"])

    def store(self, one: StoredObject) -> None:
        """Store one object; as `Archive.store`."""
        with needing_pacs_extra():
            from pynetdicom import AE
        import pydicom

        entity = AE(settings().ae_title)
        entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = SECONDS
        dataset = pydicom.dcmread(BytesIO(one.data))
        entity.add_requested_context(one.sop_class, dataset.file_meta.TransferSyntaxUID)
        link = entity.associate(self.host, self.port, ae_title=self.ae)
        if not link.is_established:
            raise NoArchive("the archive does not answer (C-STORE)", fix=FIX)
        try:
            status = link.send_c_store(dataset)
        except ValueError:  # no context for it was accepted
            raise Refused(f"the archive takes no {one.kind}", fix=FIX) from None
        finally:
            link.release()
        code = int(status.Status) if "Status" in status else -1
        if code == -1 or code & 0xFF00 == 0xA700:
            raise NoArchive("the archive did not say that it has stored (C-STORE)", fix=FIX)
        if code not in (0, 0x0111) and code & 0xF000 != 0xB000:  # there already; stored with a warning
            raise Refused(f"the archive did not take a {one.kind} (code {code:#06x})", fix=FIX)


def find_storage(target: str) -> Archive | Storage:
    """Return what stores to a target: an address of a DICOMweb service, or "AE@host:port"."""
    return Archive(target) if re.match(r"https?://", target) else Storage(target)


@contextmanager
def needing_pacs_extra() -> Iterator[None]:
    """Say what to install where a library of the extra `pacs` is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise Refused(f"the way to an archive needs {error.name}", fix="Run `pip install -e '.[pacs]'`.") from error


def _series(row: dict[str, Any]) -> Series:
    def first(tag: str) -> str:
        return str((row.get(tag, {}).get("Value") or [""])[0])

    images = first("00201209")
    return Series(
        first("0020000D"), first("0020000E"), first("00080020"), first("00080060"), first("00180015"),
        int(images) if images.isdecimal() else 0,
    )  # fmt: skip


def _file(dataset: Any) -> bytes:
    out = BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()
