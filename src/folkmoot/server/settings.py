"""Every setting: flags first, then ``FOLKMOOT_*`` variables, then one TOML file."""

import os
import re
import shlex
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from folkmoot.auth.issuer_settings import IssuerSettings, check_issuers
from folkmoot.bots.logs.zones import NoSuchZone, zone_of
from folkmoot.core.conversations.reach import ContactPolicy

SETTINGS_FILE = "folkmoot.toml"
MAX_FRAME_BYTES = 64 * 1024
MAX_BODY_BYTES = 1024 * 1024
MAX_FILE_BYTES = 25 * 1024 * 1024

HIDDEN = "**********"
_USER_PASSWORD = re.compile(r"(://[^:/?@]*:).*@", re.DOTALL)
_QUERY_PASSWORD = re.compile(r"([?&][^=&]*(?:pass|secret|key|token)[^=&]*=)[^&]*", re.IGNORECASE)


class IssuerConfig(BaseModel):
    """An outside issuer whose tokens are taken: by its published keys, or by a shared secret."""

    model_config = ConfigDict(extra="forbid")

    issuer: str
    audience: str
    jwks_url: str | None = None
    secret: SecretStr | None = None
    algorithms: list[str] = []

    @field_validator("algorithms", mode="before")
    @classmethod
    def _by_comma(cls, value: Any) -> Any:
        if isinstance(value, str):
            return [one.strip() for one in value.split(",") if one.strip()]
        return value

    @property
    def settings(self) -> IssuerSettings:
        """The same for whoever reads tokens."""
        secret = None if self.secret is None else self.secret.get_secret_value()
        return IssuerSettings(self.issuer, self.audience, self.jwks_url, secret, self.algorithms)


class Settings(BaseSettings):
    """How this server is to run."""

    model_config = SettingsConfigDict(
        env_prefix="FOLKMOOT_", extra="forbid", env_ignore_empty=True, frozen=True
    )

    host: str = Field(default="127.0.0.1", description="Address to listen on")
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen on")
    data: Path = Field(default=Path("data"), description="Folder for everything that is kept")
    database: str | None = Field(
        default=None, description="postgresql://… ; without it, SQLite in the data folder"
    )
    bus: Literal["memory"] = Field(
        default="memory", description="How processes tell each other what happened"
    )
    workers: int = Field(default=1, ge=1, description="How many processes serve")
    secret: SecretStr | None = Field(
        default=None,
        description="Signs tokens; without it, one is made and kept in the data folder. Better a "
        "variable than a flag, which whoever lists the processes can read",
    )
    title: str = Field(default="folkmoot", max_length=100, description="What this server is called")
    demo: bool = Field(default=False, description="Fill an empty database with demo data")
    limits: bool = Field(default=True, description="Rates and connection counts are limited")
    access_token_minutes: float = Field(
        default=3000, gt=0, le=525_600, description="How long an access token is good for"
    )
    refresh_token_days: float = Field(
        default=30, gt=0, le=3650, description="How long a login lasts, however often refreshed"
    )
    allowed_origins: Annotated[list[str], NoDecode] = Field(
        default=[], description="Origins, besides the server's own, whose pages may use it"
    )
    issuers: list[IssuerConfig] = Field(
        default=[],
        description="Outside issuers whose tokens are taken: a list in JSON, or tables in TOML",
    )
    max_content_chars: int = Field(
        default=10_000, ge=1, le=1_000_000, description="Of one message's text"
    )
    max_frame_bytes: int = Field(
        default=MAX_FRAME_BYTES, ge=1024, le=16 * 1024 * 1024, description="Of one socket frame"
    )
    max_body_bytes: int = Field(
        default=MAX_BODY_BYTES, ge=1024, le=64 * 1024 * 1024, description="Of one request's JSON"
    )
    files_url: str | None = Field(
        default=None,
        description="s3://bucket/prefix, its keys and endpoint in AWS_* variables; without it, "
        "files are kept in the data folder",
    )
    max_file_bytes: int = Field(
        default=MAX_FILE_BYTES, ge=1, le=1024 * 1024 * 1024, description="Of one file"
    )
    max_image_pixels: int = Field(
        default=50_000_000, ge=1, le=200_000_000, description="Of an image that is uploaded"
    )
    photo_location: Literal["remove", "keep"] = Field(
        default="remove",
        description="Whether photos and films that are uploaded may say where they were made",
    )
    max_files_per_account: int = Field(
        default=1000, ge=0, description="How many files an account may keep here"
    )
    max_file_bytes_per_account: int = Field(
        default=1024 * 1024 * 1024, ge=0, description="Of all files of an account together"
    )
    max_outbox_bytes: int = Field(
        default=1024 * 1024, ge=64 * 1024, description="What may wait for one slow reader"
    )
    max_waiting_reads: int = Field(
        default=1000,
        ge=10,
        le=100_000,
        description="Lists, searches and catching-up that may wait for the database; what comes "
        "beyond is told to come again",
    )
    max_connections_per_account: int = Field(
        default=20, ge=1, description="How many sockets an account may have open"
    )
    max_connections_per_address: int = Field(
        default=200, ge=1, description="How many sockets one address may have open"
    )
    send_per_minute: float = Field(
        default=120, gt=0, description="Messages and changes of an account, in the long run"
    )
    send_burst: int = Field(default=30, ge=1, description="Messages and changes at once")
    typing_per_minute: float = Field(
        default=300, gt=0, description="Signs of typing, and askings to resume, of an account"
    )
    read_per_minute: float = Field(
        default=1200, gt=0, description="Lists and things that an account looks at; a history is 3"
    )
    search_per_minute: float = Field(
        default=60, gt=0, description="Searches of an account; a second of searching is ten"
    )
    profile_per_minute: float = Field(
        default=20, gt=0, description="Changes of an account, and times that it logs out"
    )
    open_per_minute: float = Field(
        default=60, gt=0, description="Conversations and sessions that an account begins"
    )
    upload_per_minute: float = Field(default=60, gt=0, description="Files of an account")
    contact: ContactPolicy = Field(
        default=ContactPolicy.ANYONE,
        description="With whom accounts may begin: anyone; known, their friends, staff and people "
        "they share a conversation with; or staff",
    )
    ask_blockers: bool = Field(
        default=True,
        description="Whoever blocks the creator of a group is asked to come; off: it is refused",
    )
    strangers_per_minute: float = Field(
        default=60, gt=0, description="With whom an account begins, or whose names it guesses"
    )
    strangers_burst: int = Field(
        default=500, ge=1, description="Strangers at once, as in one large group"
    )
    download_per_minute: float = Field(
        default=600, gt=0, description="Files that an account fetches"
    )
    max_uploads_per_account: int = Field(default=8, ge=1, description="At once")
    max_uploads_per_address: int = Field(default=40, ge=1, description="At once")
    max_downloads_per_account: int = Field(default=16, ge=1, description="At once")
    max_downloads_per_address: int = Field(default=160, ge=1, description="At once")
    max_searches_per_account: int = Field(default=4, ge=1, description="At once")
    max_openings_per_account: int = Field(
        default=8, ge=1, description="Conversations and sessions that are being begun at once"
    )
    max_open_sessions_per_account: int = Field(
        default=1000, ge=1, description="A customer's sessions that are not closed"
    )
    frame_per_minute: float = Field(
        default=3000, gt=0, description="Frames of an account, of any kind, in all its sockets"
    )
    flood_times: float = Field(
        default=3,
        gt=1,
        description="How many times a rate of its account closes a connection that does not wait",
    )
    request_per_minute: float = Field(
        default=30_000, gt=0, description="Requests of one address, whoever asks"
    )
    unknown_per_minute: float = Field(
        default=300, gt=0, description="Requests of one address that nobody known asks"
    )
    connect_per_minute: float = Field(default=300, gt=0, description="From one address")
    register_per_minute: float = Field(default=20, gt=0, description="From one address")
    login_per_minute: float = Field(
        default=10, gt=0, description="For one account name, from one address"
    )
    address_login_per_minute: float = Field(
        default=30, gt=0, description="For all account names, from one address"
    )
    refresh_per_minute: float = Field(default=120, gt=0, description="From one address")
    ticket_per_minute: float = Field(default=120, gt=0, description="Socket tickets of an account")
    password_per_minute: float = Field(
        default=5, gt=0, description="Changes of an account's password that are tried"
    )
    mail_command: str | None = Field(
        default=None,
        description="Sends the letter on its standard input, as /usr/sbin/sendmail -t; without it, "
        "another e-mail address is confirmed by an operator: folkmoot account email",
    )
    mail_from: str = Field(
        default="folkmoot@localhost", max_length=254, description="Who writes these letters"
    )
    assistant_base_url: str | None = Field(
        default=None,
        description="An OpenAI-compatible endpoint, as https://api.example.com/v1; without it, "
        "the assistant quotes logs and messages and needs no network",
    )
    assistant_model: str | None = Field(
        default=None, min_length=1, max_length=200, description="One of the endpoint's models"
    )
    assistant_key: SecretStr | None = Field(default=None, description="Of the endpoint, if any")
    assistant_seconds: float = Field(
        default=60.0, ge=1, le=3600, description="For a whole answer of the model"
    )
    assistant_max_answer_tokens: int = Field(
        default=1000, ge=1, le=100_000, description="Of one answer of the model"
    )
    assistant_max_context_tokens: int = Field(
        default=4000, ge=1000, le=1_000_000, description="Of a question with all that goes with it"
    )
    assistant_max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = Field(
        default="max_tokens", description="What the endpoint calls the bound of an answer"
    )
    assistant_at_once: int = Field(
        default=4, ge=1, le=1000, description="Answers that are worked on at the same time"
    )
    assistant_tokens_per_account_a_day: int = Field(
        default=200_000, ge=0, description="Of a model, by estimate; 0 is no limit"
    )
    assistant_tokens_a_day: int = Field(
        default=2_000_000, ge=0, description="The same for all accounts together"
    )
    answer_seconds: float = Field(
        default=2.5,
        ge=0.5,
        le=60,
        description="What the database has to answer whoever asks, before they are told so",
    )
    sqlite_synchronous: Literal["FULL", "EXTRA", "NORMAL"] = Field(
        default="FULL", description="NORMAL loses acknowledged messages on a power cut"
    )
    proxy_addresses: str = Field(
        default="", description="Proxies whose X-Forwarded-For is believed, by comma"
    )
    headers_seconds: float = Field(
        default=15.0, gt=0, description="What a client has to send the headers of a request"
    )
    body_pause_seconds: float = Field(
        default=30.0, gt=0, description="The longest wait for the next piece of a body"
    )
    shutdown_seconds: float = Field(
        default=8.0, gt=0, description="What is under way has this long when told to stop"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least that is logged"
    )
    log_format: Literal["console", "json"] = Field(
        default="console", description="For people, or for programs"
    )
    metrics_address: str | None = Field(
        default=None,
        description="host:port that serves /metrics for Prometheus; without it, nothing does",
    )
    metrics_token: SecretStr | None = Field(
        default=None, min_length=16, description="What must be shown there, as a Bearer token"
    )
    access_log: bool = Field(default=True, description="A log line for every request")
    audit_messages: bool = Field(
        default=False,
        description="Messages, edits and files are entries of the audit trail too, without content",
    )
    assistant_logs: Annotated[list[str], NoDecode] = Field(
        default=[],
        description="Files, folders and patterns of logs that the assistant answers from, by "
        "comma; without any, the server's own log and audit trail, for analysts and admins",
    )
    assistant_pages: Annotated[list[str], NoDecode] = Field(
        default=[],
        description="Folders of help pages (Markdown, HTML, text) that the assistant answers from, "
        "by comma; they are for everybody",
    )
    assistant_pages_url: str | None = Field(
        default=None,
        max_length=500,
        description="Where those pages are published: a page's path comes after it, or, without "
        "its ending, in place of {page}",
    )
    assistant_log_zones: Annotated[list[str], NoDecode] = Field(
        default=[],
        description="Zones of times that say none, by comma: one as Europe/Berlin for all of "
        "those logs, and source=zone for one as it is named there; without it, UTC",
    )
    assistant_logs_for: Literal["everybody", "staff"] = Field(
        default="everybody",
        description="Who may read those logs: with staff, agents, analysts and admins, each alone",
    )

    @field_validator("allowed_origins", "assistant_log_zones", mode="before")
    @classmethod
    def _by_comma(cls, value: Any) -> Any:
        if isinstance(value, str):
            return [one.strip() for one in value.split(",") if one.strip()]
        return value

    @field_validator("issuers", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return [value] if isinstance(value, dict) else value

    @field_validator("issuers")
    @classmethod
    def _to_be_believed(cls, value: list[IssuerConfig]) -> list[IssuerConfig]:
        check_issuers([one.settings for one in value])
        return value

    @field_validator("mail_command")
    @classmethod
    def _a_command(cls, value: str | None) -> str | None:
        try:
            words = shlex.split(value or "true")
        except ValueError:
            words = []
        if not words:
            raise ValueError("this is no program with its arguments, quoted as in a shell")
        return value

    @field_validator("assistant_base_url")
    @classmethod
    def _plain_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        import httpx2  # Here, because a start without a model costs less without it.

        try:
            url = httpx2.URL(value)
        except httpx2.InvalidURL:
            raise ValueError("this is no address") from None
        if (
            url.scheme not in {"http", "https"}
            or not url.host
            or url.port not in {None, *range(1, 65536)}
            or url.userinfo
            or url.query
            or url.fragment
        ):
            raise ValueError(
                "this must be an http:// or https:// address without a name, a password or a query"
            )
        return value

    @field_validator("assistant_pages_url")
    @classmethod
    def _link_of_pages(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"https?://[^\s\"'<>()\[\]\\`|?#]+", value):
            raise ValueError("this is no address that begins with https:// or http://")
        return value

    @field_validator("assistant_key")
    @classmethod
    def _fit_for_a_header(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.fullmatch(r"[!-~]+", value.get_secret_value()):
            raise ValueError("a key is made of ASCII letters, digits and signs, without spaces")
        return value

    @field_validator("assistant_logs", "assistant_pages", mode="before")
    @classmethod
    def _by_comma_or_path_separator(cls, value: Any) -> Any:
        if isinstance(value, str):
            return [one.strip() for one in re.split(f"[,{os.pathsep}]", value) if one.strip()]
        return value

    @field_validator("assistant_log_zones")
    @classmethod
    def _zones_that_there_are(cls, value: list[str], info: ValidationInfo) -> list[str]:
        named = info.data.get("assistant_logs", [])
        for one in value:
            source, _, zone = one.rpartition("=")
            try:
                zone_of(zone)
            except NoSuchZone:
                raise ValueError(
                    f"{zone!r} is no zone of the tz database, as Europe/Berlin or UTC is"
                ) from None
            if source and source not in named:
                raise ValueError(f"{source!r} is not among the logs of assistant_logs")
        return value

    @field_validator("workers")
    @classmethod
    def _one_process(cls, value: int) -> int:
        if value > 1:
            raise ValueError("several workers need a bus between processes; this version has none")
        return value

    @property
    def log_zones(self) -> dict[str, str]:
        """The zones of the logs' times by what is named there, and by ``""`` that of all others."""
        split = (one.rpartition("=") for one in self.assistant_log_zones)
        return {source: zone for source, _, zone in split}

    @property
    def own_logs(self) -> Path:
        """The folder of what the server itself logs."""
        return self.data.absolute() / "logs"

    @property
    def database_url(self) -> str:
        """Where messages are kept."""
        if self.database:
            return self.database
        return f"sqlite:///{self.data.absolute() / 'folkmoot.db'}"

    @property
    def keeps_nothing(self) -> bool:
        """Whether everything is gone when the process ends."""
        return self.database_url.startswith("memory:")

    @property
    def sqlite_path(self) -> Path | None:
        """The file of an SQLite database; ``None`` where it is another kind."""
        scheme, _, path = self.database_url.partition(":///")
        return Path(path) if scheme == "sqlite" and path else None

    def shown(self) -> dict[str, str]:
        """Every setting for people to read, by its name; secrets are hidden, in addresses too."""
        values = self.model_dump(mode="json")
        return {name: _without_password(str(value)) for name, value in sorted(values.items())}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, then variables, then the file; nothing else."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def _without_password(text: str) -> str:
    """An address without the password in it, and any other text as it is."""
    if "://" not in text:
        return text
    # A password may hold an @ of its own: up to the last one, all of it is hidden.
    return _QUERY_PASSWORD.sub(rf"\1{HIDDEN}", _USER_PASSWORD.sub(rf"\1{HIDDEN}@", text))


def load_settings(config: Path | None, **flags: Any) -> Settings:
    """The settings of this start; a flag that is ``None`` was not given.

    Raises:
        pydantic.ValidationError: a setting has a value that it cannot have, or is unknown.
    """

    class Chosen(Settings):
        model_config = SettingsConfigDict(toml_file=config or SETTINGS_FILE)

    given = {name: value for name, value in flags.items() if value is not None}
    return Chosen(**given)
