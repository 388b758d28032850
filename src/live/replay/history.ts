// What a game day's record says that its engines heard, decided and did, read once from beginning to end.

import { z } from "zod";
import type { Decision } from "../../engines/decision.js";
import type { ActionEvent, PlatformCommand } from "../../delivery/platform.js";
import type { Micros } from "../../kernel/units.js";
import type { Answer, TelemetryQuery } from "../../telemetry/query.js";
import type { RecordEvent, RecordHeader } from "../telemetry/record-format.js";
import { readRecord, RecordError } from "../telemetry/replay.js";

const micros = z.number().int();
/** The insides are compared with what the engines say now, never trusted to be right. */
const object = <Shape>() => z.custom<Shape>((value) => typeof value === "object" && value !== null, "an object is wanted");
const list = <Item>() => z.custom<readonly Item[]>(Array.isArray, "a list is wanted");

const timer = z.object({ timer: z.number().int(), now: micros });
const answered = z.object({ ask: z.number().int(), at: micros, now: micros, asked: list<TelemetryQuery>(), answers: list<Answer>() });
const sent = z.object({ id: z.number().int(), command: object<PlatformCommand>(), now: micros });
const heard = z.object({ event: object<ActionEvent>(), now: micros });
const about = z.object({
  scenario: z.string(), seed: z.number(), speed: z.number(), telemetry: z.string(),
  strategy: z.string(), digest: z.string().optional(),
  /** Its scenario was made for it, and is in no file. */
  calibration: z.boolean().optional(),
});

/** What the game day was, as its record's header says. */
export type About = z.infer<typeof about>;

/** A turn of the engines, or a command of theirs. */
export type EngineEvent =
  | ({ readonly type: "timer" } & z.infer<typeof timer>)
  | ({ readonly type: "answered" } & z.infer<typeof answered>)
  | ({ readonly type: "sent" } & z.infer<typeof sent>)
  | ({ readonly type: "heard" } & z.infer<typeof heard>)
  | { readonly type: "decided"; readonly decision: Decision };

/** A command as it was sent, and how it ended; null when it had not by the end of the record. */
export interface SentCommand {
  readonly at: Micros;
  readonly id: number;
  readonly command: PlatformCommand;
  ended: { readonly at: Micros; readonly event: ActionEvent } | null;
}

export interface History {
  readonly header: RecordHeader;
  readonly about: About;
  readonly commands: readonly SentCommand[];
  readonly decisions: readonly Decision[];
  /** Time of the last line. */
  readonly end: Micros;
  /** The game day closed it; false: it was killed before, or the file was cut. */
  readonly isWhole: boolean;
  /** When the engines had their last turn; what they did in it may be missing where the record is not whole. */
  readonly lastTurnAt: Micros;
  /** Turns of the engines; a record without any was written before they were recorded. */
  readonly turns: number;
}

function parsed<Shape>(schema: z.ZodType<Shape>, data: unknown, what: string): Shape {
  const checked = schema.safeParse(data);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  throw new RecordError(`${what}: ${issue.path.join(".") || "it"}: ${issue.message}`);
}

/** The event when it is one of the engines'; null for others. Throws a RecordError. */
export function engineEvent({ type, data, at }: RecordEvent): EngineEvent | null {
  const what = `the event ${type} at ${at} us`;
  switch (type) {
    case "timer":
      return { type, ...parsed(timer, data, what) };
    case "answered":
      return { type, ...parsed(answered, data, what) };
    case "sent":
      return { type, ...parsed(sent, data, what) };
    case "heard":
      return { type, ...parsed(heard, data, what) };
    case "decided":
      return { type, decision: parsed(object<Decision>(), data, what) };
    default:
      return null;
  }
}

/** What the header says of the game day. Throws a RecordError. */
export const aboutOf = (header: RecordHeader): About => parsed(about, header.about, "the header's `about`");

/** The event with which a game day closes its record. */
export const END_EVENT = "ended";

/** Reads the whole record. Throws a RecordError. */
export async function readHistory(path: string): Promise<History> {
  let header: RecordHeader | null = null;
  const commands: SentCommand[] = [];
  const decisions: Decision[] = [];
  let [end, turns, lastTurnAt] = [0, 0, 0];
  let isWhole = false;
  for await (const line of readRecord(path)) {
    if (line.kind === "header") {
      header = line;
      continue;
    }
    end = line.at;
    if (line.kind === "event" && line.type === END_EVENT) isWhole = true;
    const event = line.kind === "event" ? engineEvent(line) : null;
    if (event === null) continue;
    if (event.type === "sent") commands.push({ at: event.now, id: event.id, command: event.command, ended: null });
    else if (event.type === "decided") decisions.push(event.decision);
    else [turns, lastTurnAt] = [turns + 1, event.now];
    if (event.type === "heard") {
      const command = commands.find(({ id, ended }) => id === event.event.id && ended === null);
      if (command !== undefined) command.ended = { at: event.now, event: event.event };
    }
  }
  if (header === null) throw new RecordError("the record is empty");
  return { header, about: aboutOf(header), commands, decisions, end, turns, isWhole, lastTurnAt };
}
