// From a specification to an SVG text: vega draws without a browser, and we make its output small and repeatable.

import type { TopLevelSpec } from "vega-lite";

/** Draws a chart. Vega is loaded when the first one is drawn, because most commands draw none. */
export async function renderSvg(spec: TopLevelSpec, title: string): Promise<string> {
  const [vega, vegaLite] = await Promise.all([import("vega"), import("vega-lite")]);
  const compiled = vegaLite.compile(spec).spec;
  const view = new vega.View(vega.parse(compiled), { renderer: "none", logLevel: vega.Error });
  try {
    return tidy(await view.toSVG(), title);
  } finally {
    view.finalize();
  }
}

/** Names the picture, lets it scale, drops what only a browser's event handling needs, and rounds coordinates. */
export function tidy(svg: string, title: string): string {
  const box = /viewBox="([^"]*)"/.exec(svg)?.[1] ?? "0 0 100 100";
  const [, , width, height] = box.split(" ");
  const body = svg.slice(svg.indexOf(">") + 1)
    .replace(/<path class="(?:background|foreground)" aria-hidden="true" d="[^"]*"(?: pointer-events="none"| display="none")*\/>/g, "")
    .replace(/ (?:aria-hidden|role|aria-roledescription|aria-label|pointer-events|class|clip-path)="[^"]*"/g, "")
    .replace(/ (d|transform|x|y|x1|y1|x2|y2)="([^"]*)"/g, (_, name: string, value: string) => ` ${name}="${rounded(value)}"`);
  const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${box}" width="${width}" height="${height}" role="img" aria-label="${escapeAttribute(title)}">`;
  return head + body;
}

const rounded = (text: string): string =>
  text.replace(/-?\d+\.\d{2,}(?:e-?\d+)?/g, (figure) => String(Number(Number(figure).toFixed(1))));

const escapeAttribute = (text: string): string =>
  text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
