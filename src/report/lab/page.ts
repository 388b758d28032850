// The page that the lab's reports stand in: one HTML file that opens offline, in the style of a run's report.

import { html, Markup } from "../escape.js";
import { SCRIPT, STYLE } from "../html/style.js";
import { themed } from "../palette.js";

/** Nothing may be loaded, from anywhere: the browser itself holds the report to that. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";

export interface PageSection {
  readonly id: string;
  readonly title: string;
  readonly content: Markup;
}

export interface Page {
  readonly title: string;
  /** A line over the title: which kind of report this is. */
  readonly kind: string;
  /** What stands before the sections: the answer. */
  readonly lead: Markup;
  readonly sections: readonly PageSection[];
  readonly footer: Markup;
}

/** The whole page; the same input gives the same bytes. */
export function labPage({ title, kind, lead, sections, footer }: Page): string {
  const body = html`<main><header class="top"><span class="name">shakedown</span><span class="muted">${kind}</span><button id="theme" class="screen" hidden>light or dark</button></header>
<h1>${title}</h1>${lead}
<nav class="screen">${sections.map(({ id, title: name }) => html`<a href="#${id}">${name}</a>`)}</nav>
${sections.map(({ id, title: name, content }) => html`<section id="${id}"><h2>${name}</h2>${content}</section>`)}
<footer>${footer}</footer></main>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
${html`<meta http-equiv="Content-Security-Policy" content="${new Markup(POLICY)}"><title>${title} · shakedown</title>`.text}
<style>${STYLE}</style></head>
<body>${body.text}
<script>${SCRIPT}</script></body></html>
`;
}

export interface Picture {
  readonly name: string;
  readonly title: string;
  readonly about: string;
  readonly svg: string;
}

/** A picture as part of the page: its colours follow the page's theme, its size the page's width. */
export function figure({ title, about, svg }: Picture): Markup {
  const inline = themed(svg).replace(/^<svg xmlns="[^"]*" viewBox="([^"]*)" width="[^"]*" height="[^"]*"/, '<svg viewBox="$1"');
  return html`<figure class="card"><figcaption><h3>${title}</h3><span class="muted small">${about}</span></figcaption><div class="chart">${new Markup(inline)}</div></figure>`;
}

export interface Column {
  readonly head: string;
  readonly number?: boolean;
  /** Holds sentences: it keeps room for them where the table is wider than the page. */
  readonly wide?: boolean;
}

/** A table; the rows named in `marked` are set off. */
export function table(columns: readonly Column[], rows: readonly (readonly (string | Markup)[])[], marked: readonly number[] = []): Markup {
  // Where one column holds sentences, the others do not give way to it.
  const crowded = columns.some(({ wide }) => wide === true);
  const room = ({ wide }: Column): string => (wide === true ? "min-width:22em" : crowded ? "white-space:nowrap" : "");
  const style = (column: Column): string => (column.number === true ? "n" : "");
  return html`<div class="card table"><table><thead><tr>${columns.map((column) => html`<th class="${style(column)}" style="${room(column)}">${column.head}</th>`)}</tr></thead><tbody>${rows.map((cells, row) => html`<tr class="${marked.includes(row) ? "deciding pass" : ""}">${cells.map((cell, k) => html`<td class="${style(columns[k])}" style="${room(columns[k])}">${cell}</td>`)}</tr>`)}</tbody></table></div>`;
}

/** A table in Markdown; what users wrote is no markup in it. */
export function markdownTable(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replace(/\s+/g, " ").replace(/[\\`*_[\]<>|~#]/g, (sign) => `\\${sign}`)).join(" | ")} |`;
  return [line(heads), `| ${heads.map(() => "---").join(" | ")} |`, ...rows.map(line)].join("\n");
}
