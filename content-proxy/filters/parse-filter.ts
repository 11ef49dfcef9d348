import { FilterScanner, type Token } from "./filter-scanner.ts";

/** One condition on one field. All conditions of a filter must hold. */
export interface Selector {
  readonly path: readonly string[];
  readonly operator: "present" | "==" | "!=" | "~=";
  /** Empty for `present`. */
  readonly value: string;
}

/**
 * Parses conditions with commas between them. An empty filter has none.
 *
 * @throws {InvalidArgumentError}
 * @see containerd pkg/filters/parser.go
 */
export function parseFilter(text: string): readonly Selector[] {
  const selectors: Selector[] = [];
  if (text === "") return selectors;
  const scanner = new FilterScanner(text);
  for (;;) {
    selectors.push(parseSelector(scanner));
    // White space counts here: it may stand before a token, but not before a comma.
    if (scanner.peek() === undefined) return selectors;
    if (scanner.peek() !== ",") throw scanner.error();
    scanner.next();
  }
}

function parseSelector(scanner: FilterScanner): Selector {
  const path = [parseField(scanner)];
  while (scanner.peek() === ".") {
    scanner.next();
    path.push(parseField(scanner));
  }
  const next = scanner.peek();
  if (next === undefined || next === ",") return { path, operator: "present", value: "" };
  const operator = parseOperator(scanner);
  return { path, operator, value: parseValue(scanner, operator) };
}

function parseField(scanner: FilterScanner): string {
  const token = scanner.next();
  if (token.kind === "field" || isText(token)) return token.text;
  throw scanner.error();
}

function parseOperator(scanner: FilterScanner): "==" | "!=" | "~=" {
  const token = scanner.next();
  if (token.kind === "operator") {
    const { text } = token;
    if (text === "==" || text === "!=" || text === "~=") return text;
  }
  throw scanner.error();
}

/** Quotes other than `"` are for patterns, which may be full of those. */
function parseValue(scanner: FilterScanner, operator: Selector["operator"]): string {
  const token = scanner.next();
  if (token.kind === "value" || isText(token)) return token.text;
  if (token.kind === "quoted" && operator === "~=") return token.text;
  throw scanner.error();
}

function isText({ kind, quote }: Token): boolean {
  return kind === "quoted" && quote === '"';
}
