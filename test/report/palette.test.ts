// Versions can be told apart by readers who are colour-blind, and by those who see no colour at all.

import { describe, expect, it } from "vitest";
import { PAINTS, versionDash, versionPaint, type PaintName } from "../../src/report/palette.js";

type Rgb = readonly [number, number, number];

/** What Machado, Oliveira and Fernandes (2009) give for full colour blindness, in linear light; the first is normal sight. */
const SIGHTS: Readonly<Record<string, readonly [Rgb, Rgb, Rgb]>> = {
  normal: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protan: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deutan: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  tritan: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
};

const linear = (hex: string): Rgb => {
  const [r, g, b] = [1, 3, 5].map((from) => parseInt(hex.slice(from, from + 2), 16) / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return [r, g, b];
};

const times = (row: Rgb, [r, g, b]: Rgb): number => Math.min(1, Math.max(0, row[0] * r + row[1] * g + row[2] * b));

/** CIE Lab under D65, where distances are about as large as they look. */
function seen(hex: string, [red, green, blue]: readonly [Rgb, Rgb, Rgb]): Rgb {
  const light = linear(hex);
  const rgb: Rgb = [times(red, light), times(green, light), times(blue, light)];
  const f = (t: number): number => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);
  const [x, y, z] = [times([0.4339, 0.3762, 0.1899], rgb), times([0.2126, 0.7152, 0.0722], rgb), times([0.0177, 0.1095, 0.8728], rgb)].map(f);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

const luminance = (hex: string): number => times([0.2126, 0.7152, 0.0722], linear(hex)) + 0.05;
const range = (length: number): readonly number[] => Array.from({ length }, (_, index) => index);
const distinct = (texts: readonly string[]): number => new Set(texts).size;
const VERSIONS: readonly PaintName[] = ["first", "second", "third", "fourth", "fifth", "sixth"];

describe("the lines of versions", () => {
  it("differ in colour for the first six", () => {
    expect(range(6).map(versionPaint)).toEqual(VERSIONS.map((name) => PAINTS[name].light));
  });

  it("differ in their pattern for the first eight, so that none needs colour", () => {
    expect(distinct(range(8).map((index) => versionDash(index).join()))).toBe(8);
  });

  it("differ in one or the other for the first 24", () => {
    expect(distinct(range(24).map((index) => `${versionPaint(index)} ${versionDash(index).join()}`))).toBe(24);
  });

  it.each(["light", "dark"] as const)("have colours that readers of every sight can tell apart, in %s", (theme) => {
    for (const [name, sight] of Object.entries(SIGHTS)) {
      VERSIONS.forEach((one, index) => VERSIONS.slice(index + 1).forEach((other) => {
        const [a, b] = [seen(PAINTS[one][theme], sight), seen(PAINTS[other][theme], sight)];
        expect(Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]), `${one} and ${other}, ${name}`).toBeGreaterThan(10);
      }));
    }
  });

  it.each(["light", "dark"] as const)("stand out from the page three to one, in %s", (theme) => {
    const surface = luminance(PAINTS.surface[theme]);
    for (const name of VERSIONS) {
      const own = luminance(PAINTS[name][theme]);
      expect(Math.max(own, surface) / Math.min(own, surface), name).toBeGreaterThan(3);
    }
  });

  it("are repainted by theme, each light colour being the paint of one role", () => {
    expect(distinct(Object.values(PAINTS).map(({ light }) => light))).toBe(Object.keys(PAINTS).length);
  });
});
