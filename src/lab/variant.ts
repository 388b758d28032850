// Variants of a bundle: one field changed, or another strategy put in; still text, and checked by the loader.

import { isCollection, isMap, isNode, isScalar, isSeq, parse, parseDocument, stringify, visit, type Alias, type Document, type Node } from "yaml";

import { nearestName } from "../scenario/nearest.js";
import { pathText, type LoadResult, type Path, type Problem } from "../scenario/problem.js";
import { resolveInBundle, scenarioOf, textIn, withText, type Bundle, type BundleOptions } from "./bundle.js";
import { defaultAt, parsePath, topKeys, type FileKind } from "./field-path.js";

/** A change: a path such as `triggers.error-rate.above`, and the value as it is written in YAML (`0.5%`, `3`, `[a, b]`). */
export interface FieldChange {
  readonly path: string;
  readonly value: string | number | boolean;
}

/** Where in a bundle a field lives. */
export interface FieldPlace {
  readonly kind: FileKind;
  readonly file: string;
  /** The path within the file; an inline strategy's begins with `strategy`. */
  readonly at: Path;
}

type Found<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problems: readonly Problem[] };

/** The bundle with these fields changed, loaded and found well; otherwise what is wrong, by field. */
export function variantOf(bundle: Bundle, changes: readonly FieldChange[], options: BundleOptions = {}): LoadResult<Bundle> {
  let changed = bundle;
  for (const change of changes) {
    const next = withField(changed, change);
    if (!next.ok) return next;
    changed = next.value;
  }
  return checked(changed, options);
}

/** The bundle with another strategy, under the name of the strategy's file; loaded and found well. */
export function withStrategy(bundle: Bundle, strategy: { readonly path: string; readonly text: string }, options: BundleOptions = {}): LoadResult<Bundle> {
  const document = parseDocument(textIn(bundle, bundle.entry) ?? "");
  // An absolute path resolves to itself, and a path of the same folder needs no more than its name.
  const name = strategy.path.slice(strategy.path.lastIndexOf("/") + 1);
  const old = document.get("strategy");
  const unused = typeof old === "string" ? resolveInBundle(bundle.entry, old) : null;
  const target = resolveInBundle(bundle.entry, name);
  const files = bundle.files.filter(({ path }) => path !== unused || path === bundle.entry);
  const taken = files.some(({ path }) => path === target);
  if (taken) return { ok: false, problems: [problemAt(strategy.path, `the scenario already has a file named ${name}`, "rename the strategy's file")] };
  const entry = setInText(textIn(bundle, bundle.entry) ?? "", ["strategy"], name);
  return checked(withText(withText({ ...bundle, files }, bundle.entry, entry), target, strategy.text), options);
}

/** One field changed, not yet loaded. */
export function withField(bundle: Bundle, { path, value }: FieldChange): Found<Bundle> {
  const place = placeOf(bundle, path);
  if (!place.ok) return place;
  const { kind, file, at } = place.value;
  const text = textIn(bundle, file) ?? "";
  const written = typeof value === "string" ? parseValue(value) : value;
  if (written === undefined) return failed(bundle.entry, path, `\`${String(value)}\` is no value`, "write it as in the file, like 0.5%");
  const document = parseDocument(text);
  const settled = settle(document, at);
  if (typeof settled === "string") return failed(file, path, settled, "name a field as the file has it");
  return { ok: true, value: withText(bundle, file, setInText(text, settled, written, (part) => defaultOf(kind, at, part))) };
}

/** What a field holds as it is written: text, a number, a list ...; undefined when it is not written. */
export function fieldOf(bundle: Bundle, path: string): unknown {
  const place = placeOf(bundle, path);
  if (!place.ok) return undefined;
  const document = parseDocument(textIn(bundle, place.value.file) ?? "");
  const settled = settle(document, place.value.at);
  if (typeof settled === "string") return undefined;
  const found: unknown = document.getIn(settled);
  return isNode(found) ? found.toJS(document, { maxAliasCount: -1 }) : found;
}

/** Which file a path is about: by its prefix, else the first of strategy, scenario and world that has it or may have it. */
export function placeOf(bundle: Bundle, path: string): Found<FieldPlace> {
  const parts = parsePath(path);
  if (parts === null) return failed(bundle.entry, path, `\`${path}\` is no path to a field`, "write it like triggers.error-rate.above");
  const [first, ...rest] = parts;
  if ((first === "strategy" || first === "world") && rest.length > 0) return { ok: true, value: inPart(bundle, first, rest) };
  if (first === "scenario" && rest.length > 0) return { ok: true, value: { kind: "scenario", file: bundle.entry, at: rest } };
  const places = [inPart(bundle, "strategy", parts), { kind: "scenario", file: bundle.entry, at: parts } as const, inPart(bundle, "world", parts)];
  const place = places.find((each) => isWritten(bundle, each)) ?? places.find(({ kind }) => topKeys(kind).includes(String(first)));
  if (place !== undefined) return { ok: true, value: place };
  const known = places.flatMap(({ kind }) => topKeys(kind));
  const near = nearestName(String(first), [...new Set(known), "strategy", "world"]);
  return failed(bundle.entry, path, `neither strategy, scenario nor world has a field \`${String(first)}\``, near === null ? "write it like triggers.error-rate.above or world.services.NAME.replicas" : `write ${[near, ...rest].join(".")}`);
}

/** A field of the strategy or the world, which may stand in a file of its own. */
function inPart(bundle: Bundle, kind: "strategy" | "world", at: Path): FieldPlace {
  const reference: unknown = parseDocument(textIn(bundle, bundle.entry) ?? "").get(kind);
  return typeof reference === "string"
    ? { kind, file: resolveInBundle(bundle.entry, reference), at }
    : { kind, file: bundle.entry, at: [kind, ...at] };
}

function isWritten(bundle: Bundle, { file, at }: FieldPlace): boolean {
  const document = parseDocument(textIn(bundle, file) ?? "");
  const settled = settle(document, at);
  return typeof settled !== "string" && document.hasIn(settled);
}

/**
 * The path as the document has it: a single comparison may be written with or without a list around it.
 * Text says why there is none.
 */
function settle(document: Document, path: Path): Path | string {
  let node: unknown = document.contents;
  const settled: (string | number)[] = [];
  for (const [index, part] of path.entries()) {
    if (isMap(node) && typeof part === "number" && part === 0 && index > 0 && !node.has(part)) continue;
    if (isSeq(node) && typeof part === "string") {
      if (node.items.length !== 1) return `\`${pathText(path.slice(0, index))}\` is a list of ${node.items.length}: say which, as in ${[...path.slice(0, index), 0, ...path.slice(index)].join(".")}`;
      settled.push(0);
      node = node.get(0, true);
    }
    if (isSeq(node) && typeof part === "number" && part > node.items.length) return `\`${pathText(path.slice(0, index))}\` has ${node.items.length} items, and none at ${part}`;
    if (node !== undefined && node !== null && !isMap(node) && !isSeq(node) && !isEmptyScalar(node)) return `\`${pathText(path.slice(0, index))}\` is ${isScalar(node) ? `\`${String(node.value)}\`` : "an alias"}, and has no fields`;
    settled.push(part);
    node = isCollection(node) ? node.get(part, true) : undefined;
  }
  return settled;
}

const isEmptyScalar = (node: unknown): boolean => isScalar(node) && node.value === null;

/** What stands for a part of the file that is not written: writing one field of it must not lose the others. */
function defaultOf(kind: FileKind, at: Path, part: Path): unknown {
  const inline = kind !== "scenario" && at[0] === kind;
  return inline ? (part.length < 2 ? undefined : defaultAt(kind, part.slice(1))) : defaultAt(kind, part);
}

/**
 * YAML text with one value changed. A scalar that stands there is replaced in place, so that every line keeps its
 * number; otherwise what is missing on the way is written first, with its defaults.
 */
export function setInText(text: string, path: Path, value: unknown, defaultFor: (part: Path) => unknown = () => undefined): string {
  const document = parseDocument(text);
  const old = document.getIn(path, true) as Node | undefined;
  const scalar = value === null || typeof value !== "object";
  const inPlace = isScalar(old) && (old.type === "PLAIN" || old.type === "QUOTE_SINGLE" || old.type === "QUOTE_DOUBLE") && old.range;
  // An empty one has no place: it would be written right after the colon. What an anchor names, others mean too.
  if (scalar && inPlace && inPlace[0] < inPlace[1] && old.anchor === undefined) return text.slice(0, inPlace[0]) + inline(value) + text.slice(inPlace[1]);
  const meant = aliasesOf(document);
  for (let length = 1; length < path.length; length += 1) {
    const part = path.slice(0, length);
    const stands = document.getIn(part, true);
    if (stands !== undefined && !isEmptyScalar(stands)) continue;
    const written = defaultFor(part);
    if (written !== null && typeof written === "object") document.setIn(part, document.createNode(written));
    else if (stands !== undefined) document.setIn(part, document.createNode(typeof path[length] === "number" ? [] : {}));
  }
  document.setIn(path, document.createNode(value));
  keepAliases(document, meant);
  return document.toString({ lineWidth: 0 });
}

/** What each alias stands for. */
function aliasesOf(document: Document): ReadonlyMap<Alias, Node | undefined> {
  const meant = new Map<Alias, Node | undefined>();
  visit(document, { Alias: (_key, alias) => void meant.set(alias, alias.resolve(document)) });
  return meant;
}

/** What was replaced may have borne an anchor: the first alias of it takes its place, anchor and all, and the others follow that. */
function keepAliases(document: Document, meant: ReadonlyMap<Alias, Node | undefined>): void {
  visit(document, {
    Alias: (_key, alias) => {
      const before = meant.get(alias);
      return before === undefined || alias.resolve(document) === before ? undefined : before;
    },
  });
}

/** A scalar as it stands within a line, quoted where it must be. */
const inline = (value: unknown): string => stringify([value], { collectionStyle: "flow", flowCollectionPadding: false, lineWidth: 0 }).trim().slice(1, -1);

/** The value that YAML text stands for; undefined when it stands for none. */
function parseValue(text: string): unknown {
  try {
    return parse(text, { schema: "core", strict: true, logLevel: "error" }) as unknown;
  } catch {
    return undefined;
  }
}

function checked(bundle: Bundle, options: BundleOptions): LoadResult<Bundle> {
  const loaded = scenarioOf(bundle, options);
  return loaded.ok ? { ok: true, value: bundle } : loaded;
}

const problemAt = (file: string, message: string, instead: string, path = ""): Problem => ({ file, line: 1, column: 1, path, message, instead, frame: "" });

const failed = (file: string, path: string, message: string, instead: string): { readonly ok: false; readonly problems: readonly Problem[] } => ({ ok: false, problems: [problemAt(file, message, instead, path)] });
