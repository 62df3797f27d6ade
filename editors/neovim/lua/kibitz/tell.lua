--- Sentences for the user, which never wait for a key.
--
-- Neovim's own messages are wiped away at once in insert mode, where most trouble is met, and one that is longer than
-- the command line takes the next key. There a small window shows the sentence whole.

local SHOWN_MS = 8000
local WIDTH = 60

local shown = nil

local function close()
  if shown and vim.api.nvim_win_is_valid(shown) then
    vim.api.nvim_win_close(shown, true)
  end
  shown = nil
end

local function float(text)
  close()
  local buffer = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_option(buffer, "bufhidden", "wipe")
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, { text })
  local width = math.max(1, math.min(WIDTH, vim.o.columns - 4, vim.fn.strdisplaywidth(text)))
  local window = vim.api.nvim_open_win(buffer, false, {
    relative = "editor",
    anchor = "SE",
    row = vim.o.lines - vim.o.cmdheight - 1,
    col = vim.o.columns,
    width = width,
    height = math.min(math.ceil(vim.fn.strdisplaywidth(text) / width) + (width < WIDTH and 0 or 1), 8),
    style = "minimal",
    border = "single",
    focusable = false,
    noautocmd = true,
  })
  vim.api.nvim_win_set_option(window, "wrap", true)
  vim.api.nvim_win_set_option(window, "linebreak", true)
  shown = window
  vim.defer_fn(function()
    if shown == window then
      close()
    end
  end, SHOWN_MS)
end

--- Say a sentence; level is one of vim.log.levels.
return function(sentence, level)
  local text = "Kibitz: " .. sentence:gsub("%s+", " ")
  if vim.api.nvim_get_mode().mode:sub(1, 1) == "i" or vim.fn.strdisplaywidth(text) > vim.v.echospace then
    float(text)
  else
    vim.notify(text, level or vim.log.levels.INFO)
  end
end
