"""All that can be set, from flags, ``CUSTODES_*`` variables and a TOML file, in that order of precedence.

In: the environment as a mapping and the flags of a command. Out: one frozen ``Settings``, every value checked. Nothing
else in the program reads the environment. docs/settings.md is generated from the fields below.
"""

# ruff: noqa: RUF009 - _setting returns a dataclass field
from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any

from custodes.core.device import Arithmetic, Device, QueryArithmetic
from custodes.core.errors import InvalidParameterError
from custodes.core.setting_rules import unfit_setting
from custodes.core.setting_sources import PREFIX, GivenValue, from_file, from_variables
from custodes.core.setting_text import (
    IN_MEMORY,
    READERS,
    LogFormat,
    SearchEngineText,
    WarmStart,
    authorities,
    listed,
    output_accounts,
    sampling_rates,
    search_engine,
    switch,
    url_host,
)
from custodes.governance.limits import AccountLimits

FILE_NAME = "custodes.toml"


class _UnfitError(InvalidParameterError):
    """A value out of the range of the setting ``name``."""

    def __init__(self, name: str, found: str, wanted: str) -> None:
        super().__init__(f"{found or name} and must be {wanted}" if found else f"{name} must be {wanted}")
        self.name = name


def _setting(help_text: str, default: Any) -> Any:
    """A field with its explanation, which is also its documentation."""
    return field(default=default, metadata={"help": help_text})


def _secret(help_text: str) -> Any:
    """A text that is shown nowhere; nor does a digest cover it: that of a short secret gives it away."""
    return field(default="", metadata={"help": help_text, "secret": True})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be set; the explanations are in the fields."""

    data: Path = _setting("Data directory: credentials, database, ledger. Created when missing.", Path("data"))
    database: str = _secret(
        "Database on PostgreSQL, like `postgresql+psycopg://user@host/name`; needs `custodes[postgres]`. Empty for the "
        "one in the data directory (docs/scaling.md)."
    )
    node: str = _setting(
        "Name of this process among several that have one data directory and one database (docs/scaling.md), like "
        "`node-1`. Empty for a server that has both alone.",
        "",
    )
    node_url: str = _setting("URL at which the others reach it, when it is not `http://HOST:PORT`.", "")
    host: str = _setting("Address to listen on. Others than loopback are open to the network.", "127.0.0.1")
    port: int = _setting("Port to listen on; 0 takes any free one.", 8080)
    tls_cert: Path | None = _setting(
        "Certificate chain (PEM) to serve HTTPS with; without, addresses but loopback need a TLS proxy.",
        None,
    )
    tls_key: Path | None = _setting("Private key (PEM) of that certificate.", None)
    endpoint: str = _setting("URL that clients reach the server by, when it is not `http://HOST:PORT`.", "")
    region: str = _setting("Region that stands in ARNs and in the configuration written for clients.", "us-east-1")
    accepted_regions: str = _setting(
        "Regions that requests may be signed for beside it, separated by commas; `*` for every region of AWS.", "*"
    )
    console: bool = _setting("Serve the console under `/console`.", True)
    console_idle_minutes: int = _setting("Minutes without a request after which the console signs somebody out.", 30)
    console_hours: int = _setting("Hours after which it does in any case.", 12)
    cors_origins: str = _setting(
        "Origins whose web pages may call the API, separated by commas; `*` for all (a signature protects it), "
        "empty for none.",
        "*",
    )
    device: Device = _setting("Where networks run: `auto`, `cpu` or `cuda`.", Device.AUTO)
    arithmetic: Arithmetic = _setting("For text and labels: `float32` or `bfloat16` (running.md).", Arithmetic.FLOAT32)
    query_arithmetic: QueryArithmetic = _setting(
        "For the vectors of faces that are searched for: `float32` or `int8` (running.md).", QueryArithmetic.FLOAT32
    )
    threads: int = _setting("Threads that one run of a network uses; 0 takes one per core.", 0)
    workers: int = _setting("Requests worked on at the same time.", 8)
    in_flight: int = _setting("Requests held at the same time; more are throttled.", 256)
    account_in_flight: int = _setting("Of these, requests of one account.", 192)
    account_rate: int = _setting(
        "Requests a second that an account may send of each operation, on average; 0 for as many as there come.", 1000
    )
    account_burst: int = _setting("Requests of an operation that an account may send at once after a pause.", 2000)
    account_collections: int = _setting("Collections that an account may have.", 10_000)
    faces_per_collection: int = _setting("Faces that a collection may have.", 20_000_000)
    users_per_collection: int = _setting("Users that a collection may have.", 10_000_000)
    warm_start: WarmStart = _setting(
        "Collections that are read into memory at start: `used` for those that were searched before, the most searched "
        "first, `all` for all others behind them, `none` for none.",
        WarmStart.USED,
    )
    search_wait_s: int = _setting(
        "Seconds that a search waits for a collection that is being read into memory; after them it is answered "
        "ServiceUnavailable with Retry-After, which AWS clients try again. 0 answers so at once.",
        20,
    )
    search: str = _setting(
        "What proposes faces: `exact` for memory, `sharded` for that of several servers together, `pgvector`, "
        "`milvus://host:19530`, `milvus+tls://host:19530` or `milvus:///file`; with `+approximate`, as in "
        "`pgvector+approximate`, some are missed (docs/scaling.md).",
        "exact",
    )
    shard_faces: int = _setting(
        "With `search` set to `sharded`: faces from which on a collection is spread over the servers, in shards of so "
        "many row numbers. The same for all servers.",
        262_144,
    )
    milvus_token: str = _secret("What Milvus asks for: `user:password`, or a key. Prefer the variable.")
    models: Path | None = _setting("Folder of fetched models. Default: `custodes/models` in the user's cache.", None)
    mirror: str = _setting("Folder that stands in for every source of model files.", "")
    face_embedder: str = _setting(
        "Network of your own that turns faces into vectors, by the name that `custodes models add` gave it. "
        "Collections keep the network they were made with.",
        "",
    )
    face_detector: str = _setting(
        "Network of your own that finds faces, by the name that `custodes models add` gave it. Vectors of its faces "
        "have a version of their own.",
        "",
    )
    nudenet: bool = _setting(
        "Let DetectModerationLabels use the pack `nudenet` (`custodes models fetch --pack nudenet`), which names "
        "exposed parts of bodies. Its licence is AGPL-3.0: read what it asks of whoever serves it to others.",
        False,
    )
    buckets: Mapping[str, Path] = field(
        default_factory=lambda: MappingProxyType({}),
        metadata={
            "help": "Folders that S3Object images are read from, by bucket name: `name=/folder,other=/folder` "
            "or a TOML table."
        },
    )
    s3_endpoint: str = _setting("S3 endpoint that all other buckets are read from; none means no S3.", "")
    s3_region: str = _setting("Region of that endpoint.", "us-east-1")
    s3_access_key_id: str = _secret("Access key for that endpoint.")
    s3_secret_access_key: str = _secret("Its secret. Prefer the variable or a file that only you can read.")
    s3_bucket_keys: Path | None = _setting(
        "TOML file, readable by you only, of buckets with an endpoint and keys of their own: a table for each with "
        "`endpoint`, `region`, `access_key_id` and `secret_access_key`.",
        None,
    )
    output_buckets: str = _setting(
        "Buckets that results may be written to, folders and S3 alike, separated by commas: `name` for every account, "
        "`name:ACCOUNT` for one; the same name again for the next.",
        "",
    )
    ray: str = _setting("Ray cluster for bulk work, like `ray://host:10001`, or `local` (docs/scaling.md).", "")
    training_workers: int = _setting("Custom labels trained at the same time; 0 for none by this server.", 1)
    task_workers: int = _setting("Tasks over whole collections worked on at the same time; 0 for none.", 1)
    training_wait_s: int = _setting("For how many seconds a request that trains waits for the end.", 10)
    video_workers: int = _setting("Stored videos looked at at the same time; 0 for none by this server.", 1)
    video_samples_per_second: str = _setting("Frames of a second of video that are looked at, 0.5 to 30.", "2")
    video_sampling: str = _setting(
        "Other numbers of frames for single kinds of jobs, like `FaceSearch=4,LabelDetection=0.5`.", ""
    )
    video_part_s: int = _setting("Seconds of video under one permission; then it is decided again.", 30)
    video_strict: bool = _setting("Accept what the API documents only: H.264 in MP4 or MOV.", False)
    stream_workers: int = _setting("Live streams watched at the same time; 0 for none by this server.", 4)
    stream_samples_per_second: str = _setting("Frames of a second of a live stream that are looked at, 0.5 to 30.", "2")
    stream_authorities: Path | None = _setting(
        "Authorities (PEM) that vouch for cameras of https:// and rtsps://; those of the system unless given.", None
    )
    stream_fragment_s: int = _setting("Seconds of a live stream under one permission; then it is decided again.", 2)
    kinesis_endpoint: str = _setting("Kinesis endpoint that live searches write what they find to.", "")
    kinesis_access_key_id: str = _secret("Access key for that endpoint.")
    kinesis_secret_access_key: str = _secret("Its secret.")
    sns_endpoint: str = _setting("SNS endpoint that finished jobs are told to; none means that clients ask.", "")
    sns_access_key_id: str = _secret("Access key for that endpoint.")
    sns_secret_access_key: str = _secret("Its secret.")
    job_webhook: str = _setting("URL that every finished job is posted to, signed with the secret below.", "")
    job_webhook_secret: str = _secret("Secret of the signatures (HMAC-SHA256 of time and body).")
    liveness_days: int = _setting("Days after which a Face Liveness session is destroyed, pictures and all.", 7)
    review_days: int = _setting(
        "Days after which a search result that two persons have to confirm is destroyed, confirmed or not.", 30
    )
    ledger_min_retention_days: int = _setting(
        "Days for which the private parts of uses are kept at least; six months under the AI Act (art. 19, 26).",
        183,
    )
    ledger_origin: str = _setting(
        "Name of a new ledger, like `ledger.example/1`; an existing one keeps its name. Default: `custodes/` and the "
        "account.",
        "",
    )
    ledger_anchor: Path | None = _setting(
        "File, best on another disk, that keeps the ledger's last checkpoint: a ledger that was set back is not "
        "written on.",
        None,
    )
    ledger_anchor_object: str = _setting(
        "The same as an object at `s3_endpoint`, like `s3://bucket/key`, which is replaced with `If-Match`. While it "
        "cannot be reached nothing is recorded, and so nothing done.",
        "",
    )
    ledger_tiles: str = _setting(
        "Where servers with names keep the ledger's public files instead of in the folder that they share: a place at "
        "`s3_endpoint`, like `s3://bucket/prefix`, written with `If-Match` and `If-None-Match`.",
        "",
    )
    ledger_key: Path | None = _setting(
        "File with the ledger's signing key, where servers with names do not have it in their data directory. A server "
        "without the file publishes nothing and takes up no duties.",
        None,
    )
    attestation: Path | None = _setting(
        "Folder in which Linux gives reports of a confidential virtual machine (`/sys/kernel/config/tsm/report`): each "
        "start is attested by an AMD processor, in `attestations` of the data directory.",
        None,
    )
    timestamp_authorities: str = _setting(
        "Authorities that stamp the ledger once a day (RFC 3161), at least two: `name=https://...,other=https://...`. "
        "None for no stamps.",
        "",
    )
    policy_notice_days: int = _setting(
        "Days from the record of a weakening of the provider's rules until it acts; fixed once officers are appointed.",
        14,
    )
    metrics_public: bool = _setting("Answer `/metrics` to anybody instead of this machine only.", False)
    otlp_endpoint: str = _setting(
        "URL of an OpenTelemetry collector for traces (OTLP over HTTP), like `http://127.0.0.1:4318/v1/traces`; needs "
        "`custodes[otel]`. Empty sends nothing.",
        "",
    )
    log_level: str = _setting("`debug`, `info`, `warning` or `error`.", "info")
    log_format: LogFormat = _setting("`text` for people, `json` for collectors.", LogFormat.TEXT)
    shutdown_s: int = _setting("Seconds that running requests get to finish after SIGTERM.", 10)

    def __post_init__(self) -> None:
        """Check what types cannot say."""
        unfit = unfit_setting({item.name: getattr(self, item.name) for item in fields(self)})
        if unfit is not None:
            name, wanted = unfit
            raise _UnfitError(name, "" if name in _SECRETS else f"{name} is {getattr(self, name)!r}", wanted)

    def __repr__(self) -> str:
        """Name the object only: a secret is among the fields."""
        return f"Settings(data={str(self.data)!r})"

    @property
    def shown(self) -> str:
        """All settings but secrets as text, for a digest of the configuration."""
        names = [item.name for item in fields(self) if item.name not in _SECRETS]
        return "\n".join(f"{name}={getattr(self, name)!r}" for name in names)

    def listed(self) -> list[dict[str, object]]:
        """All settings but secrets, each with its value as text and its explanation."""
        return [
            {"name": item.name, "value": str(getattr(self, item.name)), "help": item.metadata["help"]}
            for item in fields(self)
            if item.name not in _SECRETS
        ]

    @property
    def search_engine(self) -> SearchEngineText:
        """The setting ``search``."""
        return search_engine(self.search) or IN_MEMORY

    @property
    def account_limits(self) -> AccountLimits:
        """What an account may use up that has no limits of its own."""
        return AccountLimits(
            rate=self.account_rate,
            burst=self.account_burst,
            in_flight=self.account_in_flight,
            collections=self.account_collections,
            faces_per_collection=self.faces_per_collection,
            users_per_collection=self.users_per_collection,
        )

    @property
    def stamping(self) -> Mapping[str, str]:
        """Addresses of time-stamping authorities, by name."""
        return authorities(self.timestamp_authorities) or {}

    @property
    def signed_regions(self) -> frozenset[str] | None:
        """Regions that requests may be signed for beside ``region``; None for every region of AWS."""
        regions = listed(self.accepted_regions)
        return None if "*" in regions else frozenset(regions)

    @property
    def page_origins(self) -> tuple[str, ...]:
        """Origins whose pages may call the API."""
        return listed(self.cors_origins)

    @property
    def endpoint_url(self) -> str:
        """Where clients find the server, unless the port is chosen at start."""
        scheme = "http" if self.tls_cert is None else "https"
        return self.endpoint or f"{scheme}://{url_host(self.host)}:{self.port}"

    @property
    def video_rates(self) -> Mapping[str, Fraction]:
        """Frames of a second that are looked at, by the Start operation of the job, where the number is another."""
        return {f"Start{kind}": rate for kind, rate in (sampling_rates(self.video_sampling) or {}).items()}

    @property
    def writable(self) -> Mapping[str, frozenset[str] | None]:
        """Accounts that may have results written, by bucket; None for all accounts."""
        return output_accounts(self.output_buckets) or {}

    @property
    def models_folder(self) -> Path:
        """Where fetched models are."""
        from custodes.models.store import default_root

        return self.models or default_root(os.environ)


_SECRETS = frozenset(item.name for item in fields(Settings) if item.metadata.get("secret"))


def names_aws_credentials() -> bool:
    """Whether the environment says with which key AWS clients sign."""
    return any(os.environ.get(name) for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE"))


def aws_endpoint_url() -> str | None:
    """The address that AWS clients would call for Rekognition instead of Amazon's, if the environment names one."""
    return os.environ.get("AWS_ENDPOINT_URL_REKOGNITION") or os.environ.get("AWS_ENDPOINT_URL") or None


def from_environment(**flags: Any) -> Settings:
    """``load`` from this process's environment and the flags of a command."""
    return load(os.environ, flags)


def load(environ: Mapping[str, str], flags: Mapping[str, Any] | None = None) -> Settings:
    """Put settings together.

    Args:
        environ: the process environment; ``CUSTODES_CONFIG`` names the TOML file, else ``custodes.toml`` in the data
            directory is read when it exists.
        flags: values from a command line by field name; None means not given.

    Raises:
        InvalidParameterError: an unknown name or a value that does not fit. The message says where it stands, and
            quotes it unless the setting is a secret.
    """
    known = {item.name: item for item in fields(Settings)}
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    variables = from_variables(environ, known.keys())
    named = variables["data"].value if "data" in variables else known["data"].default
    data = Path(given.get("data", named))
    config = environ.get(f"{PREFIX}CONFIG")
    path = Path(config) if config else data / FILE_NAME
    placed = {**from_file(path, known.keys(), required=bool(config)), **variables}
    placed |= {name: GivenValue(value, f"--{name.replace('_', '-')}") for name, value in given.items()}
    try:
        return Settings(**{name: _convert(known[name], found) for name, found in placed.items()})
    except _UnfitError as error:
        where = f"{placed[error.name].where}: " if error.name in placed else ""
        raise InvalidParameterError(f"{where}{error.message}") from None


def _convert(item: Field[Any], found: GivenValue) -> Any:
    """A value (text from a variable, or a TOML value) as the type of the field."""
    reader = READERS.get(str(item.type), Path if "Path" in str(item.type) else str)
    try:
        if isinstance(found.value, bool) and reader is not switch:
            raise ValueError
        return reader(found.value)
    except (TypeError, ValueError):
        shown = "" if item.name in _SECRETS else f" {found.value!r}"
        raise InvalidParameterError(
            f"{found.where}: the value{shown} of {item.name} does not fit: {item.metadata['help']}"
        ) from None
