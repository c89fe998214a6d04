"""Settings of the shop. ``DATABASE`` is the name of a SQLite file, or ``postgresql:<directory>:<name>``."""

import json
import os

SECRET_KEY = "shop"
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["producers.django", "shop"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
ROOT_URLCONF = "project.urls"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"


def _database(name: str) -> dict[str, object]:
    if name.startswith("postgresql:"):
        _, directory, name = name.split(":")
        server = {"ENGINE": "django.db.backends.postgresql", "HOST": directory, "USER": "postgres"}
        return {**server, "NAME": name, "ATOMIC_REQUESTS": True}
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": name, "ATOMIC_REQUESTS": True}


DATABASES = {"default": _database(os.environ.get("DATABASE", ":memory:"))}

#: What a test wants it to be; else what stands in the environment of the tests counts.
OCTOPUSH = json.loads(os.environ.get("SHOP_OCTOPUSH", "{}"))
