"""Receive webhooks and print them: to see what arrives, and as a pattern for servers without a framework.

SMS_WEBHOOK_SECRET="$(octopush-worker forward secret try)" python docs/snippets/webhook_printer.py
"""

import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

from producers.webhooks import InvalidWebhook, verify

PORT = int(os.environ.get("PORT", "9000"))


class Receiver(BaseHTTPRequestHandler):
    """Answers 204 to what is signed as it should be, and 400 to all else."""

    def do_POST(self) -> None:
        """Check one webhook, and print it."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            webhook = verify(body, dict(self.headers), os.environ["SMS_WEBHOOK_SECRET"])
        except InvalidWebhook:
            self.send_response(400)
        else:
            sys.stdout.write(f"{webhook.type} {webhook.id}\n    {webhook.data}\n")
            sys.stdout.flush()
            self.send_response(204)
        self.end_headers()


if __name__ == "__main__":
    try:
        server = HTTPServer(("127.0.0.1", PORT), Receiver)
    except OSError:
        sys.exit(f"port {PORT} is taken: kill %1 ends a printer that still runs in this terminal")
    server.serve_forever()
