--- Questions, answered as a stream in a window of their own.

local client = require("kibitz.client")

local M = {}

local buffer = nil
local running = nil -- { id, token }
local citations = {} -- of the last answer, by "path:start-end"
local history = {}

local function window()
  for _, id in ipairs(vim.api.nvim_list_wins()) do
    if vim.api.nvim_win_get_buf(id) == buffer then
      return id
    end
  end
end

local function open()
  if buffer == nil or not vim.api.nvim_buf_is_valid(buffer) then
    buffer = vim.api.nvim_create_buf(false, true)
    vim.api.nvim_buf_set_name(buffer, "kibitz://chat")
    vim.api.nvim_buf_set_option(buffer, "filetype", "markdown")
    vim.keymap.set("n", "<CR>", M.open_citation, { buffer = buffer, desc = "Kibitz: open the place" })
    vim.keymap.set("n", "<C-c>", M.stop, { buffer = buffer, desc = "Kibitz: stop the answer" })
    vim.keymap.set("n", "q", "<Cmd>close<CR>", { buffer = buffer, desc = "Kibitz: close" })
    history = {}
  end
  if window() == nil then
    local before = vim.api.nvim_get_current_win()
    vim.cmd("botright vsplit")
    vim.api.nvim_win_set_buf(0, buffer)
    vim.wo.wrap, vim.wo.linebreak = true, true
    vim.api.nvim_set_current_win(before)
  end
end

--- Write at the end of the chat, and follow it in its window.
local function append(text)
  local last = vim.api.nvim_buf_line_count(buffer)
  local line = vim.api.nvim_buf_get_lines(buffer, last - 1, last, false)[1]
  vim.api.nvim_buf_set_lines(buffer, last - 1, last, false, vim.split(line .. text, "\n", { plain = true }))
  local shown = window()
  if shown and shown ~= vim.api.nvim_get_current_win() then
    vim.api.nvim_win_set_cursor(shown, { vim.api.nvim_buf_line_count(buffer), 0 })
  end
end

local function finished(question, answer, err)
  client.quiet(running.token)
  running = nil
  if err or not answer then
    append(err and err.code == -32800 and "\n\n*Stopped.*\n\n" or ("\n\n*%s*\n\n"):format(err and err.message or "No answer."))
    return
  end
  table.insert(history, { role = "user", content = question })
  table.insert(history, { role = "assistant", content = answer.text })
  citations = {}
  local lines = {}
  for _, each in ipairs(answer.citations) do
    local name = ("%s:%d-%d"):format(each.path, each.start_line, each.end_line)
    citations[name] = each
    table.insert(lines, "- `" .. name .. "`")
  end
  for _, note in ipairs(answer.notes or {}) do
    table.insert(lines, "- *" .. note .. "*")
  end
  append("\n\n" .. (#lines > 0 and table.concat(lines, "\n") .. "\n\n" or ""))
end

--- Ask; the lines from first to last of the current buffer are attached, if they are given.
function M.ask(question, first, last)
  local from = vim.api.nvim_get_current_buf()
  if running then
    M.stop()
  end
  local attachments = {}
  if first then
    attachments = { { textDocument = client.document(from), range = client.lines(first, last) } }
  end
  open()
  append("## " .. question .. "\n\n")
  local token = client.listen(function(value)
    if value.delta and running then
      append(value.delta)
    end
  end)
  running = { token = token }
  running.id = client.request("kibitz/chat", {
    question = question,
    history = history,
    attachments = attachments,
    partialResultToken = token,
    folder = from ~= buffer and vim.api.nvim_buf_get_name(from) ~= "" and vim.uri_from_bufnr(from) or nil,
  }, function(err, answer)
    if running and running.token == token then
      finished(question, answer, err)
    end
  end, from)
end

--- Stop the answer that is being written; what came so far stays.
function M.stop()
  if running then
    client.cancel(running.id)
    finished("", nil, { code = -32800 }) -- Neovim calls no handler for what it cancels
  end
end

--- Forget the conversation.
function M.clear()
  history, citations = {}, {}
  if buffer and vim.api.nvim_buf_is_valid(buffer) then
    vim.api.nvim_buf_set_lines(buffer, 0, -1, false, {})
  end
end

--- Open the place that the cursor is on, in the window before this one.
function M.open_citation()
  local under = vim.fn.expand("<cWORD>"):gsub("[`,.)]*$", ""):gsub("^[`(]*", "")
  local place = citations[under]
  if place == nil then
    for name, each in pairs(citations) do
      if under ~= "" and name:sub(1, #under) == under then
        place = each
      end
    end
  end
  if place == nil or type(place.uri) ~= "string" then
    vim.notify("Kibitz: no place is cited here.")
    return
  end
  vim.cmd("wincmd p")
  vim.cmd("edit " .. vim.fn.fnameescape(vim.uri_to_fname(place.uri)))
  vim.api.nvim_win_set_cursor(0, { place.start_line, 0 })
end

function M.command(call)
  local function ask(question)
    if question and question ~= "" then
      if call.range > 0 then
        M.ask(question, call.line1, call.line2)
      else
        M.ask(question)
      end
    end
  end
  if call.args ~= "" then
    ask(call.args)
  else
    vim.ui.input({ prompt = "Ask Kibitz: " }, ask)
  end
end

return M
