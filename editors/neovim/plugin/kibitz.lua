-- The commands. The server is started by require("kibitz").setup(), or by the first of these.
if vim.g.loaded_kibitz then
  return
end
vim.g.loaded_kibitz = true

local function command(name, call, options)
  vim.api.nvim_create_user_command(name, call, options or {})
end

-- kibitz is loaded at the first use, so that Neovim's start pays nothing.
local function lazily(module, method)
  return function(...)
    return require(module)[method](...)
  end
end

command("KibitzAsk", lazily("kibitz.chat", "command"), {
  nargs = "*",
  range = true,
  complete = lazily("kibitz.mentions", "complete"),
  desc = "Ask about the workspace; a range is attached",
})
command("KibitzStop", lazily("kibitz.chat", "stop"), { desc = "Stop the answer, or with none the indexing" })
command("KibitzContinue", lazily("kibitz.chat", "continue"), { desc = "Ask for the rest of an answer that was cut or stopped" })
command("KibitzNewChat", lazily("kibitz.chat", "clear"), { desc = "Begin a conversation from nothing" })
command("KibitzChats", lazily("kibitz.chat", "choose"), { bang = true, desc = "Open an earlier conversation; ! deletes it" })
command("KibitzEdit", lazily("kibitz.edit", "command"), {
  nargs = "*",
  range = true,
  desc = "Change the range, or the whole buffer, as the words say",
})
command("KibitzAccept", lazily("kibitz.edit", "accept"), { bang = true, desc = "Accept the change at the cursor; ! all" })
command("KibitzReject", lazily("kibitz.edit", "reject"), { bang = true, desc = "Reject the change at the cursor; ! all" })
command("KibitzSearch", lazily("kibitz.search", "command"), {
  nargs = "+",
  bang = true,
  desc = "Search the workspace into the quickfix list; ! takes a regular expression",
})
command("KibitzIndex", lazily("kibitz.client", "index"), { desc = "Bring the index up to date" })
command("KibitzStatus", lazily("kibitz.client", "show_status"), { desc = "Show what is indexed and which model answers" })
command("KibitzToggle", lazily("kibitz.ghost", "toggle"), { desc = "Switch ghost text off or on" })
