// What is in the index and what is out, as rows of a tree: decided from values, so that it can be tested without an editor.

export interface Amount {
  readonly files: number;
  /** Not entered: nothing is known of what is in them. */
  readonly folders: number;
  readonly bytes: number;
}

/** One folder of the answer to kibitz/files. */
export interface Sums {
  readonly uri: string | null;
  readonly name: string;
  readonly total: Amount;
  readonly to_do: Amount;
  readonly in: readonly (Amount & { readonly language: string })[];
  readonly out: readonly (Amount & { readonly rule: string; readonly reason: string })[];
  readonly warning: string | null;
}

export interface Row {
  readonly kind: "folder" | "in" | "out" | "language" | "rule" | "warning";
  readonly label: string;
  readonly description: string;
  readonly tooltip: string;
  readonly folder: string;
  /** The language or the rule whose paths are asked for when the row is opened. */
  readonly of: string;
  readonly children: readonly Row[];
}

/** The rows of the tree; with one folder its name is left out. */
export function rowsOf(folders: readonly Sums[]): Row[] {
  const each = folders.map((sums) => ({ sums, rows: rowsOfFolder(sums) }));
  if (each.length === 1) {
    return each[0]?.rows ?? [];
  }
  return each.map(({ sums, rows }) => ({
    ...plain("folder", sums, sums.name),
    description: amountOf(sums.total),
    children: rows,
  }));
}

function rowsOfFolder(sums: Sums): Row[] {
  const inside = sums.in.map((one) => ({
    ...plain("language", sums, one.language === "" ? "other text" : one.language),
    description: amountOf(one),
    of: one.language,
  }));
  const outside = sums.out.map((one) => ({
    ...plain("rule", sums, one.rule),
    description: amountOf(one),
    tooltip: one.reason === "" ? "" : `Left out because ${one.reason}.`,
    of: one.rule,
  }));
  const out = added(sums.out);
  const due = sums.to_do.files;
  const later = due === 0 ? "" : `, ${due === sums.total.files ? "all" : counted(due, "file")} still to be read`;
  const warning = sums.warning === null ? [] : [{ ...plain("warning", sums, sums.warning), tooltip: sums.warning }];
  return [
    ...warning,
    { ...plain("in", sums, "In the index"), description: amountOf(sums.total) + later, children: inside },
    { ...plain("out", sums, "Left out"), description: amountOf(out), children: outside },
  ];
}

function plain(kind: Row["kind"], sums: Sums, label: string): Row {
  return { kind, label, description: "", tooltip: "", folder: sums.uri ?? "", of: "", children: [] };
}

function added(amounts: readonly Amount[]): Amount {
  const sum = (key: keyof Amount): number => amounts.reduce((total, one) => total + one[key], 0);
  return { files: sum("files"), folders: sum("folders"), bytes: sum("bytes") };
}

/** "1,204 files and 3 folders, 18.4 MB" */
export function amountOf({ files, folders, bytes }: Amount): string {
  const parts = [counted(files, "file")];
  if (folders > 0) {
    parts.push(counted(folders, "folder"));
  }
  if (files === 0 && folders > 0) {
    parts.shift();
  }
  const named = parts.join(" and ");
  return bytes > 0 ? `${named}, ${sizeOf(bytes)}` : named;
}

export function sizeOf(bytes: number): string {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

export function counted(count: number, what: string): string {
  return `${new Intl.NumberFormat("en").format(count)} ${what}${count === 1 ? "" : "s"}`;
}

/** What the answer about one file says, in a sentence. */
export interface FileStatus {
  readonly path: string;
  readonly indexed: boolean;
  readonly rule: string;
  readonly origin: string;
  readonly reason: string;
  readonly chunks: number;
  readonly changed: boolean;
}

export function sentenceOf(file: FileStatus): string {
  if (file.rule !== "") {
    const where = file.origin === "" ? "" : ` (${file.origin})`;
    const still = file.indexed ? " The next round takes it out." : "";
    return `${file.path} is left out by the rule “${file.rule}”${where}: ${file.reason}.${still}`;
  }
  if (!file.indexed) {
    return `${file.path} is not indexed yet: ${file.reason === "" ? "the next round enters it" : file.reason}.`;
  }
  const changed = file.changed ? ", and has changed since" : "";
  return `${file.path} is in the index in ${counted(file.chunks, "chunk")}${changed}.`;
}
