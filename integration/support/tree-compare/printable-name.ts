/**
 * A file name as text that is different for different names: bytes that are no UTF-8,
 * control characters and backslashes are escaped.
 */
export function printableName(name: Buffer): string {
  const text = name.toString();
  const isText = Buffer.from(text).equals(name);
  const escaped = isText ? /[\\\p{Cc}]/gu : /[\\\p{Cc}\x80-\xff]/gu;
  return (isText ? text : name.toString("latin1")).replace(escaped, (character) => {
    if (character === "\\") return "\\\\";
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}
