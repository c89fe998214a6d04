"""An application with traces of its own: it sends in a span, and handles the answer in the trace of that.

    python -m tests.support.traced_app <number> <text> <number of a campaign>…

REDIS_URL, SMS_NAMESPACE and the variables of OpenTelemetry are in its environment.
"""

import sys

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from producers import Feed, Message, Producer, Recipient

number, text, *others = sys.argv[1:]
provider = TracerProvider(shutdown_on_exit=False)
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("shop")
options = {"sender": "Bistro", "purpose": "alert"}

with Producer.from_env() as sms:
    with tracer.start_as_current_span("book a table"):
        sms.send(number, text, with_replies=True, request_id="canary-id-Amsel", **options)
    with tracer.start_as_current_span("tell all"):
        sms.send_many(
            Message(
                Recipient(each, first_name=text), "{first_name}: " + text, request_id=f"many-{i}", **options
            )
            for i, each in enumerate(others)
        )
    with tracer.start_as_current_span("campaign"):
        sms.send_campaign(text, others, campaign_id="party", **options)
    sms.send(others[0], text, request_id="untraced", **options)

for reply in Feed("replies", group="bookings"):
    with reply.span(), tracer.start_as_current_span("confirm the booking"):
        break
provider.shutdown()
