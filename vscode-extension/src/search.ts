// Search the workspace as you type, with a look at each hit.
import * as vscode from "vscode";

import { reveal } from "./chat.js";
import * as protocol from "./protocol.js";
import type { Server } from "./server.js";
import { sentence } from "./serverCommand.js";

const PAUSE_MS = 150;
const HITS = 30;

interface HitItem extends vscode.QuickPickItem {
  readonly hit: protocol.SearchHit;
}

export function searchWorkspace(server: Server): void {
  const pick = vscode.window.createQuickPick<HitItem>();
  pick.title = "Kibitz: Search";
  pick.placeholder = "A question, a name, a piece of an error message";
  pick.matchOnDescription = true;
  let asked: vscode.CancellationTokenSource | undefined;
  let timer: NodeJS.Timeout | undefined;
  let fresh = false;

  const ask = async (query: string): Promise<void> => {
    const asking = new vscode.CancellationTokenSource();
    asked = asking;
    pick.busy = true;
    try {
      const { hits } = await server.request(protocol.search, { query, k: HITS }, asking.token);
      if (!asking.token.isCancellationRequested) {
        fresh = hits.length > 0;
        pick.items = hits.map(itemOf);
        pick.title = hits.length === 0 ? "Kibitz: Search: nothing found" : "Kibitz: Search";
      }
    } catch (error) {
      if (!asking.token.isCancellationRequested) {
        pick.items = [];
        pick.title = `Kibitz: ${sentence(error)}`;
      }
    } finally {
      asking.dispose();
      if (asked === asking) {
        pick.busy = false;
      }
    }
  };
  pick.onDidChangeValue((value) => {
    clearTimeout(timer);
    asked?.cancel();
    if (value.trim() === "") {
      pick.items = [];
    } else {
      timer = setTimeout(() => void ask(value.trim()), PAUSE_MS);
    }
  });
  pick.onDidAccept(() => {
    const chosen = pick.selectedItems[0];
    pick.hide();
    if (chosen !== undefined) {
      void show(chosen.hit);
    }
  });
  pick.onDidChangeActive(([item]) => {
    // The first of new hits becomes active by itself: only moving among them opens a file.
    if (item !== undefined && !fresh) {
      void show(item.hit, { preserveFocus: true });
    }
    fresh = false;
  });
  pick.onDidHide(() => {
    clearTimeout(timer);
    asked?.cancel();
    pick.dispose();
  });
  pick.show();
}

function itemOf(hit: protocol.SearchHit): HitItem {
  const name = hit.path.slice(hit.path.lastIndexOf("/") + 1);
  const detail = hit.text.split("\n").find((line) => line.trim() !== "")?.trim() ?? "";
  return {
    hit,
    label: hit.symbol === "" ? name : hit.symbol,
    description: `${hit.path}:${hit.start_line}-${hit.end_line}`,
    detail: detail.slice(0, 120),
    // The server has ranked them: the editor's own filter must neither hide nor sort.
    alwaysShow: true,
  };
}

function show(hit: protocol.SearchHit, options: vscode.TextDocumentShowOptions = {}): Promise<void> {
  return reveal(vscode.Uri.parse(hit.uri, true), hit.start_line, hit.end_line, options);
}
