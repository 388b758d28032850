// The colours of every picture: Okabe and Ito's palette, which colour-blind readers can tell apart, in light and dark.

/** A role in a picture, not a colour: charts name roles, the palette gives them paint. */
export type PaintName =
  | "surface" | "ink" | "muted" | "grid" | "first" | "second" | "third" | "fourth" | "fifth" | "sixth" | "limit" | "harm" | "decision" | "good" | "bad" | "box";

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
  fifth: { light: "#6b3d00", dark: "#f0e442" },
  sixth: { light: "#2b2b8c", dark: "#7a6cff" },
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

const VERSION_PAINTS = ["first", "second", "third", "fourth", "fifth", "sixth"] as const;

/** Line patterns that differ in what a reader sees first: no gap, dashes, dots, long or short, and how they alternate. */
const VERSION_DASHES: readonly (readonly number[])[] = [
  [], [7, 3], [2, 3], [10, 3, 2, 3], [16, 5], [5, 7], [9, 2, 2, 2, 2, 2, 2, 2], [2, 7],
];

/** The paints of versions, stable first; they come round again after six, when the patterns have not. */
export const versionPaint = (index: number): string => paint(VERSION_PAINTS[index % VERSION_PAINTS.length]);

/** Line patterns that tell versions apart without colour, stable (solid) first; with the paints they come round after 24. */
export const versionDash = (index: number): number[] => VERSION_DASHES[index % VERSION_DASHES.length].slice();

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
