// Prometheus' HTTP API, as far as a game day needs it: each answer checked, each failure in one plain line.

import { Agent, request } from "undici";
import { z } from "zod";

/** Prometheus did not do what it was asked; the message says what happened. */
export class PrometheusError extends Error {
  override readonly name = "PrometheusError";
}

/** One series of an answer: its labels, the metric's name among them, and its samples, oldest first. */
export interface PrometheusSeries {
  readonly labels: Readonly<Record<string, string>>;
  /** Unix time in milliseconds. */
  readonly times: readonly number[];
  readonly values: readonly number[];
}

const labelsSchema = z.record(z.string(), z.string());
const sampleSchema = z.tuple([z.number(), z.string()]);
const envelopeSchema = z.object({ status: z.string(), data: z.unknown().optional(), error: z.string().optional() });
const resultSchema = z.discriminatedUnion("resultType", [
  z.object({ resultType: z.literal("matrix"), result: z.array(z.object({ metric: labelsSchema, values: z.array(sampleSchema).default([]) })) }),
  z.object({ resultType: z.literal("vector"), result: z.array(z.object({ metric: labelsSchema, value: sampleSchema.optional() })) }),
  z.object({ resultType: z.literal("scalar"), result: sampleSchema }),
]);
const configSchema = z.object({ yaml: z.string() });
const buildSchema = z.object({ version: z.string() });
const targetsSchema = z.object({
  activeTargets: z.array(
    z.object({
      labels: labelsSchema,
      scrapeUrl: z.string(),
      health: z.string(),
      lastError: z.string().default(""),
      scrapeInterval: z.string().default(""),
    }),
  ),
});

export type ActiveTarget = z.infer<typeof targetsSchema>["activeTargets"][number];

export interface PrometheusApiOptions {
  /** E.g. `http://127.0.0.1:9090`; a path prefix is kept. */
  readonly url: string;
  /** After which an answer comes no more. */
  readonly timeoutMillis: number;
}

/** Prometheus itself works on twenty questions at a time. */
const CONNECTIONS = 16;
/** The longest answer that is read. */
const LONGEST_ANSWER = 64 * 1024 * 1024;

export class PrometheusApi {
  readonly url: string;
  readonly #timeoutMillis: number;
  readonly #agent = new Agent({ connections: CONNECTIONS, maxResponseSize: LONGEST_ANSWER, keepAliveTimeout: 60_000 });

  constructor(options: PrometheusApiOptions) {
    this.url = options.url.replace(/\/+$/, "");
    this.#timeoutMillis = options.timeoutMillis;
  }

  /** The series that a PromQL expression yields as of `unixMillis`; a range selector yields its samples as they are. */
  async query(expression: string, unixMillis: number): Promise<readonly PrometheusSeries[]> {
    const form = new URLSearchParams({ query: expression, time: (unixMillis / 1000).toFixed(3) });
    const data = this.#check(resultSchema, await this.#ask("POST", "/api/v1/query", form.toString()));
    switch (data.resultType) {
      case "matrix":
        return data.result.map(({ metric, values }) => seriesOf(metric, values));
      case "vector":
        return data.result.map(({ metric, value }) => seriesOf(metric, value === undefined ? [] : [value]));
      case "scalar":
        return [seriesOf({}, [data.result])];
    }
  }

  /** Its version, e.g. `2.42.0+ds`. */
  async version(): Promise<string> {
    return this.#check(buildSchema, await this.#ask("GET", "/api/v1/status/buildinfo")).version;
  }

  /** The configuration that it runs with, as YAML. */
  async configuration(): Promise<string> {
    return this.#check(configSchema, await this.#ask("GET", "/api/v1/status/config")).yaml;
  }

  /** What it scrapes. */
  async activeTargets(): Promise<readonly ActiveTarget[]> {
    return this.#check(targetsSchema, await this.#ask("GET", "/api/v1/targets?state=active")).activeTargets;
  }

  /** Whether it says that it is ready to answer. */
  async ready(): Promise<boolean> {
    try {
      return (await this.#send("GET", "/-/ready")).statusCode === 200;
    } catch {
      return false;
    }
  }

  /** Gives up what is under way. */
  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #ask(method: "GET" | "POST", path: string, form?: string): Promise<unknown> {
    const { statusCode, text } = await this.#send(method, path, form);
    let answer: unknown;
    try {
      answer = JSON.parse(text);
    } catch {
      throw new PrometheusError(statusCode === 200 ? `${this.#who} answered with something that is no JSON` : `${this.#who} answered with status ${statusCode}`);
    }
    const { status, data, error } = this.#check(envelopeSchema, answer);
    if (statusCode === 200 && status === "success") return data;
    throw new PrometheusError(`${this.#who} answered with status ${statusCode}: ${error ?? status}`);
  }

  async #send(method: "GET" | "POST", path: string, form?: string): Promise<{ readonly statusCode: number; readonly text: string }> {
    const signal = AbortSignal.timeout(this.#timeoutMillis);
    try {
      const { statusCode, body } = await request(`${this.url}${path}`, {
        method, dispatcher: this.#agent, signal,
        ...(form !== undefined && { body: form, headers: { "content-type": "application/x-www-form-urlencoded" } }),
      });
      return { statusCode, text: await body.text() };
    } catch (failure) {
      if (signal.aborted) throw new PrometheusError(`${this.#who} did not answer within ${this.#timeoutMillis} ms`);
      throw new PrometheusError(`${this.#who} cannot be reached (${codeOf(failure)})`);
    }
  }

  #check<Schema extends z.ZodType>(schema: Schema, answer: unknown): z.infer<Schema> {
    const checked = schema.safeParse(answer);
    if (checked.success) return checked.data;
    const [issue] = checked.error.issues;
    throw new PrometheusError(`${this.#who} answered unlike Prometheus (${issue.path.join(".") || "the answer"}: ${issue.message})`);
  }

  get #who(): string {
    return `Prometheus at ${this.url}`;
  }
}

function seriesOf(labels: Readonly<Record<string, string>>, samples: readonly (readonly [number, string])[]): PrometheusSeries {
  return { labels, times: samples.map(([time]) => Math.round(time * 1000)), values: samples.map(([, value]) => numberOf(value)) };
}

function numberOf(text: string): number {
  if (text === "+Inf") return Infinity;
  return text === "-Inf" ? -Infinity : Number(text);
}

/** The cause in a word: a system's error code where there is one. */
function codeOf(failure: unknown): string {
  if (!(failure instanceof Error)) return String(failure);
  return "code" in failure && typeof failure.code === "string" ? failure.code : failure.message;
}
