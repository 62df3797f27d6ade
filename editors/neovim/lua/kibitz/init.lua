--- Kibitz for Neovim, 0.7 and newer.
--
-- require("kibitz").setup({ ... }) starts the server for each file of a workspace and shows ghost text. See :help kibitz.

local M = {}

M.options = {
  cmd = { "kibitz", "serve" },
  settings = {}, -- the server's settings by name, as in docs/cli.md
  trusted = nil, -- false: this workspace's rules files are not read
  ghost = {
    enabled = true,
    filetypes = {}, -- { markdown = false } switches a file type off
    keys = {
      accept = "<Tab>",
      accept_word = "<M-Right>",
      accept_line = "<M-Down>",
      next = "<M-]>",
      previous = "<M-[>",
      dismiss = "<C-]>",
    },
  },
}

local function attach(buffer)
  if vim.bo[buffer].buftype ~= "" or vim.api.nvim_buf_get_name(buffer) == "" then
    return
  end
  require("kibitz.client").attach(buffer)
end

--- Start the server with the files that are open, and with each that will be.
function M.setup(options)
  M.options = vim.tbl_deep_extend("force", M.options, options or {})
  local group = vim.api.nvim_create_augroup("kibitz", { clear = true })
  vim.api.nvim_create_autocmd({ "BufReadPost", "BufNewFile", "FileType" }, {
    group = group,
    callback = function(event)
      attach(event.buf)
    end,
  })
  require("kibitz.ghost").setup(group)
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    if vim.api.nvim_buf_is_loaded(buffer) then
      attach(buffer)
    end
  end
end

--- A word for a status line: "ready", "indexing 42 %", "no model", or "" before the start.
function M.status()
  return require("kibitz.client").status_line()
end

return M
