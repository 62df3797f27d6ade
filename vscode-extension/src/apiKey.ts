// The key of the endpoint: kept in the editor's secret storage, handed to the server's process, written nowhere else.
import * as vscode from "vscode";

const NAME = "kibitz.apiKey";

export class ApiKey {
  constructor(private readonly secrets: vscode.SecretStorage) {}

  get(): Thenable<string | undefined> {
    return this.secrets.get(NAME);
  }

  /** Calls back when the key has changed, in this window or another. */
  onDidChange(listener: () => void): vscode.Disposable {
    return this.secrets.onDidChange(({ key }) => {
      if (key === NAME) {
        listener();
      }
    });
  }

  /** Ask for the key and store it; whether one was given. */
  async ask(): Promise<boolean> {
    const key = await vscode.window.showInputBox({
      title: "Kibitz: Set API Key",
      prompt: "The key of your endpoint. It is kept in the editor's secret storage.",
      password: true,
      ignoreFocusOut: true,
      validateInput: (value) => (/\s/.test(value.trim()) ? "A key holds no blanks." : undefined),
    });
    if (key === undefined || key.trim() === "") {
      return false;
    }
    await this.secrets.store(NAME, key.trim());
    return true;
  }

  async clear(): Promise<void> {
    await this.secrets.delete(NAME);
  }
}
