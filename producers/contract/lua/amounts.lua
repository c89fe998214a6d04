-- Amounts of money as programs read them, in one form wherever: producers/contract/amounts.py.

-- Write an amount as a plain decimal number without zeros at its end: 0.1, and not 0.10 or 1e-1. What is no number stays as it is.
local function plain_amount(amount)
  local number = tonumber(amount)
  if not number then return amount end
  local digits = string.gsub(string.format('%.10f', number), '%.?0+$', '')
  return digits == '-0' and '0' or digits
end
-- uses:
