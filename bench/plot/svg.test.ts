import assert from "node:assert/strict";
import { test } from "node:test";

import { escapeXml, svgElement, svgText } from "./svg.ts";

test("`svgText()` says text, whatever is in it", () => {
  assert.equal(svgText(`a<b>&"c'`, { x: 1 }), '<text x="1">a&lt;b&gt;&amp;&quot;c&apos;</text>');
});

test("`svgElement()` keeps an attribute's value inside its quotes", () => {
  assert.equal(svgElement("a", { b: '"/><script>' }), '<a b="&quot;/&gt;&lt;script&gt;"/>');
});

test("`svgElement()` writes numbers short, and refuses those that are none", () => {
  assert.equal(svgElement("a", { x: 1 / 3, y: -2 }), '<a x="0.33" y="-2"/>');
  for (const x of [Number.NaN, Infinity]) assert.throws(() => svgElement("a", { x }), RangeError);
});

test("`escapeXml()` leaves out what XML has no way to say, and nothing else", () => {
  assert.equal(escapeXml("a\u0000\u001b[1m\ud800b\ufffe"), "a[1mb");
  assert.equal(escapeXml("ä 漢 🐟\n\t"), "ä 漢 🐟\n\t");
});
