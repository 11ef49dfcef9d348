/** What an attribute is given; a number is written with two decimals at most. */
type AttributeValue = string | number;

/** Children that are elements already: text needs {@link svgText} or {@link escapeXml}. */
type Markup = string;

/** An element with attributes and children, as text. */
export function svgElement(
  name: string,
  attributes: Readonly<Record<string, AttributeValue>>,
  children: readonly Markup[] = [],
): Markup {
  const written = Object.entries(attributes)
    .map(
      ([key, value]) => ` ${key}="${typeof value === "number" ? round(value) : escapeXml(value)}"`,
    )
    .join("");
  if (children.length === 0) return `<${name}${written}/>`;
  return `<${name}${written}>${children.join("")}</${name}>`;
}

/** A line of text; what it says is escaped. */
export function svgText(
  text: string,
  attributes: Readonly<Record<string, AttributeValue>>,
): Markup {
  return svgElement("text", attributes, [escapeXml(text)]);
}

/** Text as it stands in XML, between elements or in an attribute. What XML cannot say is left out. */
export function escapeXml(text: string): string {
  return text
    .replace(unspeakable, "")
    .replace(/[&<>"']/g, (character) => escapes[character] ?? character);
}

const escapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
};

/** Characters that XML 1.0 allows in no form: most control characters, halves of surrogates. */
// eslint-disable-next-line no-control-regex -- they are what is looked for
const unspeakable = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu;

/** Coordinates need no more, and a curve of thousands of points stays small. */
export function round(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError(`Cannot draw at ${value}`);
  return String(Math.round(value * 100) / 100);
}
