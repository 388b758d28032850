// A YAML file as plain data that remembers where each value stood; hostile YAML becomes problems, not damage.

import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node, type YAMLError } from "yaml";

import { LIMITS } from "./limits.js";
import { codeFrame, pathText, type Path, type Problem } from "./problem.js";

/** Plain data: what JSON can say. Maps have no prototype. */
export type Data = string | number | boolean | null | readonly Data[] | { readonly [key: string]: Data };

interface Span {
  readonly start: number;
  readonly end: number;
}

/** Where a value and its key stand, and the same for what is inside. */
interface Located {
  readonly value: Span;
  readonly key: Span | null;
  /** Characters before a scalar's text: 1 for an opening quote. */
  readonly textOffset: number;
  readonly children: ReadonlyMap<string | number, Located>;
}

/** Which part of an entry a problem points at. */
export type Spot = "key" | "value";

/** Keys that reach into JavaScript's own objects: never a name in our files. */
const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

/** One file: its text, its data, and the way from a path in the data back to a line and column. */
export class Source {
  readonly file: string;
  readonly #lines: readonly string[];
  readonly #counter: LineCounter;
  readonly #root: Located;
  readonly data: Data;

  constructor(file: string, text: string, counter: LineCounter, root: Located, data: Data) {
    this.file = file;
    this.#lines = text.split(/\r\n|\n|\r/);
    this.#counter = counter;
    this.#root = root;
    this.data = data;
  }

  /** A problem at `path`, or at the nearest part of it that is written in the file. */
  problem(path: Path, spot: Spot, message: string, instead: string | null, offset: Span | null = null): Problem {
    const located = this.#locate(path);
    let span = spot === "key" && located.key !== null ? located.key : located.value;
    if (offset !== null) {
      const text = located.value.start + located.textOffset;
      span = { start: text + offset.start, end: text + offset.end };
    }
    const { line, column } = this.position(span.start);
    const frame = codeFrame(this.#lines, line, column, span.end - span.start);
    return { file: this.file, line, column, path: pathText(path), message, instead, frame };
  }

  /** Line and column, from 1, of the value at `path`. */
  place(path: Path, spot: Spot = "value"): { readonly file: string; readonly line: number; readonly column: number } {
    const located = this.#locate(path);
    const span = spot === "key" && located.key !== null ? located.key : located.value;
    return { file: this.file, ...this.position(span.start) };
  }

  position(offset: number): { line: number; column: number } {
    const { line, col } = this.#counter.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }

  /** Whether `path` is written in the file. */
  has(path: Path): boolean {
    let at: Located | undefined = this.#root;
    for (const part of path) {
      at = at.children.get(part);
      if (at === undefined) return false;
    }
    return true;
  }

  #locate(path: Path): Located {
    let at = this.#root;
    for (const part of path) {
      const next = at.children.get(part);
      // A list that the file writes as its only item has no index there.
      if (next === undefined && typeof part === "number" && at.children.size > 0) continue;
      if (next === undefined) return at;
      at = next;
    }
    return at;
  }
}

/** Reads one YAML file. Every problem of the syntax is reported; with none, the data comes back. */
export function readSource(file: string, text: string): { readonly source: Source | null; readonly problems: readonly Problem[] } {
  const counter = new LineCounter();
  const unlocated = new Source(file, text, counter, leaf({ start: 0, end: 1 }, null), null);
  const fail = (problems: readonly Problem[]): ReturnType<typeof readSource> => ({ source: null, problems });
  const early = unreadable(file, text);
  if (early !== null) return fail([early]);
  let document: Document.Parsed;
  try {
    document = parseDocument(text, { lineCounter: counter, schema: "core", strict: true, uniqueKeys: false, prettyErrors: false, logLevel: "error" });
  } catch {
    // The parser is recursive: only thousands of nested brackets make it fail.
    return fail([unlocated.problem([], "value", "the YAML is nested too deeply to read", `nest at most ${LIMITS.yamlDepth} levels`)]);
  }
  if (document.errors.length > 0) return fail(syntaxProblems(unlocated, text, document.errors));
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) {
    return fail([unlocated.problem([], "value", "the file is empty", "start from a template: `shakedown new NAME`")]);
  }
  const walk = new Walk(document);
  const read = walk.node(document.contents as Node, null, 0);
  const source = new Source(file, text, counter, read.located, read.data);
  const problems = walk.findings.slice(0, LIMITS.problems).map(({ span, message, instead }) => unlocated.problem([], "value", message, instead, span));
  return { source: walk.stopped ? null : source, problems };
}

function unreadable(file: string, text: string): Problem | null {
  const whole = (message: string, instead: string): Problem => ({ file, line: 1, column: 1, path: "", message, instead, frame: "" });
  if (text.length > LIMITS.yamlLength) return whole(`the file is larger than ${LIMITS.yamlLength / 1000} kB`, "a scenario is a page or two; name large data as a trace");
  if (text.trim() === "") return whole("the file is empty", "start from a template: `shakedown new NAME`");
  // eslint-disable-next-line no-control-regex
  const control = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ufffd]/.exec(text);
  if (control === null) return tooDeep(file, text);
  const before = text.slice(0, control.index).split(/\r\n|\n|\r/);
  const problem = whole("the file is not text: it holds bytes that no YAML file has", "give a YAML file in UTF-8");
  return { ...problem, line: before.length, column: before[before.length - 1].length + 1 };
}

/** Brackets open at once, indentation, and list marks in one line: what makes the parser recurse. */
const MOST_OPEN = 100;
const WIDEST_INDENT = 200;
const LIST_MARKS = /^\s*(?:[-?:&!*]\S{0,64}[ \t]+){30}|(?:,\s*){30}/;

/**
 * Refuses hostile nesting before the parser sees it. The parser is recursive, and thousands of levels do not only
 * overflow the stack: compiling a regular expression at its end has been seen to abort the whole process.
 */
function tooDeep(file: string, text: string): Problem | null {
  const lines = text.split(/\r\n|\n|\r/);
  let open = 0;
  for (const [index, line] of lines.entries()) {
    const indent = line.length - line.trimStart().length;
    let deep = (indent > WIDEST_INDENT && indent < line.length) || LIST_MARKS.test(line);
    let column = 1;
    for (let i = 0; i < line.length && !deep; i += 1) {
      const character = line[i];
      if (character === "[" || character === "{") open += 1;
      else if (character === "]" || character === "}") open -= 1;
      deep = Math.abs(open) > MOST_OPEN;
      column = i + 1;
    }
    if (!deep) continue;
    return { file, line: index + 1, column, path: "", message: "the YAML is nested too deeply to read", instead: `nest at most ${LIMITS.yamlDepth} levels`, frame: codeFrame(lines, index + 1, column, 1) };
  }
  return null;
}

function syntaxProblems(source: Source, text: string, errors: readonly YAMLError[]): Problem[] {
  return errors.slice(0, LIMITS.problems).map((error) => {
    const start = Math.min(error.pos[0], text.length);
    const { message, instead } = syntaxAdvice(error);
    return source.problem([], "value", message, instead, { start, end: Math.max(start + 1, Math.min(error.pos[1], text.length)) });
  });
}

function syntaxAdvice(error: YAMLError): { message: string; instead: string } {
  switch (error.code) {
    case "TAB_AS_INDENT":
      return { message: "YAML is indented with spaces; this is a tab", instead: "write spaces" };
    case "MULTIPLE_DOCS":
      return { message: "the file holds more than one YAML document", instead: "give each document a file of its own" };
    case "BAD_INDENT":
    case "BLOCK_AS_IMPLICIT_KEY":
      return { message: "this line is indented differently from its neighbours", instead: "line it up with the keys of the same map" };
    case "MISSING_CHAR":
      return { message: `YAML: ${firstSentence(error.message)}`, instead: "close the bracket or the quote, or put a space after the colon" };
    default:
      return { message: `YAML: ${firstSentence(error.message)}`, instead: "write plain YAML 1.2; put quotes around text with : # { } [ ] in it" };
  }
}

const firstSentence = (message: string): string => message.split("\n")[0].replace(/\.$/, "");

interface Finding {
  readonly span: Span;
  readonly message: string;
  readonly instead: string;
}

/** Turns nodes into data within the limits: the walk of an alias bomb ends at the limit, not at the heat death. */
class Walk {
  readonly findings: Finding[] = [];
  /** The walk broke off: the data is not whole. */
  stopped = false;
  #values = 0;
  #aliases = 0;
  readonly #document: Document.Parsed;

  constructor(document: Document.Parsed) {
    this.#document = document;
  }

  node(node: Node | null, key: Span | null, depth: number): { data: Data; located: Located } {
    const span = node?.range ? { start: node.range[0], end: Math.max(node.range[1], node.range[0] + 1) } : (key ?? { start: 0, end: 1 });
    const nothing = { data: null, located: leaf(span, key) };
    if (this.stopped || node === null) return nothing;
    this.#values += 1;
    if (this.#values > LIMITS.yamlValues) return this.#stop(span, `the file holds more than ${LIMITS.yamlValues} values once its aliases are expanded`, "write fewer aliases (*name)", nothing);
    if (depth > LIMITS.yamlDepth) return this.#stop(span, `nested more than ${LIMITS.yamlDepth} levels deep`, "write a flatter map; an alias must not contain itself", nothing);
    if (isAlias(node)) return this.#alias(node, span, key, depth, nothing);
    if (node.tag !== undefined) {
      this.findings.push({ span, message: `YAML tags are not used here (${node.tag})`, instead: "leave the tag out" });
    }
    if (isScalar(node)) return { data: scalar(node.value, node.source), located: { ...leaf(span, key), textOffset: isQuoted(node.type) ? 1 : 0 } };
    if (isSeq(node)) return this.#list(node.items as (Node | null)[], span, key, depth);
    if (isMap(node)) return this.#map(node.items as { key: unknown; value: unknown }[], span, key, depth);
    return nothing;
  }

  #alias(node: Node & { source: string }, span: Span, key: Span | null, depth: number, nothing: { data: Data; located: Located }): { data: Data; located: Located } {
    this.#aliases += 1;
    if (this.#aliases > LIMITS.yamlAliases) return this.#stop(span, `the file uses more than ${LIMITS.yamlAliases} aliases`, "write fewer aliases (*name)", nothing);
    const target = isAlias(node) ? node.resolve(this.#document) : undefined;
    if (target === undefined) {
      this.findings.push({ span, message: `the alias *${node.source} names no anchor`, instead: `mark the value it means with &${node.source}` });
      return nothing;
    }
    const read = this.node(target as Node, key, depth + 1);
    return { data: read.data, located: { ...read.located, value: span, textOffset: 0 } };
  }

  #list(items: readonly (Node | null)[], span: Span, key: Span | null, depth: number): { data: Data; located: Located } {
    const children = new Map<number, Located>();
    const data = items.map((item, index) => {
      const read = this.node(item, null, depth + 1);
      children.set(index, read.located);
      return read.data;
    });
    return { data, located: { value: span, key, textOffset: 0, children } };
  }

  #map(pairs: readonly { key: unknown; value: unknown }[], span: Span, key: Span | null, depth: number): { data: Data; located: Located } {
    const children = new Map<string, Located>();
    const data = Object.create(null) as Record<string, Data>;
    for (const pair of pairs) {
      const keyNode = pair.key as Node;
      const at = keyNode.range ? { start: keyNode.range[0], end: Math.max(keyNode.range[1], keyNode.range[0] + 1) } : span;
      if (!isScalar(keyNode) || keyNode.value === null || typeof keyNode.value === "object") {
        this.findings.push({ span: at, message: "a key must be a plain name", instead: "write `name: value`" });
        continue;
      }
      const name = String(keyNode.value);
      if (FORBIDDEN_KEYS.has(name)) {
        this.findings.push({ span: at, message: `unknown key \`${name}\``, instead: "leave it out: it is no name that a file may use" });
        continue;
      }
      // The parser's own check compares every key with every other.
      if (children.has(name)) {
        this.findings.push({ span: at, message: `\`${name}\` is written twice in one map`, instead: "keep one of the two" });
        continue;
      }
      const read = this.node((pair.value ?? null) as Node | null, at, depth + 1);
      children.set(name, read.located);
      data[name] = read.data;
    }
    return { data, located: { value: span, key, textOffset: 0, children } };
  }

  #stop<T>(span: Span, message: string, instead: string, result: T): T {
    this.stopped = true;
    this.findings.push({ span, message, instead });
    return result;
  }
}

const leaf = (value: Span, key: Span | null): Located => ({ value, key, textOffset: 0, children: new Map() });
const isQuoted = (type: string | undefined): boolean => type === "QUOTE_DOUBLE" || type === "QUOTE_SINGLE";

/** `.inf`, `.nan` and what overflows stay the text that they are: JSON has no such numbers, nor has any field. */
function scalar(value: unknown, text: string | undefined): Data {
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "number" && !Number.isFinite(value)) return text ?? null;
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? value : null;
}
