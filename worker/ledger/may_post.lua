-- Say whether a POST may leave a while after its claim: whether the claim stands, and the next one would not be kept.
-- Changes nothing of the send.
-- Given: id, token, lease (of its entry), in_doubt (a POST of this claim, or of an earlier one, may have been taken), queue (its name),
--   window_ms (in which attempts may be made), hours (of marketing: zone to times; none for any hour), account (as the claimant knows it,
--   or none: then nobody asks)
-- Returns 1, or 0 when no POST may leave: the attempt ends with what it has come to, and the next claim says what becomes of the send.
-- Safe to repeat.
-- uses: send own_attempt admit_post
local send = send_of(given.id, given.lease)
if not is_namespace_ours() or not is_attempt_of(send.record, given.token, given.lease) then return 0 end
-- As the next claim would find it if this attempt ended now.
send.doubt = send.doubt or given.in_doubt
send.record.state = send.doubt and 'sending' or 'queued'
-- Who is erased is left out by the record of an attempt that was surely not taken: the next claim has another body.
if send.record.erase and not send.doubt then return 0 end
return would_be_kept(send) and 0 or 1
