--- Edits by instruction; the server applies them, and one undo takes one back.

local client = require("kibitz.client")

local M = {}

--- Change the lines from first to last of the current buffer as the words say.
function M.edit(instruction, first, last, done)
  local buffer = vim.api.nvim_get_current_buf()
  local params = { textDocument = client.document(buffer), instruction = instruction, apply = true }
  if first then
    params.range = client.lines(first, last)
  end
  client.ask("kibitz/edit", params, function(result, err)
    if result and not result.applied then
      vim.notify("Kibitz: " .. (result.failureReason or "nothing was changed"), vim.log.levels.WARN)
    end
    if done then
      done(result, err)
    end
  end, buffer)
end

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
