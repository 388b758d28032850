// User text on its way into markup: a template tag escapes every value, unless it is markup already.

/** Markup that is safe to put into a page as it is. */
export class Markup {
  constructor(readonly text: string) {}
}

/** What may stand in a template: text is escaped, markup is not, lists are joined, false and null are nothing. */
export type Part = string | number | boolean | null | undefined | Markup | readonly Part[];

export const escapeText = (text: string): string =>
  // eslint-disable-next-line no-control-regex -- control characters are not allowed in XML, and a scenario's name may hold some
  text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, "\ufffd")
    .replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;").replace(/'/g, "&#39;");

/** Builds markup: html`<b>${name}</b>` escapes name. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return new Markup(strings.reduce((text, string, index) => text + string + (index < parts.length ? render(parts[index]) : ""), ""));
}

function render(part: Part): string {
  if (part === null || part === undefined || typeof part === "boolean") return "";
  if (part instanceof Markup) return part.text;
  if (typeof part === "object") return part.map(render).join("");
  return escapeText(String(part));
}
