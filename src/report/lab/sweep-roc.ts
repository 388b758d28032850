// ROC curves of a sweep: bad releases caught against good ones rolled back, along the first field, a line per setting of the others.

import { caughtShare, falseShare, valuesOf, type PointFindings } from "../../lab/sweep/findings.js";
import { counted } from "../../kernel/format.js";
import { PLOT_WIDTH } from "../charts/time-chart.js";
import { renderSvg } from "../charts/render.js";
import { LETTER_WIDTH } from "../charts/span-labels.js";
import type { Picture } from "./page.js";
import { MOST_SERIES, PLOT_HEIGHT, plotSpec, type PlotSeries } from "./plot.js";

/** Of as many lines each as a reader can tell apart; the table has what is beyond them. */
const MOST_PICTURES = 4;

/** None where only good or only bad releases were played. */
export async function rocCurves(axes: readonly { readonly path: string }[], points: readonly PointFindings[]): Promise<readonly Picture[]> {
  const both = points.filter((point) => caughtShare(point) !== null && falseShare(point) !== null);
  if (both.length < 2) return [];
  const [first, ...others] = axes.map(({ path }) => path);
  const curves = curvesOf(others, both);
  const most = Math.min(1, 1.05 * Math.max(0.02, ...both.map((point) => falseShare(point) ?? 0)));
  // A sample seldom meets a setting of the others twice: there is nothing to draw a line along.
  if (curves.length > both.length / 2) return [await picture("roc", "", `One dot per setting, named by ${first}; up and to the left is better.`, [{ label: "settings", kind: "points", points: rocPoints(both) }], most)];
  const sheets = Math.ceil(curves.length / MOST_SERIES);
  const left = Math.max(0, curves.length - MOST_PICTURES * MOST_SERIES);
  const about = `Along ${first}${others.length === 0 ? "" : `, one line per setting of ${others.join(", ")}`}; up and to the left is better.${left === 0 ? "" : ` ${counted(left, "more line")} would follow: the runs are in the table.`}`;
  return Promise.all(Array.from({ length: Math.min(sheets, MOST_PICTURES) }, (_, sheet) =>
    picture(sheet === 0 ? "roc" : `roc-${sheet + 1}`, sheets === 1 ? "" : ` (${sheet + 1} of ${sheets})`, about, curves.slice(sheet * MOST_SERIES, (sheet + 1) * MOST_SERIES), most)));
}

async function picture(name: string, which: string, about: string, series: readonly PlotSeries[], most: number): Promise<Picture> {
  const plot = { x: { title: "good releases rolled back", format: "percent", domain: [0, most] }, y: { title: "bad releases caught", format: "percent", domain: [0, 1] }, series: withRoom(series, most), limits: [] } as const;
  return { name, title: `ROC: what detection costs in false rollbacks${which}`, about, svg: await renderSvg(plotSpec(plot), `ROC curves: bad releases caught against good releases rolled back${which}`) };
}

/** A line per setting of the fields after the first, by the size of their values. */
export function curvesOf(others: readonly string[], points: readonly PointFindings[]): readonly PlotSeries[] {
  const settings = others.reduce<readonly (readonly string[])[]>((before, _, k) => before.flatMap((setting) => valuesOf(points, k + 1).map((value) => [...setting, value])), [[]]);
  return settings.flatMap((setting): readonly PlotSeries[] => {
    const members = points.filter(({ written }) => setting.every((value, k) => written[k + 1] === value));
    if (members.length === 0) return [];
    const label = others.length === 1 ? `${others[0].split(".").slice(-1)[0]} ${setting[0]}` : setting.join(", ");
    return [{ label, kind: "line", points: rocPoints([...members].sort((a, b) => (a.numbers[0] ?? a.point) - (b.numbers[0] ?? b.point))) }];
  });
}

const rocPoints = (points: readonly PointFindings[]): PlotSeries["points"] => points.map((point) => ({ x: falseShare(point) ?? 0, y: caughtShare(point), label: point.written[0] }));

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

const MARK = 5;
const LINE = 13;

/** Takes away the names that would lie on a mark or on another name; the ends of lines come first. */
function withRoom(series: readonly PlotSeries[], most: number): readonly PlotSeries[] {
  const pixel = ({ x, y }: { readonly x: number; readonly y: number | null }) => ({ across: (x / most) * PLOT_WIDTH, down: (1 - (y ?? 0)) * PLOT_HEIGHT });
  const taken: Box[] = series.flatMap(({ points }) => points.map(pixel)).map(({ across, down }) => ({ left: across - MARK, right: across + MARK, top: down - MARK, bottom: down + MARK }));
  const named = new Set<object>();
  const atEnd = series.flatMap(({ points }) => [points[0], points[points.length - 1]]);
  for (const point of [...new Set([...atEnd, ...series.flatMap(({ points }) => points)])]) {
    const { across, down } = pixel(point);
    // Where the plot writes it: up and to the right of the mark.
    const box = { left: across + MARK + 1, right: across + 8 + LETTER_WIDTH * (point.label?.length ?? 0), top: down - 7 - LINE, bottom: down - MARK - 1 };
    if (taken.some((other) => other.left < box.right && box.left < other.right && other.top < box.bottom && box.top < other.bottom)) continue;
    taken.push(box);
    named.add(point);
  }
  return series.map((each) => ({ ...each, points: each.points.map((point) => (named.has(point) ? point : { x: point.x, y: point.y })) }));
}
