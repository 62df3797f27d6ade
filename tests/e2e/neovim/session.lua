-- One session of a user in Neovim: attach, let the workspace be indexed, search, complete, ask, edit, leave.
-- In: TEST_PYTHON, TEST_ROOT, TEST_OUT. Out: what happened, as one JSON object.
-- Only calls that Neovim 0.7 has.

local root = vim.env.TEST_ROOT
local seen = { progress = {}, deltas = {}, errors = {} }
local wait_ms = 60000

vim.cmd("edit " .. root .. "/bank.py")
-- A real buffer number: with 0 the changes that are pending are not sent before a request.
local buffer = vim.api.nvim_get_current_buf()

vim.lsp.handlers["$/progress"] = function(_, result)
  if result.token == "answer" then
    table.insert(seen.deltas, result.value.delta)
  else
    table.insert(seen.progress, result.value.kind)
  end
end

local indexed = false
local capabilities = vim.lsp.protocol.make_client_capabilities()
capabilities.window = { workDoneProgress = true }
local client_id = vim.lsp.start_client({
  cmd = { vim.env.TEST_PYTHON, "-m", "kibitz.server", "serve", "--stdio" },
  root_dir = root,
  workspace_folders = { { uri = vim.uri_from_fname(root), name = "shop" } },
  capabilities = capabilities,
  handlers = {
    ["kibitz/status"] = function(_, result)
      if result.state == "ready" then
        indexed = true
      end
    end,
  },
})
vim.lsp.buf_attach_client(buffer, client_id)

local function wait(what, done)
  if not vim.wait(wait_ms, done, 20) then
    table.insert(seen.errors, "waited in vain for " .. what)
  end
end

wait("the start", function()
  local client = vim.lsp.get_client_by_id(client_id)
  return client ~= nil and client.initialized
end)
wait("the index", function()
  return indexed
end)

local client = vim.lsp.get_client_by_id(client_id)

local function call(method, params)
  local answer = client.request_sync(method, params, wait_ms, buffer)
  if answer == nil or answer.err ~= nil then
    table.insert(seen.errors, { method, answer and answer.err or "no answer" })
    return vim.empty_dict()
  end
  return answer.result
end

seen.encoding = client.offset_encoding
seen.search = call("kibitz/search", { query = "area of a circle", k = 1 })

-- Type a line with an emoji before the cursor, then ask for its rest in both ways.
local last = vim.api.nvim_buf_line_count(buffer)
vim.api.nvim_buf_set_lines(buffer, last, last, false, { "face = '😀'; area = " })
local document = { uri = vim.uri_from_bufnr(buffer) }
local typed = "face = '😀'; area = "
local codepoints, utf16 = vim.str_utfindex(typed)
local columns = { ["utf-8"] = #typed, ["utf-16"] = utf16, ["utf-32"] = codepoints }
local cursor = { line = last, character = columns[client.offset_encoding] }
seen.list = call("textDocument/completion", { textDocument = document, position = cursor })
seen.ghost = call("textDocument/inlineCompletion", {
  textDocument = document,
  position = cursor,
  context = { triggerKind = 1 },
})
if seen.ghost.items then
  local item = seen.ghost.items[1]
  local edit = { range = item.range, newText = item.insertText }
  vim.lsp.util.apply_text_edits({ edit }, buffer, client.offset_encoding)
end
seen.accepted = vim.api.nvim_buf_get_lines(buffer, last, last + 1, false)[1]

seen.answer = call("kibitz/chat", { question = "Where is the area?", partialResultToken = "answer" })

-- An edit that the server applies in the buffer, and its undo.
seen.edit = call("kibitz/edit", {
  textDocument = document,
  instruction = "Say hello.",
  range = { start = { line = 0, character = 0 }, ["end"] = { line = 1, character = 0 } },
})
wait("the edit", function()
  return vim.api.nvim_buf_get_lines(buffer, 0, 1, false)[1] == '"""Hello."""'
end)
seen.edited = vim.api.nvim_buf_get_lines(buffer, 0, 1, false)[1]
vim.cmd("undo")
seen.undone = vim.api.nvim_buf_get_lines(buffer, 0, 1, false)[1]

client.stop()
wait("the end", function()
  return vim.lsp.get_client_by_id(client_id) == nil or client.is_stopped()
end)
seen.stopped = client.is_stopped()

local out = io.open(vim.env.TEST_OUT, "w")
out:write(vim.fn.json_encode(seen))
out:close()
vim.cmd("qall!")
