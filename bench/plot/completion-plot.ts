import { axisTicks, tickLabel } from "./axis-ticks.ts";
import { round, svgElement, svgText } from "./svg.ts";

/** When the nodes of one run were done. */
export interface CompletionCurve {
  readonly name: string;
  /** Seconds from its start to its end, of each node that came to one; in any order. */
  readonly doneSeconds: readonly number[];
  /** How many nodes there were, also those that never ended. */
  readonly nodeCount: number;
}

/** A moment to compare with, such as size ÷ rate. */
export interface CompletionMark {
  readonly name: string;
  readonly seconds: number;
}

export interface CompletionPlot {
  readonly title: string;
  readonly curves: readonly CompletionCurve[];
  readonly marks?: readonly CompletionMark[];
}

const width = 860;
const height = 440;

/** Where curves are; the legend has the space to the right of it. */
const area = { left: 60, top: 50, right: 610, bottom: 390 } as const;

const font = "system-ui, sans-serif";

/** Told apart also by those who do not see all colours (Okabe and Ito). */
const colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00"] as const;

/** Lines of later curves, once all colours are taken. */
const dashes = ["none", "6 3", "2 3"] as const;

/** Steps of one curve: more are not seen at this width. */
const stepsMax = 1000;

const legendLineHeight = 20;

/** Draws how many of the nodes were done at each time, a curve for each run, as an SVG file. */
export function completionPlot({ title, curves, marks = [] }: CompletionPlot): string {
  const latest = [...curves.flatMap(latestOf), ...marks.map(({ seconds }) => seconds)];
  const ticks = axisTicks(Math.max(0, ...latest), 8);
  const end = ticks.at(-1) ?? 1;
  const x = (seconds: number) => area.left + (seconds / end) * (area.right - area.left);
  const frame = { xmlns: "http://www.w3.org/2000/svg", viewBox: `0 0 ${width} ${height}` };
  const size = { width, height, "font-family": font, "font-size": 12 };
  const drawing = svgElement("svg", { ...frame, ...size }, [
    svgElement("rect", { width, height, fill: "white" }),
    svgText(title, { x: area.left, y: 28, "font-size": 15, "font-weight": "bold" }),
    ...timeAxis(ticks, x),
    ...shareAxis(),
    ...marks.map((mark) => markLine(mark, x)),
    ...curves.map((curve, index) => curveLine(curve, { index, x, end })),
    ...curves.flatMap(legendLine),
  ]);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${drawing}\n`;
}

type Scale = (value: number) => number;

/** A crowd may have more nodes than a call may have arguments. */
function latestOf({ doneSeconds }: CompletionCurve): number[] {
  return doneSeconds.length === 0 ? [] : [doneSeconds.reduce((a, b) => Math.max(a, b))];
}

/** `share` is a part of the nodes, from 0 to 1. */
function y(share: number): number {
  return area.bottom - share * (area.bottom - area.top);
}

function timeAxis(ticks: readonly number[], x: Scale): string[] {
  const lines = ticks.map((tick) => gridLine(x(tick), area.top, x(tick), area.bottom));
  const labels = ticks.map((tick) =>
    svgText(tickLabel(tick), { x: x(tick), y: area.bottom + 18, "text-anchor": "middle" }),
  );
  const middle = (area.left + area.right) / 2;
  const unit = svgText("seconds", { x: middle, y: area.bottom + 38, "text-anchor": "middle" });
  return [...lines, ...labels, unit];
}

function shareAxis(): string[] {
  const shares = [0, 0.25, 0.5, 0.75, 1];
  const lines = shares.map((share) => gridLine(area.left, y(share), area.right, y(share)));
  const labels = shares.map((share) =>
    svgText(`${share * 100} %`, { x: area.left - 8, y: y(share) + 4, "text-anchor": "end" }),
  );
  return [...lines, ...labels];
}

function gridLine(x1: number, y1: number, x2: number, y2: number): string {
  return svgElement("line", { x1, y1, x2, y2, stroke: "#dddddd" });
}

function markLine({ name, seconds }: CompletionMark, x: Scale): string {
  const at = x(seconds);
  const line = { x1: at, y1: area.top, x2: at, y2: area.bottom, stroke: "#555555" };
  return svgElement("g", {}, [
    svgElement("line", { ...line, "stroke-dasharray": "4 4" }),
    svgText(name, { x: at, y: area.top - 5, "text-anchor": "middle", fill: "#555555" }),
  ]);
}

interface CurvePlace {
  readonly index: number;
  readonly x: Scale;
  /** Seconds at the right end. */
  readonly end: number;
}

/** Goes up at each end of a node, and on to the right border at the height that it has reached. */
function curveLine(curve: CompletionCurve, { index, x, end }: CurvePlace): string {
  const sorted = Float64Array.from(curve.doneSeconds).sort();
  const stride = Math.max(1, Math.ceil(sorted.length / stepsMax));
  let path = `M${round(x(0))} ${round(y(0))}`;
  const step = (position: number) => {
    path += `H${round(x(sorted[position] ?? end))}V${round(y((position + 1) / curve.nodeCount))}`;
  };
  for (let position = stride - 1; position < sorted.length; position += stride) step(position);
  if (sorted.length % stride !== 0) step(sorted.length - 1);
  return svgElement("path", {
    ...{ d: `${path}H${round(x(end))}`, fill: "none", "stroke-width": 2 },
    ...strokeOf(index),
  });
}

function legendLine({ name, doneSeconds, nodeCount }: CompletionCurve, index: number): string[] {
  const middle = area.top + 10 + index * legendLineHeight;
  const left = area.right + 20;
  const isWhole = doneSeconds.length >= nodeCount;
  const label = isWhole ? name : `${name} (${doneSeconds.length} of ${nodeCount})`;
  const line = { x1: left, y1: middle, x2: left + 24, y2: middle, "stroke-width": 2 };
  return [
    svgElement("line", { ...line, ...strokeOf(index) }),
    svgText(label, { x: left + 32, y: middle + 4 }),
  ];
}

function strokeOf(index: number): Record<string, string> {
  const dash = dashes[Math.floor(index / colours.length) % dashes.length] ?? "none";
  return { stroke: colours[index % colours.length] ?? "black", "stroke-dasharray": dash };
}
