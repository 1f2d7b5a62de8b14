import { describe, expect, test } from "vitest";
import { isEmojiOnly, plain, render } from "./markup";

function html(text: string, named: Parameters<typeof render>[1] = []): string {
  const holder = document.createElement("div");
  holder.append(render(text, named));
  return holder.innerHTML.trim();
}

describe("what Markdown may make", () => {
  test.each([
    ["**bold** *it* ~~no~~", "<p><strong>bold</strong> <em>it</em> <s>no</s></p>"],
    ["a\nb", "<p>a<br>\nb</p>"],
    ["`x < y`", "<p><code>x &lt; y</code></p>"],
    ["> quoted", '<blockquote dir="auto">\n<p>quoted</p>\n</blockquote>'],
    ["- one\n- two", '<ul dir="auto">\n<li>one</li>\n<li>two</li>\n</ul>'],
    ["```rust\nfn f() {}\n```", '<pre><code class="language-rust">fn f() {}\n</code></pre>'],
    ["```\nplain\n```", "<pre><code>plain\n</code></pre>"],
  ])("%j", (text, expected) => expect(html(text)).toBe(expected));

  test.each([
    "$x_i * y_j * z$",
    "$$\\int_a^b f(x)\\,dx = \\|P\\|$$",
    "a $\\{1, *2*\\}$ b",
    "$$\\begin{matrix}\na & b \\\\\n\\end{matrix}$$",
  ])("the formula %j stays as it is written", (text) => {
    const holder = document.createElement("div");
    holder.append(render(text));
    expect(holder.textContent.trim()).toBe(text);
    expect(holder.querySelector("em")).toBeNull();
  });

  test.each([
    ["$5 and *6* $", "<p>$5 and <em>6</em> $</p>"],
    ["*$5* or $6", "<p><em>$5</em> or $6</p>"],
    ["`$a` and `$b`", "<p><code>$a</code> and <code>$b</code></p>"],
  ])("%j is no formula", (text, expected) => expect(html(text)).toBe(expected));

  test("a list and a quote begin on the side on which their text does", () => {
    const quote = render("> اقتباس").querySelector("blockquote");
    const list = render("1. واحد").querySelector("ol");
    expect([quote?.dir, list?.dir]).toEqual(["auto", "auto"]);
  });

  test("a link shows its true address on hover", () => {
    const shown = html("[the bank](https://evil.example/x)");
    expect(shown).not.toContain("address");
    expect(shown).toContain('href="https://evil.example/x"');
    expect(shown).toContain('title="https://evil.example/x"');
  });

  test.each(["# heading", "---", "![x](https://a.example/x.png)", "| a |\n|---|\n| b |", "    x"])(
    "%j stays text",
    (text) => expect(html(text)).not.toMatch(/<(?:h\d|hr|img|table|pre)/),
  );
});

test("a message's address becomes a link, another of that scheme does not", () => {
  expect(html("landline://message?space=1&room=2&item=3")).toContain('href="landline://message?');
  expect(html("landline://join?space=1")).not.toContain("<a");
  expect(html("[x](landline://join?space=1)")).not.toContain("<a");
});

// A message comes from anybody on the network.
describe("what must never enter the page", () => {
  test.each([
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<iframe src='https://a.example'></iframe>",
    "<style>*{display:none}</style>",
    "<div style='position:fixed;inset:0'>cover</div>",
    "<math><mtext></mtext><mglyph><style><!--</style><img title='--><img src=x onerror=alert(1)>'>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](vbscript:x)",
    "[x](file:///etc/passwd)",
    "<javascript:alert(1)>",
    "<form action='https://a.example'><input name=q></form>",
    '```"><img src=x onerror=alert(1)>\ncode\n```',
    '[x](https://a.example/"onmouseover="alert(1))',
    "`</code><img src=x onerror=alert(1)>`",
    "<a href='https://a.example' target='_blank' class='button' id='app'>x</a>",
  ])("%s", (text) => {
    const holder = document.createElement("div");
    holder.append(render(text));
    for (const element of holder.querySelectorAll("*")) {
      expect(element.localName).toMatch(
        /^(?:a|blockquote|br|code|del|em|li|ol|p|pre|s|span|strong|ul)$/,
      );
      for (const { name, value } of element.attributes) {
        expect(name).toMatch(/^(?:dir|href|title|class|start)$/);
        if (name === "href") expect(value).toMatch(/^(?:https?|mailto):/);
        if (name === "class") expect(value).toMatch(/^(?:address$|language-|mention)/);
      }
    }
  });
});

describe("mentions", () => {
  const named = [
    { sign: "@" as const, name: "Ana", me: false },
    { sign: "@" as const, name: "Ana Lind", me: true },
  ];

  test("are marked, the longer name first", () => {
    expect(html("@Ana Lind and @Ana", named)).toBe(
      '<p><span class="mention me">@Ana Lind</span> and <span class="mention">@Ana</span></p>',
    );
  });

  test("rooms are marked too, and not within a word or an address", () => {
    const room = [{ sign: "#" as const, name: "tea", me: false }];
    expect(html("see #tea.", room)).toBe('<p>see <span class="mention room">#tea</span>.</p>');
    expect(html("a#tea #teapot https://a.example/#tea", room)).not.toContain("mention");
  });

  test("are not marked in code, in links or within another word", () => {
    expect(html("`@Ana` [@Ana](https://a.example) @Anastasia", named)).not.toContain("mention");
  });

  test("a name with signs of HTML or of patterns is only a name", () => {
    const odd = [{ sign: "@" as const, name: "<b>.*(", me: false }];
    expect(html("@<b>.*( hi", odd)).toBe('<p><span class="mention">@&lt;b&gt;.*(</span> hi</p>');
    expect(html("@anything", odd)).not.toContain("mention");
  });
});

test("each call answers its own copy", () => {
  expect(render("same").childNodes.length).toBeGreaterThan(0);
  expect(html("same")).toBe("<p>same</p>");
  expect(html("same")).toBe("<p>same</p>");
});

test.each([
  ["👍", true],
  ["🙏🏽 ❤️", true],
  ["👩‍👩‍👧", true],
  ["🇳🇴", true],
  ["👍👍👍👍", false],
  ["ok 👍", false],
  ["123", false],
])("%s alone: %s", (text, alone) => expect(isEmojiOnly(text)).toBe(alone));

test("a quote is plain and in one line", () => {
  expect(plain("**Look**\n> at `this`\n```rust\nfn\n```")).toBe("Look at this fn");
});
