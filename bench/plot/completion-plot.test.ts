import assert from "node:assert/strict";
import { test } from "node:test";

import { completionPlot, type CompletionPlot } from "./completion-plot.ts";

const plot: CompletionPlot = {
  title: "16 nodes",
  curves: [
    { name: "shoal", doneSeconds: [12, 10], nodeCount: 2 },
    { name: "others", doneSeconds: [20, 30, 40], nodeCount: 4 },
  ],
  marks: [{ name: "size ÷ rate", seconds: 9 }],
};

test("`completionPlot()` draws well-formed XML, whatever runs are called", () => {
  for (const name of ["shoal", `<&"'>`, "]]>", "<!-- \u0000", "ä🐟"]) {
    const curves = [{ name, doneSeconds: [1], nodeCount: 1 }];
    const drawing = completionPlot({ title: name, curves, marks: [{ name, seconds: 1 }] });
    assertWellFormed(drawing);
    assert.equal(drawing.match(/<path/g)?.length, 1);
  }
});

test("`completionPlot()` has a curve go up where a node was done, and say which did not end", () => {
  const drawing = completionPlot(plot);
  const [ours, others] = [...drawing.matchAll(/ d="([^"]+)"/g)].map(([, path = ""]) => path);
  // The axis ends at 40 s, and is 550 wide from 60 on; 340 high up from 390.
  assert.equal(ours, "M60 390H197.5V220H225V50H610");
  assert.equal(others, "M60 390H335V305H472.5V220H610V135H610");
  assert(drawing.includes(">shoal<"));
  assert(drawing.includes(">others (3 of 4)<"));
});

test("`completionPlot()` shows marks, and an empty crowd", () => {
  assert(completionPlot(plot).includes(">size ÷ rate<"));
  const curves = [{ name: "nobody", doneSeconds: [], nodeCount: 3 }];
  const drawing = completionPlot({ title: "none", curves });
  assertWellFormed(drawing);
  assert(drawing.includes("nobody (0 of 3)"));
});

test("`completionPlot()` stays small with 15,000 nodes, and reaches the last of them", () => {
  const doneSeconds = Array.from({ length: 15_001 }, (_, index) => 10 + index / 1e4);
  const curves = [{ name: "crowd", doneSeconds, nodeCount: 15_001 }];
  const drawing = completionPlot({ title: "large", curves });
  assert(drawing.length < 100_000, `${drawing.length}`);
  assert.match(drawing, /V50H610"/);
});

/** Elements are closed in order, attributes are quoted, and no mark of XML stands in text. */
function assertWellFormed(xml: string): void {
  const open: string[] = [];
  const body = xml.replace(/^<\?xml [^?]*\?>\n/, "");
  let end = 0;
  for (const tag of body.matchAll(
    /<(\/?)([a-z]+)((?: [a-zA-Z0-9-]+="[^"<&]*(?:&[a-z]+;[^"<&]*)*")*)(\/?)>/g,
  )) {
    assertText(body.slice(end, tag.index));
    end = tag.index + tag[0].length;
    const [, closes, name = "", , isEmpty] = tag;
    if (closes) assert.equal(open.pop(), name);
    else if (!isEmpty) open.push(name);
  }
  assertText(body.slice(end));
  assert.deepEqual(open, []);
}

function assertText(text: string): void {
  assert.match(text, /^(?:[^<>&]|&(?:amp|lt|gt|quot|apos);)*$/);
}
