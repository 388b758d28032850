// Holds the house's shape: imports point down, the core has no machine under it, every file says why it is there.

import { readFileSync } from "node:fs";
import { posix } from "node:path";
import { globSync } from "tinyglobby";
import ts from "typescript";
import { describe, expect, it } from "vitest";

/** For each layer, the layers it may import from besides itself. */
const mayImport: Readonly<Record<string, readonly string[]>> = (() => {
  const kernel: readonly string[] = [];
  const telemetry = ["kernel"];
  const engines = ["kernel", "telemetry"];
  const delivery = ["kernel", "telemetry", "engines"];
  const world = ["kernel", "telemetry"];
  const scenario = ["kernel", "telemetry", "engines", "delivery", "world"];
  const sim = [...scenario, "scenario"];
  const lab = [...sim, "sim"];
  const edge = [...lab, "lab"];
  const face = [...edge, "report", "interop", "live"];
  return {
    kernel, telemetry, engines, delivery, world, scenario, sim, lab,
    report: edge, interop: edge, live: edge,
    cli: face, server: face, web: face, index: face,
  };
})();

/** Packages by layer; `*` stands for any. Files narrow it further where the design does. */
const mayUsePackage: Readonly<Record<string, readonly string[]>> = {
  kernel: ["seedrandom"],
  telemetry: [],
  engines: [],
  delivery: ["xstate"],
  world: [],
  scenario: ["zod", "yaml"],
  sim: [],
};

const deterministicLayers = ["kernel", "telemetry", "engines", "delivery", "world", "scenario", "sim"];

const exactMath = new Set(["sqrt", "floor", "ceil", "round", "trunc", "abs", "min", "max", "imul", "fround", "clz32", "sign"]);

const impureGlobals = new Set([
  "Date", "Intl", "process", "performance", "crypto", "console", "fetch", "WebSocket", "require", "Buffer", "globalThis", "global",
  "setTimeout", "setInterval", "setImmediate", "clearTimeout", "clearInterval", "clearImmediate", "queueMicrotask", "navigator",
]);

const longestFile = 400;

interface ImportOf {
  readonly specifier: string;
  readonly dynamic: boolean;
  readonly typeOnly: boolean;
}

interface Module {
  readonly path: string;
  readonly text: string;
  readonly layer: string;
  readonly syntax: ts.SourceFile;
  readonly imports: readonly ImportOf[];
}

const visitAll = (node: ts.Node, visit: (node: ts.Node) => void): void => {
  visit(node);
  ts.forEachChild(node, (child) => visitAll(child, visit));
};

const importsOf = (syntax: ts.SourceFile): ImportOf[] => {
  const found: ImportOf[] = [];
  visitAll(syntax, (node) => {
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier && ts.isStringLiteral(node.moduleSpecifier)) {
      const typeOnly = ts.isImportDeclaration(node) ? node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword : node.isTypeOnly;
      found.push({ specifier: node.moduleSpecifier.text, dynamic: false, typeOnly });
    }
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword && node.arguments[0] && ts.isStringLiteralLike(node.arguments[0])) {
      found.push({ specifier: node.arguments[0].text, dynamic: true, typeOnly: false });
    }
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && ts.isStringLiteral(node.argument.literal)) {
      found.push({ specifier: node.argument.literal.text, dynamic: false, typeOnly: true });
    }
  });
  return found;
};

const parse = (path: string, text: string): Module => {
  const syntax = ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true);
  const [, second = ""] = path.split("/");
  return { path, text, layer: second.replace(/\.ts$/, ""), syntax, imports: importsOf(syntax) };
};

const isRelative = (specifier: string): boolean => specifier.startsWith(".");

const packageOf = (specifier: string): string => {
  const [first = "", second = ""] = specifier.split("/");
  return first.startsWith("@") ? `${first}/${second}` : first;
};

/** What a module imports against the order of the layers, in words; empty when nothing. */
const layerBreaches = (module: Module): string[] =>
  module.imports.flatMap(({ specifier }) => {
    if (!isRelative(specifier)) return [];
    if (!specifier.endsWith(".js") && !specifier.endsWith(".json")) return [`${module.path} imports ${specifier} without its ending`];
    const target = posix.normalize(posix.join(posix.dirname(module.path), specifier));
    const [root, layer = ""] = target.split("/");
    if (root !== "src") return [`${module.path} imports ${specifier}, outside src`];
    const name = layer.replace(/\.js$/, "");
    if (name === module.layer) return [];
    return (mayImport[module.layer] ?? []).includes(name) ? [] : [`${module.path} (${module.layer}) imports ${specifier} (${name})`];
  });

/** Packages that the module's layer may not use, in words. */
const packageBreaches = (module: Module): string[] =>
  module.imports.flatMap(({ specifier, dynamic, typeOnly }) => {
    if (isRelative(specifier)) return [];
    const name = packageOf(specifier);
    const said = `${module.path} (${module.layer}) uses ${specifier}`;
    const allowed = mayUsePackage[module.layer];
    if (allowed) {
      if (!allowed.includes(name)) return [said];
      return name === "seedrandom" && module.path !== "src/kernel/draws.ts" ? [`${said}; only src/kernel/draws.ts makes keys`] : [];
    }
    if (name === "simple-statistics" && module.layer !== "lab" && module.layer !== "report") return [said];
    if (name === "vega" || name === "vega-lite") {
      if (module.layer !== "report") return [said];
      return dynamic || typeOnly ? [] : [`${said} at load; only a report that is drawn pays for it: import() it`];
    }
    return [];
  });

/** Whether an identifier stands for the global of that name: not a property, a key or a declaration. */
const isGlobalUse = (node: ts.Identifier): boolean => {
  const parent = node.parent;
  if (ts.isPropertyAccessExpression(parent) && parent.name === node) return false;
  if (ts.isQualifiedName(parent) && parent.right === node) return false;
  if (ts.isTypeReferenceNode(parent)) return false;
  const named = parent as ts.Node & { readonly name?: ts.Node; readonly propertyName?: ts.Node };
  return named.name !== node && named.propertyName !== node;
};

/** What in a module could make two machines differ, in words. */
const impurities = (module: Module): string[] => {
  const found: string[] = [];
  const say = (node: ts.Node, what: string): void => {
    const { line } = module.syntax.getLineAndCharacterOfPosition(node.getStart(module.syntax));
    found.push(`${module.path}:${line + 1} ${what}`);
  };
  visitAll(module.syntax, (node) => {
    if (ts.isIdentifier(node) && impureGlobals.has(node.text) && isGlobalUse(node)) say(node, node.text);
    if (ts.isIdentifier(node) && node.text === "Math" && isGlobalUse(node)) {
      const access = node.parent;
      const member = ts.isPropertyAccessExpression(access) ? access.name.text : "(not by name)";
      if (!exactMath.has(member) && !/^[A-Z][A-Z0-9_]*$/.test(member)) say(node, `Math.${member}`);
    }
    if (ts.isBinaryExpression(node) && (node.operatorToken.kind === ts.SyntaxKind.AsteriskAsteriskToken || node.operatorToken.kind === ts.SyntaxKind.AsteriskAsteriskEqualsToken)) say(node, "**");
    if (ts.isPropertyAccessExpression(node) && /^(localeCompare|toLocale[A-Z]\w*)$/.test(node.name.text)) say(node, node.name.text);
    if (ts.isMetaProperty(node) && node.keywordToken === ts.SyntaxKind.ImportKeyword) say(node, "import.meta");
    if (ts.isAwaitExpression(node)) say(node, "await");
  });
  return found;
};

/** Whether the file opens with a comment of one sentence (a shebang may come before). */
const opensWithASentence = (module: Module): boolean => {
  const [first = "", second = ""] = module.text.split("\n");
  return /^\/\/ \S.*[.!?]\s*$/.test(first.startsWith("#!") ? second : first);
};

const lineCount = (module: Module): number => module.text.trimEnd().split("\n").length;

const root = posix.join(import.meta.dirname, "..");
const modules = globSync("src/**/*.ts", { cwd: root })
  .sort()
  .map((path) => parse(path, readFileSync(posix.join(root, path), "utf8")));
const core = modules.filter(({ layer }) => deterministicLayers.includes(layer));

describe("the house", () => {
  it("knows every folder of src as a layer", () => {
    const unknown = modules.filter(({ layer }) => !(layer in mayImport)).map(({ path }) => path);
    expect(unknown).toEqual([]);
    expect(core.length).toBeGreaterThan(20);
  });

  it("imports down only: engines and delivery know no world, the world knows no decision", () => {
    expect(modules.flatMap(layerBreaches)).toEqual([]);
  });

  it("uses only the packages that the design gives each layer", () => {
    expect(modules.flatMap(packageBreaches)).toEqual([]);
  });

  it("keeps the clock, chance, the machine and inexact maths out of everything up to sim", () => {
    expect(core.flatMap(impurities)).toEqual([]);
  });

  it("says in the first line of every file why the file exists", () => {
    expect(modules.filter((module) => !opensWithASentence(module)).map(({ path }) => path)).toEqual([]);
  });

  it(`holds no file of more than ${longestFile} lines`, () => {
    expect(modules.filter((module) => lineCount(module) > longestFile).map((module) => `${module.path}: ${lineCount(module)}`)).toEqual([]);
  });
});

describe("the checks of the house", () => {
  const layerOf = (path: string, text: string): string[] => layerBreaches(parse(path, text));
  const packagesOf = (path: string, text: string): string[] => packageBreaches(parse(path, text));
  const impuritiesOf = (text: string): string[] => impurities(parse("src/kernel/x.ts", text));

  it("see an import that points up, sideways or out, and let one that points down pass", () => {
    expect(layerOf("src/engines/x.ts", `import { a } from "../world/spec.js";`)).toHaveLength(1);
    expect(layerOf("src/delivery/x.ts", `import type { A } from "../world/spec.js";`)).toHaveLength(1);
    expect(layerOf("src/world/x.ts", `export * from "../engines/decision.js";`)).toHaveLength(1);
    expect(layerOf("src/world/x.ts", `const a = await import("../scenario/load.js");`)).toHaveLength(1);
    expect(layerOf("src/world/x.ts", `type A = import("../delivery/release.js").ReleaseDeclaration;`)).toHaveLength(1);
    expect(layerOf("src/kernel/x.ts", `import { a } from "../../test/help.js";`)).toHaveLength(1);
    expect(layerOf("src/sim/x.ts", `import { a } from "../world/deep/er.js"; import { b } from "./y.js";`)).toEqual([]);
  });

  it("see a package where it does not belong", () => {
    expect(packagesOf("src/world/x.ts", `import { readFileSync } from "node:fs";`)).toHaveLength(1);
    expect(packagesOf("src/kernel/x.ts", `import seedrandom from "seedrandom";`)).toHaveLength(1);
    expect(packagesOf("src/kernel/draws.ts", `import seedrandom from "seedrandom";`)).toEqual([]);
    expect(packagesOf("src/sim/x.ts", `import { mean } from "simple-statistics";`)).toHaveLength(1);
    expect(packagesOf("src/report/x.ts", `import { compile } from "vega-lite";`)).toHaveLength(1);
    expect(packagesOf("src/report/x.ts", `const { compile } = await import("vega-lite"); import type { Spec } from "vega";`)).toEqual([]);
    expect(packagesOf("src/delivery/x.ts", `import { setup } from "xstate";`)).toEqual([]);
  });

  it("see the clock, chance and inexact maths, and leave properties of the same name alone", () => {
    expect(impuritiesOf(`const a = Math.random(); const b = Math["log"](2); const c = 2 ** 3;`)).toHaveLength(3);
    expect(impuritiesOf(`const { exp } = Math; const a = new Date(); setTimeout(() => a, 1); process.exit(exp);`)).toHaveLength(4);
    expect(impuritiesOf(`const a = "a".localeCompare("b"); const b = (1).toLocaleString();`)).toHaveLength(2);
    expect(impuritiesOf(`const a = { process: 1 }; const b = a.process; interface C { readonly Date: number } const d = Math.sqrt(2) + Math.LN2;`)).toEqual([]);
  });
});
