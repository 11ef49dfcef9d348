import assert from "node:assert/strict";
import { test } from "node:test";

import { InvalidArgumentError } from "../../core/errors.ts";
import { type FilterSubject, compileFilters } from "./compile-filters.ts";

const fields: Readonly<Record<string, string>> = {
  name: "foo",
  "labels.env": "prod",
  "labels.a.b/c": "x=1,y",
  "labels.empty": "",
  size: "10 MB",
};
const subject: FilterSubject = (path) => fields[path.join(".")];

const holding = [
  "",
  "name",
  "name==foo",
  "name == foo",
  " name==foo",
  "name!=bar",
  "other!=bar",
  "name~=^f",
  "name~=/^f.o$/",
  "name~=|o+|",
  'name=="foo"',
  '"name"==foo',
  "labels.env",
  "labels.env==prod,name==foo",
  "name==foo, size",
  'labels."a.b/c"',
  'labels."a.b/c"=="x=1,y"',
  "labels.empty",
  'labels.empty==""',
  "labels.empty!=x",
  'size=="10 MB"',
  'name=="\\x66oo"',
  'name=="\\146oo"',
  'name=="\\u0066\\U0000006fo"',
  "labels.env!=x",
  'name~="(?i)^FOO$"',
  "other~=^$",
  "labels.env,size",
  "name~=/f\\x6fo/",
];
const failing = [
  "other",
  "name==bar",
  "name!=foo",
  "name~=^o",
  "other==x",
  "labels.env==prod,name==bar",
  'other==""',
  "name~=(?=f)",
  "name~=[",
  "labels.empty==x",
  "nam",
  "labels",
];
const broken = [
  ",",
  "name,",
  ",name",
  "name,,size",
  ".",
  "name.",
  ".name",
  "labels..env",
  "==foo",
  "name==",
  "name=foo",
  "name===foo",
  "name=~foo",
  "name==.foo",
  "name==/foo/",
  "name!=|foo|",
  'name=="foo',
  "name~=/foo",
  'name=="fo\no"',
  'name=="\\y"',
  'name=="\\x1"',
  'name=="\\400"',
  'name=="\\U00110000"',
  "name~=/\\d/",
  "name == foo ",
  "name ,size",
  "name foo",
  "na-me",
  "name==foo bar",
  "name==\0",
  "name==\uFFFD",
  "é==1",
  "/name/==foo",
  'name=="\\\'"',
];

test("compileFilters() finds what containerd's filters find", () => {
  for (const filter of holding) assert.ok(compileFilters([filter])(subject), filter);
  for (const filter of failing) assert.ok(!compileFilters([filter])(subject), filter);
});

test("compileFilters() refuses what containerd refuses", () => {
  for (const filter of broken) {
    assert.throws(() => compileFilters([filter]), InvalidArgumentError, filter);
    assert.throws(() => compileFilters(["name", filter]), InvalidArgumentError, filter);
  }
});

test("compileFilters() takes one of several, or anything without one", () => {
  assert.ok(compileFilters([])(subject));
  assert.ok(compileFilters(["other", "name"])(subject));
  assert.ok(!compileFilters(["other", "another"])(subject));
  assert.ok(compileFilters(["other", ""])(subject));
});

test("compileFilters() bounds what it is given", () => {
  assert.throws(() => compileFilters(["x".repeat(2 ** 21)]), InvalidArgumentError);
});

test("compileFilters() gives an answer or refuses, whatever it is given", () => {
  const alphabet = Array.from('ab.,=!~"/|\\x0(){}[]*+?^$ é\n');
  for (let seed = 1, count = 0; count < 20_000; count++) {
    let text = "";
    for (let length = count % 24; length > 0; length--) {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      text += alphabet[(seed >>> 16) % alphabet.length] ?? "";
    }
    try {
      compileFilters([text])(subject);
    } catch (error) {
      assert.ok(error instanceof InvalidArgumentError, text);
    }
  }
});
