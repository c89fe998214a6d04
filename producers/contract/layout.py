# ruff: noqa: E501 - the tables read better in one piece
"""Every field of the other hashes in Redis: what it says, who writes it, who removes it, who reads it.

The hashes that tell of sends have a page of their own, `producers.contract.send_layout`, and so have the functions
of the library that touch any of them.

Names in the last three columns are Lua scripts, functions of the Lua library and of gates with ``()`` behind
them, and Python modules. A field that nobody removes goes with its hash. Times are milliseconds since the epoch by
Redis's own clock. `producers.contract.key_table` lists the keys; a test compares both
pages with the code.
Redis's own clock. `producers.contract.key_table` lists the keys; a test compares this page with the code.


**record:<request_id>** The record of a message (m), and of a shared call (c), which is a record under an id of its own. Goes with the retention after its end; the record of a call that was split an hour after that; of a call that fell apart, or lost all members, at once.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``v`` | m c; version of this layout, a number: a worker leaves a newer record to newer workers | enqueue, fetch | - | claim, compose, finish, reasons.py, split_call() |
| ``state`` | m c; ``queued``, ``sending``, an end state; of a call also ``split`` | claim, end_call(), end_members(), end_record(), enqueue, fetch, finish, send_again(), split_call(), unclaim | - | announce(), cancel, cancel_stoppable(), cancel_waiting(), claim, compose, conversations.py, correct_spent(), correlate, count_delivery(), decisions.py, decisions_cli.py, disown(), dissolve, end_members(), end_record(), enqueue, erase_message, finish, forget_persons(), lookout.py, message_status.py, overview.py, parked.py, replay, resolve, resume_campaign, run_bulk, send_facts.py, status, twin_of() |
| ``digest`` | m; what tells two messages under one request_id apart, text, made with a key | enqueue | - | enqueue |
| ``to`` | m c; pseudonyms of all recipients, with blanks between them | compose, enqueue, erase_message, write_anew() | compose, forget_persons(), go_without() | claim, compose, correct_spent(), correlate, end_members(), end_record(), erase_message, replay, run_bulk, unticketed_keys() |
| ``queue`` | m c; name of the queue | enqueue, fetch, split_call() | - | cancel, cancel_stoppable(), claim, compose, end_members(), end_record(), erase_message, give_back, replay, resume_campaign, run_bulk, send_facts.py |
| ``queued`` | m c; when it was queued, ms | enqueue, fetch, split_call() | - | conversations.py, message_status.py, overview.py |
| ``due`` | m; not before this time, ms; absent without ``send_at`` | enqueue | send_again() | campaigns.py, claim, conversations.py, fetch, message_status.py, overview.py, reasons.py |
| ``expires`` | m c; end of its time to live, ms; of a call the earliest of its members; absent without ttl | compose, enqueue | compose | claim, compose, message_status.py, parked.py, reasons.py |
| ``segments`` | m; segments over all recipients, as the producer counted, later as the gateway did | enqueue, finish, make_smaller(), write_anew() | - | announce(), compose, correct_spent(), end_members(), end_record(), forget_persons(), message_status.py, price_of(), write_anew() |
| ``recipients`` | m c; how many, absent for one | compose, enqueue, fetch, make_smaller(), split_call(), write_anew() | - | claim, count_delivery(), end_record(), erase_message, forget_persons(), go_without(), message_status.py, replay, run_bulk, searching.py |
| ``receipts`` | m; there when the gateway reports on it: 1, or when the gateway itself is to send it, ms | enqueue | - | count_delivery(), end_members(), end_record(), forget_persons() |
| ``left_out`` | m; recipients who do not get it, since they want no more SMS; absent without | enqueue, write_anew() | - | enqueue, message_status.py |
| ``weights`` | m; segments of each recipient, a digit each; absent or empty where all have the same | enqueue, make_smaller(), write_anew() | - | correct_spent(), forget_persons(), write_anew() |
| ``scope`` | m c; what an opt-out that answers it ends, ``sender:<name>`` or ``app:<name>``; absent for the account | compose, enqueue | - | cancel_stoppable(), claim, compose, publish |
| ``stoppable`` | m c; 1 of an alert that an opt-out ends; of marketing the queue says so | compose, enqueue | - | claim, compose, end_members(), end_record(), replay, run_bulk |
| ``raced`` | m c; 1 when it went on in doubt although one of its recipients wants no more SMS | note_race() | - | - |
| ``early`` | m; 1 when a receipt came before the acceptance | heard() | - | end_members(), end_record() |
| ``context`` | m; what the application gave, JSON | enqueue | erase_message, forget_persons() | announce(), conversations.py, correlate, end_members(), end_record(), message_status.py |
| ``share`` | m c; what members of a call must have in common, a digest; absent for who leaves alone | enqueue, fetch | send_again() | compose, erase_message, fetch, finish, send_facts.py, split_call() |
| ``two_way`` | m; 1 when its recipients can answer it | enqueue | - | correlate, write_anew() |
| ``reply_to`` | m; event_id of the reply that it answers; absent without one | enqueue | erase_message, forget_persons() | conversations.py, message_status.py |
| ``keep`` | m; 1 when its body stays as long as the record, for conversations | enqueue | - | correlate, end_members(), end_record() |
| ``short_number`` | m; digits of the number to which its answers come, learnt from one that named its ticket; empty when they named several | correlate | erase_message, forget_persons() | conversations.py, correlate |
| ``era`` | m c; era of the server on which it was queued, or composed, a number: see ``lua/eras.lua`` | compose, enqueue | - | claim, compose |
| ``campaign`` | m; id of its campaign | enqueue | - | claim, correct_spent(), count_delivery(), end_record(), forget_held(), forget_persons(), forward_email.py, leave_aside(), note_held(), put_aside(), reasons.py, replay, run_bulk, send_facts.py, suspect |
| ``token`` | m c; fencing token of the last claim, a number | claim | - | claim, fetch, finish, send_facts.py, unclaim |
| ``running`` | m c; 1 while an attempt holds the claim | claim | attempt_gate.keep(), end_call(), end_record(), finish, split_call(), unclaim | claim, correlate, dissolve, finish, unclaim |
| ``first`` | m c; start of the window: when the first attempt began that made a POST, ms | claim, end_members() | finish, hold_until(), send_again(), unclaim, wait_aside() | claim, conversations.py, correlate, end_members(), finish, message_status.py, note_round(), split_call(), status |
| ``attempts`` | m c; POSTs made, without those that only found the account in trouble | attempt_gate.keep(), end_members(), finish | - | announce(), claim, end_members(), end_record(), finish, message_status.py, reasons.py, split_call(), status, unclaim |
| ``doubt`` | m c; 1 when a POST may have been taken | attempt_gate.keep(), finish | end_call(), end_record(), send_again() | claim, compose, correlate, dissolve, erase_message, finish, send_facts.py, unclaim |
| ``used`` | m c; 1 when an answer that said no may have used up the request_id | finish | compose, end_call(), end_record(), send_again() | finish |
| ``seldom`` | m c; answers that asked for seldom repeats, a number | finish | send_again() | - |
| ``code`` | m c; last code of the gateway, or a word of ours | attempt_gate.keep(), blame_held(), cancel_over_budget(), cancel_waiting(), compose, end_members(), end_one(), enqueue, finish, go_without(), lifetime_gate.keep(), suppressed_gate.keep() | end_one(), end_send(), finish, send_again() | announce(), end_members(), end_record(), end_send(), explain.py, finish, message_status.py, note_round(), overview.py, parked.py, reasons.py, split_call(), status |
| ``message`` | m c; the gateway's words with that code | end_members(), finish | cancel_waiting(), end_one(), end_send(), finish, forget_persons(), send_again() | announce(), end_members(), end_record(), message_status.py, split_call(), status |
| ``ticket`` | m c; the gateway's name of what it took | correlate, end_members(), finish | disown(), forget_adopted(), forget_persons(), send_again() | announce(), correlate, disown(), end_members(), end_record(), explain.py, finish, forget_adopted(), forget_persons(), message_status.py |
| ``adopted`` | m c; 1 when the ticket came with a callback and not with an answer | correlate | forget_adopted(), send_again() | claim, correlate, disown(), finish |
| ``ambiguous`` | m c; 1 when two tickets claimed to be this one's: none is adopted any more | correlate | send_again() | correlate |
| ``cost`` | m c; what it cost in the account's currency, a decimal | end_members(), finish | send_again() | announce(), correct_spent(), end_call(), end_members(), end_record(), message_status.py |
| ``contacts`` | m c; recipients that the gateway said it would serve | finish | - | count_delivery(), end_record(), forget_persons() |
| ``parked`` | m; code under which it is among the parked; absent while it is not | park() | unpark() | end_record(), forget_persons(), replay, run_bulk |
| ``ended`` | m c; when it came to its end state, ms | end_call(), end_members(), end_record() | send_again() | count_delivery(), explain.py, forget_persons(), message_status.py, note_round(), parked.py, run_bulk |
| ``rounds`` | m; what it came to before a person sent it again, each time, JSON: see `producers.queueing.rounds`; absent without | note_round() | - | message_status.py, note_round() |
| ``zones`` | m c; zones of its recipients, with blanks between them; absent for alerts | compose, enqueue | - | claim, compose, forget_held(), message_status.py, note_held() |
| ``held`` | m c; why it is held until a time: ``hours`` or ``over_budget`` | note_held() | forget_held() | blame_what_held(), claim, compose, end_record(), forget_held(), message_status.py, status |
| ``held_until`` | m c; until when, ms; of one that ended because of it, when it could have left | blame_held(), end_members(), note_held() | end_send(), forget_held(), send_again() | announce(), blame_what_held(), compose, end_members(), end_record(), explain.py, forget_held(), message_status.py, status |
| ``aside`` | m c; name of the gate that keeps it | put_aside() | leave_aside() | claim, compose, end_record(), leave_aside(), reasons.py, status |
| ``app`` | m c; the application that sent it; absent without a name | compose, enqueue | compose | claim, compose, correct_spent(), end_call(), end_record(), finish, message_status.py, unclaim |
| ``estimate`` | m c; what it may cost, micro-euros; of a call the sum of its members; absent where nobody counts | compose, enqueue, lower_estimate(), lower_to_price(), reserve() | compose | claim, compose, correct_spent(), end_call(), end_record(), finish, forget_persons(), reserve_again(), send_detail.py, unclaim |
| ``booked`` | m c; day of Paris in whose budget it was booked as spent; absent where nobody counts, or nothing was | end_call(), end_record() | send_again() | correct_spent() |
| ``charged`` | m c; day of Paris in whose budget its estimate is reserved, such as 20260329; absent while none is | reserve() | end_call(), end_record(), finish, split_call(), unclaim | claim, end_call(), end_record(), finish, unclaim |
| ``price`` | m c; what it may cost in the account's currency, a decimal, while a gate keeps it | put_aside() | leave_aside() | reasons.py, status |
| ``call`` | m; id of the shared call that it is a member of | compose, split_call() | compose, dissolve, erase_message, go_without(), send_again() | cancel, cancel_stoppable(), claim, compose, conversations.py, correct_spent(), correlate, disown(), dissolve, end_members(), erase_message, send_facts.py, status |
| ``members`` | c; how many members, a number: what has this field is a call | compose, fetch, split_call() | - | claim, correlate, disown(), erase_message, fetch, finish, go_without(), reasons.py |
| ``composed`` | c; ``partly`` or ``done``; absent when the call must be composed, or composed anew | compose | cancel_waiting(), compose_anew(), finish, go_without() | claim, compose |
| ``tail`` | c; end of the body while it is composed, bytes | compose | compose | compose |
| ``weight`` | c; segments of all members, by which the cost is shared out | compose | compose | compose, correct_spent(), end_members(), price_of() |
| ``reported`` | c; when an attempt under this or an earlier name was last recorded, ms | finish | - | dissolve, split_call() |
| ``erase`` | m c; numbers of who is erased when nobody sends it any more, with blanks between them | erase_message, go_without() | end_call(), forget_persons(), go_without() | claim, end_members(), end_record(), erase_message, finish, unclaim |
| ``erased`` | m; 1 when somebody was erased from it: a number that is not in ``to`` is none of its recipients | forget_persons() | - | correct_spent(), correlate |
| ``confirmed`` | c; 1 when an attempt under the present name was recorded: its claim was confirmed | finish | - | claim |

**campaign:<id>** How far a campaign is. Goes with the retention after its last end or run, once it is complete or cancelled.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``started`` | when its first run began, ms | note_start() | - | campaign_status.py |
| ``recipients`` | recipients of all slices that were queued | note_slice() | - | all_ended(), begin_upload, campaign_status.py, campaign_steps.py, complete_campaign |
| ``slices`` | how many slices there are, as far as is known | complete_campaign, note_slice() | - | campaign_status.py, campaign_steps.py, complete_campaign, note_slice() |
| ``complete`` | when a run came to its end, ms; absent while one is at work | complete_campaign | note_slice() | all_ended(), campaign_status.py |
| ``paused`` | 1 while it is paused | halt_campaign | resume_campaign | campaign_status.py, halt_of(), send_facts.py |
| ``uploading`` | 1 while it waits for all of its parts | begin_upload | complete_upload | begin_upload, campaign_status.py, halt_of(), send_facts.py |
| ``stopped`` | 1 when it was cancelled | halt_campaign | - | all_ended(), campaign_status.py, campaign_steps.py, halt_of(), send_facts.py, uploads.py |
| ``delivery:<state>`` | recipients who are in that state by their receipts: ``sent``, ``undelivered``, ``delivered`` | count_delivery() | - | campaign_status.py |
| ``awaited:<hour>`` | recipients accepted in that hour of whom no receipt came yet | end_record(), heard() | heard() | - |
| ``<end state>`` | recipients in that state | end_record(), make_smaller(), note_left_out(), send_again() | - | all_ended(), campaign_steps.py, campaigns.py, money.py |
| ``cost`` | what its slices cost in the account's currency, a decimal | end_record() | - | campaign_status.py |
| ``suppressed`` | of those cancelled, recipients who were left out since they want no more SMS | note_left_out() | - | campaign_status.py |
| ``limit`` | what it may cost, micro-euros; absent without a budget | reserve_in_campaign(), set_budget | set_budget | campaign_steps.py, dry_run.py, reserve_in_campaign(), uploads.py |
| ``asked`` | the budget that its last run was given, micro-euros; absent without | reserve_in_campaign() | - | reserve_in_campaign() |
| ``reserved`` | what its slices that have not ended may cost, micro-euros | give_back_reserve(), reserve(), reserve_again(), reserve_in_campaign() | - | reserve_in_campaign() |
| ``spent`` | what the others have cost, micro-euros, by their estimate where nobody knows | correct_campaign(), settle_campaign() | - | reserve_in_campaign() |
| ``alarmed`` | percent of the budget that was told last | reserve_in_campaign(), set_budget | - | reserve_in_campaign() |
| ``aside:<gate>`` | slices that this gate keeps | leave_aside(), put_aside() | leave_aside() | - |
| ``held:<reason>:<until>:<zones>`` | slices that are held, as in ``held`` | forget_held(), note_held() | forget_held() | - |
| ``price:<gate>`` | what the last of them may cost, a decimal | put_aside() | leave_aside() | campaign_status.py |

**upload:<campaign id>** How far the upload of a campaign is. Goes 30 days after it was last touched, or with the retention once it is complete.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``definition`` | what its parts have in common, JSON | begin_upload | - | begin_upload, uploads.py |
| ``next`` | the number of the part that is to come | begin_upload, note_part() | - | complete_upload, has_part_moved(), uploads.py |
| ``last`` | the short part that has ended it; absent before | note_part() | - | uploads.py |
| ``complete`` | 1 once somebody said that all is there | complete_upload | - | has_part_moved(), uploads.py |
| ``part:<number>`` | digest of a part as it was given, and behind it what was answered, JSON | note_part() | - | - |

**upload_numbers:<campaign id>:<block>** Who was met in the parts of an upload. Goes when the upload is complete, or 30 days after its last part for that block.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``<digits>`` | the part that has the number of these digits, of which the block is the last four | erasing.py, note_part() | - | uploads.py |

**campaign_zones:<id>** Slices of marketing that are not all for the mainland: they are one message a zone. Goes with the campaign.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``<number>`` | zones of the messages of that slice, as they stand in their names, with blanks between; ``-`` for the mainland | note_ended(), note_slice() | - | has_ended(), has_moved(), slices.py |

**counts** Sends since the namespace began. Stays for ever.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``enqueued`` | all messages | enqueue | - | - |
| ``<end state>`` | messages in that state | end_members(), end_record(), send_again() | - | metrics.py, overview.py |
| ``unexplained`` | refusals in words that nobody knows | suspect | - | metrics.py |
| ``suppressed:<point>:<reason>`` | recipients kept from an SMS by an opt-out, by where: ``enqueue``, ``queued``, ``compose``, ``claim`` | count_suppressed() | - | - |
| ``optout_race`` | sends in doubt that went on to somebody who wants no more SMS | note_race() | - | optout_figures.py |
| ``duplicates`` | messages that were not queued, since the same text had just been | enqueue | - | money_figures.py |

**members:<call id>** The members that are in the body of a shared call. Goes with the call.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``<number>`` | request_id of the member with that number, E.164 | compose, split_call() | end_members(), erase_message, go_without() | compose, correlate, disown(), dissolve, erase_message, go_without(), members.py, split_call() |

**deliveries:<request_id>** The last receipt of each recipient. Goes with the record.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``<number>`` | status, rank and date of the receipt | note_delivery() | await_nothing() | conversations.py, exporting.py, note_delivery(), status |

**receipts:awaited** Of how many recipients no receipt came yet. Stays for ever; an hour goes when nothing is awaited of it, or some time after the retention.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``<hour>`` | recipients; the hour of acceptance, counted from the epoch | add_awaited(), heard() | add_awaited(), heard() | metrics.py |

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
| ``<gate>`` | facts of the gate, JSON: see `producers.contract.admission` | finish, see_balance, suspect | open_gate, see_balance | campaign_steps.py, campaigns.py, finish, gates.py, metrics.py, open_gate, overview.py, see_balance, shut_gates(), state_of_sending.py, status, suspect |

**suspects** Refusals in words that nobody knows. Goes an hour after the last one.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``<code>`` | the last refusals with this code, JSON | suspect | suspect | suspect |

**prices** What sends cost. Stays for ever.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``<tariff>`` | price of one segment in the account's currency, a decimal; a tariff is type and country code | infer_price, learn_price, set_price | set_price | learn_tariffs(), money.py, preview.py, price.py, price_of(), see_balance |

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
| ``<scope>`` | micro-euros, 0 for any, of ``account``, ``app``, ``hard`` | set_budget | set_budget | budget_limits(), money.py |

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
| ``<pseudonym>`` | alerts in its last hour, that hour, alerts in the day, with bars between them | note_guarded() | erase_person | learn_guarded() |

**twins:<length>:<window>** The texts of a window of time. Goes two windows after it began.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``<fingerprint>`` | when the text came last, ms, and in which message | note_guarded() | - | learn_twins() |

**blocks:<hour>** Numbers that got alerts, by block. Goes 25 h after it began.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``<block>`` | numbers; ``*`` of all blocks | note_guarded() | - | learn_guarded(), mean_of_others() |

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
| ``rate`` | recipients per second; 0 for no limit | set_limits | set_limits | live_limits(), state_of_sending.py, throttle.py |
| ``in_flight`` | calls in flight; 0 for no limit | set_limits | set_limits | live_limits(), observe, state_of_sending.py, throttle.py |

**rate** What the rate limit is owed. Goes a second after all is paid.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``all`` | debt of all sends, ms | charge() | - | debts(), state_of_sending.py |
| ``alert`` | debt of the alerts, ms | charge() | - | debts(), state_of_sending.py |
| ``at`` | when these were counted, ms | charge(), debts() | - | debts(), state_of_sending.py |

**strain** How many calls the gateway takes. Goes ten minutes after the last call.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``limit`` | calls that may be in flight; absent while the setting counts | observe | observe | calls_in_flight(), metrics.py, observe, state_of_sending.py, throttle.py |
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
| ``era`` | number of the era that it began | current_era() | - | current_era(), enqueue |

**queue:<q>:back** That the clock went back. Goes when all that is delayed has followed.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``ms`` | by how much, ms | tend() | - | fetch |
| ``after`` | due time up to which the delayed have followed; at first when it was noticed, ms | fetch, tend() | - | fetch |

**queue:<q>:envelopes** Dramatiq's messages of what failed unplanned. Go with their entries.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``<entry id>`` | the message, bytes | delay | ack, cancel_waiting(), come_again(), delay, end_members, finish, nack | fetch |

**pseudonyms** Which keys pseudonyms were ever made with. Stays for ever.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``made`` | the key that Redis keeps, base64; absent where the first process had keys of its own | note_pseudonyms | - | note_pseudonyms |
| ``made_id`` | its name | note_pseudonyms | - | note_pseudonyms |
| ``ids`` | names of all keys that anything was ever written with, with blanks between them | note_pseudonyms | - | is_key_known(), note_pseudonyms |

**replies:countries** How many replies are kept by country. Stays for ever.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``<country>`` | replies in the stream | count_replies(), erase_entries | count_replies(), erase_entries | publish, replies.py |

**consent** Who has agreed to marketing. Stays for ever; what is too old counts as none.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``<pseudonym>`` | when, the last contact, both in ms, the source and the version of the wording, with bars between them | publish, record_consents | erase_person | consents.py, exporting.py, have_agreed(), publish, record_consents |

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

**foreign_bytes** What entries take that belong to no send of ours. Stays for ever.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``<stream number>`` | bytes | forget_foreign(), publish | publish | - |

**unread_trimmed** What streams dropped unread. Stays for ever.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``<stream>`` | entries | tell_unread() | - | feeds.py, metrics.py |

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
