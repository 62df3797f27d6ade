--- What may follow an @ or a / in a question, for the completion of the command line.

local client = require("kibitz.client")

local M = {}

local WAIT_MS = 500 -- the command line stands still meanwhile

--- A question as it goes on with an item, from the word that the command line completes.
local function completed(item, question, word)
  local kept = vim.fn.strchars(question) - item.replaces
  local whole = vim.fn.strcharpart(question, 0, kept) .. item.insertText
  return whole:sub(#question - #word + 1)
end

--- Complete the last word of a question: the function of a command's or a prompt's `customlist`.
function M.complete(word, line, position)
  local typed = line:sub(1, position)
  local question = typed:match("KibitzAsk!?%s+(.*)$") or typed
  local folder = client.file_uri(vim.api.nvim_get_current_buf())
  local answer = client.wait_for("kibitz/mentions", { text = question, folder = folder }, WAIT_MS)
  return vim.tbl_map(function(item)
    return completed(item, question, word)
  end, answer and answer.items or {})
end

return M
