import { formatHold, type Verdict } from "./figure.ts";
import type { Summary } from "./statistics.ts";

const headings = ["figure", "ours", "reference", "unit", "ratio", "hold", ""];

/** Verdicts as a table for people: medians, and in brackets the smallest and the largest. */
export function verdictTable(verdicts: readonly Verdict[]): string {
  const rows = [headings, ...verdicts.map(rowOf)];
  const widths = headings.map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? "").length)),
  );
  const lines = rows.map((row) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "),
  );
  return lines.map((line) => `${line.trimEnd()}\n`).join("");
}

function rowOf({ figure, ours, reference, ratio, ok }: Verdict): string[] {
  const hold = formatHold(figure);
  return [
    figure.name,
    formatSummary(ours),
    reference === undefined ? "-" : formatSummary(reference),
    figure.unit,
    ratio === undefined ? "-" : formatSummary(ratio),
    hold ?? "-",
    hold === undefined ? "" : ok ? "ok" : "NOT HELD",
  ];
}

function formatSummary({ median, min, max, count }: Summary): string {
  if (count === 1) return formatValue(median);
  return `${formatValue(median)} (${formatValue(min)}-${formatValue(max)})`;
}

/** Three digits that matter: rounds differ by more than the fourth. */
function formatValue(value: number): string {
  const decimals = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toFixed(decimals);
}
