-- Say which layout the data have: nothing but the refusal of one that is too new, which every script makes first.
-- Given: nothing
-- Returns the layout. Safe to repeat.
-- uses:
return layout
