import assert from "node:assert/strict";
import { test } from "node:test";

import { compilePattern } from "./compile-pattern.ts";

/** Patterns that mean the same to RE2 and to JavaScript, with what they are tried on. */
const shared = [
  "",
  "a",
  "abc",
  "^a",
  "a$",
  "^$",
  "^abc$",
  "a|b",
  "a|",
  "(a|b)c",
  "ab*c",
  "ab+c",
  "ab?c",
  "a{2}",
  "a{2,}",
  "a{1,2}b",
  "(ab)*c",
  "(?:a*)*b",
  "[abc]",
  "[^abc]",
  "[a-c]x",
  "[\\]a]?b",
  "[a-]",
  "[-a]",
  "\\d",
  "\\D",
  "\\w+@\\w+",
  "\\s",
  "\\S",
  "\\bab\\b",
  "\\Bb",
  "\\.",
  "\\x61",
  "a.c",
  "a{1}",
  "a*?b",
  "^(a|ab)(c|bcd)$",
  "(a+)+$",
  "x*",
  "[\\w.]+",
  "[\\d-]",
];
const subjects = [
  "",
  "a",
  "b",
  "c",
  "x",
  "ab",
  "ba",
  "abc",
  "aab",
  "aabb",
  "abbbc",
  "ac",
  "a.c",
  "a\nc",
  "cab ab",
  "1",
  "a1@b2",
  " ",
  "ax",
  "]b",
  "a-",
  "abcd",
  "bcx",
  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac",
  "é",
  "😀",
];

test("compilePattern() finds what JavaScript finds where both know the syntax", () => {
  for (const pattern of shared) {
    const matches = compilePattern(pattern);
    const wanted = new RegExp(pattern, "u");
    for (const subject of subjects) {
      // JavaScript would not come to an end.
      if (/[*+]\)[*+]/.test(pattern) && subject.length > 20) continue;
      assert.equal(matches(subject), wanted.test(subject), `/${pattern}/ on ${subject}`);
    }
  }
});

const special: readonly (readonly [
  pattern: string,
  yes: readonly string[],
  no: readonly string[],
])[] = [
  ["(?i)aBc", ["abc", "xABC"], ["abd"]],
  ["(?i:a)b", ["ab", "Ab"], ["aB"]],
  ["a(?i)b|c", ["aB", "C"], ["A"]],
  ["(?-i)a", ["a"], ["A"]],
  ["(?i)[a-c]", ["B"], ["D"]],
  ["(?i)[^a]", ["b"], ["A", "a"]],
  ["(?s)a.c", ["a\nc"], ["ac"]],
  ["(?m)^b$", ["a\nb\nc"], ["ab"]],
  ["(?P<name>a)(?<other>b)", ["ab"], ["a"]],
  ["\\Aa\\z", ["a"], ["ab", "ba"]],
  ["\\Qa.b*\\Ec", ["a.b*c"], ["axbc"]],
  ["\\Qa.b", ["a.b"], ["axb"]],
  ["[[:alpha:]]", ["x"], ["1"]],
  ["[[:^digit:]x]", ["a"], ["1"]],
  ["[]a]", ["]", "a"], ["b"]],
  ["[^]a]", ["b"], ["]", "a"]],
  ["\\pL", ["é"], ["1"]],
  ["\\p{Greek}", ["α"], ["a"]],
  ["\\P{Lu}", ["a"], ["A"]],
  ["\\p{^Lu}", ["a"], ["A"]],
  ["\\x{1F600}", ["😀"], ["a"]],
  ["\\061", ["1"], ["6"]],
  ["\\101", ["A"], ["1"]],
  ["a{,5}", ["a{,5}"], ["aaaaa"]],
  ["a{x", ["a{x"], ["a"]],
  ["^.$", ["😀"], ["ab"]],
  ["^sha256:[0-9a-f]{4}", ["sha256:00ff"], ["sha256:00fg", "sha512:00ff"]],
];

test("compilePattern() knows what only RE2 knows", () => {
  for (const [pattern, yes, no] of special) {
    const matches = compilePattern(pattern);
    for (const subject of yes) assert.ok(matches(subject), `/${pattern}/ on ${subject}`);
    for (const subject of no) assert.ok(!matches(subject), `/${pattern}/ on ${subject}`);
  }
});

test("compilePattern() finds nothing with what RE2 refuses, or what is too large", () => {
  const bad = [
    "(?=a)",
    "(?!a)",
    "(?<=a)",
    "(?<!a)",
    "(a)\\1",
    "\\k<n>",
    "a**",
    "a+*",
    "*a",
    "+",
    "?",
    "a|*",
    "(",
    ")",
    "(a",
    "a)",
    "[",
    "[a",
    "[b-a]",
    "[[:no:]]",
    "\\",
    "\\y",
    "\\p{No_Such}",
    "\\x{110000}",
    "a{1001}",
    "a{2,1}",
    "(?x)a",
    "(?",
    "(?P<1>a)",
    "(?P=n)",
    "(?#c)",
    "\\8",
    "((a{100}){100})",
    "a".repeat(1025),
    `${"(".repeat(200)}${")".repeat(200)}`,
  ];
  for (const pattern of bad) {
    for (const subject of ["", "a", "aa", "ab", "b", "y", "1", "8"]) {
      assert.equal(compilePattern(pattern)(subject), false, `/${pattern}/ on ${subject}`);
    }
  }
});

test("compilePattern() needs no more steps for a pattern that makes others hang", () => {
  const subject = `${"a".repeat(5000)}!`;
  for (const pattern of [
    "^(a+)+$",
    "^(a|a)*$",
    "^(.*)*x$",
    "(a*)*(a*)*(a*)*b",
    "^(a?){50}a{50}b",
  ]) {
    assert.equal(compilePattern(pattern)(subject), false, pattern);
  }
});
