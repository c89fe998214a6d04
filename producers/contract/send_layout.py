# ruff: noqa: E501 - the tables read better in one piece
"""Every field of the hashes that tell of sends: what it says, who writes it, who removes it, who reads it.

Those of all other hashes stand in `producers.contract.layout`, which says how to read the tables.

**record:<request_id>** The record of a message (m), and of a shared call (c), which is a record under an id of its own. Goes with the retention after its end; the record of a call that was split an hour after that; of a call that fell apart, or lost all members, at once.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``v`` | m c; version of this layout, a number: a worker leaves a newer record to newer workers | enqueue, fetch | - | compose, finish, reasons.py, send_of(), split_call(), work.py |
| ``state`` | m c; ``queued``, ``sending``, an end state; of a call also ``split`` | claim, end_call(), end_members(), end_record(), enqueue, fetch, finish, send_again(), split_call(), unclaim | - | ack, announce(), cancel, cancel_stoppable(), cancel_waiting(), compose, conversations.py, correct_spent(), correlate, count_delivery(), decisions.py, decisions_cli.py, disown(), dissolve, end_members, end_members(), end_record(), enqueue, erase_message, finish, forget_persons(), lookout.py, message_status.py, parked.py, replay, resolve, resume_campaign, run_bulk, send_facts.py, send_of(), status, twin_of() |
| ``digest`` | m; what tells two messages under one request_id apart, text, made with a key | enqueue | - | enqueue |
| ``to`` | m c; pseudonyms of all recipients, with blanks between them | compose, enqueue, erase_message, write_anew() | compose, forget_persons(), go_without() | compose, correct_spent(), correlate, end_members(), end_record(), erase_message, publish, replay, run_bulk, send_of(), unticketed_keys() |
| ``queue`` | m c; name of the queue | enqueue, fetch, split_call() | - | afford, cancel, cancel_stoppable(), compose, end_members(), end_record(), erase_message, give_back, replay, resume_campaign, run_bulk, send_facts.py, send_of() |
| ``queued`` | m c; when it was queued, ms | enqueue, fetch, split_call() | - | compose, conversations.py, message_status.py, overview.py, send_of(), twin_of() |
| ``due`` | m; not before this time, ms; absent without ``send_at`` | enqueue | send_again() | campaigns.py, compose, conversations.py, fetch, message_status.py, overview.py, reasons.py, resume_campaign, send_of() |
| ``expires`` | m c; end of its time to live, ms; of a call the earliest of its members; absent without ttl | compose, enqueue | compose | compose, message_status.py, parked.py, reasons.py, send_of() |
| ``since`` | m c; of a call since when the first of its members could leave, ms; of a slice when its campaign let it go on | compose, resume_campaign | compose | compose, send_of() |
| ``segments`` | m; segments over all recipients, as the producer counted, later as the gateway did | enqueue, finish, make_smaller(), write_anew() | - | announce(), compose, correct_spent(), end_members(), end_record(), finish, forget_persons(), message_status.py, price_of(), write_anew() |
| ``recipients`` | m c; how many, absent for one | compose, enqueue, fetch, make_smaller(), split_call(), write_anew() | - | count_delivery(), end_record(), erase_message, forget_persons(), go_without(), message_status.py, replay, run_bulk, searching.py, send_of() |
| ``receipts`` | m; there when the gateway reports on it: 1, or when the gateway itself is to send it, ms | enqueue | - | count_delivery(), end_members(), end_record(), forget_persons() |
| ``left_out`` | m; recipients who do not get it, since they want no more SMS; absent without | enqueue, write_anew() | - | enqueue, message_status.py |
| ``weights`` | m; segments of each recipient, a digit each; absent or empty where all have the same | enqueue, make_smaller(), write_anew() | - | correct_spent(), forget_persons(), write_anew() |
| ``scope`` | m c; what an opt-out that answers it ends, ``sender:<name>`` or ``app:<name>``; absent for the account | compose, enqueue | - | cancel_stoppable(), compose, publish, send_of() |
| ``stoppable`` | m c; 1 of an alert that an opt-out ends; of marketing the queue says so | compose, enqueue | - | compose, end_members(), end_record(), replay, run_bulk, send_of() |
| ``raced`` | m c; how many of its recipients wanted no more SMS when it went on in doubt all the same | note_race() | - | send_of() |
| ``early`` | m; 1 when a receipt came before the acceptance | heard() | - | end_members(), end_record() |
| ``context`` | m; what the application gave, JSON | enqueue | erase_message, forget_persons() | announce(), conversations.py, correlate, end_members(), end_record(), message_status.py |
| ``share`` | m c; what members of a call must have in common, a digest; absent for who leaves alone | enqueue, fetch | send_again() | compose, erase_message, fetch, finish, send_facts.py, split_call() |
| ``two_way`` | m; 1 when its recipients can answer it | enqueue | - | correlate, write_anew() |
| ``reply_to`` | m; event_id of the reply that it answers; absent without one | enqueue | erase_message, forget_persons() | conversations.py, message_status.py |
| ``keep`` | m; 1 when its body stays as long as the record, for conversations | enqueue | - | correlate, end_members(), end_record() |
| ``short_number`` | m; digits of the number to which its answers come, learnt from one that named its ticket; empty when they named several | correlate | erase_message, forget_persons() | conversations.py, correlate |
| ``era`` | m c; era of the server on which it was queued, or composed, a number: see ``lua/eras.lua`` | compose, enqueue | - | compose, send_of() |
| ``campaign`` | m; id of its campaign | enqueue | - | correct_spent(), count_delivery(), end_record(), forget_held(), forget_persons(), forward_email.py, leave_aside(), note_held(), put_aside(), reasons.py, replay, run_bulk, send_facts.py, send_of(), suspect |
| ``token`` | m c; fencing token of the last claim, a number | claim | - | fetch, finish, send_facts.py, send_of(), unclaim |
| ``running`` | m c; while an attempt holds the claim the lease of its entry, or 1 if an older worker wrote it | claim | attempt_gate.keep(), end_call(), end_record(), finish, split_call(), unclaim | correlate, dissolve, finish, send_of(), unclaim |
| ``first`` | m c; start of the window: when the first attempt began that made a POST, ms | claim, end_members() | finish, hold_until(), send_again(), unclaim, wait_aside(), wait_for_campaign() | conversations.py, correlate, end_members(), finish, message_status.py, note_round(), send_of(), split_call(), status |
| ``attempts`` | m c; POSTs made, without those that only found the account in trouble | attempt_gate.keep(), end_members(), finish | - | announce(), end_members(), end_record(), finish, message_status.py, reasons.py, send_of(), split_call(), status, unclaim |
| ``doubt`` | m c; 1 when a POST may have been taken | attempt_gate.keep(), finish | end_call(), end_record(), send_again() | compose, correlate, dissolve, erase_message, finish, send_facts.py, send_of(), unclaim |
| ``used`` | m c; 1 when an answer that said no may have used up the request_id | finish | compose, end_call(), end_record(), send_again() | finish |
| ``seldom`` | m c; answers that asked for seldom repeats, a number | finish | send_again() | - |
| ``code`` | m c; last code of the gateway, or a word of ours | attempt_gate.keep(), blame_held(), cancel_over_budget(), cancel_waiting(), compose, end_members(), end_one(), enqueue, finish, go_without(), lifetime_gate.keep(), suppressed_gate.keep() | end_one(), end_send(), finish, send_again() | announce(), end_members(), end_record(), end_send(), explain.py, finish, message_status.py, note_round(), parked.py, reasons.py, split_call(), status |
| ``message`` | m c; the gateway's words with that code | end_members(), finish | cancel_waiting(), end_one(), end_send(), finish, forget_persons(), send_again() | announce(), end_members(), end_record(), message_status.py, split_call(), status |
| ``ticket`` | m c; the gateway's name of what it took | correlate, end_members(), finish | disown(), forget_adopted(), forget_persons(), send_again() | announce(), correlate, disown(), end_members(), end_record(), erase_message, explain.py, finish, forget_adopted(), forget_persons(), message_status.py |
| ``adopted`` | m c; 1 when the ticket came with a callback and not with an answer | correlate | forget_adopted(), send_again() | correlate, disown(), finish, send_of() |
| ``ambiguous`` | m c; 1 when two tickets claimed to be this one's: none is adopted any more | correlate | send_again() | correlate |
| ``cost`` | m c; what it cost in the account's currency, a decimal | end_members(), finish | send_again() | announce(), correct_spent(), end_call(), end_members(), end_record(), message_status.py |
| ``contacts`` | m c; recipients that the gateway said it would serve | finish | - | count_delivery(), end_record(), forget_persons() |
| ``parked`` | m; code under which it is among the parked; absent while it is not | park() | unpark() | end_record(), erase_message, forget_persons(), replay, run_bulk |
| ``ended`` | m c; when it came to its end state, ms | end_call(), end_members(), end_record() | send_again() | count_delivery(), explain.py, forget_persons(), message_status.py, note_round(), parked.py, run_bulk |
| ``rounds`` | m; what it came to before a person sent it again, each time, JSON: see `producers.queueing.rounds`; absent without | note_round() | - | message_status.py, note_round() |
| ``zones`` | m c; zones of its recipients, with blanks between them; absent for alerts | compose, enqueue | - | compose, forget_held(), message_status.py, note_held(), send_of() |
| ``held`` | m c; why it is held until a time: ``hours`` or ``over_budget`` | note_held() | forget_held() | blame_what_held(), compose, end_record(), forget_held(), message_status.py, send_of(), status |
| ``held_until`` | m c; until when, ms; of one that ended because of it, when it could have left | blame_held(), end_members(), note_held() | end_send(), forget_held(), send_again() | announce(), blame_what_held(), compose, end_members(), end_record(), explain.py, forget_held(), message_status.py, send_of(), status |
| ``aside`` | m c; name of the gate that keeps it | put_aside() | leave_aside() | compose, end_record(), leave_aside(), reasons.py, send_of(), status |
| ``app`` | m c; the application that sent it; absent without a name | compose, enqueue | compose | afford, compose, correct_spent(), end_call(), end_record(), finish, message_status.py, send_of(), unclaim |
| ``trace`` | m; traceparent of the span that queued it alone; absent without a trace | enqueue | - | compose, correlate, send_of() |
| ``links`` | m c; traceparent of the span that queued it among others; of a call those of its members, with blanks between them; absent without a trace | compose, enqueue | compose | compose, correlate, send_of() |
| ``estimate`` | m c; what it may cost, micro-euros; of a call the sum of its members; absent where nobody counts | compose, enqueue, lower_estimate(), lower_to_price(), reserve() | compose | afford, compose, correct_spent(), end_call(), end_record(), finish, forget_persons(), reserve_again(), send_detail.py, send_of(), unclaim |
| ``booked`` | m c; day of Paris in whose budget it was booked as spent; absent where nobody counts, or nothing was | end_call(), end_record() | send_again() | correct_spent() |
| ``charged`` | m c; day of Paris in whose budget its estimate is reserved, such as 20260329; absent while none is | reserve() | end_call(), end_record(), finish, split_call(), unclaim | end_call(), end_record(), finish, send_of(), unclaim |
| ``price`` | m c; what it may cost in the account's currency, a decimal, while a gate keeps it | put_aside() | leave_aside() | reasons.py, status |
| ``call`` | m; id of the shared call that it is a member of | compose, split_call() | compose, dissolve, erase_message, go_without(), send_again() | ack, cancel, cancel_stoppable(), compose, conversations.py, correct_spent(), correlate, disown(), dissolve, end_members, end_members(), erase_message, send_facts.py, send_of(), status |
| ``members`` | c; how many members, a number: what has this field is a call | compose, fetch, split_call() | - | afford, correlate, disown(), erase_message, fetch, finish, go_without(), reasons.py, send_of() |
| ``composed`` | c; ``partly`` or ``done``; absent when the call must be composed, or composed anew | compose | cancel_waiting(), compose_anew(), finish, go_without() | compose, send_of() |
| ``tail`` | c; end of the body while it is composed, bytes | compose | compose | compose |
| ``weight`` | c; segments of all members, by which the cost is shared out | compose | compose | compose, correct_spent(), end_members(), finish, price_of() |
| ``reported`` | c; when an attempt under this or an earlier name was last recorded, or given back, ms | finish, unclaim | - | dissolve, split_call() |
| ``erase`` | m c; numbers of who is erased when nobody sends it any more, with blanks between them | erase_message, go_without() | end_call(), forget_persons(), go_without() | end_members(), end_record(), erase_message, finish, send_of(), unclaim |
| ``erased`` | m; 1 when somebody was erased from it: a number that is not in ``to`` is none of its recipients | forget_persons() | - | correct_spent(), correlate |
| ``confirmed`` | c; 1 when an attempt under the present name was recorded: its claim was confirmed | finish | - | send_of() |

**campaign:<id>** How far a campaign is. Goes with the retention after its last end or run, once it is complete or cancelled.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``started`` | when its first run began, ms | note_start() | - | campaign_status.py, open_uploads.py |
| ``recipients`` | recipients of all slices that were queued | note_slice() | - | all_ended(), begin_upload, campaign_status.py, campaign_steps.py, complete_campaign, open_uploads.py |
| ``slices`` | how many slices there are, as far as is known | complete_campaign, complete_upload, note_slice() | - | campaign_status.py, campaign_steps.py, complete_campaign, complete_upload, note_slice() |
| ``complete`` | when a run came to its end, ms; absent while one is at work | complete_campaign, complete_upload | note_slice() | all_ended(), campaign_status.py |
| ``paused`` | 1 while it is paused | halt_campaign | resume_campaign | campaign_status.py, halt_of(), send_facts.py |
| ``stopped`` | 1 when it was cancelled | halt_campaign | - | all_ended(), campaign_status.py, campaign_steps.py, halt_of(), open_uploads.py, send_facts.py, uploads.py |
| ``uploading`` | 1 while it waits for the rest of its upload | begin_upload | complete_upload | begin_upload, campaign_status.py, halt_of(), note_open_upload(), open_uploads.py, send_facts.py |
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

**campaign_zones:<id>** Slices of marketing that are not all for the mainland: they are one message a zone. Goes with the campaign.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``<number>`` | zones of the messages of that slice, as they stand in their names, with blanks between; ``-`` for the mainland | note_ended(), note_slice() | - | has_ended(), has_moved(), slices.py |

**counts** Sends since the namespace began. Stays for ever.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``enqueued`` | all messages | enqueue | - | work.py |
| ``<end state>`` | messages in that state | end_members(), end_record(), send_again() | - | overview.py, reading.py |
| ``unexplained`` | refusals in words that nobody knows | suspect | - | reading.py |
| ``suppressed:<point>:<reason>`` | recipients kept from an SMS by an opt-out, by where: ``enqueue``, ``queued``, ``compose``, ``claim`` | count_suppressed() | - | - |
| ``optout_race`` | sends in doubt that went on to somebody who wants no more SMS | note_race() | - | optout_figures.py |
| ``duplicates`` | messages that were not queued, since the same text had just been | enqueue | - | money_figures.py |

**members:<call id>** The members that are in the body of a shared call. Goes with the call.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``<number>`` | request_id of the member with that number, E.164 | compose, split_call() | end_members(), erase_message, go_without() | compose, correlate, disown(), dissolve, end_members, erase_message, go_without(), members.py, split_call() |

**deliveries:<request_id>** The last receipt of each recipient. Goes with the record.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``<number>`` | status, rank and date of the receipt | note_delivery() | await_nothing() | conversations.py, exporting.py, note_delivery(), status |

**receipts:awaited** Of how many recipients no receipt came yet. Stays for ever; an hour goes when nothing is awaited of it, or some time after the retention.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``<hour>`` | recipients; the hour of acceptance, counted from the epoch | add_awaited(), heard() | add_awaited(), heard() | reading.py |

**held** How many sends are held until a time. Goes when none is.

| field | it says | written by | removed by | read by |
|---|---|---|---|---|
| ``<reason>:<until>:<zones>`` | how many; the reason as in a record, until when, ms, and the zone of their recipients, nothing for several | forget_held(), note_held() | forget_held() | - |

These functions of the library touch hashes, of sends or others; others call them:

| function | called by |
|---|---|
| ``add_awaited()`` | end_members(), end_record() |
| ``all_ended()`` | is_done(), is_over() |
| ``announce()`` | correlate, disown(), end_members() |
| ``await()`` | forward_again, forward_in |
| ``await_nothing()`` | forget_persons() |
| ``begin_era()`` | current_era(), note_replicas |
| ``blame_held()`` | blame_what_held(), compose, hold_until() |
| ``blame_what_held()`` | lifetime_gate.keep() |
| ``budget_limits()`` | purses_of() |
| ``bury()`` | forward_settle, forward_take |
| ``calls_in_flight()`` | in_flight_gate.room() |
| ``count_metric()`` | attempt_gate.keep(), audit(), current_era(), end_members(), end_record(), enqueue, resume_campaign, suppress, wait_for_campaign(), write_tallies() |
| ``cancel_over_budget()`` | budget_gate.keep() |
| ``cancel_stoppable()`` | opt_out() |
| ``cancel_waiting()`` | cancel, cancel_stoppable() |
| ``charge()`` | claim, fetch |
| ``end_entry()`` | come_again(), wait_for_campaign() |
| ``compose_anew()`` | composed_gate.keep(), lifetime_gate.keep(), suppressed_gate.keep() |
| ``correct_campaign()`` | correct_spent() |
| ``correct_day()`` | correct_spent() |
| ``correct_spent()`` | publish |
| ``count_delivery()`` | note_delivery() |
| ``count_replies()`` | expire_entries, publish |
| ``count_suppressed()`` | compose, end_one(), enqueue, opt_out(), write_anew() |
| ``current_era()`` | beat, compose, is_composed_here(), note_replicas, sharing_era() |
| ``debts()`` | charge(), rate_gate.room() |
| ``disown()`` | correlate, finish |
| ``end_call()`` | cancel_over_budget(), correlate, end_send(), finish |
| ``end_members()`` | correlate, end_members |
| ``end_one()`` | suppressed_gate.keep() |
| ``end_record()`` | campaign_gate.keep(), cancel_over_budget(), cancel_waiting(), compose, correlate, end_members(), end_one(), end_send(), enqueue, finish, go_without(), hold_until(), resolve, suppressed_gate.keep() |
| ``end_send()`` | lifetime_gate.keep() |
| ``forget_adopted()`` | disown(), finish |
| ``forget_foreign()`` | forget_foreign_up_to(), publish |
| ``forget_held()`` | blame_held(), claim, compose, dissolve, end_call(), end_record(), go_without(), hours_gate.keep(), note_held(), split_call(), wait_for_campaign(), wait_no_more() |
| ``forget_persons()`` | end_record(), erase_message, go_without() |
| ``give_back_reserve()`` | lower_estimate(), lower_to_price(), settle_campaign() |
| ``go_without()`` | erase_message, finish, go_without(), unclaim |
| ``halt_of()`` | halt_campaign, halt_of_slice(), is_cancelled(), resume_campaign |
| ``has_ended()`` | has_moved(), over_campaign_budget(), remembered() |
| ``has_moved()`` | remembered() |
| ``has_part_moved()`` | enqueue |
| ``heard()`` | await_nothing(), count_delivery() |
| ``hold_until()`` | hours_gate.keep() |
| ``is_key_known()`` | bind_account, correlate, enqueue, import_suppressed, publish, record_consents, suppress |
| ``learn_alerts()`` | enqueue |
| ``learn_tariffs()`` | enqueue |
| ``learn_twins()`` | enqueue |
| ``leave_aside()`` | claim, compose, dissolve, end_call(), end_record(), give_back, go_without(), hold_until(), put_aside(), split_call(), wait_for_campaign(), wait_no_more() |
| ``list_stoppable()`` | enqueue, send_again() |
| ``live_limits()`` | in_flight_gate.room(), ms_per_recipient() |
| ``lower_estimate()`` | make_smaller(), write_anew() |
| ``lower_to_price()`` | budget_gate.keep() |
| ``make_smaller()`` | forget_persons() |
| ``mean_of_others()`` | suspect() |
| ``note_alerts()`` | enqueue |
| ``note_credit()`` | finish, see_balance |
| ``note_delivery()`` | publish |
| ``note_drift()`` | finish |
| ``note_effect()`` | carry_out() |
| ``note_ended()`` | end_record() |
| ``note_held()`` | budget_gate.keep(), hold_until() |
| ``note_left_out()`` | enqueue, write_anew() |
| ``note_open_upload()`` | begin_upload |
| ``note_part()`` | enqueue |
| ``note_race()`` | suppressed_gate.keep() |
| ``note_reserved()`` | claim |
| ``note_round()`` | send_again() |
| ``note_slice()`` | enqueue |
| ``note_start()`` | begin_upload, complete_campaign, note_slice() |
| ``note_twins()`` | enqueue |
| ``noted_of()`` | opt_in(), suppress(), was_told() |
| ``opt_in()`` | carry_out() |
| ``park()`` | end_record() |
| ``pause_left()`` | pause, pause_lasts() |
| ``postpone()`` | forward_settle, forward_take |
| ``price_of()`` | cost_of(), finish, is_too_dear(), learn_price, see_balance |
| ``purse_of()`` | purses_of() |
| ``put_aside()`` | finish, see_balance, wait_aside() |
| ``reasons_of()`` | erase_person, find_suppressed(), record_consents, suppressed_among() |
| ``reserve()`` | claim |
| ``reserve_again()`` | send_again() |
| ``reserve_in_campaign()`` | over_campaign_budget() |
| ``send_again()`` | replay, run_bulk |
| ``send_of()`` | claim, may_post |
| ``settle_campaign()`` | end_record() |
| ``settle_in()`` | settle() |
| ``sharing_era()`` | enqueue |
| ``shut_gates()`` | breaker_of(), is_too_dear() |
| ``split_call()`` | budget_gate.keep(), finish |
| ``stoppable_of()`` | cancel_stoppable() |
| ``suppress()`` | erase_person, opt_out() |
| ``suppressed_among()`` | compose, reasons_for() |
| ``tell_hard_level()`` | over_budget(), reserve() |
| ``tell_level()`` | over_budget(), reserve() |
| ``tell_unread()`` | expire_entries, publish |
| ``tend()`` | fetch, renew |
| ``twin_of()`` | enqueue |
| ``unlist_stoppable()`` | cancel_stoppable(), end_members(), end_record(), erase_message |
| ``unpark()`` | end_record(), erase_message, forget_persons(), send_again() |
| ``unticketed_keys()`` | await_no_ticket(), await_ticket() |
| ``wait_aside()`` | breaker_gate.keep(), budget_gate.keep(), credit_gate.keep() |
| ``wait_for_campaign()`` | campaign_gate.keep() |
| ``who_has_not_agreed()`` | agreed_among(), note_lacking_consent() |
| ``write_anew()`` | suppressed_gate.keep() |
"""
