"""Take Octopush's callbacks in a Flask application: register this blueprint."""

import logging

from flask import Blueprint, Response, current_app, request
from flask.blueprints import BlueprintSetupState

from producers.callbacks import BODY_MAX_BYTES, CallbackIntake

blueprint = Blueprint("octopush", __name__)

# Paths hold the token, and servers log them.
for name in ("werkzeug", "gunicorn.access"):
    logging.getLogger(name).addFilter(lambda record: "/callbacks/" not in record.getMessage())


@blueprint.record_once
def open_intake(state: BlueprintSetupState) -> None:
    """Open the intake of an application: it moves what an earlier process has kept on the disk."""
    state.app.extensions["octopush"] = intake = CallbackIntake.from_env()
    intake.start()


@blueprint.route("/callbacks/<token>", methods=["GET", "POST"], strict_slashes=False)
@blueprint.route("/callbacks/<token>/<kind>", methods=["GET", "POST"], strict_slashes=False)
def callback(token: str, kind: str | None = None) -> Response:
    """Store one callback and answer without content."""
    intake: CallbackIntake = current_app.extensions["octopush"]
    status = intake.check_url(token, kind)
    if request.method != "POST" or status != 200:
        return Response(status=status)
    body = request.stream.read(BODY_MAX_BYTES + 1)
    return Response(status=intake.accept_callback(token, body, kind))
