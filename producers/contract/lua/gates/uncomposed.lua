-- A shared call must be composed on this server before it leaves: it may have been composed on a server that is no more. One that
-- is in doubt keeps its name and its bytes.
local era

GATES[#GATES + 1] = {
  name = 'uncomposed',
  keep = function(send)
    if not send.record.members or send.doubt then return end
    if send.record.freeze == 'done' and body_of(send) then
      era = era or current_era()
      if send.record.era == era then return end
    end
    return compose_anew(send)
  end,
}
-- uses: admission send eras
