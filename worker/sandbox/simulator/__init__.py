"""A simulated Octopush gateway: the tool for trying things out, and the judge in the project's tests.

It plays the gateway's side of the contract, with a switch for every oddity and fault, and records what
reached the handsets, so that "never lost, never twice" can be proven. It imports nothing from the rest of
the project. Facts about Octopush are marked in the docstrings as documented, seen in code, or assumed.

    python -m worker.sandbox.simulator --port 8080 --callback-url http://127.0.0.1:8000/callbacks/token

The life of a call, in reading order:

* `server`, `listener`, `transport`: two ports (gateway, admin), raw connections;
* `gateway_api`, `exchanges`: HTTP in; `faults`, `matching`: what goes wrong with it; `playback`: HTTP out;
* `parameters`: where the account lets callbacks go;
* `reading`, `casting`, `campaign`: bytes to a `SendCall`; `accounts`, `validation`, `refusals`, `limits`:
  who is refused;
* `gateway`: the decision, with `memory` (request_ids), `journal` (what arrived), `french_hours`;
* `network`, `handsets`, `fates`: what becomes of each message; `sms_text`, `segments`: what it says and
  weighs;
* `callbacks`, `callback_record`, `events`, `postman`: receipts, replies and opt-outs on their way to the
  customer; `post_slots`: which goes next; `complaints`: what was wrong with an answer to one, in a line;
* `admin_api` and its `admin_*` parts: everything tests and people can look at and change (table in
  `admin_api`), and their typed `client`; `weather`: the usual troubles in one word;
* `threads`: what customer and handsets said, the newest 500; `phone` shows it in a browser (`page_routes`,
  `page`, `stream`, `wording`, `situation`), where `harmless` keeps foreign text from doing harm;
* `settings`: every switch and default; `clock`: time that can be advanced; `simulator`: the parts put
  together.
"""
