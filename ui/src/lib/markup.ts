// Markdown of a message to nodes that may enter the page. The one path: markdown-it reads a small
// subset and escapes the rest (html: false), DOMPurify then keeps nothing but an allow-list, so
// that a fault in the first is caught by the second. A message comes from anybody on the network.
// What is cleaned stays a tree: text that is parsed twice can be read in two ways.

import DOMPurify, { type Config } from "dompurify";
import MarkdownIt from "markdown-it";

/** Somebody or a room named in a text: the sign and the name become a mark. */
export interface Named {
  /** `@` of people, `#` of rooms. */
  sign: "@" | "#";
  name: string;
  me: boolean;
}

/** Whether a text that names these reads as one that names those. */
export function sameNamed(these: readonly Named[], those: readonly Named[]): boolean {
  return (
    these.length === those.length &&
    these.every(({ sign, name, me }, index) => {
      const other = those[index];
      return other?.sign === sign && other.name === name && other.me === me;
    })
  );
}

const ALLOWED: Config = {
  ALLOWED_TAGS: [
    ...["a", "blockquote", "br", "code", "del", "em", "li", "ol", "p", "pre", "s", "span"],
    ...["strong", "ul"],
  ],
  ALLOWED_ATTR: ["class", "href", "start", "title"],
  ALLOWED_URI_REGEXP: /^(?:https?:|mailto:|landline:\/\/message\?)/i,
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
};

const CLASSES =
  /^(?:address|mention|mention me|mention room|language-[a-z0-9+#-]{1,20}|hljs(?:-[a-z_]+)?(?: [a-z_]+)*)$/;

/** Rendered texts that are kept: rows come and go while one scrolls. */
const CACHE_TEXTS = 2_000;

const markdown = new MarkdownIt({ html: false, linkify: true, breaks: true }).disable([
  "image",
  "heading",
  "lheading",
  "table",
  "hr",
  "reference",
  "code", // four spaces: a paste, not a wish
  "html_block",
  "html_inline",
]);
markdown.linkify.set({ fuzzyLink: false, fuzzyEmail: false });
// A message of this space, as "copy link" gives it.
markdown.linkify.add("landline:", {
  validate: (text, at) => /^\/\/message\?[a-z0-9=&-]+/i.exec(text.slice(at))?.[0].length ?? 0,
});
markdown.validateLink = (url) => /^(?:https?:|mailto:|landline:\/\/message\?)/i.test(url.trim());
// A formula stays the text that it is: its backslashes, stars and lines below are no marks.
markdown.inline.ruler.before("escape", "formula", (state, silent) => {
  const formula = /\$\$[^$`]+\$\$|\$(?!\s)[^$`\n]*[^\s$`\\]\$(?!\d)/y;
  formula.lastIndex = state.pos;
  const found = formula.exec(state.src)?.[0];
  if (found === undefined) return false;
  if (!silent) state.pending += found;
  state.pos += found.length;
  return true;
});
markdown.renderer.rules["fence"] = (tokens, index) => {
  const token = tokens[index];
  if (!token) return "";
  const language = token.info.trim().split(/\s+/, 1)[0]?.toLowerCase() ?? "";
  const escaped = markdown.utils.escapeHtml(token.content);
  return /^[a-z0-9+#-]{1,20}$/.test(language)
    ? `<pre><code class="language-${language}">${escaped}</code></pre>`
    : `<pre><code>${escaped}</code></pre>`;
};

// An address that stands for itself breaks at the end of a line, wherever that is.
markdown.renderer.rules["link_open"] = (tokens, index, options, _env, renderer) => {
  const token = tokens[index];
  if (token?.info === "auto") token.attrSet("class", "address");
  return renderer.renderToken(tokens, index, options);
};

const purifier = DOMPurify(window);
purifier.addHook("uponSanitizeAttribute", (_node, attribute) => {
  if (attribute.attrName === "class") attribute.keepAttr = CLASSES.test(attribute.attrValue);
});
// The true address is always in reach of the pointer. A list or a quote begins on the side on which
// its text does.
purifier.addHook("afterSanitizeAttributes", (node) => {
  if (/^(?:BLOCKQUOTE|OL|UL)$/.test(node.nodeName)) node.setAttribute("dir", "auto");
  const href = node.getAttribute("href");
  if (node.nodeName === "A" && href !== null) node.setAttribute("title", href);
});

const cache = new Map<string, DocumentFragment>();

/** A message as nodes for the page; each call answers its own copy. */
export function render(text: string, named: readonly Named[] = []): DocumentFragment {
  const key = `${named.map(({ sign, name, me }) => `${sign}${name}${me ? "!" : ""}`).join("\u0001")}\u0000${text}`;
  const known = cache.get(key);
  if (known !== undefined) return copy(known);
  const clean = purify(mark(markdown.render(text), named));
  cache.set(key, clean);
  const oldest = cache.keys().next();
  if (cache.size > CACHE_TEXTS && !oldest.done) cache.delete(oldest.value);
  return copy(clean);
}

/** What of any HTML may be put into the page. */
export function purify(html: string): DocumentFragment {
  return purifier.sanitize(html, { ...ALLOWED, RETURN_DOM_FRAGMENT: true });
}

function copy(fragment: DocumentFragment): DocumentFragment {
  return document.importNode(fragment, true);
}

/** The text without marks, in one line: for quotes, and to be spoken. */
export function plain(text: string): string {
  return text
    .replace(/```[a-z0-9+#-]*\n?|[`*~]+|^>\s?/gim, "")
    .replace(/\s+/g, " ")
    .trim();
}

/** One to three emoji and nothing else: shown larger. */
export function isEmojiOnly(text: string): boolean {
  return /^\s*(?:(?:\p{RI}{2}|\p{Extended_Pictographic}(?:\p{EMod}|\uFE0F\u20E3?|\u200D\p{Extended_Pictographic})*)\s*){1,3}$/u.test(
    text,
  );
}

/** Marks `@name` and `#room` in the text between tags, and not within code or links. */
function mark(html: string, named: readonly Named[]): string {
  if (named.length === 0) return html;
  const escaped = (one: Named) => one.sign + markdown.utils.escapeHtml(one.name);
  const byName = new Map(named.map((one) => [escaped(one), one]));
  const names = [...byName.keys()].sort((a, b) => b.length - a.length).map(escapeRegExp);
  const pattern = new RegExp(
    `(?<![\\p{L}\\p{N}_&])(?:${names.join("|")})(?![\\p{L}\\p{N}_])`,
    "gu",
  );
  let inside = 0;
  return html
    .split(/(<[^>]*>)/)
    .map((part) => {
      if (/^<(?:code|a)\b/.test(part)) inside += 1;
      else if (/^<\/(?:code|a)>/.test(part)) inside -= 1;
      if (inside > 0 || part.startsWith("<")) return part;
      return part.replace(pattern, (whole) => {
        const one = byName.get(whole);
        const of = one?.sign === "#" ? "mention room" : one?.me === true ? "mention me" : "mention";
        return `<span class="${of}">${whole}</span>`;
      });
    })
    .join("");
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
