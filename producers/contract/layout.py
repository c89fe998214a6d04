# ruff: noqa: E501 - the tables read better in one piece
"""Every field of the other hashes in Redis: what it says, who writes it, who removes it, who reads it.

The hashes that tell of sends have a page of their own, `producers.contract.send_layout`, and so have the functions
of the library that touch any of them.

Names in the last three columns are Lua scripts, functions of the Lua library and of gates with ``()`` behind
them, and Python modules. A field that nobody removes goes with its hash. Times are milliseconds since the epoch by
Redis's own clock. `producers.contract.key_table` lists the keys; a test compares both
pages with the code.

**upload:<campaign id>** How far the upload of a campaign is. Goes 30 days after it was begun, or with the retention once it is complete.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``definition`` | what its parts have in common, JSON | begin_upload | - | begin_upload, forget_numbers, uploads.py |
| ``next`` | the number of the part that is to come | begin_upload, note_part() | - | complete_upload, has_part_moved(), uploads.py |
| ``last`` | the short part that has ended it; absent before | note_part() | - | uploads.py |
| ``ends`` | when it goes with its numbers unless it is complete, ms | begin_upload | - | note_part() |
| ``complete`` | 1 once somebody said that all is there | complete_upload | - | forget_numbers, has_part_moved(), uploads.py |
| ``part:<number>`` | digest of a part as it was given, and behind it what was answered, JSON | note_part() | - | - |

**upload_numbers:<campaign id>:<block>** Who was met in the parts of an upload. Goes when the upload is complete, or with the upload.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``<digits>`` | the part that has the number of these digits, of which the block is the last four | erasing.py, note_part() | - | numbers_met |

**callback:<id>** A raw callback. Goes when it is processed.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``received`` | when it came, ms | accept_callback, parse_again | - | inbound.py, overview.py |
| ``kind`` | kind that the URL names, or nothing | accept_callback, parse_again | - | inbound.py |
| ``raw`` | its bytes | accept_callback, erase_callback, parse_again | - | inbound.py |
| ``only`` | kinds that its callback token may bring, or nothing | accept_callback, parse_again | - | inbound.py |
| ``looked`` | since when it waits for the send it may belong to, ms | begin_wait | - | inbound.py |

**gates** What keeps some sends and not all. Goes when the last gate opens.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``<gate>`` | facts of the gate, JSON: see `producers.contract.admission` | finish, see_balance, suspect | open_gate, see_balance | campaign_steps.py, campaigns.py, finish, gates.py, reading.py, open_gate, overview.py, see_balance, shut_gates(), state_of_sending.py, status, suspect |

**suspects** Refusals in words that nobody knows. Goes an hour after the last one.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``<code>`` | the last refusals with this code, JSON | suspect | suspect | suspect |

**prices** What sends cost. Stays for ever.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``<tariff>`` | price of one segment in the account's currency, a decimal; a tariff is type and country code | infer_price, learn_price, set_price | set_price | learn_tariffs(), money.py, preview.py, price.py, price_of(), see_balance, set_up.py |

**prices_set** What operators say. Stays for ever.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``<tariff>`` | price of one segment in the account's currency, a decimal | set_price | set_price | infer_price, learn_price, money.py |

**prices_inferred** What segments cost at most, by the balance. Goes when an answer has named a price.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``<tariff>`` | price of one segment in euros, a decimal | infer_price | learn_price | money.py, set_price |

**budgets** The budgets of a day that operators have set. Stays for ever.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``<scope>`` | micro-euros, 0 for any, of ``account``, ``app``, ``hard`` | set_budget | set_budget | budget_limits(), money.py, money_figures.py |

**budget_look** How far the looks at what waits for a budget are. Goes a minute after the last one.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``at`` | when to look next, ms | afford | - | afford |
| ``rank`` | how many of the cheapest were asked about since the beginning; the next look goes on behind them | afford | - | afford |

**spend:<scope>:<day>** What a scope has used in a day. Goes 40 days after it began.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``reserved`` | what may be charged for what is being sent, micro-euros | note_reserved(), settle_in() | - | purse_of() |
| ``spent`` | what was charged, or may have been, micro-euros | correct_day(), settle_in() | - | purse_of() |
| ``limit`` | the budget when it was last used, micro-euros, 0 for none | note_reserved() | - | purse_of() |
| ``hard`` | the hard budget then | note_reserved() | - | purse_of() |
| ``alarmed`` | percent of the budget that was told last | tell_level() | set_budget | purse_of() |
| ``alarmed_hard`` | percent of the hard budget that was told last | tell_hard_level() | set_budget | purse_of() |

**drift** Whether estimates are right. Stays for ever.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``count`` | sends since the last look | note_drift() | - | note_drift() |
| ``estimated`` | what they were estimated to cost, micro-euros | note_drift() | - | note_drift() |
| ``booked`` | what they cost, micro-euros | note_drift() | - | note_drift() |
| ``percent`` | by how much the last hundred cost more than was estimated | note_drift() | - | money_figures.py |
| ``at`` | when that was seen, ms | note_drift() | - | - |

**caps:<day>** Alerts by number. Goes 25 h after it began.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``<pseudonym>`` | alerts in its last hour, that hour, alerts in the day, with bars between them | note_alerts() | erase_person | learn_alerts() |

**twins:<length>:<window>** The texts of a window of time. Goes two windows after it began.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``<fingerprint>`` | the message in which the text came last | erasing.py, note_twins() | - | learn_twins() |

**blocks:<hour>** Numbers that got alerts, by block. Goes 25 h after it began.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``<block>`` | numbers; ``*`` of all blocks | note_alerts() | - | learn_alerts(), mean_of_others() |

**bulk:<job_id>** A replay of all that match. Goes 15 minutes after its plan unless it begins, and with the retention after its end.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``state`` | ``planned``, ``running``, ``done`` or ``stopped`` | begin_bulk, end_bulk, plan_bulk | - | begin_bulk, end_bulk, run_bulk |
| ``owner`` | which console works at it | take_bulk | - | end_bulk, run_bulk, take_bulk |
| ``cursor`` | behind which message it goes on | run_bulk | - | - |
| ``queued`` | messages queued again | run_bulk | - | end_bulk |
| ``left`` | messages left alone, since they had changed | run_bulk | - | end_bulk |
| ``not_replayable`` | messages left out, since their text is gone or damaged | run_bulk | - | end_bulk |
| ``<name>`` | what was planned, who decided, when: fields of `worker.operator.bulk.Job` | begin_bulk, end_bulk, plan_bulk | - | begin_bulk, bulk.py |

**hold** Why all sending is held. Goes when it is released.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``code`` | code of the gateway | hold | - | hold, release, state_of_sending.py, throttle.py |
| ``lasting`` | 1 when only an operator may end it | hold | - | hold, release, state_of_sending.py |
| ``since`` | when it began, ms | hold | - | state_of_sending.py, throttle.py |
| ``probe_at`` | when to ask for the balance next, ms | due_probe, hold | - | due_probe, state_of_sending.py |
| ``wait`` | ms between the last probe and the next | due_probe, hold | - | due_probe |

**credit** When to ask for the balance, because of what cannot be paid. Goes when the gate opens.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``probe_at`` | when to ask next, ms | due_probe, finish | - | due_probe, state_of_sending.py |
| ``wait`` | ms between the last probe and the next | due_probe | - | due_probe |

**credit_seen** What the account had left when the gateway last said so. Stays for ever.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``amount`` | credit left, in the account's currency, a decimal | note_credit() | - | overview.py |
| ``at`` | when the gateway said so, ms | note_credit() | - | overview.py |
| ``low`` | 1 while it is little, and somebody was told | note_credit() | note_credit() | note_credit() |

**pause** Why all sending pauses. Goes when it is over.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``code`` | code of the gateway, for people | pause | - | state_of_sending.py |
| ``at`` | when it began, ms | pause, pause_left() | - | pause_left(), state_of_sending.py |
| ``ms`` | how long it lasts | pause | - | pause_left(), state_of_sending.py |

**limits** The limits that operators set live. Stays for ever.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``rate`` | recipients per second; 0 for no limit | set_limits | set_limits | live_limits(), state_of_sending.py |
| ``in_flight`` | calls in flight; 0 for no limit | set_limits | set_limits | live_limits(), observe, state_of_sending.py |

**rate** What the rate limit is owed. Goes a second after all is paid.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``all`` | debt of all sends, ms | charge() | - | debts(), state_of_sending.py |
| ``alert`` | debt of the alerts, ms | charge() | - | debts(), state_of_sending.py |
| ``at`` | when these were counted, ms | charge(), debts() | - | debts(), state_of_sending.py |

**strain** How many calls the gateway takes. Goes ten minutes after the last call.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``limit`` | calls that may be in flight; absent while the setting counts | observe | observe | calls_in_flight(), reading.py, observe, state_of_sending.py |
| ``top`` | where the limit ends | observe | observe | observe |
| ``cut`` | when it was halved last, ms | observe | - | observe |
| ``base:<digits>`` | what calls of so many digits of recipients take at best, ms | observe | - | observe |
| ``short:<digits>`` | what they took lately, ms | observe | - | observe |
| ``timed:<digits>`` | how many were timed since the last cut | observe | observe | observe |
| ``at:<digits>`` | when the best was last seen, ms | observe | - | observe |

**memory** Which server this is. Stays for ever.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``server`` | marks of the server and of its data, text | current_era() | - | current_era() |
| ``era`` | number of the era that it began | begin_era() | - | current_era(), note_replicas, sharing_era() |
| ``apart`` | from when on what is queued leaves alone for a while, ms | begin_era(), sharing_era() | - | sharing_era() |
| ``replicas`` | how many replicas confirmed when a worker last looked | note_replicas | - | note_replicas |

**queue:<q>:back** That the clock went back. Goes when all that is delayed has followed.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``ms`` | by how much, ms | tend() | - | fetch |
| ``after`` | due time up to which the delayed have followed; at first when it was noticed, ms | fetch, tend() | - | fetch |

**queue:<q>:envelopes** Dramatiq's messages of what failed unplanned. Go with their entries.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``<entry id>`` | the message, bytes | delay | ack, cancel_waiting(), delay, end_entry(), end_members, finish, nack | fetch |

**pseudonyms** Which keys pseudonyms were ever made with. Stays for ever.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``made`` | the key that Redis keeps, base64; absent where the first process had keys of its own | note_pseudonyms | - | identity.py, note_pseudonyms |
| ``made_id`` | its name | note_pseudonyms | - | note_pseudonyms |
| ``ids`` | names of all keys that anything was ever written with, with blanks between them | note_pseudonyms | - | identity.py, is_key_known(), note_pseudonyms |

**replies:countries** How many replies are kept by country. Stays for ever.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``<country>`` | replies in the stream | count_replies(), erase_entries | count_replies(), erase_entries | publish, replies.py |

**consent** Who has agreed to marketing. Stays for ever; what is too old counts as none.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``<pseudonym>`` | when, the last contact, both in ms, the source and the version of the wording, with bars between them | publish, record_consents | erase_person | consents.py, exporting.py, publish, record_consents, who_has_not_agreed() |

**suppressed** Who wants no more SMS. Stays as long as `SUPPRESSION_DAYS` says.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``<scope and pseudonym>`` | when it was said, ms, who said so, and the id of the event | suppress() | forget_suppressed, opt_in() | forget_suppressed, noted_of(), reasons_of(), suppressed_among(), suppressions.py |

**stoppable** What an opt-out would end. Stays for ever, mostly empty.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``<pseudonym>`` | the send to this person that waits; of several one, the others are in ``stoppable:more`` | list_stoppable() | unlist_stoppable() | list_stoppable(), stoppable_of(), unlist_stoppable() |

**optouts:effective** How long opt-outs took from our answer to their callback until they counted. Stays for ever.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``<class>`` | how many: the upper end of their class in ms, or ``more`` | note_effect() | - | optout_figures.py |
| ``sum_ms`` | ms of all of them | note_effect() | - | - |

**metrics** What has happened so far, for the metrics process. Stays for ever. Names have the values of labels behind colons, as in ``ended:alert:accepted``; those of histograms have a class in milliseconds at most, ``more`` or ``sum_ms``: ``delay:alert:100``. ``cost`` counts micro-euros. ``paused`` counts the slices that wait for their campaign now, ``servers`` the primaries that followed another, or that were started anew.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``<name>`` | how often, how many, or the sum: ``enqueued``, ``ended``, ``delay``, ``calls``, ``errors``, ``segments``, ``cost``, ``replies``, ``receipts``, ``optouts``, ``quarantined``, ``inbound``, ``actions``, ``servers``, ``paused`` | count_metric(), resume_campaign | - | reading.py |

**foreign_bytes** What entries take that belong to no send of ours. Stays for ever.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``<stream number>`` | bytes | forget_foreign(), publish | publish | - |

**unread_trimmed** What streams dropped unread. Stays for ever.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``<stream>`` | entries | tell_unread() | - | feeds.py, reading.py |

**forward:<name>** How a forwarder is. Stays for ever.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``receiver`` | where it brings events, for people | runner.py | - | forwarders.py |
| ``streams`` | what it forwards, names with commas | runner.py | - | forwarders.py |
| ``paused`` | why it delivers nothing until a person resumes it, a word or code | forward_pause, forward_settle | forward_resume | forward_resume, forward_take, forwarder_figures.py, forwarders.py |
| ``paused_at`` | since when, ms | forward_pause, forward_settle | forward_resume | forwarders.py |
| ``held`` | why it delivers nothing but probes, a word or code | forward_settle | forward_resume, forward_settle | forward_resume, forward_settle, forward_take, forwarder_figures.py, forwarders.py |
| ``held_at`` | since when, ms | forward_settle | forward_resume, forward_settle | forwarders.py |
| ``probe_at`` | when the next probe is due, ms | forward_settle, forward_take | forward_resume, forward_settle | forward_take, forwarders.py |
| ``delivered_at`` | when an event was last delivered, ms | forward_settle | - | forwarders.py |
| ``tried:<result>`` | attempts ever made that came to this | forward_settle, forward_take | - | - |

**event:<name>:<event id>** An event that a forwarder has still to deliver. Goes when it is delivered or dead.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``stream`` | where it came from | await() | - | bury(), forward_take, forwarders.py |
| ``entry`` | its id there | await() | - | bury(), forward_take |
| ``fields`` | the entry's fields, names and values by turns, MessagePack | await() | - | bury(), forward_take |
| ``attempts`` | attempts made that count, with the one that runs; 0 while one runs: it was replayed meanwhile | await(), forward_again, forward_take, postpone() | - | bury(), forward_settle, forward_take, forwarders.py, postpone() |
| ``holder`` | who delivers it now | forward_take | postpone() | forward_settle |
| ``why`` | what the last attempt came to, a word or code | forward_settle | - | forwarders.py |
"""
