import { createHash } from "node:crypto";

import { FailedPreconditionError } from "../../core/errors.ts";

/**
 * A run of lines that we put into somebody's file:
 *
 * ```toml
 * # >>> shoal 1a2b3c4d: `shoal containerd disable` takes these lines out
 * disabled_plugins = ["io.containerd.content.v1.content"]
 * # shoal took out: disabled_plugins = []
 * # <<< shoal
 * ```
 *
 * The lines that it stands for are kept in it, so that they come back byte for byte. The
 * number is a checksum of the rest: a block that somebody changed is not taken out.
 */
const begin = /^# >>> shoal ([0-9a-f]{8})( after no line break)?: /;
const end = "# <<< shoal";
const tookOut = "# shoal took out: ";

/** What a block puts in place of what. */
export interface OwnBlock {
  /** New lines, without their ends. */
  readonly lines: readonly string[];
  /** Text that it replaces: whole lines with their ends. */
  readonly replaced: string;
  /** Whether a line break was put before it, for the file ended without. */
  readonly afterNoLineBreak: boolean;
}

/** Renders a block with the line break of its file. */
export function renderOwnBlock(
  { lines, replaced, afterNoLineBreak }: OwnBlock,
  lineBreak: string,
): string {
  const old = replaced === "" ? [] : replaced.split(/(?<=\n)/).map((line) => tookOut + line);
  const sum = checksum([...lines, ...old.map(bare)]);
  const note = afterNoLineBreak ? " after no line break" : "";
  return [
    `# >>> shoal ${sum}${note}: \`shoal containerd disable\` takes these lines out${lineBreak}`,
    ...lines.map((line) => line + lineBreak),
    ...old,
    end + lineBreak,
  ].join("");
}

/** Whether the text has a block of ours. */
export function hasOwnBlock(text: string): boolean {
  return text.split(/\r?\n/).some((line) => begin.test(line));
}

/**
 * The text without our blocks, and with the lines that they stood for.
 *
 * @param file Its name for a message.
 * @throws {FailedPreconditionError} when somebody changed the lines of a block.
 */
export function withoutOwnBlocks(text: string, file = "the file"): string {
  // Lines keep their ends.
  const lines = text.split(/(?<=\n)/);
  const kept: string[] = [];
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? "";
    const match = begin.exec(line);
    if (!match) {
      kept.push(line);
      continue;
    }
    const endIndex = lines.findIndex((other, at) => at > index && bare(other) === end);
    const body = lines.slice(index + 1, Math.max(endIndex, index + 1));
    if (endIndex === -1 || checksum(body.map(bare)) !== match[1])
      throw changedBlock(index + 1, file);
    if (match[2] !== undefined) kept.push(bare(kept.pop() ?? ""));
    kept.push(...body.filter(isReplaced).map((old) => old.slice(tookOut.length)));
    index = endIndex;
  }
  return kept.join("");
}

function isReplaced(line: string): boolean {
  return line.startsWith(tookOut);
}

function bare(line: string): string {
  return line.replace(/\r?\n$/, "");
}

function checksum(body: readonly string[]): string {
  return createHash("sha256").update(body.join("\n")).digest("hex").slice(0, 8);
}

function changedBlock(line: number, file: string): FailedPreconditionError {
  return new FailedPreconditionError(
    `Cannot take our lines out of ${file}: those from line ${line} on were changed since; ` +
      `take them out by hand, from "# >>> shoal" to "${end}"`,
  );
}
