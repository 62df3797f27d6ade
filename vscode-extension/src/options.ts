// What the server is told when it starts, from the editor's settings.

/** One setting as the editor stores it, level by level (the shape of `WorkspaceConfiguration.inspect`). */
export interface Levels<T> {
  readonly defaultValue?: T;
  readonly globalValue?: T;
  readonly workspaceValue?: T;
  readonly workspaceFolderValue?: T;
  readonly defaultLanguageValue?: T;
  readonly globalLanguageValue?: T;
  readonly workspaceLanguageValue?: T;
  readonly workspaceFolderLanguageValue?: T;
}

/** The settings that the server has to know; an empty one is the server's own choice. */
export interface Choices {
  readonly baseUrl: string;
  readonly chatModel: string;
  readonly completionModel: string;
  readonly ignore: readonly string[];
  /** Whether the user trusts the workspace: else it may not speak to a model, by its rules files or its diffs. */
  readonly trusted: boolean;
  /** Further settings of the server, by the server's names. */
  readonly further: Readonly<Record<string, unknown>>;
}

export type InitializationOptions = Record<string, unknown>;

/** Only what is set is sent: an empty value would override the server's own configuration. */
export function initializationOptions(choices: Choices): InitializationOptions {
  const options: InitializationOptions = { ...choices.further, trusted: choices.trusted };
  if (choices.baseUrl.trim() !== "") {
    options["base_url"] = choices.baseUrl.trim();
  }
  if (choices.chatModel.trim() !== "") {
    options["chat_model"] = choices.chatModel.trim();
  }
  if (choices.completionModel.trim() !== "") {
    options["completion_model"] = choices.completionModel.trim();
  }
  if (choices.ignore.length > 0) {
    options["ignore"] = choices.ignore;
  }
  return options;
}

/** The environment of the server: ours, plus the key from the secret storage when there is one. */
export function serverEnvironment(inherited: NodeJS.ProcessEnv, apiKey: string | undefined): NodeJS.ProcessEnv {
  return apiKey === undefined || apiKey === "" ? { ...inherited } : { ...inherited, OPENAI_API_KEY: apiKey };
}

/** A switch that a workspace may turn off but never on. */
export function narrowed(levels: Levels<boolean> | undefined): boolean {
  if (levels === undefined) {
    return false;
  }
  const user =
    levels.globalLanguageValue ?? levels.globalValue ?? levels.defaultLanguageValue ?? levels.defaultValue ?? false;
  const workspace =
    levels.workspaceFolderLanguageValue ??
    levels.workspaceLanguageValue ??
    levels.workspaceFolderValue ??
    levels.workspaceValue ??
    true;
  return user && workspace;
}

/** A list that a workspace may add to but never shorten. */
export function joined(levels: Levels<readonly string[]> | undefined): readonly string[] {
  const all = [levels?.globalValue, levels?.workspaceValue, levels?.workspaceFolderValue].flatMap((list) => list ?? []);
  return [...new Set(all)];
}
