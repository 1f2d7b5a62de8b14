// Colours of code. Loaded only when the first block of code is on the screen.

import hljs from "highlight.js/lib/core";
import bash from "highlight.js/lib/languages/bash";
import c from "highlight.js/lib/languages/c";
import cpp from "highlight.js/lib/languages/cpp";
import css from "highlight.js/lib/languages/css";
import diff from "highlight.js/lib/languages/diff";
import go from "highlight.js/lib/languages/go";
import haskell from "highlight.js/lib/languages/haskell";
import java from "highlight.js/lib/languages/java";
import javascript from "highlight.js/lib/languages/javascript";
import json from "highlight.js/lib/languages/json";
import python from "highlight.js/lib/languages/python";
import rust from "highlight.js/lib/languages/rust";
import sql from "highlight.js/lib/languages/sql";
import typescript from "highlight.js/lib/languages/typescript";
import xml from "highlight.js/lib/languages/xml";
import yaml from "highlight.js/lib/languages/yaml";
import { purify } from "./markup";

const LANGUAGES = {
  ...{ bash, c, cpp, css, diff, go, haskell, java, javascript, json, python, rust, sql },
  ...{ typescript, xml, yaml },
};
for (const [name, language] of Object.entries(LANGUAGES)) hljs.registerLanguage(name, language);
hljs.registerAliases(["lean"], { languageName: "haskell" });

/** Larger blocks stay plain: colouring them would be felt. */
const HIGHLIGHT_CHARS = 20_000;

/** The code as nodes for the page, or null where the language is not known. */
export function highlight(code: string, language: string): DocumentFragment | null {
  if (!hljs.getLanguage(language) || code.length > HIGHLIGHT_CHARS) return null;
  return purify(hljs.highlight(code, { language, ignoreIllegals: true }).value);
}
