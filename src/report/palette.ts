// The colours of every picture: Okabe and Ito's palette, which colour-blind readers can tell apart, in light and dark.

/** A role in a picture, not a colour: charts name roles, the palette gives them paint. */
export type PaintName =
  | "surface" | "ink" | "muted" | "grid" | "first" | "second" | "third" | "fourth" | "limit" | "harm" | "decision" | "good" | "bad" | "box";

interface Paint {
  readonly light: string;
  readonly dark: string;
}

/** Every light colour occurs once, so that a drawn picture can be repainted by replacing it. */
export const PAINTS: Readonly<Record<PaintName, Paint>> = {
  surface: { light: "#ffffff", dark: "#16191d" },
  ink: { light: "#1b1f24", dark: "#e8eaed" },
  muted: { light: "#5b6470", dark: "#a3acb8" },
  grid: { light: "#e3e6ea", dark: "#2d333b" },
  first: { light: "#0072b2", dark: "#56b4e9" },
  second: { light: "#d55e00", dark: "#ff9a3d" },
  third: { light: "#009e73", dark: "#2fc99b" },
  fourth: { light: "#b0578d", dark: "#e79cc6" },
  limit: { light: "#6b4fa0", dark: "#bda4f2" },
  harm: { light: "#d55f01", dark: "#ff9b3e" },
  decision: { light: "#2b3038", dark: "#d7dbe0" },
  good: { light: "#00795a", dark: "#3fd0a6" },
  bad: { light: "#b34700", dark: "#ff8f4a" },
  box: { light: "#f4f6f8", dark: "#1f242a" },
};

const NAMES = Object.keys(PAINTS) as PaintName[];

/** The paint of a role as charts write it before a theme is chosen. */
export const paint = (name: PaintName): string => PAINTS[name].light;

/** The paints of versions, stable first; more than four share the last. */
export const versionPaint = (index: number): string =>
  paint((["first", "second", "third", "fourth"] as const)[Math.min(index, 3)]);

/** Line patterns that tell versions apart without colour, stable (solid) first. */
export const versionDash = (index: number): number[] => [[], [7, 3], [2, 3], [10, 3, 2, 3]][Math.min(index, 3)];

/** CSS custom properties of one theme: `--ink:#1b1f24;...`. */
export const paintVariables = (theme: "light" | "dark"): string =>
  NAMES.map((name) => `--${name}:${PAINTS[name][theme]}`).join(";");

/** A picture for a page that defines the custom properties: every paint becomes `var(--role)`. */
export const themed = (svg: string): string =>
  NAMES.reduce((text, name) => text.replaceAll(`"${PAINTS[name].light}"`, `"var(--${name})"`), svg);

/** CSS that repaints a picture that stands alone, where the reader's system is dark. */
export function standaloneDarkStyle(): string {
  const rules = NAMES.filter((name) => PAINTS[name].dark !== PAINTS[name].light).map((name) => {
    const { light, dark } = PAINTS[name];
    return `[fill="${light}"]{fill:${dark}}[stroke="${light}"]{stroke:${dark}}`;
  });
  return `@media (prefers-color-scheme: dark){${rules.join("")}}`;
}
