// What the fuzzer's tests share: frames in which everything is drawn, and the built-in scenario file name.

import type { CaseFrame, WrittenRule } from "../../../src/lab/fuzz/cases.js";
import type { ScenarioFrame } from "../../../src/lab/fuzz/arbitraries/scenario.js";

export const FRAME: CaseFrame = { scenario: {}, entry: "case.yaml", files: [], rules: [] };

export const frameWith = (scenario: ScenarioFrame, rules: readonly WrittenRule[] = []): CaseFrame => ({ ...FRAME, scenario, rules });
