// The canary as a statechart: which state follows which, and nothing of how it is carried out.

import { assign, setup } from "xstate";
import { MICROS_PER_MILLI, seconds, type Micros } from "../kernel/units.js";
import { initialContext, currentVerdict, type CanaryContext, type CanaryEvent, type CanaryInput, type Draft } from "./canary-context.js";
import { commandOf, replicasOfStep, type CommandName } from "./canary-commands.js";
import * as decide from "./canary-decisions.js";
import { bakeOver, gateFailsAtOnce, holdOver, silence } from "./canary-guards.js";

/** A platform reports its own time-outs; this much later the statechart no longer waits for the report. */
const TIMEOUT_GRACE: Micros = seconds(15);
/** Longest wait for the evaluation that ends a flag watch. */
const FLAG_JUDGEMENT_LIMIT: Micros = seconds(60);
/** After this many plans in a row in which every action failed, only a person's answer tries again. */
const MOST_STRANDINGS = 3;

const toMillis = (duration: Micros): number => duration / MICROS_PER_MILLI;
const stepOf = ({ strategy, step }: CanaryContext) => strategy.steps[step];
const isLast = ({ strategy, step }: CanaryContext): boolean => step === strategy.steps.length - 1;
/** From when requests show what an action did. */
function seenFrom(context: CanaryContext, event: CanaryEvent): Micros {
  if (event.type !== "action.done") return context.driver.now();
  return Math.max(event.effectiveAt, event.at + context.timing.propagation) + context.timing.scrape;
}

const machineSetup = setup({
  types: { context: {} as CanaryContext, events: {} as CanaryEvent, input: {} as CanaryInput },
  delays: {
    bake: ({ context }) => toMillis(stepOf(context).bake),
    maxHold: ({ context }) => toMillis(stepOf(context).maxHold),
    answer: ({ context }) => toMillis(context.strategy.askTimeout),
    action: ({ context }) => toMillis(context.strategy.actionTimeout + TIMEOUT_GRACE),
    flagWatch: ({ context }) =>
      toMillis(Math.max(0, (context.judgedSince ?? 0) - context.driver.now()) + context.strategy.rollback.flagWatch),
    flagJudgement: () => toMillis(FLAG_JUDGEMENT_LIMIT),
  },
  guards: {
    isMine: ({ context, event }) => "id" in event && event.id === context.action,
    isMineWithTriesLeft: ({ context, event }) =>
      "id" in event && event.id === context.action && context.tries < context.strategy.rollback.attempts,
    isMineAtLastStep: ({ context, event }) => "id" in event && event.id === context.action && isLast(context),
    hasTriesLeft: ({ context }) => context.tries < context.strategy.rollback.attempts,
    isLastStep: ({ context }) => isLast(context),
    needsReplicas: ({ context }) => replicasOfStep(context) > context.replicas,
    bakeSaysPromote: ({ context }) => bakeOver(context) === "promote",
    bakeSaysAsk: ({ context }) => bakeOver(context) === "ask",
    holdSaysPromote: ({ context }) => holdOver(context) === "promote",
    holdSaysAsk: ({ context }) => holdOver(context) === "ask",
    gatePasses: ({ context }) => currentVerdict(context)?.kind === "pass",
    gateFailsAtOnce: ({ context }) => gateFailsAtOnce(context),
    isHard: ({ event }) => event.type === "trigger.fired" && event.report.hard,
    startsWithFlag: ({ context }) => context.draft?.actions[0] === "disable-flag",
    isBetter: ({ event }) => event.type === "flag.judged" && event.better,
    answerIs: ({ event }, answer: "roll-back" | "promote" | "hold") => event.type === "answer" && event.answer === answer,
    silenceMeans: ({ context }, answer: "roll-back" | "promote" | "hold") => silence(context) === answer,
    mayStillTry: ({ context }) => context.strandings < MOST_STRANDINGS,
    silenceTriesAgain: ({ context }) => context.strandings < MOST_STRANDINGS && context.strategy.onNoAnswer === "roll-back",
  },
  actions: {
    keepReport: assign(({ event }) => ("report" in event ? { report: event.report } : {})),
    /** Makes the command, sends it; the same kind again is another try, for a command that was done is forgotten. */
    issue: assign(({ context }, name: CommandName) => {
      const command = commandOf(name, context);
      const again = context.command?.kind === command.kind;
      return { action: context.action + 1, command, tries: again ? context.tries + 1 : 1 };
    }),
    send: ({ context }) => {
      if (context.command !== null) context.driver.send(context.action, context.command);
    },
    forgetCommand: assign({ command: null, tries: 0 }),
    deployed: assign(({ context: { command, replicas } }) => ({ replicas: command !== null && "replicas" in command ? command.replicas : replicas })),
    shifted: assign(({ context, event }) => ({
      weight: stepOf(context).weight,
      fullyExposed: context.fullyExposed || stepOf(context).weight >= 1,
      judgedSince: seenFrom(context, event),
    })),
    flagWentOff: assign(({ context, event }) => ({ flagOff: true, judgedSince: seenFrom(context, event) })),
    nextStep: assign(({ context }) => ({ step: Math.min(context.step + 1, context.strategy.steps.length - 1) })),
    stranded: assign(({ context }) => ({ strandings: context.strandings + 1 })),
    leaveToPeople: assign({ strandings: MOST_STRANDINGS }),
    /** A person has it go on as any release: what fires from now on is acted on again. */
    letGoOn: assign({ strandings: 0 }),
    draft: assign((_, draft: Draft) => ({ draft })),
    record: ({ context }) => {
      if (context.draft !== null) context.driver.record(context.draft, context);
    },
    recordNextAttempt: ({ context, event }) => context.driver.record(decide.nextAttempt(context, event), context),
    page: ({ context }, asks: boolean) => context.driver.page(context.draft?.reason ?? "", asks),
    /** The plan says that people should know, beside what it does. */
    pageIfPlanned: ({ context }) => {
      if (context.draft?.actions.includes("page") === true) context.driver.page(context.draft.reason, false);
    },
    judgeFlag: ({ context }) => context.driver.judgeFlag(context),
    finish: ({ context }, kind: "promoted" | "flag-off" | "rolled-back" | "held") =>
      context.driver.finish({ kind, by: context.draft?.by ?? "engine", afterFullExposure: context.fullyExposed }),
  },
});

type Args = { context: CanaryContext; event: CanaryEvent };

/** Decide: keep the draft, write it down. */
const decided = (make: (args: Args) => Draft) => [{ type: "draft", params: make } as const, { type: "record" } as const] as const;

const issue = (name: CommandName) => [{ type: "issue", params: name } as const, { type: "send" } as const] as const;

/** Try the state's command again: a decision of its own, beside the plan that is being carried out. */
const again = (self: string) => ({ target: self, reenter: true, actions: "recordNextAttempt" }) as const;

/** How the watch without the flag ended. */
const flagWatched = (better: boolean) =>
  decided(({ context, event }) => (event.type === "flag.judged" ? decide.flagWatched(context, better, event.report) : decide.flagUnjudged(context)));

const promote = decided(({ context }) => decide.promotion(context));
const rollBackForGate = decided(({ context }) => decide.gateRollback(context));
const decideTriggers = [
  { type: "keepReport" } as const,
  ...decided(({ context, event }) => {
    if (!("report" in event)) throw new TypeError("a fired trigger has a report");
    return decide.triggerPlan(context, event.report);
  }),
  { type: "pageIfPlanned" } as const,
] as const;

/** The first steps failed: what was deployed is taken back. */
const giveUp = decided(({ context, event }) => decide.nextLevel(context, event, ["roll-back"], "so the release is rolled back"));
const giveUpMarking = [
  ...decided(({ context, event }) => decide.nextLevel(context, event, ["page", "hold"], "so a person is paged; the version serves all traffic, but is not recorded as stable")),
  { type: "page", params: false } as const,
] as const;
const giveUpFlag = decided(({ context, event }) => decide.nextLevel(context, event, ["roll-back"], "so the whole release is rolled back"));
const giveUpRollback = decided(({ context, event }) => decide.nextLevel(context, event, ["shift-traffic"], "so all traffic is shifted to stable"));
const giveUpShift = [
  ...decided(({ context, event }) => decide.nextLevel(context, event, ["page", "hold"], "so a person is paged: every rollback action has failed")),
  { type: "page", params: true } as const,
] as const;

export const canaryMachine = machineSetup.createMachine({
  id: "canary",
  context: ({ input }) => initialContext(input),
  initial: "exposed",
  states: {
    exposed: {
      initial: "deploying",
      on: {
        // Only here: a fired trigger acts in every state below, whatever that state waits for.
        "trigger.fired": [
          { guard: "mayStillTry", target: "rolling-back", actions: decideTriggers },
          // Every action failed again and again, or a person chose to leave it: only an answer moves it now.
          { actions: "keepReport" },
        ],
        "window.ready": { actions: "keepReport" },
      },
      states: {
        deploying: {
          entry: issue("deploy"),
          on: {
            "action.done": { guard: "isMine", target: "step.shifting", actions: ["deployed", "forgetCommand"] },
            "action.failed": [{ guard: "isMineWithTriesLeft", ...again("deploying") }, { guard: "isMine", target: "#canary.rolling-back.restoring", actions: giveUp }],
            "action.timed-out": [{ guard: "isMineWithTriesLeft", ...again("deploying") }, { guard: "isMine", target: "#canary.rolling-back.restoring", actions: giveUp }],
          },
          after: { action: [{ guard: "hasTriesLeft", ...again("deploying") }, { target: "#canary.rolling-back.restoring", actions: giveUp }] },
        },
        /** Passed through at once. */
        onward: {
          always: [
            { guard: "isLastStep", target: "marking-stable" },
            { target: "step", actions: "nextStep" },
          ],
        },
        step: {
          initial: "preparing",
          states: {
            /** Passed through at once: more replicas first, when the weight needs them. */
            preparing: { always: [{ guard: "needsReplicas", target: "scaling" }, { target: "shifting" }] },
            scaling: {
              entry: issue("scale"),
              on: {
                "action.done": { guard: "isMine", target: "shifting", actions: ["deployed", "forgetCommand"] },
                "action.failed": [{ guard: "isMineWithTriesLeft", ...again("scaling") }, { guard: "isMine", target: "#canary.rolling-back.restoring", actions: giveUp }],
                "action.timed-out": [{ guard: "isMineWithTriesLeft", ...again("scaling") }, { guard: "isMine", target: "#canary.rolling-back.restoring", actions: giveUp }],
              },
              after: { action: [{ guard: "hasTriesLeft", ...again("scaling") }, { target: "#canary.rolling-back.restoring", actions: giveUp }] },
            },
            shifting: {
              entry: issue("shift"),
              on: {
                "action.done": [
                  { guard: "isMineAtLastStep", target: "watching", actions: ["shifted", "forgetCommand"] },
                  { guard: "isMine", target: "baking", actions: ["shifted", "forgetCommand"] },
                ],
                "action.failed": [{ guard: "isMineWithTriesLeft", ...again("shifting") }, { guard: "isMine", target: "#canary.rolling-back.restoring", actions: giveUp }],
                "action.timed-out": [{ guard: "isMineWithTriesLeft", ...again("shifting") }, { guard: "isMine", target: "#canary.rolling-back.restoring", actions: giveUp }],
              },
              after: { action: [{ guard: "hasTriesLeft", ...again("shifting") }, { target: "#canary.rolling-back.restoring", actions: giveUp }] },
            },
            baking: {
              always: { guard: "gateFailsAtOnce", target: "#canary.rolling-back.restoring", actions: rollBackForGate },
              after: {
                bake: [
                  { guard: "bakeSaysPromote", target: "preparing", actions: [...promote, "nextStep"] },
                  { guard: "bakeSaysAsk", target: "#canary.exposed.asking" },
                  { target: "holding" },
                ],
              },
            },
            watching: {
              always: { guard: "gateFailsAtOnce", target: "#canary.rolling-back.restoring", actions: rollBackForGate },
              after: {
                bake: [
                  { guard: "bakeSaysPromote", target: "#canary.exposed.marking-stable", actions: promote },
                  { guard: "bakeSaysAsk", target: "#canary.exposed.asking" },
                  { target: "holding" },
                ],
              },
            },
            holding: {
              entry: decided(({ context }) => decide.holding(context)),
              always: [
                { guard: "gatePasses", target: "#canary.exposed.onward", actions: decided(({ context }) => decide.promotionAfterHold(context)) },
                { guard: "gateFailsAtOnce", target: "#canary.rolling-back.restoring", actions: rollBackForGate },
              ],
              after: {
                maxHold: [
                  { guard: "holdSaysPromote", target: "#canary.exposed.onward", actions: decided(({ context }) => decide.promotionOnThinData(context)) },
                  { guard: "holdSaysAsk", target: "#canary.exposed.asking" },
                  { target: "#canary.rolling-back.restoring", actions: rollBackForGate },
                ],
              },
            },
          },
        },
        asking: {
          entry: [...decided(({ context }) => decide.asking(context)), { type: "page", params: true }],
          on: {
            answer: [
              { guard: { type: "answerIs", params: "promote" }, target: "onward", actions: decided(({ context }) => decide.answered(context, "promote")) },
              { guard: { type: "answerIs", params: "hold" }, target: "held", actions: decided(({ context }) => decide.answered(context, "hold")) },
              { target: "#canary.rolling-back.restoring", actions: decided(({ context }) => decide.answered(context, "roll-back")) },
            ],
          },
          after: {
            answer: [
              { guard: { type: "silenceMeans", params: "promote" }, target: "onward", actions: decided(({ context }) => decide.unanswered(context, "promote")) },
              { guard: { type: "silenceMeans", params: "hold" }, target: "held", actions: decided(({ context }) => decide.unanswered(context, "hold")) },
              { target: "#canary.rolling-back.restoring", actions: decided(({ context }) => decide.unanswered(context, "roll-back")) },
            ],
          },
        },
        held: {
          // Whoever lets it go on from here has every attempt before them.
          entry: ["forgetCommand", { type: "finish", params: "held" }],
          on: {
            answer: [
              { guard: { type: "answerIs", params: "promote" }, target: "onward", actions: [...decided(({ context }) => decide.answered(context, "promote")), "letGoOn"] },
              { guard: { type: "answerIs", params: "roll-back" }, target: "#canary.rolling-back.restoring", actions: decided(({ context }) => decide.answered(context, "roll-back")) },
            ],
          },
        },
        "marking-stable": {
          entry: issue("mark-stable"),
          on: {
            "action.done": { guard: "isMine", target: "#canary.promoted", actions: { type: "finish", params: "promoted" } },
            "action.failed": [{ guard: "isMineWithTriesLeft", ...again("marking-stable") }, { guard: "isMine", target: "held", actions: giveUpMarking }],
            "action.timed-out": [{ guard: "isMineWithTriesLeft", ...again("marking-stable") }, { guard: "isMine", target: "held", actions: giveUpMarking }],
          },
          after: { action: [{ guard: "hasTriesLeft", ...again("marking-stable") }, { target: "held", actions: giveUpMarking }] },
        },
      },
    },
    "rolling-back": {
      entry: "forgetCommand",
      initial: "choosing",
      states: {
        /** Passed through at once: the plan says where it starts. */
        choosing: { always: [{ guard: "startsWithFlag", target: "disabling-flag" }, { target: "restoring" }] },
        "disabling-flag": {
          entry: issue("disable-flag"),
          on: {
            "trigger.fired": { guard: "isHard", target: "restoring", actions: decideTriggers },
            "action.done": { guard: "isMine", target: "watching-flag", actions: ["flagWentOff", "forgetCommand"] },
            "action.failed": [{ guard: "isMineWithTriesLeft", ...again("disabling-flag") }, { guard: "isMine", target: "restoring", actions: giveUpFlag }],
            "action.timed-out": [{ guard: "isMineWithTriesLeft", ...again("disabling-flag") }, { guard: "isMine", target: "restoring", actions: giveUpFlag }],
          },
          after: { action: [{ guard: "hasTriesLeft", ...again("disabling-flag") }, { target: "restoring", actions: giveUpFlag }] },
        },
        "watching-flag": {
          on: { "trigger.fired": { guard: "isHard", target: "restoring", actions: decideTriggers } },
          after: { flagWatch: "judging-flag" },
        },
        "judging-flag": {
          entry: "judgeFlag",
          on: {
            "trigger.fired": { guard: "isHard", target: "restoring", actions: decideTriggers },
            "flag.judged": [
              {
                guard: "isBetter", target: "#canary.flag-off",
                actions: [...flagWatched(true), { type: "finish", params: "flag-off" }],
              },
              { target: "restoring", actions: flagWatched(false) },
            ],
          },
          after: { flagJudgement: { target: "restoring", actions: decided(({ context }) => decide.flagUnjudged(context)) } },
        },
        restoring: {
          entry: issue("roll-back"),
          on: {
            "action.done": { guard: "isMine", target: "#canary.rolled-back", actions: { type: "finish", params: "rolled-back" } },
            "action.failed": [{ guard: "isMineWithTriesLeft", ...again("restoring") }, { guard: "isMine", target: "shifting-traffic", actions: giveUpRollback }],
            "action.timed-out": [{ guard: "isMineWithTriesLeft", ...again("restoring") }, { guard: "isMine", target: "shifting-traffic", actions: giveUpRollback }],
          },
          after: { action: [{ guard: "hasTriesLeft", ...again("restoring") }, { target: "shifting-traffic", actions: giveUpRollback }] },
        },
        "shifting-traffic": {
          entry: issue("shift-back"),
          on: {
            "action.done": { guard: "isMine", target: "#canary.rolled-back", actions: [{ type: "page", params: false }, { type: "finish", params: "rolled-back" }] },
            "action.failed": [{ guard: "isMineWithTriesLeft", ...again("shifting-traffic") }, { guard: "isMine", target: "#canary.stranded", actions: giveUpShift }],
            "action.timed-out": [{ guard: "isMineWithTriesLeft", ...again("shifting-traffic") }, { guard: "isMine", target: "#canary.stranded", actions: giveUpShift }],
          },
          after: { action: [{ guard: "hasTriesLeft", ...again("shifting-traffic") }, { target: "#canary.stranded", actions: giveUpShift }] },
        },
      },
    },
    stranded: {
      entry: ["stranded", "forgetCommand"],
      on: {
        answer: [
          { guard: { type: "answerIs", params: "roll-back" }, target: "rolling-back.restoring", actions: decided(({ context }) => decide.answered(context, "roll-back")) },
          { guard: { type: "answerIs", params: "hold" }, target: "exposed.held", actions: [...decided(({ context }) => decide.answered(context, "hold")), "leaveToPeople"] },
        ],
      },
      after: {
        answer: [
          { guard: "silenceTriesAgain", target: "rolling-back.restoring", actions: decided(({ context }) => decide.unanswered(context, "roll-back")) },
          { target: "exposed.held", actions: [...decided(({ context }) => decide.unanswered(context, "hold")), "leaveToPeople"] },
        ],
      },
    },
    promoted: { type: "final" },
    "flag-off": { type: "final" },
    "rolled-back": { type: "final" },
  },
});
