// Plain text for a terminal: wrapping, cutting and padding, counted in characters as people see them.

/** Cuts a line that is too long and says so. */
export function cut(text: string, most: number): string {
  const letters = [...text];
  return letters.length <= most ? text : `${letters.slice(0, Math.max(1, most - 1)).join("").trimEnd()}…`;
}

/** Breaks a text at spaces into lines of at most `width`; a longer word stays whole. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of oneLine(text).split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return line === "" && lines.length > 0 ? lines : [...lines, line];
}

/** Breaks a text into at most `most` lines; the last one says with an ellipsis that there is more. */
export function wrapAtMost(text: string, width: number, most: number): string[] {
  const lines = wrap(text, width);
  return lines.length <= most ? lines : [...lines.slice(0, most - 1), cut(lines.slice(most - 1).join(" "), width)];
}

/** A named paragraph: the name once, the text indented beside it. */
export function named(name: string, text: string, indent: number, nameWidth: number, width: number): string[] {
  const left = " ".repeat(indent);
  return wrap(text, Math.max(20, width - indent - nameWidth)).map((line, index) => `${left}${(index === 0 ? name : "").padEnd(nameWidth)}${line}`);
}

/** Control characters (an escape sequence in a scenario's name, say) and line breaks become spaces. */
export const oneLine = (text: string): string =>
  // eslint-disable-next-line no-control-regex -- these are the characters that must not reach a terminal
  text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ").replace(/ +/g, " ").trim();

/** A text as a sentence of its own: it ends with one full stop, unless it asks or exclaims. */
export function sentence(text: string): string {
  const ended = text.trim().replace(/[.\s]+$/, "");
  return /[!?…]$/.test(ended) ? ended : `${ended}.`;
}
