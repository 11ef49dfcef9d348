import { renderOwnBlock } from "./own-block.ts";

/** Lines of ours in place of whole lines of a text, or between them where both offsets are one. */
export interface OwnEdit {
  /** Offset of the first character that is replaced: the start of a line. */
  readonly start: number;
  /** Offset after the last one: behind a line break. */
  readonly end: number;
  /** New lines, without their ends. */
  readonly lines: readonly string[];
}

/** A configuration with all edits made, each of which leaves a block of its own. */
export function withOwnEdits(
  text: string,
  edits: readonly OwnEdit[],
  { lineBreak }: { readonly lineBreak: string },
): string {
  const parts: string[] = [];
  let position = 0;
  // What is put between two lines comes before what takes the place of the second one.
  const inOrder = edits.toSorted((a, b) => a.start - b.start || a.end - b.end);
  for (const { start, end, lines } of inOrder) {
    const replaced = text.slice(start, end);
    parts.push(
      text.slice(position, start),
      renderOwnBlock({ lines, replaced, afterNoLineBreak: false }, lineBreak),
    );
    position = end;
  }
  return [...parts, text.slice(position)].join("");
}

/** The lines of a text without their ends. */
export function linesOf(text: string): string[] {
  return text.replace(/\r?\n$/, "").split(/\r?\n/);
}
