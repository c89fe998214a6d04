# ruff: noqa: E501 - the table reads better in one piece
"""Every Redis key and stream: what it holds, how long, who writes it, who reads it.

`producers.contract.keys` builds their names. All keys share one hash tag (``{sms}:`` by default), so that one script can move a record, a queue entry
and a stream entry together, on Redis Cluster too.

| key | type | lifetime | written by | read by |
|---|---|---|---|---|
| ``record:<request_id>`` | hash | until N days after its end | layout | layout |
| ``body:<request_id>`` | string, the exact bytes to POST | until no repeat can need them | enqueue, compose | compose, claim |
| ``deliveries:<request_id>`` | hash, number to last receipt | as long as the record | layout | layout |
| ``corrected:<request_id>`` | bitmap, recipients whose price a receipt has named, by place | N days | publish | publish |
| ``receipts:awaited`` | hash, recipients without any receipt by hour of acceptance | for ever | layout | layout |
| ``ticket:<ticket>`` | string, request_id | N days | finish, correlate | correlate |
| ``unticketed:<pseudonym>`` | set of request_ids with no ticket yet | N days | claim, finish | correlate, pilot |
| ``attempt_leases`` | sorted set, ``request_id:token`` by lease deadline | while attempts run | claim, renew | claim |
| ``attempt_starts`` | sorted set, request_id by start of the attempt | while attempts run | claim | correlate |
| ``gather:<share>`` | list of request_ids that may share a call | while queued | enqueue, fetch, compose | fetch |
| ``gathered:<call id>`` | list of request_ids of a shared call that are not in its body yet | while queued | fetch, compose | compose, dissolve |
| ``members:<call id>`` | hash, number to request_id, of a shared call | until N days after its end | layout | layout |
| ``campaign:<id>`` | hash, how far a campaign is | N days after the last end or run, once complete or cancelled | layout | layout |
| ``campaign:<id>:ended`` | bitmap, slices that have ended, by number | as long as the campaign | every end | enqueue |
| ``campaign_zones:<id>`` | hash, slices of marketing that are not all for the mainland | as long as the campaign | layout | layout |
| ``campaign:<id>:waiting`` | list of request_ids that wait for a paused campaign | until resumed or cancelled | claim | resume |
| ``upload:<campaign id>`` | hash, how far the upload of a campaign is | 30 days after its beginning; N days once complete | layout | layout |
| ``upload_numbers:<campaign id>:<block>`` | hash, digits of a number before its last four, which are the block, to its part | until the upload is complete, or ends | layout | layout |
| ``campaigns`` | sorted set, campaigns by the start of their first run, the newest 10,000 | by number | enqueue, complete_campaign | operators |
| ``open_uploads`` | sorted set, campaigns of which nothing leaves before their upload is complete, by its beginning, ms | until completed or cancelled; what was forgotten goes with a later beginning | begin_upload, complete_upload, halt_campaign | begin_upload, operators |
| ``gates`` | hash, what keeps some sends and not all | until opened | layout | layout |
| ``aside:<gate>`` | sorted set, request_ids and shared calls that a gate keeps, by estimated price; they are among the delayed, too | while they wait | finish, claim, see_balance | see_balance, give_back, metrics, operators |
| ``held`` | hash, how many sends are held until a time, by reason, time and zone | while some are | layout | layout |
| ``prices`` | hash, type and country to what a segment costs | for ever | layout | layout |
| ``prices:lately:<tariff>`` | list, what it cost in the last 50 answers that were looked at | for ever, bounded | learn_price | learn_price, set_price, infer_price |
| ``prices_set`` | hash, type and country to what an operator says that a segment costs | for ever | layout | layout |
| ``prices_inferred`` | hash, type and country to what a segment costs at most, inferred from the balance | until an answer names a price | layout | layout |
| ``budgets`` | hash, budgets of a day that operators have set, by scope | for ever | layout | layout |
| ``budget_look`` | hash, how far the looks at what waits for a budget are | a minute | layout | layout |
| ``spend:<scope>:<day>`` | hash, what a scope has spent and reserved in a day of Paris | 40 days | layout | layout |
| ``apps`` | sorted set, applications by when they were first counted in a day of late | for ever, as many as there are | claim | operators |
| ``drift`` | hash, what was estimated and what it cost, since the last look | for ever | layout | layout |
| ``caps:<day>`` | hash, pseudonym of a number to its alerts in an hour and in the day | 25 h | enqueue | enqueue |
| ``blocks:<hour>`` | hash, block of 10,000 numbers to how many of them got alerts in that hour, and one field for all blocks | 25 h | enqueue | enqueue |
| ``blocked`` | sorted set, blocks that get no alerts, by when that ends, ms | until lifted, or until another is blocked after its end | enqueue | enqueue, operators, metrics |
| ``alarmed:<block>`` | string, that somebody was told of a block | an hour | enqueue | enqueue |
| ``twins:<length>:<window>`` | hash, fingerprint of a text for some numbers to the message in which it came last | twice DUPLICATE_WINDOW_S | enqueue | enqueue |
| ``credit`` | hash, when to ask for the balance because of what cannot be paid | until opened | layout | layout |
| ``credit:probes`` | string, how often that was asked lately | 30 min | due_probe | due_probe |
| ``credit_seen`` | hash, what the account had left when the gateway last said so | for ever | layout | layout |
| ``suspects`` | hash, code that nobody knows to its last refusals in JSON | an hour | layout | layout |
| ``counts`` | hash, sends by state | for ever | layout | layout |
| ``metrics`` | hash, what has happened so far, counted by name | for ever, as many as there are names | layout | layout |
| ``parked`` | sorted set, request_ids a person may decide about, by end | N days | every end, replay | operators |
| ``parked:<state>:<code>`` | sorted set, those of them with that state and code | N days | every end, replay | operators |
| ``parked:groups`` | sorted set, ``state:code`` that there are, by when a send came last; one may have emptied since | N days | every end | operators |
| ``bulk:<job_id>`` | hash, a replay of all that match: what it would do, and how far it is | 15 min while it is only planned, N days after its end | layout | layout |
| ``bulks`` ``bulks:running`` | sorted sets, job_ids: of the newest 100 by their plan; of those that are carried out, by when the lease on them ends | for ever, bounded; while they run | plan_bulk; begin_bulk, take_bulk, end_bulk | consoles; take_bulk |
| ``hold`` | hash, why all sending is held | until released | layout | layout |
| ``hold:probes`` | string, probes since sending was last well | 30 min | hold, due_probe | hold, due_probe |
| ``pause`` | hash, why all sending pauses | as long as the gateway asked | layout | layout |
| ``limits`` | hash, the limits that are set live | for ever | layout | layout |
| ``strain`` | hash, calls in flight allowed and what the gateway's answers take, while it shows strain | minutes | layout | layout |
| ``rate`` | hash, ms of the rate that all sends and that alerts have used up, and when that was so | seconds | layout | layout |
| ``account`` | string, the pseudonym of the login that the namespace belongs to | until unbound | bind_account, unbind_account | bind_account, claim, operators |
| ``layout`` | string, which layout the data have; absent in the oldest, which have 1 | for ever | note_pseudonyms, raise_layout | every script, operators |
| ``memory`` | hash, which server this is, its era, from when on what is queued leaves alone for a while, and how many replicas confirm | for ever | layout | layout |
| ``beat`` | string, written to ask whether this Redis confirms writes | a minute | workers | - |
| ``audit`` | stream, decisions and looks of operators | by length | resolve, replay, release, open_gate, set_limits, append_audit | operators |
| ``workers`` | sorted set, worker processes by their last sign of life | an hour after it | beat, heartbeat | metrics, operators |
| ``callback:<id>`` | hash, raw callback | until processed | layout | layout |
| ``probe:<secret digest>`` | string, that a probe of the callback URL is awaited, or that it arrived | a minute | doctor, accept | accept, doctor |
| ``taken:<token digest>:<sort>`` | string, bytes of callbacks taken with a callback token | a minute | accept | accept |
| ``seen:<event_id>`` | string | N days | publish | publish |
| ``queue:<q>`` | list of entry ids, ready | while queued | enqueue, fetch | fetch |
| ``queue:<q>:delayed`` | sorted set, entry id by due time | while queued | enqueue, delay, finish, claim, give_back | fetch |
| ``queue:<q>:leases`` | sorted set, ``process.fetch:entry id`` by deadline | while leased | fetch, renew | fetch, renew |
| ``queue:<q>:ending`` | set, those of them whose shared call is back and tells its members | while leased | finish, fetch, end_members | fetch, observe |
| ``queue:<q>:envelopes`` | hash, entry id to Dramatiq message | while queued | layout | layout |
| ``queue:<q>:wake`` | list, at most 16 wake-ups | - | whatever queues | idle consumers |
| ``queue:<q>:heard`` | string, when anybody was last heard at the queue | - | fetch, renew | fetch, renew |
| ``queue:<q>:back`` | hash, by how much the clock went back, and up to where the delayed have followed | until all have | layout | layout |
| ``queue:<q>:dead`` | sorted set, entry id by time of death | 7 days | nack | operators |
| ``<stream>:foreign`` | list, ids and bytes of entries that belong to no send of ours | as their entries | publish | publish |
| ``replies:by:<country>`` | sorted set, stream ids of the replies from a country, ``ZZ`` for none, by ms of the id | as their entries | publish | inquiry |
| ``replies:countries`` | hash, how many these are by country | for ever | layout | layout |
| ``talk:<pseudonym>`` | sorted set, ``in:<stream id>`` of replies, ``opt:<stream id>`` of opt-outs and ``out:<request_id>`` of sends by time: the newest turns of a conversation | N days after the last one | enqueue, publish | correlate, unlist_turns, conversations |
| ``pseudonyms`` | hash, which keys pseudonyms were ever made with, and the one that Redis keeps | for ever: what was written under a key must be found | layout | layout |
| ``erased`` | sorted set, pseudonyms of who was erased, by when | N days after the last one | erase_person | publish |
| ``consent`` | hash, pseudonym to ``at|last contact|source|wording``: who has agreed to marketing | for ever; what is too old counts as none | layout | layout |
| ``suppressed`` | hash, who wants no more SMS, by ``scope|pseudonym`` | `SUPPRESSION_DAYS`; for ever by default, since what people refused must be known | layout | layout |
| ``stoppable`` | hash, request_id of one send that an opt-out would end, by pseudonym: of sends to one recipient | until their end | enqueue, replay, every end | optouts() |
| ``stoppable:more`` | sorted set, ``pseudonym request_id`` of the others of the same person | until their end | enqueue, replay, every end | optouts() |
| ``optouts:effective`` | hash, how long opt-outs took to count | for ever | layout | layout |
| ``foreign_bytes`` | hash, bytes of these by stream | for ever | layout | layout |
| ``unread_trimmed`` | hash, entries that a stream dropped before its slowest group had read them, by stream | for ever | layout | layout |
| ``api:rate:<app>`` | string, when the calls of an application are paid for, ms | seconds | take_rate | take_rate |
| ``console:session:<session digest>`` | string, who is logged in to the console with that session, and what ``console:revoked`` was then | 12 h | console | console |
| ``console:revoked:<name>`` | string, how often all sessions of somebody were ended | for ever | console | console |
| ``console:failed:<address digest>`` | string, log-ins that failed from an address lately | a minute | console | console |
| ``console:revealed:<session digest>`` | sorted set, digests of the numbers that a session sees in full, by when it began to | 10 min | console | console |
| ``console:notice:<session digest>`` | string, what to tell on the next page | a minute | console | console |
| ``console:looked:<name>`` | string, how many numbers a viewer has looked up lately | 10 min | console | console |
| ``console:export:<name>`` | string, which export of somebody is running | as long as the export | console | console |
| ``statuses`` ``replies`` ``receipts`` ``optouts`` ``alarms`` | streams, public | by length | finish, publish, claim, enqueue | apps |
| ``quarantine`` | stream, unreadable or unknown callbacks | by length | publish | operators |
| ``forwarders`` | sorted set, names of forwarders by when they were last heard | for ever | forward_take | forward_take, operators |
| ``forward:<name>`` | hash, how a forwarder is | for ever | layout | layout |
| ``forward:<name>:waiting`` | sorted set, ids of events that are not delivered yet, by when they came | until delivered or dead | forward_in, forward_again | forward_in, operators |
| ``forward:<name>:due`` | sorted set, those of them that nobody delivers now, by due time | until delivered or dead | forward_in, forward_settle, forward_take, forward_again | forward_take, operators |
| ``forward:<name>:leases`` | sorted set, those of them that somebody delivers now, by deadline | while leased | forward_take | forward_take |
| ``forward:<name>:failing`` | sorted set, events that failed since the last delivery, by attempts without an answer | until one is delivered | forward_settle | forward_settle |
| ``event:<name>:<event id>`` | hash, an event that a forwarder has still to deliver | until delivered or dead | layout | layout |
| ``forward:<name>:dead`` | stream, events that could not be delivered | by length | forward_settle, forward_take | forward_again, operators |
| ``<stream>:poison:<group>`` | stream, entries a consumer gave up | by length | feeds | operators |

Writers and readers are Lua scripts, commands and programs. Who writes and reads a hash stands in
`producers.contract.send_layout` and `producers.contract.layout`, field by field. All times in keys are milliseconds since the epoch by Redis's own
clock.
"""
