-- A user's first hour in Neovim with the plugin, typed key by key into a second Neovim that this one drives.
-- In: TEST_ROOT, TEST_OTHER, TEST_OUT. Out: what was seen, as one JSON object. Only calls of Neovim 0.7.

local seen = { errors = {}, screens = {} }
local socket = vim.fn.tempname()
local arguments = { vim.v.progpath, "-i", "NONE", "-n", "--listen", socket }
vim.fn.jobstart(arguments, { pty = true, width = 100, height = 30, env = { TERM = "xterm-256color" } })
local editor = 0
vim.wait(5000, function()
  local found, channel = pcall(vim.fn.sockconnect, "pipe", socket, { rpc = true })
  editor = found and channel or 0
  return editor ~= 0
end, 20)

-- A message that waits for a key would keep every call waiting: it is an error, and the journey ends there.
local function unblocked()
  if not vim.rpcrequest(editor, "nvim_get_mode").blocking then
    return
  end
  vim.wait(1000, function()
    return not vim.rpcrequest(editor, "nvim_get_mode").blocking
  end, 20)
  if vim.rpcrequest(editor, "nvim_get_mode").blocking then
    vim.rpcrequest(editor, "nvim_input", "<CR>")
    error("Neovim waits at a message: " .. vim.rpcrequest(editor, "nvim_exec", "messages", true))
  end
end

local function lua(code, ...)
  unblocked()
  return vim.rpcrequest(editor, "nvim_exec_lua", code, { ... })
end

local function keys(typed)
  vim.rpcrequest(editor, "nvim_input", typed)
end

local function ex(command)
  vim.rpcrequest(editor, "nvim_command", command)
end

local function line(number)
  return lua("return vim.api.nvim_buf_get_lines(0, ..., (...) + 1, false)[1]", number)
end

local function wait(what, code, ...)
  local arguments = { ... }
  local done = vim.wait(20000, function()
    return lua(code, unpack(arguments))
  end, 20)
  if not done then
    table.insert(seen.errors, "waited in vain for " .. what)
  end
end

-- What stands on the screen, ghost text included.
local function screen(name)
  ex("redraw")
  seen.screens[name] = lua([[
    local rows = {}
    for row = 1, vim.o.lines do
      local cells = {}
      for column = 1, vim.o.columns do
        table.insert(cells, vim.fn.screenstring(row, column))
      end
      table.insert(rows, (table.concat(cells):gsub("%s+$", "")))
    end
    return table.concat(rows, "\n"):gsub("%s+$", "") .. "\n"
  ]])
end

local ghost = "return require('kibitz.ghost').text() == ..."

lua([[
  vim.o.expandtab, vim.o.shiftwidth = true, 4
  notified = {}
  vim.notify = function(text) table.insert(notified, text) end
]])

ex("edit " .. vim.env.TEST_ROOT .. "/bank.py")
wait("the index", "return require('kibitz').status() == 'ready'")

-- Ghost text: typed through, then taken by a word, then whole; one undo takes what was taken back.
keys("Goface = '😀'; area = ")
wait("ghost text", ghost, "circle_area(2.0)")
screen("ghost text")
keys("cir")
wait("what is left of it", ghost, "cle_area(2.0)")
keys("<M-Right>")
wait("a word of it", ghost, "(2.0)")
seen.word = line(15)
keys("<Tab>")
wait("all of it", "return vim.api.nvim_get_current_line():find('(2.0)', 1, true) ~= nil")
seen.accepted = line(15)
keys("<Tab>|<Esc>")
wait("normal mode", "return vim.api.nvim_get_mode().mode == 'n'")
seen.tab = line(15)
keys("u")
seen.undone = line(15)
keys("dd")

-- Several suggestions.
keys("obest = <M-]>")
wait("the first of several", ghost, "one()")
keys("<M-]>")
wait("the next", ghost, "two()")
keys("<C-]><Esc>dd")

-- A question, and the place that it names.
keys(":KibitzAsk Where is the area?<CR>")
wait("the answer", [[
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    if vim.api.nvim_buf_get_name(buffer):find("kibitz://chat", 1, true) then
      local text = table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), "\n")
      return text:find("- `shapes.py:4-6`", 1, true) ~= nil
    end
  end
  return false
]])
screen("chat")
keys("<C-w>lG?shapes.py<CR><CR>")
wait("the place", "return vim.api.nvim_buf_get_name(0):find('shapes.py$') ~= nil")
seen.cited = lua("return vim.api.nvim_win_get_cursor(0)[1]")
ex("buffer bank.py")

-- An edit of a range, and its undo.
keys(":1KibitzEdit Say hello.<CR>")
wait("the edit", "return vim.api.nvim_buf_get_lines(0, 0, 1, false)[1] == '\"\"\"Hello.\"\"\"'")
screen("edit")
keys("u")
seen.unedited = line(0)

-- The same again, and rejected.
keys(":1KibitzEdit Say hello.<CR>")
wait("the edit again", "return vim.api.nvim_buf_get_lines(0, 0, 1, false)[1] == '\"\"\"Hello.\"\"\"'")
vim.wait(300)
keys("gg:KibitzReject<CR>")
wait("the rejection", "return vim.api.nvim_buf_get_lines(0, 0, 1, false)[1] == '\"\"\"Accounts.\"\"\"'")

-- An edit of a document that the user changes meanwhile, in the lines that it is for.
keys(":1KibitzEdit Slowly.<CR>")
vim.wait(300)
keys("ggcc\"\"\"Mine.\"\"\"<Esc>")
wait("the refusal", "return #notified > 0")
seen.refused = lua("return notified")
seen.mine = line(0)

-- Search into the quickfix list.
keys(":KibitzSearch area of a circle<CR>")
wait("the hits", "return vim.bo.filetype == 'qf'")
seen.hit = lua("local hit = vim.fn.getqflist()[1]; return { vim.fn.bufname(hit.bufnr), hit.lnum }")
ex("cclose")

-- A second folder goes to the same process.
ex("edit! " .. vim.env.TEST_OTHER .. "/other.py")
seen.clients = lua([[
  local names = {}
  for _, client in pairs(vim.lsp.get_active_clients and vim.lsp.get_active_clients() or vim.lsp.get_clients()) do
    table.insert(names, client.name)
  end
  return names
]])
keys(":KibitzSearch a colour by name<CR>")
wait("its hits", "return vim.bo.filetype == 'qf' and #vim.fn.getqflist() > 0")
ex("cclose")

wait("the second folder's index", "return require('kibitz').status() == 'ready'")
ex("checkhealth kibitz")
seen.health = lua("return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n')")

local out = io.open(vim.env.TEST_OUT, "w")
out:write(vim.fn.json_encode(seen))
out:close()
pcall(ex, "qall!")
vim.cmd("qall!")
