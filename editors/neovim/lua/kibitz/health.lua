--- :checkhealth kibitz

local M = {}

local health = vim.health or require("health")
local start = health.start or health.report_start
local ok = health.ok or health.report_ok
local warn = health.warn or health.report_warn
local fail = health.error or health.report_error

function M.check()
  local options = require("kibitz").options
  local client = require("kibitz.client")
  start("kibitz")
  local program = options.cmd[1]
  if vim.fn.executable(program) == 1 then
    ok(("%s is %s"):format(program, vim.fn.exepath(program)))
  else
    fail(("%s is not executable"):format(program), { "install the program, or set cmd in setup()" })
  end
  if client.ready() then
    ok("the server runs: " .. client.state_in_full())
  else
    warn("the server does not run", { "open a file of a workspace after require('kibitz').setup()" })
  end
  for name, key in pairs(options.ghost.keys) do
    local mapped = key and vim.fn.maparg(key, "i", false, true) or {}
    if key and not (mapped.desc or ""):find("^Kibitz") then
      warn(("%s is taken: %s has no key"):format(key, name), { "choose another in ghost.keys of setup()" })
    end
  end
end

return M
