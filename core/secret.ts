/**
 * Names whose values are never shown. Wide on purpose: a field that is hidden
 * without need costs a look into the code, one that is shown costs a credential.
 */
const secretName =
  /authorization|cookie|token|passw(or)?d|passphrase|secret|credential|private[-_]?key|api[-_]?key|identitytoken|signature/i;

/** A URL in running text: user info and query may carry credentials. */
const url = /\b([a-z][a-z0-9+.-]*:\/\/)([^\s/?#"'<>]*@)?([^\s?#"'<>]*)([?#][^\s"'<>]*)?/gi;

/** What stands in place of a secret. */
export const hidden = "[hidden]";

/** Whether a field or key of that name is likely to hold a credential. */
export function isSecretName(name: string): boolean {
  return secretName.test(name);
}

/** The text with user info, queries and fragments taken out of every URL in it. */
export function withoutSecrets(text: string): string {
  if (!text.includes("://")) return text;
  return text.replace(
    url,
    (_, scheme: string, userInfo: string | undefined, rest: string, query: string | undefined) =>
      `${scheme}${userInfo ? `${hidden}@` : ""}${rest}${query ? `${query.charAt(0)}${hidden}` : ""}`,
  );
}
