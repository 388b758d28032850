// What a chart says when the mouse rests on it: plain SVG titles over the plot, without any script.

import { clock } from "../../kernel/format.js";
import { escapeText } from "../escape.js";
import { MARKER_UP, markerPlaces, PLOT_LEFT, PLOT_WIDTH, plotTop, shownMarkers, type TimeChart } from "./time-chart.js";

/** One title for so many pixels: finer could not be pointed at, and would make pages heavy. */
const STRIP = 10;
const MARKER_RADIUS = 9;

interface Strip {
  readonly from: number;
  readonly at: number;
  readonly words: string;
}

/** The drawn chart with titles: each line's value by time, and each decision at its circle. */
export const withTooltips = (svg: string, chart: TimeChart): string =>
  svg.replace(/<\/svg>\s*$/, `<g fill-opacity="0">${strips(chart)}${markers(chart)}</g></svg>`);

function strips(chart: TimeChart): string {
  const distinct = values(chart).filter((strip, index, all) => strip.words !== all[index - 1]?.words);
  const top = plotTop(chart);
  return distinct.map(({ from, at, words }, index) => {
    const next = distinct[index + 1];
    const width = (next?.from ?? PLOT_WIDTH) - from;
    const when = width <= STRIP ? clock(at) : `from ${clock(at)}`;
    return `<path d="M${PLOT_LEFT + from},${top}h${width}v${chart.height}h${-width}z"><title>${escapeText(`${when}\n${words}`)}</title></path>`;
  }).join("");
}

/** For each strip of the plot that has rows, the row nearest to its middle. */
function values(chart: TimeChart): readonly Strip[] {
  const span = Math.max(1, chart.to - chart.from);
  const nearest = new Map<number, { readonly row: number; readonly off: number }>();
  chart.at.forEach((at, row) => {
    if (at < chart.from || at > chart.to) return;
    const pixel = ((at - chart.from) / span) * PLOT_WIDTH;
    const strip = Math.min(Math.floor(pixel / STRIP), PLOT_WIDTH / STRIP - 1);
    const off = Math.abs(pixel - (strip + 0.5) * STRIP);
    if (off < (nearest.get(strip)?.off ?? Infinity)) nearest.set(strip, { row, off });
  });
  return [...nearest].map(([strip, { row }]) => ({
    from: strip * STRIP, at: chart.at[row],
    words: chart.lines.map((line) => {
      const value = line.values[row];
      return `${line.label}: ${value === null || value === undefined ? "no data" : chart.format(value)}`;
    }).join("\n"),
  }));
}

function markers(chart: TimeChart): string {
  const places = markerPlaces(chart);
  return shownMarkers(chart).map(({ title }, index) =>
    `<circle cx="${Number((PLOT_LEFT + places[index]).toFixed(1))}" cy="${plotTop(chart) + MARKER_UP}" r="${MARKER_RADIUS}"><title>${escapeText(title)}</title></circle>`).join("");
}
