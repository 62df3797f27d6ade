--- Questions, answered as a stream in a window of their own; the server keeps the conversation.

local client = require("kibitz.client")
local tell = require("kibitz.tell")

local M = {}

local buffer = nil
local running = nil -- { id, token, folder }
local places = {} -- the URIs of what the answers name, by path
local session = nil -- the conversation's id on the server, which keeps it
local folder = nil -- a URI in the workspace folder that keeps it

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
    session = nil
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

--- Name places in a line of their own, and keep where they are.
local function name(intro, all)
  local names = vim.tbl_map(function(each)
    places[each.path] = each.uri
    return ("`%s:%d-%d`"):format(each.path, each.start_line, each.end_line)
  end, all)
  return #names > 0 and intro .. table.concat(names, " ") .. "\n" or ""
end

local function same(one, other)
  return one.path == other.path and one.start_line == other.start_line and one.end_line == other.end_line
end

--- What follows an answer: the places that it names, what else was in its prompt, and what the server notes.
local function tail(answer)
  local read = vim.tbl_filter(function(source)
    for _, cited in ipairs(answer.citations) do
      if same(source, cited) then
        return false
      end
    end
    return true
  end, answer.sources or {})
  local text = name("- cited: ", answer.citations) .. name("- read: ", read)
  for _, note in ipairs(answer.notes or {}) do
    text = text .. "- *" .. note .. "*\n"
  end
  if answer.finish_reason == "length" then
    text = text .. "- *The answer was cut at its length: :KibitzContinue asks for the rest.*\n"
  end
  return "\n\n" .. text .. (text ~= "" and "\n" or "")
end

local function finished(answer, err)
  client.quiet(running.token)
  running = nil
  if err or not answer then
    local stopped = err and err.code == -32800
    append(stopped and "\n\n*Stopped.*\n\n" or ("\n\n*%s*\n\n"):format(err and err.message or "No answer."))
  else
    append(tail(answer))
  end
end

--- Sixteen hexadecimal digits: of our choice, so that a question that is stopped has a session to go on in.
local function new_id()
  math.randomseed(vim.loop.hrtime() % 2 ^ 31)
  local digits = {}
  for digit = 1, 16 do
    digits[digit] = ("%x"):format(math.random(0, 15))
  end
  return table.concat(digits)
end

local function send(params, from)
  if running then
    M.stop()
  end
  if session == nil then
    session, folder = new_id(), client.file_uri(from)
  end
  local token = client.listen(function(value)
    if value.delta and running then
      append(value.delta)
    end
  end)
  params.session, params.folder, params.partialResultToken = session, folder, token
  running = { token = token }
  running.id = client.request("kibitz/chat", params, function(err, answer)
    if running and running.token == token then
      finished(answer, err)
    end
  end, from)
end

--- Ask; the lines from first to last of the current buffer are attached, if they are given.
function M.ask(question, first, last)
  local from = vim.api.nvim_get_current_buf()
  local params = { question = question }
  if client.file_uri(from) then
    params.textDocument = client.document(from)
  end
  if first then
    params.selection = { textDocument = client.document(from), range = client.lines(first, last) }
    params.attachments = { params.selection }
  end
  open()
  append("## " .. question .. "\n\n")
  send(params, from)
end

--- Ask for the rest of an answer that was cut or stopped.
function M.continue()
  if session == nil then
    tell("there is no answer to continue; :KibitzChats opens an earlier conversation.")
    return
  end
  open()
  send({ goOn = true }, vim.api.nvim_get_current_buf())
end

--- Stop the answer that is being written, and keep what came so far; without one stop the indexing.
function M.stop()
  if running then
    client.cancel(running.id)
    finished(nil, { code = -32800 }) -- Neovim calls no handler for what it cancels
  else
    client.stop_progress()
  end
end

--- Begin a conversation from nothing; the one before stays on the server.
function M.clear()
  if running then
    M.stop()
  end
  session, folder, places = nil, nil, {}
  if buffer and vim.api.nvim_buf_is_valid(buffer) then
    vim.api.nvim_buf_set_lines(buffer, 0, -1, false, {})
  end
end

--- Show a conversation that the server keeps; the next question goes on in it.
local function show(kept, at)
  M.clear()
  open()
  session, folder = kept.id, at
  for _, turn in ipairs(kept.turns) do
    if turn.role == "user" then
      append("## " .. turn.text .. "\n\n")
    else
      append(turn.text .. tail(turn))
    end
  end
end

--- Choose an earlier conversation, to go on in or with a bang to delete.
function M.choose(call)
  local at = client.file_uri(vim.api.nvim_get_current_buf()) or folder
  client.ask("kibitz/sessions", { folder = at }, function(kept)
    if not kept then
      return
    elseif #kept.sessions == 0 then
      tell("no conversation is kept for this workspace yet.")
      return
    end
    vim.ui.select(kept.sessions, {
      prompt = call.bang and "Delete which conversation?" or "Open which conversation?",
      format_item = function(each)
        return ("%s  %s"):format(os.date("%d %b %H:%M", math.floor(each.at)), each.title)
      end,
    }, function(chosen)
      if chosen and call.bang then
        client.ask("kibitz/sessions", { id = chosen.id, delete = true, folder = at }, function(deleted)
          if deleted and chosen.id == session then
            M.clear()
          end
        end, 0)
      elseif chosen then
        client.ask("kibitz/sessions", { id = chosen.id, folder = at }, function(answer)
          if answer then
            show(answer.session, at)
          end
        end, 0)
      end
    end)
  end, 0)
end

--- Open the place that the cursor is on, in the window before this one.
function M.open_citation()
  local path, line = vim.fn.expand("<cWORD>"):match("^[`(]*(.-):(%d+)")
  if path == nil or type(places[path]) ~= "string" then
    tell("no place is cited here.")
    return
  end
  vim.cmd("wincmd p")
  vim.cmd("edit " .. vim.fn.fnameescape(vim.uri_to_fname(places[path])))
  vim.api.nvim_win_set_cursor(0, { math.min(tonumber(line), vim.api.nvim_buf_line_count(0)), 0 })
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
    local completion = "customlist,v:lua.require'kibitz.mentions'.complete"
    vim.ui.input({ prompt = "Ask Kibitz: ", completion = completion }, ask)
  end
end

return M
