"""Settings, read from the environment: every one has a name that begins with `HUB_`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class InsecureSettings(Exception):
    """Settings that must not be used outside development. No ValueError, which pydantic would wrap."""


class EngineSettings(BaseSettings):
    """What every process of the hub needs: the engine, the configuration folder, its log."""

    model_config = SettingsConfigDict(env_prefix="HUB_", extra="ignore")

    environment: Literal["development", "production"] = "production"
    config_folder: Path = Path("adapters_config")
    """The folder with agencies, contracts, policy and calendars."""
    secrets_folder: Path | None = None
    """
    A folder with a file for each variable that `env:` names and the environment does not set, called as the
    variable is, as Docker and Kubernetes mount secrets. It is followed like the configuration folder.
    """
    temporal_address: str = "127.0.0.1:7233"
    temporal_namespace: str = "default"
    temporal_tls: bool = False
    temporal_api_key: SecretStr | None = None
    simulator_url: str | None = None
    """
    Development only: where the simulated agencies are. Every `env:` name of the configuration that the
    environment does not set then has the simulator's endpoint or secret.
    """
    simulator_seed: SecretStr = SecretStr("development")
    """From which the simulated agencies' secrets are derived; the same for hub and simulator."""
    metrics_address: str | None = None
    """Where a worker shows its engine client's Prometheus metrics, as `127.0.0.1:9090`; none by default."""
    max_concurrent_activities: int = Field(default=200, ge=1)
    log_format: Literal["json", "console"] = "json"

    @property
    def development(self) -> bool:
        return self.environment == "development"

    @model_validator(mode="after")
    def _is_secure(self) -> Self:
        """Raises InsecureSettings outside development, all reasons at once."""
        faults = [] if self.development else self._insecure()
        if faults:
            raise InsecureSettings(
                "insecure outside development:\n"
                + "\n".join(f"  - {fault}" for fault in faults)
                + "\n  cure: set them right, or HUB_ENVIRONMENT=development on a machine of your own"
            )
        return self

    def _insecure(self) -> list[str]:
        """What must not be so outside development."""
        if self.simulator_url:
            return ["HUB_SIMULATOR_URL is set: simulated agencies approve whatever they are asked"]
        return []


class AgencyWorkerSettings(EngineSettings):
    """What an agency's own worker needs: no database, no cargo system, no API."""


class Settings(EngineSettings):
    """
    What differs between one installation and the next.

    Without any of them set the hub takes itself to be in production and refuses what is insecure there.
    """

    database_url: str = "sqlite:///.hub/hub.sqlite"
    """SQLAlchemy URL: sqlite:///path, or postgresql+psycopg://user:password@host/name."""
    sqlite_sync: Literal["full", "normal"] = "full"
    """full survives a power cut; normal is faster and survives a crash of the process only."""
    temporal_ui_url: str | None = None
    """Where people see Temporal's own pages; shown as links."""
    cargo_url: str = "http://127.0.0.1:8090"
    """Base URL of the cargo system; notices are posted to /cargo/notices below it."""
    cargo_token: SecretStr = SecretStr("")
    """Bearer token for the cargo system."""
    api_host: str = "127.0.0.1"
    api_port: int = 8080
    public_url: str | None = None
    """
    Where people's browsers find this hub, as `https://hub.example`: for links in messages, and behind a
    proxy. Forms are then taken from there only.
    """
    session_idle_minutes: float = Field(default=60, gt=0)
    """A user of the console who does nothing for so long signs in again; pages that refresh do not count."""
    session_hours: float = Field(default=12, gt=0)
    """How long a session of the console lasts at most."""
    certification_folder: Path | None = Path(".hub/certify")
    """Where `hub agency certify` writes its reports; the console shows the newest of each agency."""
    tracking_days: float = Field(default=90, ge=0)
    """How many days after a declaration is closed its tracking links go on opening."""
    scan_command: str = ""
    """
    Scans a document of a declarant for viruses, as `clamdscan --no-summary -`: it is given on the standard
    input; status 0 is clean, 1 infected, anything else trouble. None by default: documents are marked as not
    scanned.
    """
    scan_seconds: float = Field(default=30.0, gt=0)
    """How long the command may take for one document."""
    poll_scale: float = Field(default=1.0, gt=0)
    """Multiplies every agency's `every`: 0.01 makes five minutes three seconds, for demonstrations."""
    max_concurrent_workflow_tasks: int = Field(default=100, ge=2)

    def _insecure(self) -> list[str]:
        """What must not be so outside development."""
        faults = []
        if not self.cargo_url.startswith("https://"):
            faults.append("HUB_CARGO_URL is not https: release notices could be forged on the way")
        if not self.cargo_token.get_secret_value():
            faults.append("HUB_CARGO_TOKEN is empty: the cargo system could not know the hub")
        return faults + super()._insecure()
