"""What `up` and the sandbox print: where things are, in lines that can be pasted as they stand."""

import os

from producers.contract.settings import RedisSettings
from worker.sandbox.environments import ANY_HOUR


def addresses(redis_url: str | None, web_url: str | None, console_url: str | None) -> str:
    """Say where applications, Octopush and people find an installation."""
    if redis_url:
        connect = f"connect with\n\n    export REDIS_URL={redis_url}\n"
    else:
        connect = f"use the Redis at {RedisSettings.from_env(os.environ).redis_url}."
    return f"""
Worker and web are up. Applications on this machine {connect}
Callbacks are taken at {web_url}/callbacks/<token>
{f"The console is at {console_url}/" if console_url else "There is no console without CONSOLE_TOKENS."}
"""


def instructions(
    redis_url: str,
    admin_url: str,
    callback_url: str,
    gateway_url: str,
    console_url: str,
    console_secret: str,
    api_token: str,
) -> str:
    """Say what can be done with a sandbox, in snippets that can be pasted as they are."""
    hours = " ".join(f"{name}={value}" for name, value in ANY_HOUR.items())
    # Snippets stand at the margin: Python's shell refuses pasted lines that are indented.
    return f"""
The sandbox is up, until Ctrl-C. Open its phone in a browser, and answer what arrives there:

    {admin_url}/

The console, where operators read replies and decide:

    {console_url}/    token: {console_secret}

Paste into an app (or a Python shell of this environment):

from producers import Producer
sms = Producer("{redis_url}")
sms.send("+33612345678", "Reply YES to confirm.", sender="Bistro", purpose="alert",
         with_replies=True, context={{"booking": 42}})

Read the replies, until Ctrl-C:

from producers.feeds import Feed
for reply in Feed("replies", group="my-app", redis_url="{redis_url}"):
    print(reply)

In other terminals, octopush-worker and the commands in docs/ need these lines. The last one lets them send
marketing at any hour, as the worker of the sandbox does:

export REDIS_URL={redis_url}
export ADMIN={admin_url}
export {hours}

Applications in other languages send through the HTTP API. With the lines above and these, octopush-worker api
starts it, and the examples in Node and PHP find it:

export OCTOPUSH_URL=http://127.0.0.1:8002 OCTOPUSH_TOKEN={api_token}
export API_TOKENS=shop:send+read+campaign:{api_token}

Answer without the phone:    curl -d '{{"number": "+33612345678", "text": "YES"}}' {admin_url}/replies
What reached which handset:  curl {admin_url}/messages
Callbacks arrive at:         {callback_url}
A worker of your own calls:  OCTOPUSH_BASE_URL={gateway_url}
"""
