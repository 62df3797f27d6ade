--- Edits by instruction; the server applies them, and one undo takes one back.

local client = require("kibitz.client")
local tell = require("kibitz.tell")

local M = {}

--- Change the lines from first to last of the current buffer as the words say.
function M.edit(instruction, first, last, done)
  local buffer = vim.api.nvim_get_current_buf()
  local params = { textDocument = client.document(buffer), instruction = instruction, review = true }
  if first then
    params.range = client.lines(first, last)
  end
  client.ask("kibitz/edit", params, function(result, err)
    if result and not result.applied then
      tell((result.failureReason or "nothing was changed"), vim.log.levels.WARN)
    end
    if done then
      done(result, err)
    end
  end, buffer)
end

--- Decide on the change at the cursor, or with a bang on all of the buffer; the server tells where they are.
local function decide(one, all)
  return function(call)
    local buffer = vim.api.nvim_get_current_buf()
    local argument = { textDocument = client.document(buffer) }
    if not call.bang then
      argument.position = { line = vim.api.nvim_win_get_cursor(0)[1] - 1, character = 0 }
    end
    local params = { command = call.bang and all or one, arguments = { argument } }
    client.ask("workspace/executeCommand", params, function(result)
      if result and result.failureReason then
        tell(result.failureReason, vim.log.levels.WARN)
      end
    end, buffer)
  end
end

M.accept = decide("kibitz.acceptHunk", "kibitz.acceptAll")
M.reject = decide("kibitz.rejectHunk", "kibitz.rejectAll")

function M.command(call)
  local whole = call.range == 0
  local function edit(instruction)
    if instruction and instruction ~= "" then
      M.edit(instruction, not whole and call.line1 or nil, call.line2)
    end
  end
  if call.args ~= "" then
    edit(call.args)
  else
    vim.ui.input({ prompt = "Edit: " }, edit)
  end
end

return M
