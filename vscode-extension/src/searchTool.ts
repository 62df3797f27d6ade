// The index for other agents of the host: a tool that only searches.
import * as vscode from "vscode";

import * as protocol from "./protocol.js";
import type { Server } from "./server.js";
import { foundText, UNTRUSTED } from "./thread.js";

const NAME = "kibitz_search";
const [HITS, MOST_HITS] = [8, 30];

interface Input {
  readonly query: string;
  readonly k?: number;
}

/** Register the tool; older hosts and some others have no tools. */
export function registerSearchTool(server: Server): vscode.Disposable[] {
  if (typeof vscode.lm?.registerTool !== "function") {
    return [];
  }
  const tool: vscode.LanguageModelTool<Input> = {
    prepareInvocation: ({ input }) => ({ invocationMessage: `Searching for ${input.query}` }),
    invoke: async ({ input }, token) => {
      // What it finds goes to whichever model has asked for it.
      if (!vscode.workspace.isTrusted) {
        return said(UNTRUSTED);
      }
      const k = Math.min(Math.max(1, Math.floor(input.k ?? HITS)), MOST_HITS);
      const { hits } = await server.request(protocol.search, { query: input.query, k }, token);
      return said(foundText(hits.map((hit) => ({ ...hit, path: vscode.workspace.asRelativePath(vscode.Uri.parse(hit.uri, true)) }))));
    },
  };
  return [vscode.lm.registerTool(NAME, tool)];
}

function said(text: string): vscode.LanguageModelToolResult {
  return new vscode.LanguageModelToolResult([new vscode.LanguageModelTextPart(text)]);
}
