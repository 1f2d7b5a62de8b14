// Addresses of a node, as the core knows them: `host:port`, best first.

/** Good on one computer or one cable only: another person would dial in vain. */
const LOCAL = /^(127\.|localhost:|\[::1\]|\[fe80:|169\.254\.)/i;

/** Those to give to another person. */
export function forOthers(addresses: readonly string[]): string[] {
  return addresses.filter((address) => !LOCAL.test(address));
}
