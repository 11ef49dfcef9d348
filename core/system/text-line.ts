/** Colours of a terminal, and the sign that ends them. */
const colours: Readonly<Record<string, string>> = {
  debug: "\u001b[2m",
  warn: "\u001b[33m",
  error: "\u001b[31m",
};

/** What could move the cursor of a terminal or begin a line of its own. */
// eslint-disable-next-line no-control-regex -- control characters are what it is about
const unprintable = /[\u0000-\u001f\u007f-\u009f]/g;

/** Renders a JSON log line as one line of text: time of day, level, message, fields. */
export function renderTextLine(jsonLine: string): string {
  const entry = JSON.parse(jsonLine) as Record<string, unknown>;
  const { level, time, message, ...fields } = entry;
  const colour = colours[String(level)];
  const word = String(level).padEnd(5);
  const parts = [
    String(time).slice(11, 23),
    colour === undefined ? word : `${colour}${word}\u001b[0m`,
    printable(String(message)),
    ...Object.entries(fields).map(([name, value]) => `${name}=${renderValue(value)}`),
  ];
  return `${parts.join(" ")}\n`;
}

/** Words stand bare, everything else as JSON. */
function renderValue(value: unknown): string {
  if (typeof value === "string" && /^[\w.:/@%+,[\]-]+$/.test(value)) return value;
  return printable(JSON.stringify(value));
}

function printable(text: string): string {
  return text.replace(unprintable, "\ufffd");
}
