// Releases in headers: a mask of bits here, their indices between commas on the wire.

/** A mask of releases from a header; nothing is none. */
export function parseReleases(text: string | undefined): number {
  if (text === undefined || text === "") return 0;
  let mask = 0;
  for (const part of text.split(",")) {
    const release = Number(part);
    if (Number.isInteger(release) && release >= 0 && release < 30) mask |= 1 << release;
  }
  return mask;
}

/** The header's text of a mask. */
export function formatReleases(mask: number): string {
  const releases: number[] = [];
  for (let rest = mask, release = 0; rest !== 0; release++, rest >>>= 1) if ((rest & 1) !== 0) releases.push(release);
  return releases.join(",");
}
