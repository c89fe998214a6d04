"""Take Octopush's callbacks in a Flask application: register this blueprint."""

from flask import Blueprint, Response, request

from producers.callbacks import BODY_MAX_BYTES, CallbackIntake

intake = CallbackIntake.from_env()
blueprint = Blueprint("octopush", __name__)


@blueprint.route("/callbacks/<token>", methods=["GET", "POST"], strict_slashes=False)
@blueprint.route("/callbacks/<token>/<kind>", methods=["GET", "POST"], strict_slashes=False)
def callback(token: str, kind: str | None = None) -> Response:
    """Store one callback and answer without content."""
    status = intake.check_url(token, kind)
    if request.method != "POST" or status != 200:
        return Response(status=status)
    body = request.stream.read(BODY_MAX_BYTES + 1)
    return Response(status=intake.accept_callback(token, body, kind))
