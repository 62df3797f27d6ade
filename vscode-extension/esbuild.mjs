// Bundles the extension, its webview and, with --tests, the tests that run under plain node.
import { build } from "esbuild";
import { readdir, readFile, writeFile } from "node:fs/promises";

const flags = new Set(process.argv.slice(2));
const production = flags.has("--production");
const shared = {
  bundle: true,
  logLevel: "warning",
  minify: production,
  sourcemap: production ? false : "linked",
  target: "es2022",
};

const { metafile } = await build({
  ...shared,
  metafile: true,
  entryPoints: ["src/extension.ts"],
  outfile: "dist/extension.js",
  platform: "node",
  format: "cjs",
  external: ["vscode"],
});
await writeFile("dist/NOTICES.txt", await notices(Object.keys(metafile.inputs)));
await build({
  ...shared,
  entryPoints: ["src/webview/main.ts"],
  outfile: "dist/webview.js",
  platform: "browser",
  format: "iife",
});
if (flags.has("--tests")) {
  const tests = (await readdir("test/unit")).filter((name) => name.endsWith(".test.ts"));
  await build({
    ...shared,
    entryPoints: tests.map((name) => `test/unit/${name}`),
    outdir: "dist/test",
    platform: "node",
    format: "cjs",
  });
}
if (flags.has("--editor-tests")) {
  await build({
    ...shared,
    entryPoints: ["test/editor/suite.ts"],
    outdir: "dist/editor",
    platform: "node",
    format: "cjs",
    external: ["vscode"],
  });
}

/** The licences of the packages that went into the bundle. */
async function notices(inputs) {
  const packages = new Set();
  for (const input of inputs) {
    const found = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input);
    if (found !== null) {
      packages.add(found[0]);
    }
  }
  const texts = ["The bundle contains these packages.\n"];
  for (const folder of [...packages].sort()) {
    const { name, version } = JSON.parse(await readFile(`${folder}/package.json`, "utf8"));
    const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
    if (file === undefined) {
      throw new Error(`${name} says nothing of its licence.`);
    }
    texts.push(`${"=".repeat(80)}\n${name} ${version}\n\n${await readFile(`${folder}/${file}`, "utf8")}`);
  }
  return texts.join("\n");
}
