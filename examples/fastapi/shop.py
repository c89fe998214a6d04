"""A shop that tells its customers by SMS when an order has left."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Annotated, Any

import callbacks
from fastapi import Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel

from producers import AsyncProducer, InvalidMessage, QueueUnavailable


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Make the producer in the loop that serves the requests, and close it there.

    An AsyncProducer belongs to one event loop. One that a module makes would work until a second loop comes,
    such as that of the next TestClient, and then raise WrongEventLoop.
    """
    async with AsyncProducer.from_env() as sms:
        app.state.sms = sms
        yield


app = FastAPI(lifespan=lifespan)
# Replies, receipts and opt-outs come here. Leave it out where `octopush-worker web` takes them.
app.include_router(callbacks.router)


async def producer(request: Request) -> AsyncProducer:
    """Give the producer of this application."""
    return request.app.state.sms


Sms = Annotated[AsyncProducer, Depends(producer)]


class Shipment(BaseModel):
    """Who is told about an order."""

    phone: str


def request_id_of(order: int) -> str:
    """Name the SMS after what has happened: whoever repeats the request sends one SMS."""
    return f"order-{order}-shipped"


@app.post("/orders/{order}/shipped", status_code=202)
async def shipped(order: int, shipment: Shipment, sms: Sms) -> dict[str, str]:
    """Tell a customer that an order is on its way."""
    try:
        sent = await sms.send(
            shipment.phone,
            f"Order {order} is on its way. Will you be at home?",
            sender="Shop",
            purpose="alert",
            with_replies=True,
            context={"order": order},
            ttl=timedelta(hours=4),
            request_id=request_id_of(order),
        )
    except InvalidMessage as error:
        raise HTTPException(422, error.fields) from None
    except QueueUnavailable:
        # It may or may not be queued. To repeat the request is safe either way.
        raise HTTPException(503, "try again", {"Retry-After": "5"}) from None
    return {"request_id": sent.request_id, "state": sent.state}


@app.get("/orders/{order}/sms")
async def status(order: int, sms: Sms) -> dict[str, Any]:
    """Say what has become of the SMS about an order."""
    found = await sms.status(request_id_of(order))
    if found is None:
        raise HTTPException(404)
    return {"state": found.state, "waits_for": found.waits_for, "deliveries": found.deliveries}
