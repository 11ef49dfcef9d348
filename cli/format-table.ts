/** A column: its title, and on which side its cells stand. */
export interface Column {
  readonly title: string;
  readonly align: "left" | "right";
}

/** What could move the cursor of a terminal. */
// eslint-disable-next-line no-control-regex -- control characters are what it is about
const unprintable = /[\u0000-\u001f\u007f-\u009f]/g;

/** Renders rows as columns of equal width, two spaces apart, titles first. */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): string {
  const cells = [columns.map(({ title }) => title), ...rows].map((row) => row.map(printable));
  const widths = columns.map((_, index) =>
    Math.max(...cells.map((row) => row[index]?.length ?? 0)),
  );
  return cells
    .map((row) =>
      columns
        .map(({ align }, index) => {
          const cell = row[index] ?? "";
          const width = widths[index] ?? 0;
          return align === "right" ? cell.padStart(width) : cell.padEnd(width);
        })
        .join("  ")
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join("");
}

/** Text of another program, safe for a terminal. */
export function printable(text: string): string {
  return text.replace(unprintable, "\ufffd");
}
