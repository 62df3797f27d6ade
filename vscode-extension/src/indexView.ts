// The view of the index: how it stands, what is in it, what is left out and by which rule.
import * as vscode from "vscode";

import { type Row, rowsOf, sentenceOf } from "./coverage.js";
import * as protocol from "./protocol.js";
import type { Server } from "./server.js";
import { sentence } from "./serverCommand.js";
import { factsOf, look } from "./status.js";
import type { StateTracker } from "./tracker.js";

const MOST_PATHS = 1_000;
const ICONS: Record<Row["kind"], string> = {
  folder: "root-folder",
  in: "database",
  out: "circle-slash",
  language: "file-code",
  rule: "filter",
  warning: "warning",
};

/** A row of the answer, a path below one, or a line that only tells something. */
type Node = { readonly row: Row } | { readonly path: protocol.ListedPath } | { readonly told: string; readonly busy?: boolean };

export class IndexView implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  static readonly view = "kibitz.index";
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.changed.event;
  private readonly tree: vscode.TreeView<Node>;
  private kind = "";

  constructor(
    private readonly server: Server,
    private readonly tracker: StateTracker,
  ) {
    this.tree = vscode.window.createTreeView(IndexView.view, { treeDataProvider: this, showCollapseAll: true });
    tracker.onChange(() => this.follow());
    this.follow();
  }

  dispose(): void {
    this.tree.dispose();
    this.changed.dispose();
  }

  refresh(): void {
    this.changed.fire();
  }

  /** Show the state; what is in and out is looked at anew when a round has ended. */
  private follow(): void {
    const { state } = this.tracker;
    this.tree.message = state.kind === "ready" || state.kind === "waiting" ? "" : look(state).tooltip;
    void vscode.commands.executeCommand("setContext", "kibitz.indexing", state.kind === "indexing");
    if (state.kind !== this.kind) {
      this.kind = state.kind;
      this.refresh();
    }
  }

  getTreeItem(node: Node): vscode.TreeItem {
    if ("told" in node) {
      return new vscode.TreeItem(node.told);
    }
    if ("path" in node) {
      return pathItem(node.path);
    }
    const { row } = node;
    const opens = row.kind !== "warning";
    const unfolded = row.kind === "in" || row.kind === "out" || row.kind === "folder";
    const { None, Collapsed, Expanded } = vscode.TreeItemCollapsibleState;
    const item = new vscode.TreeItem(row.label, opens ? (unfolded ? Expanded : Collapsed) : None);
    item.description = row.description;
    item.tooltip = row.tooltip === "" ? `${row.label}: ${row.description}` : row.tooltip;
    item.iconPath = new vscode.ThemeIcon(ICONS[row.kind]);
    return item;
  }

  async getChildren(node?: Node): Promise<Node[]> {
    if (!this.server.running) {
      return [];
    }
    try {
      if (node === undefined) {
        return await this.roots();
      }
      if (!("row" in node)) {
        return [];
      }
      const { row } = node;
      return row.kind === "language" || row.kind === "rule" ? await this.paths(row) : row.children.map((child) => ({ row: child }));
    } catch (error) {
      return [{ told: sentence(error) }];
    }
  }

  private async roots(): Promise<Node[]> {
    const [status, { folders = [] }] = await Promise.all([
      this.server.request(protocol.status, {}),
      this.server.request(protocol.files, {}),
    ]);
    const facts = factsOf(status).map((fact) => ({ told: fact.replace(/^\$\([^)]*\) /, "") }));
    return [...facts, ...rowsOf(folders).map((row) => ({ row }))];
  }

  private async paths(row: Row): Promise<Node[]> {
    const wanted = row.kind === "rule" ? { rule: row.of } : { language: row.of };
    const { paths = [], more = 0 } = await this.server.request(protocol.files, { ...wanted, folder: row.folder, most: MOST_PATHS });
    return [...paths.map((path) => ({ path })), ...(more > 0 ? [{ told: `… and ${more} more` }] : [])];
  }
}

function pathItem({ path, uri }: protocol.ListedPath): vscode.TreeItem {
  const item = new vscode.TreeItem(path);
  if (uri !== null) {
    item.resourceUri = vscode.Uri.parse(uri, true);
    if (!path.endsWith("/")) {
      item.command = { command: "vscode.open", title: "Open", arguments: [item.resourceUri, { preview: true }] };
    }
  }
  item.iconPath = path.endsWith("/") ? vscode.ThemeIcon.Folder : vscode.ThemeIcon.File;
  return item;
}

/** Bring the index up to date, or throw it away and make it again. */
export async function indexWorkspace(server: Server, rebuild = false): Promise<void> {
  if (rebuild) {
    const yes = "Rebuild";
    const detail = "It is made again from your files. Until that has ended, searches look through the files themselves.";
    if ((await vscode.window.showWarningMessage("Throw the index away?", { modal: true, detail }, yes)) !== yes) {
      return;
    }
  }
  try {
    await server.request(protocol.index, { rebuild });
  } catch (error) {
    void vscode.window.showErrorMessage(`Kibitz: ${sentence(error)}`);
  }
}

/** Say of a file why it is in the index or why it is not; resolves with the sentence. */
export async function explainFile(server: Server, given?: vscode.Uri): Promise<string | undefined> {
  const uri = given ?? vscode.window.activeTextEditor?.document.uri;
  if (uri === undefined) {
    void vscode.window.showInformationMessage("Kibitz: open a file, and ask again.");
    return undefined;
  }
  try {
    const { file } = await server.request(protocol.files, { uri: uri.toString() });
    const told = file === undefined ? undefined : sentenceOf(file);
    void vscode.window.showInformationMessage(`Kibitz: ${told ?? "nothing is known of it."}`);
    return told;
  } catch (error) {
    void vscode.window.showErrorMessage(`Kibitz: ${sentence(error)}`);
    return undefined;
  }
}
