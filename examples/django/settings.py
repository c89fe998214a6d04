"""Settings of a restaurant that asks its guests by SMS whether they come."""

import os
from pathlib import Path

BASE_DIR = Path(__file__).parent
SECRET_KEY = os.environ["SECRET_KEY"]
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
INSTALLED_APPS = ["producers.django", "bookings"]
ROOT_URLCONF = "urls"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": BASE_DIR / "db.sqlite3",
        "ATOMIC_REQUESTS": True,
        # Several processes write: each waits for the others at the beginning of its transaction.
        "OPTIONS": {"transaction_mode": "IMMEDIATE"},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

OCTOPUSH = {
    # None: the variable REDIS_URL counts.
    "REDIS_URL": os.environ.get("SMS_REDIS_URL"),
    # Empty where nobody takes callbacks, as where an image is built.
    "CALLBACK_TOKENS": os.environ.get("SMS_CALLBACK_TOKEN", ""),
    # Callbacks lie here while Redis is away. Without it they are refused then, and may be lost.
    "CALLBACK_SPOOL_DIR": BASE_DIR / "spool",
    "DEFAULT_REGION": "FR",
}
