-- Which keys pseudonyms were ever made with. Pseudonyms themselves are made by producers/contract/pseudonyms.py and given to scripts.
local PSEUDONYMS = prefix .. 'pseudonyms'
