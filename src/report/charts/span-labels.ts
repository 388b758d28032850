// Where the names of shaded stretches stand: beside their stretch, in rows, so that no two are printed over each other.

/** A shaded stretch in pixels from the plot's left edge. */
export interface SpanPlace {
  readonly left: number;
  readonly right: number;
  readonly label: string;
}

export interface SpanLabel {
  readonly label: string;
  /** The text's left edge. */
  readonly left: number;
  /** 0 is the row at the plot's upper edge. */
  readonly row: number;
}

/** About as wide as a character of the charts' small print is, for what must be placed before a browser draws it. */
export const LETTER_WIDTH = 6.4;
/** Between a stretch's edge and its name, and between two names. */
const GAP = 5;
export const SPAN_LABEL_ROW = 14;

/** Each name in the stretch where it fits, right of it otherwise, and left of it at the plot's right edge; in the highest free row. */
export function placeSpanLabels(spans: readonly SpanPlace[], plotWidth: number): readonly SpanLabel[] {
  const taken: { readonly left: number; readonly right: number }[][] = [];
  return spans.map(({ left, right, label }) => {
    const width = label.length * LETTER_WIDTH;
    const wanted = right - left > width ? left : right;
    const from = wanted + GAP + width <= plotWidth ? wanted + GAP : Math.max(0, Math.min(left, plotWidth) - GAP - width);
    const free = taken.findIndex((row) => row.every((other) => from >= other.right + GAP || other.left >= from + width + GAP));
    const row = free < 0 ? taken.length : free;
    (taken[row] ??= []).push({ left: from, right: from + width });
    return { label, left: from, row };
  });
}
