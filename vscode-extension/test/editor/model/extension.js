// A model that says one word. The two names at the end of it are not in the editor's types, but its picker wants them.
const vscode = require("vscode");

const MODEL = {
  ...{ id: "scripted", name: "Scripted", family: "scripted", version: "1", maxInputTokens: 1000, maxOutputTokens: 100 },
  ...{ capabilities: { toolCalling: true }, isUserSelectable: true, isDefault: true },
};

exports.activate = async (context) => {
  context.subscriptions.push(
    vscode.lm.registerLanguageModelChatProvider("scripted", {
      provideLanguageModelChatInformation: () => [MODEL],
      provideLanguageModelChatResponse: (_model, _messages, _options, progress) =>
        void progress.report(new vscode.LanguageModelTextPart("Yes.")),
      provideTokenCount: (_model, text) => String(text).length,
    }),
  );
  await vscode.lm.selectChatModels({ vendor: "scripted" }); // else the picker learns of it by the first question only
};
