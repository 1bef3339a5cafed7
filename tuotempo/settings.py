"""Every setting, read from the environment; a bad one stops the start with its name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
_env_file = os.environ.get("ENV_FILE", str(BASE_DIR / ".env"))
if _env_file and Path(_env_file).is_file():
    env.read_env(_env_file)


BOOLEANS = {"", "true", "false", "1", "0", "yes", "no", "on", "off"}


def read(kind: str, name: str, default: Any, hint: str) -> Any:
    """The variable `name` as a `kind` of django-environ; a bad one stops the start."""
    try:
        value = (
            getattr(env, kind)(name)
            if default is None
            else getattr(env, kind)(name, default=default)
        )
    except (ImproperlyConfigured, ValueError, KeyError) as exc:
        given = name in os.environ
        problem = "tiene un valor que no se entiende" if given else "falta"
        raise ImproperlyConfigured(f"La variable {name} {problem}: {hint}") from exc
    if kind == "bool" and os.environ.get(name, "").strip().lower() not in BOOLEANS:
        raise ImproperlyConfigured(
            f"La variable {name} tiene un valor que no se entiende: {hint}"
        )
    return value


def read_number(kind: str, name: str, default: float, low: float, hint: str) -> Any:
    """A number of at least `low`."""
    value = read(kind, name, default, hint)
    if not value >= low:
        raise ImproperlyConfigured(f"La variable {name} es demasiado pequeña: {hint}")
    return value


# --- What an operator sets (all of it is in .env.example) ---------------------------

SECRET_KEY = read("str", "SECRET_KEY", None, "escriba una cadena aleatoria y larga.")
if len(SECRET_KEY) < 32:
    raise ImproperlyConfigured(
        "La variable SECRET_KEY es demasiado corta: escriba al menos 32 caracteres."
    )
PHONE_HASH_KEY = read(
    "str", "PHONE_HASH_KEY", SECRET_KEY, "cadena aleatoria, siempre la misma."
)
DEBUG = read("bool", "DEBUG", False, "escriba true o false.")
ALLOWED_HOSTS = read(
    "list", "ALLOWED_HOSTS", ["localhost", "127.0.0.1"], "nombres separados por comas."
)
CSRF_TRUSTED_ORIGINS = read(
    "list", "CSRF_TRUSTED_ORIGINS", [], "orígenes https:// separados por comas."
)
HTTPS = read("bool", "HTTPS", False, "true si un proxy sirve el sitio por https.")

PEARL_API_URL = read(
    "str", "PEARL_API_URL", "http://127.0.0.1:5050", "escriba https://api.nlpearl.ai"
).rstrip("/")
if urlsplit(PEARL_API_URL).scheme not in {"http", "https"}:
    raise ImproperlyConfigured(
        "La variable PEARL_API_URL no es una dirección: escriba https://api.nlpearl.ai"
    )
PEARL_IS_SIMULATOR = urlsplit(PEARL_API_URL).hostname in {
    "127.0.0.1",
    "localhost",
    "::1",
}
PEARL_ACCOUNT_ID = read(
    "str",
    "PEARL_ACCOUNT_ID",
    "665500000000000000000001" if PEARL_IS_SIMULATOR else None,
    "copie el identificador de la cuenta (24 cifras hexadecimales) de Pearl.",
)
PEARL_SECRET_KEY = read(
    "str",
    "PEARL_SECRET_KEY",
    "simulador0000000000000000000000" if PEARL_IS_SIMULATOR else None,
    "copie la clave secreta de Pearl (Ajustes, API).",
)
PEARL_OUTBOUND_ID = read(
    "str", "PEARL_OUTBOUND_ID", "", "identificador v1 de la campaña por defecto."
)
PEARL_WEBHOOK_TOKEN = read(
    "str", "PEARL_WEBHOOK_TOKEN", "", "cadena aleatoria de al menos 32 caracteres."
)
PEARL_WEBHOOK_TOKEN_PREVIOUS = read(
    "str", "PEARL_WEBHOOK_TOKEN_PREVIOUS", "", "la cadena que se está sustituyendo."
)
METRICS_TOKEN = read("str", "METRICS_TOKEN", "", "cadena aleatoria; vacía: no hay.")
for _name in ("PEARL_WEBHOOK_TOKEN", "PEARL_WEBHOOK_TOKEN_PREVIOUS", "METRICS_TOKEN"):
    if globals()[_name] and len(globals()[_name]) < 32:
        raise ImproperlyConfigured(
            f"La variable {_name} es demasiado corta: escriba al menos 32 caracteres "
            "aleatorios."
        )
_credential = read(
    "str", "PEARL_WEBHOOK_CREDENTIAL", "", "escriba «Cabecera: valor», o nada."
)
_header, _secret = (part.strip() for part in f"{_credential}:".split(":", 1))
_secret = _secret.removesuffix(":")
if _credential and not (_header and _secret):
    raise ImproperlyConfigured(
        "La variable PEARL_WEBHOOK_CREDENTIAL tiene un valor que no se entiende: "
        "escriba «Cabecera: valor», o nada."
    )
#: The header that Pearl's "Credential" sends with each webhook, and its value.
PEARL_WEBHOOK_CREDENTIAL = (_header, _secret) if _credential else None
PUBLIC_URL = read(
    "str", "PUBLIC_URL", "", "por ejemplo https://llamadas.ejemplo.es"
).rstrip("/")
if PUBLIC_URL and urlsplit(PUBLIC_URL).scheme not in {"http", "https"}:
    raise ImproperlyConfigured(
        "La variable PUBLIC_URL no es una dirección: escriba https://…"
    )
PEARL_REQUESTS_PER_SECOND = read_number(
    "float", "PEARL_REQUESTS_PER_SECOND", 1.0, 0, "peticiones por segundo; 0 = sin tope"
)
PEARL_MAX_IN_FLIGHT = read_number(
    "int", "PEARL_MAX_IN_FLIGHT", 2, 1, "peticiones a la vez, al menos 1."
)
MAX_CONCURRENT_CALLS = read_number(
    "int", "MAX_CONCURRENT_CALLS", 5, 1, "llamadas a la vez, al menos 1."
)
POLL_SECONDS = read_number(
    "float", "POLL_SECONDS", 20.0, 0.05, "segundos entre consultas a Pearl."
)
LIVE_EVENTS = read("bool", "LIVE_EVENTS", True, "false: las pantallas preguntan.")
LIVE_SECONDS = read_number(
    "float", "LIVE_SECONDS", 0.6, 0.1, "segundos entre miradas a la base de datos."
)
SCREEN_POLL_ACTIVE_SECONDS = read_number(
    "float", "SCREEN_POLL_ACTIVE_SECONDS", 1.0, 0.2, "segundos, con llamadas en curso."
)
SCREEN_POLL_IDLE_SECONDS = read_number(
    "float", "SCREEN_POLL_IDLE_SECONDS", 3.0, 0.2, "segundos, sin llamadas en curso."
)
LEASE_MARGIN_SECONDS = read_number(
    "float", "LEASE_MARGIN_SECONDS", 30.0, 0.1, "segundos de margen, 30 o más."
)
UNKNOWN_SETTLE_SECONDS = read_number(
    "float", "UNKNOWN_SETTLE_SECONDS", 600.0, 0.1, "segundos de espera, 600 o más."
)
DIAL_JOURNAL = Path(
    read(
        "str",
        "DIAL_JOURNAL",
        str(BASE_DIR / "var" / "dial_journal"),
        "carpeta en un disco local de este equipo.",
    )
)

IMPORT_FOLDER = Path(
    read(
        "str",
        "IMPORT_FOLDER",
        str(BASE_DIR / "var" / "imports"),
        "carpeta privada, común a todos los procesos web.",
    )
)

RECORDING_FOLDER = Path(
    read(
        "str",
        "RECORDING_FOLDER",
        str(BASE_DIR / "var" / "recordings"),
        "carpeta privada, común a todos los procesos.",
    )
)
RECORDING_HOSTS = read(
    "list", "RECORDING_HOSTS", [], "nombres de servidores separados por comas."
)
RECORDING_DAYS = read_number(
    "int", "RECORDING_DAYS", 90, 1, "días que se guardan las grabaciones."
)
RECORDING_MAX_MB = read_number(
    "int", "RECORDING_MAX_MB", 100, 1, "tamaño máximo de una grabación."
)
PEARL_AGENT_ROLE = read(
    "str", "PEARL_AGENT_ROLE", "2", "papel del agente en las transcripciones: 2 o 3."
)
TRANSCRIPT_TICKS = read_number(
    "int", "TRANSCRIPT_TICKS", 1000, 1, "unidades por segundo: 1000 o 1."
)

LOG_FORMAT = read("str", "LOG_FORMAT", "text", "escriba text o json.")
if LOG_FORMAT not in {"text", "json"}:
    raise ImproperlyConfigured(
        "La variable LOG_FORMAT tiene un valor que no se entiende: escriba text o json."
    )

# --- Database -----------------------------------------------------------------------

DATABASES = {
    "default": read(
        "db_url",
        "DATABASE_URL",
        f"sqlite:///{BASE_DIR / 'var' / 'tuotempo.sqlite3'}",
        "por ejemplo mysql://usuario:clave@servidor:3306/tuotempo",
    )
}
_database = DATABASES["default"]
if _database["ENGINE"].endswith("sqlite3"):
    Path(_database["NAME"]).parent.mkdir(parents=True, exist_ok=True)
    # A file, for the tests too: their threads and processes share it.
    _database["TEST"] = {"NAME": f"{_database['NAME']}.test"}
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        # FULL: an acknowledged claim must survive a power cut. The cache (kB): a change
        # of very many leads would write each page several times with the usual 2 MB.
        "init_command": (
            "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;PRAGMA cache_size=-64000;"
            "PRAGMA mmap_size=2000000000;"
        ),
    }
elif _database["ENGINE"].endswith("mysql"):
    _database.setdefault("OPTIONS", {}).update(
        charset="utf8mb4",
        isolation_level="read committed",
        connect_timeout=10,
        init_command=(
            "SET sql_mode='STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,"
            "ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION',"
            # Several filters at once: ten times slower when it intersects indexes than
            # when it takes the best one (benchmarks/leads.py).
            "optimizer_switch='index_merge_intersection=off'"
            # Who freezes in a transaction (a paused virtual machine, a host without
            # power) holds its locks, the campaign's among them: STOP would wait.
            "/*M!100300 , idle_transaction_timeout=30 */"
        ),
    )
    _database["TEST"] = {"CHARSET": "utf8mb4", "COLLATION": "utf8mb4_unicode_ci"}
else:
    raise ImproperlyConfigured(
        "La variable DATABASE_URL debe empezar por sqlite:// o mysql://"
    )
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Django -------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "axes",
    "csp",
    "django_htmx",
    "ninja",
    "leads",
    "calls",
    "tuotempo",
]

MIDDLEWARE = [
    "tuotempo.logs.RequestId",
    "django.middleware.security.SecurityMiddleware",
    "tuotempo.static_files.StaticFiles",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "tuotempo.errors.WordsForRefusedMethods",
    "tuotempo.fragments.LoginForFragments",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "tuotempo.login.LoginRequiredUnlessExempt",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "tuotempo.urls"
ASGI_APPLICATION = "tuotempo.asgi.application"
WSGI_APPLICATION = "tuotempo.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "calls.alarms.alarms_on_page",
                "calls.pearl_pill.pill_on_page",
            ],
        },
    },
]

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
AUTH_PASSWORD_VALIDATORS[1]["OPTIONS"] = {"min_length": 12}  # type: ignore[assignment]
CSRF_FAILURE_VIEW = "tuotempo.errors.csrf_failure"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
AXES_FAILURE_LIMIT = 8
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False
AXES_LOCKOUT_TEMPLATE = "429.html"

LANGUAGE_CODE = "es"
LANGUAGES = [("es", _("Español")), ("en", _("Inglés"))]
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = HTTPS
LANGUAGE_COOKIE_HTTPONLY = True
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = "tuotempo.formats"
TIME_ZONE = "Europe/Madrid"
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "var" / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # WhiteNoise wants it there
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True

# --- Security -----------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz)$"]
SECURE_HSTS_SECONDS = 31536000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
WEBHOOK_MAX_BYTES = 1024 * 1024

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": f"tuotempo.logs.{LOG_FORMAT.title()}"}},
    "filters": {"redact": {"()": "tuotempo.redaction.Redact"}},
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["redact"],
        }
    },
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "axes": {"level": "ERROR"},
        "uvicorn": {"propagate": True},  # through our handler, in our format
        # Its access line would hold the secrets of webhooks and calendars, and the
        # filters' texts.
        "uvicorn.access": {"level": "WARNING"},
    },
}
