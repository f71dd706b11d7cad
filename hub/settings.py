"""Settings, read from the environment: every one has a name that begins with `HUB_`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from hub.ports import UserRole


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
    otlp_endpoint: str | None = None
    """
    Base URL of an OpenTelemetry collector, as `http://127.0.0.1:4318`: traces are posted to /v1/traces below
    it, with the headers that OTEL_EXPORTER_OTLP_HEADERS names. None by default: nothing is traced.
    """
    otlp_ratio: float = Field(default=1.0, ge=0, le=1)
    """Of the requests whose sender has not decided it, how many are traced: 0.1 is one in ten."""
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
    oidc_issuer: str | None = None
    """The issuer of an OpenID Connect provider, exactly as it calls itself: users may then sign in there."""
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr = SecretStr("")
    oidc_scope: str = "openid profile"
    oidc_role_claim: str = "roles"
    """The claim of the ID token that says what a user may do; `realm_access.roles` leads into an object."""
    oidc_roles: dict[str, UserRole] = Field(default={})
    """Which value of it means which role, as `{"operators": "operator"}`; who has none does not get in."""
    oidc_agency_claim: str = "agency"
    """The claim that binds a user to an agency, by its slug."""
    session_idle_minutes: float = Field(default=60, gt=0)
    """A user of the console who does nothing for so long signs in again; pages that refresh do not count."""
    session_hours: float = Field(default=12, gt=0)
    """How long a session of the console lasts at most."""
    certification_folder: Path | None = Path(".hub/certify")
    """Where `hub agency certify` writes its reports; the console shows the newest of each agency."""
    archive_folder: Path | None = None
    """
    Where closed declarations are archived to, as `retention.yaml` says; the same folder for every worker, and
    for no other hub. None by default: nothing leaves the database.
    """
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
    smtp_url: SecretStr | None = None
    """
    The server by which the early warning sends its mails, as `smtp://user:password@host:587`; it is spoken
    to in TLS where it offers that (STARTTLS), and from the beginning with `smtps://`.
    """
    alert_from: str = "hub@localhost"
    """The sender of those mails."""
    runbook_url: str = "docs/operations.md"
    """Where people read the runbook, for links in alerts: its sections follow after a `#`."""
    poll_scale: float = Field(default=1.0, gt=0)
    """Multiplies every agency's `every`: 0.01 makes five minutes three seconds, for demonstrations."""
    watch_scale: float = Field(default=1.0, gt=0)
    """
    Multiplies the times between the looks of the early warning: 0.1 has it go a round every 1.5 seconds, for
    demonstrations and drills. What it judges by stands in `watch.yaml`.
    """
    max_concurrent_workflow_tasks: int = Field(default=100, ge=2)

    def _insecure(self) -> list[str]:
        """What must not be so outside development."""
        faults = []
        if not self.cargo_url.startswith("https://"):
            faults.append("HUB_CARGO_URL is not https: release notices could be forged on the way")
        if not self.cargo_token.get_secret_value():
            faults.append("HUB_CARGO_TOKEN is empty: the cargo system could not know the hub")
        if self.oidc_issuer:
            faults += self._insecure_provider(self.oidc_issuer)
        return faults + super()._insecure()

    def _insecure_provider(self, issuer: str) -> list[str]:
        faults = []
        if not issuer.startswith("https://"):
            faults.append("HUB_OIDC_ISSUER is not https: anybody on the way could say who signs in")
        if not self.oidc_client_id or not self.oidc_client_secret.get_secret_value():
            faults.append(
                "HUB_OIDC_CLIENT_ID or HUB_OIDC_CLIENT_SECRET is empty: the provider knows no such client"
            )
        if not (self.public_url or "").startswith("https://"):
            faults.append(
                "HUB_PUBLIC_URL is no https URL: the provider must send browsers back to a name it knows"
            )
        if not self.oidc_roles:
            faults.append("HUB_OIDC_ROLES is empty: nobody could get in by the provider")
        return faults
