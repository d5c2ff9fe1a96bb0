"""Settings of one process, read from the environment (`ORTHOLENS_DEVICE=cpu`) or an `.env` file.

Limits are here and nowhere else, so that an administrator finds them in one list.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Literal

from platformdirs import user_cache_path, user_data_path
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What can be set, with its default; every field is an environment variable with the prefix `ORTHOLENS_`."""

    model_config = SettingsConfigDict(env_prefix="ORTHOLENS_", env_file=".env", extra="ignore", frozen=True)

    device: Literal["auto", "cuda", "cpu"] = "auto"
    """`auto` takes the GPU where there is one."""
    threads: int = Field(0, ge=0)
    """CPU threads of one inference; 0 leaves it to torch."""
    backend: Literal["local", "ray"] = "local"
    """What computes answers: this process, or replicas of Ray Serve, of this machine or others (the extra `ray`)."""
    ray_address: str = "local"
    """"local" starts a Ray that ends with the program; "auto" joins the cluster that this machine is a node of, and
    "HOST:6379" the one of that head, where this machine is a node of it."""
    ray_replicas: int = Field(4, gt=0)
    """Of a kind of task at most; there are as many as its questions keep busy, one at least."""
    ray_gpus: float = Field(0.0, ge=0)
    """GPUs that a replica takes: 0.25 lets four share one."""
    ray_batch: int = Field(16, gt=0)
    """Images that wait at the same time go through a classifier together, so many at most."""
    model_memory_mb: int = Field(1024, gt=0)
    """Loaded models beyond this are dropped, least recently used first."""
    cache_dir: Path = user_cache_path("ortholens")
    """Downloaded samples and weights; never a patient's image."""
    cards_dir: Path = user_data_path("ortholens") / "cards"
    """Models from outside, each in a folder of its own with card, weights and figures, as `bundle import` puts them."""
    keys_dir: Path = user_data_path("ortholens") / "keys"
    """The key that signs this user's bundles, for nobody else, and the fingerprints of signers who are trusted."""
    library_dir: Path = user_data_path("ortholens") / "library"
    """The CAD of implants that the user added, each design in a folder of its own, as `library add` puts them."""
    data_dir: Path = user_data_path("ortholens") / "data"
    """Packed training sets, for `train`, `evaluate` and `ood`; weights that training starts from lie in `weights`
    beside it."""
    spool_dir: Path = user_data_path("ortholens") / "spool"
    """Images that wait for an answer and results that wait for the archive: patients' data while they wait."""
    archive_url: str = ""
    """DICOMweb service of the archive ("http://pacs:8042/dicom-web"); empty: there is no page Archive. Everyone who can
    open the pages can then look through it."""
    archive_user: str = ""
    archive_password: SecretStr = SecretStr("")
    """For the archive, by HTTP Basic; use https then."""
    ae_title: str = Field("ORTHOLENS", pattern=r"^[\w -]{1,16}$")
    """What this program is called among DICOM nodes."""
    samples_url: str = ""
    """Base address or folder that holds the sample files by name, in place of their public addresses."""

    stage: str = ""
    """Playlist with which every visit begins in conference mode; "default" is the one of the program, empty is none."""
    stage_clock: float = Field(1.0, gt=0)
    """How fast the clock of conference mode runs, for tests."""
    vote_address: str = ""
    """Where phones reach the audience's vote: an address of this machine, or a name of it, with a port if wished
    ("192.168.4.1", "hall.local:8700"). At an address, only its network can vote; empty takes the one that leads out."""

    training: bool = True
    """Whether the page Train is there. Everyone who can open the pages can then train, and use what others trained."""

    metrics: bool = False
    """Whether the served program tells figures of its use and memory at /_stcore/metrics."""

    idle_minutes: float = Field(30.0, ge=0)
    """After so long without a touch a page forgets what its user dropped, and a login ends; 0 is never."""

    oidc_url: str = ""
    """Discovery document of the provider that says who somebody is ("https://id.clinic.example/.well-known/
    openid-configuration"); empty: there is no login. With one, the API needs `api_tokens`."""
    oidc_client: str = ""
    oidc_secret: SecretStr = SecretStr("")
    """What the provider knows this program by; it sends users back to `public_url` with "/oauth2callback"."""
    public_url: str = ""
    """Where others reach dashboard and API ("https://lens.clinic.example"); needed for a login."""
    roles_claim: str = "roles"
    """Claim of the ID token that names what somebody may, with dots where it lies deeper ("realm_access.roles")."""
    roles: dict[str, Literal["reader", "author", "admin"]] = {
        "ortholens-reader": "reader",
        "ortholens-author": "author",
        "ortholens-admin": "admin",
    }
    """What the claim says → role. Readers see answers; authors train and send to the archive too, administrators see
    figures of use."""

    audit_log: Path | None = None
    """File that says who asked what of which image and what left the program; without one nothing is written down."""
    audit_names: bool = False
    """Whether the audit log says who asked as they are called, in place of a hash under this machine's key."""

    api_tokens: Path | None = None
    """File of those who may ask `ortholens api`, a line each, as `ortholens api token` prints it; without one it
    answers this machine alone."""
    api_request_mb: int = Field(1024, gt=0)
    """Size of one request of the API with all its files."""
    api_requests_a_minute: int = Field(240, gt=0)
    """That a caller of the API may make on average, as many at once."""
    api_jobs: int = Field(4, gt=0)
    """Measurements of motion of one caller of the API that run, wait or are kept."""

    max_file_mb: int = Field(512, gt=0)
    max_side_px: int = Field(32_768, gt=0)
    max_decoded_mb: int = Field(2048, gt=0)
    """Size of one file's pixels, at their own depth and as the 32-bit numbers that the models look at."""
    max_frames: int = Field(2048, gt=0)
    decode_seconds: float = Field(60.0, gt=0)
    """A native decoder that takes longer is stopped."""
    decode_memory_mb: int = Field(4096, gt=0)
    """Address space of each process that runs native decoders."""
    decode_processes: int = Field(3, gt=0)
    """How many of them run at most; one of a user's at a time."""


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Return the settings of this process, read once."""
    return Settings()
