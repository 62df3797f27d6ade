--- The one server process: started at the first file, told of each further folder.

local tell = require("kibitz.tell")

local M = {}

local new_api = vim.fn.has("nvim-0.11") == 1 -- there the client's functions are methods
local client_id = nil
local folders = {} -- URIs that the server knows
local listeners = {} -- by progress token
local state = { state = "", message = "", progress = nil, token = nil }

--- Tell whoever shows the state that it has changed.
local function changed()
  vim.cmd("redrawstatus!")
  pcall(vim.api.nvim_exec_autocmds, "User", { pattern = "KibitzStatus", modeline = false })
end

--- The folder of a file's repository, else the file's folder.
local function root_of(path)
  local from = vim.fn.fnamemodify(path, ":p:h")
  for _, find in ipairs({ vim.fn.finddir, vim.fn.findfile }) do
    local found = find(".git", vim.fn.escape(from, " ,") .. ";")
    if found ~= "" then
      return vim.fn.fnamemodify((found:gsub("/$", "")), ":p"):gsub("/$", ""):match("^(.*)/[^/]*$")
    end
  end
  return from
end

function M.get()
  return client_id and vim.lsp.get_client_by_id(client_id) or nil
end

--- Tell whether the server has answered `initialize`.
function M.ready()
  local client = M.get()
  return client ~= nil and client.initialized == true
end

local function on_progress(default)
  return function(err, result, context, config)
    local listener = result and listeners[result.token]
    if listener then
      listener(result.value)
      return
    end
    local value = result and result.value or {}
    if value.kind == "end" then
      state.progress, state.token = nil, nil
      changed()
    elseif value.percentage then
      state.progress, state.token = value.percentage, result.token
      changed()
    end
    if default then
      return default(err, result, context, config)
    end
  end
end

local function on_status(_, result)
  state.state, state.message = result.state, result.message or ""
  changed()
  if result.state == "error" or result.state == "offline" then
    tell(state.message, vim.log.levels.WARN)
  end
end

local function start(root)
  local options = require("kibitz").options
  local capabilities = vim.lsp.protocol.make_client_capabilities()
  capabilities.window = vim.tbl_extend("force", capabilities.window or {}, { workDoneProgress = true })
  -- We ask for ghost text ourselves where Neovim has none of its own: no second offer in the completion menu.
  capabilities.textDocument.inlineCompletion = capabilities.textDocument.inlineCompletion or vim.empty_dict()
  local settings = vim.tbl_extend("keep", { trusted = options.trusted }, options.settings)
  local uri = vim.uri_from_fname(root)
  client_id = vim.lsp.start_client({
    name = "kibitz",
    cmd = options.cmd,
    root_dir = root,
    workspace_folders = { { uri = uri, name = vim.fn.fnamemodify(root, ":t") } },
    capabilities = capabilities,
    init_options = next(settings) and settings or vim.empty_dict(),
    handlers = { ["$/progress"] = on_progress(vim.lsp.handlers["$/progress"]), ["kibitz/status"] = on_status },
    on_exit = function()
      client_id, folders, state.state, state.progress = nil, {}, "", nil
    end,
  })
  if client_id then
    folders[uri] = true
  end
end

local function add_folder(root)
  local uri = vim.uri_from_fname(root)
  if folders[uri] then
    return
  end
  folders[uri] = true
  local added = { { uri = uri, name = vim.fn.fnamemodify(root, ":t") } }
  M.notify("workspace/didChangeWorkspaceFolders", { event = { added = added, removed = {} } })
end

--- Give a buffer to the server, which is started if there is none.
function M.attach(buffer)
  local root = root_of(vim.api.nvim_buf_get_name(buffer))
  if M.get() == nil then
    start(root)
  else
    add_folder(root)
  end
  if client_id then
    vim.lsp.buf_attach_client(buffer, client_id)
  end
end

function M.notify(method, params)
  local client = M.get()
  if client then
    return new_api and client:notify(method, params) or client.notify(method, params)
  end
end

--- Send a request about a buffer, after the changes of that buffer that are still pending.
--
-- Returns the request's id, or nil with a message to the user where there is no server.
function M.request(method, params, handler, buffer)
  local client = M.get()
  if client == nil then
    tell("the server is not running; open a file of the workspace first.", vim.log.levels.WARN)
    return nil
  end
  buffer = buffer ~= 0 and buffer or vim.api.nvim_get_current_buf()
  local send = client.request
  local ok, id
  if new_api then
    ok, id = send(client, method, params, handler, buffer)
  else
    ok, id = send(method, params, handler, buffer)
  end
  return ok and id or nil
end

--- Send a request and show its error, if it has one, as the sentence that it is.
function M.ask(method, params, handler, buffer)
  return M.request(method, params, function(err, result)
    if err then
      if err.code ~= -32800 then -- cancelled
        tell(err.message, vim.log.levels.ERROR)
      end
      return handler(nil, err)
    end
    handler(result)
  end, buffer)
end

function M.cancel(id)
  local client = M.get()
  if client and id then
    if new_api then
      client:cancel_request(id)
    else
      client.cancel_request(id)
    end
  end
end

--- Ask and wait for the answer, at most so many milliseconds; nil where none came.
function M.wait_for(method, params, wait_ms)
  local answer
  local id = M.request(method, params, function(_, result)
    answer = result or {}
  end, 0)
  if id and not vim.wait(wait_ms, function()
    return answer ~= nil
  end, 10) then
    M.cancel(id)
  end
  return answer
end

--- Stop what shows progress: the indexing of a folder.
function M.stop_progress()
  if state.token then
    M.notify("window/workDoneProgress/cancel", { token = state.token })
  end
end

--- The URI of a buffer's file, which names its workspace folder too; nil for a buffer that the server does not have.
function M.file_uri(buffer)
  local has_file = vim.bo[buffer].buftype == "" and vim.api.nvim_buf_get_name(buffer) ~= ""
  return has_file and vim.uri_from_bufnr(buffer) or nil
end

local tokens = 0

--- Make a token whose `$/progress` goes to a function; `M.quiet(token)` ends that.
function M.listen(on_value)
  tokens = tokens + 1
  local token = "kibitz-" .. tokens
  listeners[token] = on_value
  return token
end

function M.quiet(token)
  listeners[token] = nil
end

function M.encoding()
  local client = M.get()
  return client and client.offset_encoding or "utf-16"
end

function M.document(buffer)
  return { uri = vim.uri_from_bufnr(buffer) }
end

--- The lines from first to last, 1-based with the last included, as a range.
function M.lines(first, last)
  return { start = { line = first - 1, character = 0 }, ["end"] = { line = last, character = 0 } }
end

function M.status_line()
  if M.get() == nil then
    return ""
  elseif state.state == "indexing" and state.progress then
    return ("indexing %d %%"):format(state.progress)
  end
  return (state.state:gsub("_", " "))
end

--- The state with the sentence that says more, if there is one.
function M.state_in_full()
  return M.status_line() .. (state.message ~= "" and ": " .. state.message or "")
end

function M.index()
  M.ask("kibitz/index", vim.empty_dict(), function(report)
    if report then
      tell(("%d files, %d chunks"):format(report.files, report.chunks))
    end
  end, 0)
end

function M.show_status()
  M.ask("kibitz/status", vim.empty_dict(), function(status)
    if status then
      local model = type(status.model) == "string" and status.model or "no model yet"
      local index = status.index or {}
      tell(("%s; %s files, %s chunks; %s"):format(
        M.state_in_full(), tostring(index.files), tostring(index.chunks), model))
    end
  end, 0)
end

return M
