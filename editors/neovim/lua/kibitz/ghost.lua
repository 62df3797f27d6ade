--- Ghost text: what the server suggests, shown behind the cursor while somebody types.
--
-- For every Neovim from 0.7 on, with extmarks alone. One suggestion is shown at a time, in the current window.

local client = require("kibitz.client")
local tell = require("kibitz.tell")

local M = {}

local namespace = vim.api.nvim_create_namespace("kibitz-ghost")
local inline = vim.fn.has("nvim-0.10") == 1 -- virtual text can push the rest of the line aside
local AUTOMATIC, INVOKED = 2, 1

local shown = nil -- { buffer, row, column, items, index, left, whole }
local asked = 0 -- the number of the newest request: answers to older ones are dropped
local request = nil
local seen = nil -- what the last look was at

local function options()
  return require("kibitz").options.ghost
end

--- The cursor's row (0-based) and byte column, and the line.
local function cursor()
  local row, column = unpack(vim.api.nvim_win_get_cursor(0))
  return row - 1, column, vim.api.nvim_get_current_line()
end

local function spread(text)
  return (text:gsub("\t", (" "):rep(vim.bo.tabstop)))
end

--- Forget what is shown, and what is asked for.
function M.clear()
  if shown and vim.api.nvim_buf_is_valid(shown.buffer) then
    vim.api.nvim_buf_clear_namespace(shown.buffer, namespace, 0, -1)
  end
  shown = nil
  asked = asked + 1
  client.cancel(request)
  request = nil
end

local function draw()
  vim.api.nvim_buf_clear_namespace(shown.buffer, namespace, 0, -1)
  local lines = vim.split(shown.left, "\n", { plain = true })
  local first = spread(table.remove(lines, 1))
  local rest = vim.api.nvim_get_current_line():sub(shown.column + 1)
  local mark = { virt_text = { { first, "KibitzGhost" } }, virt_text_pos = inline and "inline" or "overlay" }
  if not inline and rest ~= "" then
    table.insert(mark.virt_text, { spread(rest), "Normal" })
  end
  if #lines > 0 then
    mark.virt_lines = vim.tbl_map(function(line)
      return { { spread(line), "KibitzGhost" } }
    end, lines)
  end
  vim.api.nvim_buf_set_extmark(shown.buffer, namespace, shown.row, shown.column, mark)
end

--- Show an item of the answer, less what has been typed of it.
local function show(index)
  shown.index = index
  shown.left = shown.items[index].insertText
  draw()
end

--- The items that insert something at the cursor and replace nothing.
local function usable(result, position)
  local items = result and (result.items or result) or {}
  return vim.tbl_filter(function(item)
    local range = item.range
    local here = range == nil
      or (range.start.character == position.character and range["end"].character == position.character)
    return here and type(item.insertText) == "string" and item.insertText ~= ""
  end, items)
end

local function ask(trigger, then_)
  local buffer = vim.api.nvim_get_current_buf()
  local row, column, line = cursor()
  local encoding = client.encoding()
  local codepoints, utf16 = vim.str_utfindex(line:sub(1, column))
  local characters = ({ ["utf-8"] = column, ["utf-16"] = utf16, ["utf-32"] = codepoints })[encoding]
  local position = { line = row, character = characters }
  asked = asked + 1
  local number = asked
  request = client.request("textDocument/inlineCompletion", {
    textDocument = client.document(buffer),
    position = position,
    context = { triggerKind = trigger },
  }, function(_, result)
    if number ~= asked or vim.api.nvim_get_mode().mode:sub(1, 1) ~= "i" then
      return
    end
    request = nil
    local items = usable(result, position)
    local now_row, now_column = cursor()
    if #items == 0 then
      M.clear()
    elseif now_row == row and now_column == column and vim.fn.pumvisible() == 0 then
      shown = { buffer = buffer, row = row, column = column, items = items, whole = trigger == INVOKED }
      show(1)
      if then_ then
        then_()
      end
    end
  end, buffer)
end

--- Keep what is shown when its next characters were typed; tell whether that was so.
local function typed_through(row, column, line)
  if not shown or shown.buffer ~= vim.api.nvim_get_current_buf() or shown.row ~= row or column <= shown.column then
    return false
  end
  local typed = line:sub(shown.column + 1, column)
  if shown.left:sub(1, #typed) ~= typed or shown.left == typed then
    return false
  end
  shown.left, shown.column = shown.left:sub(#typed + 1), column
  draw()
  return true
end

local function is_on(buffer)
  local ghost = options()
  return ghost.enabled
    and ghost.filetypes[vim.bo[buffer].filetype] ~= false
    and client.ready()
    and vim.lsp.buf_is_attached(buffer, client.get().id)
end

--- Look at the cursor: after a change ask for what may follow, after a mere move show nothing.
local function look()
  local buffer = vim.api.nvim_get_current_buf()
  local row, column, line = cursor()
  local now = { buffer, vim.api.nvim_buf_get_changedtick(buffer), row, column }
  local before = seen
  seen = now
  if before and vim.deep_equal(before, now) then
    return
  end
  local changed = not before or before[1] ~= buffer or before[2] ~= now[2]
  if not is_on(buffer) or vim.fn.pumvisible() == 1 then
    M.clear()
  elseif changed then
    if not typed_through(row, column, line) then
      M.clear()
    end
    ask(AUTOMATIC)
  else
    M.clear()
  end
end

--- Tell whether something is shown at the cursor.
function M.visible()
  if not shown then
    return false
  end
  local row, column = cursor()
  return shown.buffer == vim.api.nvim_get_current_buf() and shown.row == row and shown.column == column
end

--- The text that is shown, or nil.
function M.text()
  return M.visible() and shown.left or nil
end

local function insert(text)
  local row, column, buffer = shown.row, shown.column, shown.buffer
  local lines = vim.split(text, "\n", { plain = true })
  vim.api.nvim_buf_set_text(buffer, row, column, row, column, lines)
  local last = lines[#lines]
  vim.api.nvim_win_set_cursor(0, { row + #lines, #lines > 1 and #last or column + #last })
end

local function run(command)
  if command then
    client.request("workspace/executeCommand", { command = command.command, arguments = command.arguments }, function() end, 0)
  end
end

--- Insert all of what is shown. Called by the key's mapping, outside of its lock.
function M.insert()
  if not M.visible() then
    return
  end
  local item, text = shown.items[shown.index], shown.left
  insert(text)
  shown = nil
  vim.api.nvim_buf_clear_namespace(0, namespace, 0, -1)
  run(item.command)
end

--- Insert the beginning of what is shown that a pattern matches, and keep showing the rest.
function M.insert_part(pattern)
  if not M.visible() then
    return
  end
  local part = shown.left:match(pattern)
  if part == nil or part == "" or part == shown.left then
    return M.insert()
  end
  local item = shown.items[shown.index]
  insert(part)
  local row, column = cursor()
  shown.left, shown.row, shown.column = shown.left:sub(#part + 1), row, column
  seen = { shown.buffer, vim.api.nvim_buf_get_changedtick(shown.buffer), row, column }
  draw()
  if item.command then
    run({ command = "kibitz.acceptedPart", arguments = item.command.arguments })
  end
end

--- Show the next of several suggestions, or with -1 the one before; they are asked for when there is only one yet.
function M.cycle(step)
  local function turn()
    show((shown.index - 1 + step) % #shown.items + 1)
  end
  if M.visible() and shown.whole then
    turn()
  elseif is_on(vim.api.nvim_get_current_buf()) then
    ask(INVOKED)
  end
end

function M.toggle()
  local ghost = options()
  ghost.enabled = not ghost.enabled
  M.clear()
  tell("ghost text is " .. (ghost.enabled and "on" or "off"))
end

-- Each key acts where a suggestion is shown and is what it was everywhere else. <C-g>u: one undo takes the suggestion back.
local actions = {
  accept = "<C-g>u<Cmd>lua require('kibitz.ghost').insert()<CR>",
  accept_word = "<C-g>u<Cmd>lua require('kibitz.ghost').insert_part('^%s*[%w_]+')<CR>",
  accept_line = "<C-g>u<Cmd>lua require('kibitz.ghost').insert_part('^\\n?[^\\n]*')<CR>",
  next = "<Cmd>lua require('kibitz.ghost').cycle(1)<CR>",
  previous = "<Cmd>lua require('kibitz.ghost').cycle(-1)<CR>",
  dismiss = "<Cmd>lua require('kibitz.ghost').clear()<CR>",
}
local everywhere = { next = true, previous = true } -- they also ask where nothing is shown

--- What a key does in insert mode so far, as a function that an expression mapping may call.
local function former(key)
  local mapped = vim.fn.maparg(key, "i", false, true)
  if mapped.callback and mapped.expr == 1 then
    return mapped.callback
  elseif mapped.callback then
    return function()
      vim.schedule(mapped.callback)
      return ""
    end
  elseif mapped.rhs and mapped.expr == 1 then
    return function()
      return vim.api.nvim_eval(mapped.rhs)
    end
  elseif mapped.rhs then
    return function()
      local keys = vim.api.nvim_replace_termcodes(mapped.rhs, true, true, true)
      vim.api.nvim_feedkeys(keys, mapped.noremap == 1 and "n" or "m", false)
      return ""
    end
  end
  return function()
    return key
  end
end

local function map(name, key)
  if not key or (vim.fn.maparg(key, "i", false, true).desc or ""):find("^Kibitz") then
    return
  end
  local otherwise = former(key)
  vim.keymap.set("i", key, function()
    return (everywhere[name] or M.visible()) and actions[name] or otherwise()
  end, { expr = true, replace_keycodes = true, desc = "Kibitz: " .. name:gsub("_", " ") })
end

function M.setup(group)
  vim.api.nvim_set_hl(0, "KibitzGhost", { link = "Comment", default = true })
  vim.api.nvim_create_autocmd({ "TextChangedI", "CursorMovedI" }, { group = group, callback = look })
  vim.api.nvim_create_autocmd({ "InsertLeave", "BufLeave", "CompleteChanged" }, { group = group, callback = M.clear })
  for name, key in pairs(options().keys) do
    map(name, key)
  end
end

return M
