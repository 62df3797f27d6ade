--- Search the workspace into the quickfix list.

local client = require("kibitz.client")
local tell = require("kibitz.tell")

local M = {}

--- Put hits into the quickfix list and open it.
function M.command(call)
  client.ask("kibitz/search", { query = call.args, k = 30, regex = call.bang }, function(answer)
    if not answer then
      return
    end
    local items = vim.tbl_map(function(hit)
      local first = vim.trim(hit.text:match("[^\n]*%S[^\n]*") or "")
      return {
        filename = vim.uri_to_fname(hit.uri),
        lnum = hit.start_line,
        end_lnum = hit.end_line,
        text = hit.symbol ~= "" and ("%s  %s"):format(hit.symbol, first) or first,
      }
    end, answer.hits)
    vim.fn.setqflist({}, " ", { title = "Kibitz: " .. call.args, items = items })
    for _, note in ipairs(answer.notes) do
      tell(note)
    end
    if #items > 0 then
      vim.cmd("botright copen")
    end
  end, 0)
end

return M
