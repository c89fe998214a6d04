"""The commands ``forward-email``, which runs until it is stopped, and ``mail-in``, which a mail server starts."""

import getpass
import os
import signal
import sys
from collections.abc import Mapping
from typing import Any

import click
import redis
import structlog

from producers.contract.keys import Keys
from producers.contract.outages import OutageLog
from producers.contract.settings import ProducerSettings, RedisSettings, Settings
from producers.errors import ConfigError
from worker.mail import mail_in as answering
from worker.mail.forward_email import NAME, runner
from worker.mail.incoming import MAIL_MAX_BYTES, Refusal, read
from worker.mail.settings import MailInSettings, MailSettings
from worker.process import log
from worker.process.connection import connect
