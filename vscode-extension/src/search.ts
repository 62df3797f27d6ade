// Search the workspace as you type, with a look at each hit; and code like what is selected.
import * as vscode from "vscode";

import { reveal } from "./chat.js";
import * as protocol from "./protocol.js";
import type { Server } from "./server.js";
import { sentence } from "./serverCommand.js";

const PAUSE_MS = 150;
const HITS = 30;
/** Of the selection, that a search for code like it is asked with. */
const QUERY_CHARS = 2_000;

/** Lines to show: `start` and `end` are 1-based, the last one included. */
interface Place {
  readonly uri: string;
  readonly start: number;
  readonly end: number;
}

interface PlaceItem extends vscode.QuickPickItem {
  readonly place: Place;
}

/** What the query is; the first character chooses, as in the editor's own quick open, and so does a button. */
interface Mode {
  readonly prefix: string;
  readonly title: string;
  readonly placeholder: string;
  readonly icon: string;
  find(server: Server, query: string, token: vscode.CancellationToken): Promise<PlaceItem[]>;
}

const QUESTION: Mode = {
  prefix: "",
  title: "Search",
  placeholder: "A question, a name, a piece of an error message; @ finds symbols, / regular expressions",
  icon: "comment",
  find: (server, query, token) => found(server, { query }, token),
};
const SYMBOL: Mode = {
  prefix: "@",
  title: "Search for symbols",
  placeholder: "A piece of a definition's name",
  icon: "symbol-method",
  async find(server, query, token) {
    return ((await server.request(protocol.workspaceSymbol, { query }, token)) ?? []).map(({ name, location, containerName }) => {
      const { start, end } = location.range;
      return {
        label: name,
        description: containerName ?? "",
        detail: `${vscode.workspace.asRelativePath(vscode.Uri.parse(location.uri, true))}:${start.line + 1}`,
        alwaysShow: true,
        place: { uri: location.uri, start: start.line + 1, end: Math.max(end.line, start.line + 1) },
      };
    });
  },
};
const REGEX: Mode = {
  prefix: "/",
  title: "Search for a regular expression",
  placeholder: "A regular expression, in the indexed files",
  icon: "regex",
  find: (server, query, token) => found(server, { query, regex: true }, token),
};
const MODES = [QUESTION, SYMBOL, REGEX] as const;

async function found(
  server: Server,
  wanted: { query: string; regex?: boolean },
  token: vscode.CancellationToken,
): Promise<PlaceItem[]> {
  return (await server.request(protocol.search, { ...wanted, k: HITS }, token)).hits.map(itemOf);
}

export function modeOf(value: string): Mode {
  return MODES.find(({ prefix }) => prefix !== "" && value.startsWith(prefix)) ?? QUESTION;
}

export function searchWorkspace(server: Server, begun = ""): void {
  const places = new Places();
  const { pick } = places;
  pick.buttons = MODES.map(({ icon, title }) => ({ iconPath: new vscode.ThemeIcon(icon), tooltip: title }));
  let asked: vscode.CancellationTokenSource | undefined;
  let timer: NodeJS.Timeout | undefined;

  const ask = async (mode: Mode, query: string): Promise<void> => {
    const asking = new vscode.CancellationTokenSource();
    asked = asking;
    pick.busy = true;
    try {
      const items = await mode.find(server, query, asking.token);
      if (!asking.token.isCancellationRequested) {
        places.show(items, items.length === 0 ? `${mode.title}: nothing found` : mode.title);
      }
    } catch (error) {
      if (!asking.token.isCancellationRequested) {
        places.show([], sentence(error));
      }
    } finally {
      asking.dispose();
      if (asked === asking) {
        pick.busy = false;
      }
    }
  };
  const follow = (value: string): void => {
    clearTimeout(timer);
    asked?.cancel();
    const mode = modeOf(value);
    const query = value.slice(mode.prefix.length).trim();
    pick.placeholder = mode.placeholder;
    if (query === "") {
      places.show([], mode.title);
    } else {
      timer = setTimeout(() => void ask(mode, query), PAUSE_MS);
    }
  };
  pick.onDidChangeValue(follow);
  pick.onDidTriggerButton(({ tooltip }) => {
    const mode = MODES.find(({ title }) => title === tooltip) ?? QUESTION;
    pick.value = mode.prefix + pick.value.slice(modeOf(pick.value).prefix.length);
    follow(pick.value);
  });
  pick.onDidHide(() => {
    clearTimeout(timer);
    asked?.cancel();
  });
  follow(begun);
  pick.show();
  pick.value = begun; // not before: the first key would take its place
}

/** Show code like what is selected, or like the definition around the cursor; resolves with the places. */
export async function relatedCode(server: Server): Promise<readonly protocol.SearchHit[]> {
  const editor = vscode.window.activeTextEditor;
  if (editor === undefined) {
    void vscode.window.showInformationMessage("Kibitz: open a file, and select what code is wanted for.");
    return [];
  }
  const { document, selection } = editor;
  try {
    const around = selection.isEmpty ? await definitionAt(server, document, selection.active) : undefined;
    const range = around?.range ?? (selection.isEmpty ? document.lineAt(selection.active.line).range : selection);
    const query = document.getText(range).slice(0, QUERY_CHARS);
    if (query.trim() === "") {
      void vscode.window.showInformationMessage("Kibitz: select what code is wanted for.");
      return [];
    }
    const { hits } = await server.request(protocol.search, { query, k: HITS, rerank: true });
    const own = document.uri.toString();
    const others = hits.filter((hit) => hit.uri !== own || hit.end_line <= range.start.line || hit.start_line > range.end.line + 1);
    const places = new Places();
    const title = `Code like ${around?.name ?? "the selection"}`;
    places.show(others.map(itemOf), others.length === 0 ? `${title}: nothing found` : title);
    places.pick.show();
    return others;
  } catch (error) {
    void vscode.window.showErrorMessage(`Kibitz: ${sentence(error)}`);
    return [];
  }
}

/** The innermost definition around a cursor, if there is one. */
export async function definitionAt(
  server: Server,
  document: vscode.TextDocument,
  position: vscode.Position,
): Promise<{ readonly name: string; readonly range: vscode.Range } | undefined> {
  const { line, character } = position;
  const params = { textDocument: { uri: document.uri.toString() }, position: { line, character } };
  const { symbol } = await server.request(protocol.symbol, params);
  if (symbol === null) {
    return undefined;
  }
  const { start, end } = symbol.range;
  return { name: symbol.name, range: document.validateRange(new vscode.Range(start.line, 0, end.line, 0)) };
}

/** A list of places, each opened as one moves over it, and for good when it is chosen. */
class Places {
  readonly pick = vscode.window.createQuickPick<PlaceItem>();
  private fresh = false;

  constructor() {
    this.pick.matchOnDescription = true;
    this.pick.onDidAccept(() => {
      const chosen = this.pick.selectedItems[0];
      this.pick.hide();
      if (chosen !== undefined) {
        void open(chosen.place);
      }
    });
    this.pick.onDidChangeActive(([item]) => {
      // The first of new places becomes active by itself: only moving among them opens a file.
      if (item !== undefined && !this.fresh) {
        void open(item.place, { preserveFocus: true });
      }
      this.fresh = false;
    });
    this.pick.onDidHide(() => this.pick.dispose());
  }

  show(items: PlaceItem[], title: string): void {
    this.fresh = items.length > 0;
    this.pick.items = items;
    this.pick.title = `Kibitz: ${title}`;
  }
}

function itemOf(hit: protocol.SearchHit): PlaceItem {
  const name = hit.path.slice(hit.path.lastIndexOf("/") + 1);
  const detail = hit.text.split("\n").find((line) => line.trim() !== "")?.trim() ?? "";
  return {
    label: hit.symbol === "" ? name : hit.symbol,
    description: `${hit.path}:${hit.start_line}-${hit.end_line}`,
    detail: detail.slice(0, 120),
    // The server has ranked them: the editor's own filter must neither hide nor sort.
    alwaysShow: true,
    place: { uri: hit.uri, start: hit.start_line, end: hit.end_line },
  };
}

function open(place: Place, options: vscode.TextDocumentShowOptions = {}): Promise<void> {
  return reveal(vscode.Uri.parse(place.uri, true), place.start, place.end, options);
}
