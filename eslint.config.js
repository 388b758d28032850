// House rules that a machine can hold: a deterministic core, no `any`, no default exports, output only in the faces.

import js from "@eslint/js";
import tseslint from "typescript-eslint";

/** Layers whose result must be the same on every machine and every Node. */
const deterministic = ["kernel", "telemetry", "engines", "delivery", "world", "scenario", "sim"].map((layer) => `src/${layer}/**/*.ts`);

/** The functions of Math that the language specifies to the last bit; the rest lives in src/kernel/exact.ts. */
const exactMath = "sqrt|floor|ceil|round|trunc|abs|min|max|imul|fround|clz32|sign";

/** Globals that reach the clock, chance, the machine or the network. */
const impureGlobals = [
  "Date", "Intl", "process", "performance", "crypto", "console", "fetch", "WebSocket", "require", "Buffer", "globalThis", "global",
  "setTimeout", "setInterval", "setImmediate", "clearTimeout", "clearInterval", "clearImmediate", "queueMicrotask", "navigator",
];

const noDefaultExport = { selector: "ExportDefaultDeclaration", message: "Export by name: one thing has one name everywhere." };

const exactOnly = [
  {
    selector: `MemberExpression[object.name='Math']:not([property.name=/^(${exactMath}|[A-Z][A-Z0-9_]*)$/])`,
    message: "This function differs between machines or Nodes: use src/kernel/exact.ts (or src/kernel/draws.ts for chance).",
  },
  { selector: "VariableDeclarator[init.name='Math']", message: "Call Math's exact functions by their full name, so that lint sees them." },
  { selector: "BinaryExpression[operator='**'], AssignmentExpression[operator='**=']", message: "`**` differs between Nodes: use exactPow of src/kernel/exact.ts." },
  {
    selector: "MemberExpression[property.name=/^(localeCompare|toLocale[A-Z][A-Za-z]*)$/]",
    message: "The machine's locale decides this one: compare with < and >, format with toFixed.",
  },
  { selector: "MetaProperty", message: "A module below the faces does not know where it lies." },
  { selector: "ImportExpression", message: "The core is loaded whole: import at the top." },
  { selector: "AwaitExpression, ForOfStatement[await=true]", message: "Nobody awaits: send a command, receive an event." },
];

export default tseslint.config(
  { ignores: ["dist/", "dist-bench/", "node_modules/", "shakedown-out/", "reports/", "coverage/"] },
  js.configs.recommended,
  ...tseslint.configs.recommended,
  {
    languageOptions: { ecmaVersion: 2023, sourceType: "module" },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      eqeqeq: "error",
      "prefer-const": "error",
      "object-shorthand": "error",
      "no-console": "error",
      "no-restricted-syntax": ["error", noDefaultExport],
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "inline-type-imports" }],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
    },
  },
  {
    files: deterministic,
    rules: {
      "no-restricted-syntax": ["error", noDefaultExport, ...exactOnly],
      "no-restricted-globals": ["error", ...impureGlobals.map((name) => ({ name, message: "Below the lab nothing touches the real clock, chance, the machine or the network." }))],
      "no-restricted-imports": ["error", { patterns: [{ regex: "^node:|^(fs|http|https|net|os|path|crypto|child_process|worker_threads|url|process|timers)(/|$)", message: "The core has no machine under it: take data, or a read(path), as an argument." }] }],
    },
  },
  {
    // What only the types can tell.
    files: ["src/**/*.ts"],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/await-thenable": "error",
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-misused-promises": "error",
      "@typescript-eslint/no-for-in-array": "error",
      "@typescript-eslint/no-unsafe-assignment": "error",
      "@typescript-eslint/no-unsafe-return": "error",
      "@typescript-eslint/only-throw-error": "error",
      "@typescript-eslint/require-array-sort-compare": "error",
      "@typescript-eslint/restrict-plus-operands": "error",
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
    },
  },
  // Coefficients stay as they were published, with more digits than a double holds.
  { files: ["src/kernel/**"], rules: { "no-loss-of-precision": "off" } },
  { files: ["*.config.{js,ts}"], rules: { "no-restricted-syntax": "off" } },
  { files: ["**/*.{js,mjs}"], languageOptions: { globals: { process: "readonly", console: "readonly", URL: "readonly", setTimeout: "readonly" } } },
  { files: ["src/cli/**", "src/lab/*-cli.ts", "bench/**", "**/*.mjs", "test/agreement/**"], rules: { "no-console": "off" } },
);
