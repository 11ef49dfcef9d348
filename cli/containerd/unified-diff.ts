/** Unchanged lines around a change that are shown, as diff does. */
const contextLines = 3;

/**
 * Products of lines that are compared: 2,000 changed lines on either side. Beyond, all
 * of them are shown as changed.
 */
const cellsMax = 4_000_000;

interface DiffLine {
  readonly sign: " " | "-" | "+";
  /** With its line break, for a missing one at the end is a difference too. */
  readonly text: string;
}

/** Renders the difference of two texts as `diff -u` does; empty when they are equal. */
export function unifiedDiff(
  before: string,
  after: string,
  names: { readonly before: string; readonly after: string },
): string {
  if (before === after) return "";
  const lines = compare(linesOf(before), linesOf(after));
  return `--- ${names.before}\n+++ ${names.after}\n${hunks(lines).join("")}`;
}

function linesOf(text: string): string[] {
  return text === "" ? [] : text.split(/(?<=\n)/);
}

function compare(before: readonly string[], after: readonly string[]): DiffLine[] {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) head++;
  let tail = 0;
  while (tail < shorter - head && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
  return [
    ...marked(" ", before.slice(0, head)),
    ...compareMiddle(
      before.slice(head, before.length - tail),
      after.slice(head, after.length - tail),
    ),
    ...marked(" ", before.slice(before.length - tail)),
  ];
}

/** Walks along a longest common subsequence. */
function compareMiddle(before: readonly string[], after: readonly string[]): DiffLine[] {
  if (before.length * after.length > cellsMax)
    return [...marked("-", before), ...marked("+", after)];
  const common = commonLengths(before, after);
  const lines: DiffLine[] = [];
  let [x, y] = [0, 0];
  while (x < before.length && y < after.length) {
    if (before[x] === after[y]) {
      lines.push(...marked(" ", before.slice(x, x + 1)));
      x++;
      y++;
    } else if ((common[x + 1]?.[y] ?? 0) >= (common[x]?.[y + 1] ?? 0)) {
      lines.push(...marked("-", before.slice(x, ++x)));
    } else {
      lines.push(...marked("+", after.slice(y, ++y)));
    }
  }
  return [...lines, ...marked("-", before.slice(x)), ...marked("+", after.slice(y))];
}

/** At `[x][y]`: how many lines both have in common from there to their ends. */
function commonLengths(before: readonly string[], after: readonly string[]): Uint32Array[] {
  const table = Array.from({ length: before.length + 1 }, () => new Uint32Array(after.length + 1));
  for (let x = before.length - 1; x >= 0; x--) {
    const [row, below] = [table[x], table[x + 1]];
    if (!row || !below) continue;
    for (let y = after.length - 1; y >= 0; y--) {
      row[y] =
        before[x] === after[y] ? (below[y + 1] ?? 0) + 1 : Math.max(below[y] ?? 0, row[y + 1] ?? 0);
    }
  }
  return table;
}

function marked(sign: DiffLine["sign"], texts: readonly string[]): DiffLine[] {
  return texts.map((text) => ({ sign, text }));
}

/** Changes that are near to each other stand in one hunk. */
function hunks(lines: readonly DiffLine[]): string[] {
  const shown = new Set<number>();
  lines.forEach(({ sign }, index) => {
    if (sign === " ") return;
    for (let near = index - contextLines; near <= index + contextLines; near++) shown.add(near);
  });
  const rendered: string[] = [];
  for (let start = 0; start < lines.length; start++) {
    if (!shown.has(start)) continue;
    let end = start;
    while (end < lines.length && shown.has(end)) end++;
    rendered.push(renderHunk(lines, start, end));
    start = end;
  }
  return rendered;
}

function renderHunk(lines: readonly DiffLine[], start: number, end: number): string {
  const hunk = lines.slice(start, end);
  const before = rangeOf(lines.slice(0, start), hunk, "+");
  const after = rangeOf(lines.slice(0, start), hunk, "-");
  const body = hunk.map(({ sign, text }) =>
    text.endsWith("\n") ? `${sign}${text}` : `${sign}${text}\n\\ No newline at end of file\n`,
  );
  return `@@ -${before} +${after} @@\n${body.join("")}`;
}

/** First line and count on one side, where lines of the `other` sign are not. */
function rangeOf(above: readonly DiffLine[], hunk: readonly DiffLine[], other: "-" | "+"): string {
  const isOnSide = ({ sign }: DiffLine) => sign !== other;
  const count = hunk.filter(isOnSide).length;
  const first = above.filter(isOnSide).length + (count === 0 ? 0 : 1);
  return count === 1 ? `${first}` : `${first},${count}`;
}
