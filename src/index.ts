// The public API: load a scenario, run it, read the outcome, show it.

export { loadScenario } from "./scenario/load.js";
export type { Scenario } from "./scenario/compiled.js";
export { runScenario, type RunOptions } from "./sim/run.js";
export type { Outcome, ReleaseOutcome } from "./sim/outcome.js";
export { summary } from "./report/summary.js";
export { explain } from "./report/explain.js";
export { reportHtml } from "./report/html.js";
export { reportMarkdown } from "./report/markdown.js";
