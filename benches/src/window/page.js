// What `cargo xtask bench window` does and looks at inside the app's page: the body of a function
// that is given a task's name, what the task is given, and last whom to tell the answer.
// Times are in milliseconds since 1970, so that those of other programs fit them.

const [task, ...given] = arguments;
const answer = given.pop();

/** What must come comes within this time. */
const LIMIT_MS = 60_000;

const now = () => performance.timeOrigin + performance.now();
const frame = () => new Promise((next) => requestAnimationFrame(next));
const one = (testid, inside = document) => inside?.querySelector(`[data-testid=${testid}]`) ?? null;

/**
 * Waits until it is so and that is drawn: `there` is the frame before whose drawing it was so,
 * `drawn` the second after it, `longest` the longest time from frame to frame meanwhile.
 */
async function drawn(isSo) {
  const begun = now();
  let last = begun;
  let longest = 0;
  const step = async () => {
    await frame();
    longest = Math.max(longest, now() - last);
    last = now();
  };
  while (!isSo()) {
    if (now() - begun > LIMIT_MS) throw new Error(`${task}: waited in vain`);
    await step();
  }
  const there = now();
  await step();
  await step();
  return { there, drawn: last, longest };
}

function isInView(row) {
  const view = one("timeline")?.getBoundingClientRect();
  const place = row?.getBoundingClientRect();
  return view && place ? place.bottom > view.top && place.top < view.bottom : false;
}

/** The first row of the timeline that reaches into the view, by halving: they stand in order. */
function firstInView(rows, top) {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle].getBoundingClientRect().bottom > top) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The tallest part of the view that no row covers, in pixels, and whether it shows "Loading". */
function bare() {
  const view = one("timeline").getBoundingClientRect();
  const rows = one("timeline").firstElementChild.children;
  let covered = view.top;
  let tallest = 0;
  let loading = false;
  for (let at = firstInView(rows, view.top); at < rows.length; at += 1) {
    const row = rows[at].getBoundingClientRect();
    if (row.top >= view.bottom) break;
    loading ||= rows[at].dataset.key === "top";
    tallest = Math.max(tallest, row.top - covered);
    covered = Math.max(covered, row.bottom);
  }
  return { pixels: Math.max(tallest, view.bottom - covered), loading };
}

function seqInView() {
  const items = [...one("timeline").querySelectorAll("[data-testid=item][data-seq]")];
  const item = items.find((item) => isInView(item));
  return item ? Number(item.dataset.seq) : null;
}

const tasks = {
  /** A command of the core, as the interface gives it. */
  async tells(name, request) {
    return await window.__TAURI_INTERNALS__.invoke("call", { command: { name, request } });
  },

  /** Something of the room that was open last is drawn: since when? */
  async paints() {
    const isThere = () => one("timeline") !== null && seqInView() !== null;
    const before = isThere();
    const { drawn: at } = await drawn(isThere);
    return { at, before };
  },

  /** Clicks on a room and waits for its first unread message, below the line that says so. */
  async opens(name) {
    const begun = now();
    document.querySelector(`[data-testid=room-list-item][data-room-name='${name}']`).click();
    let first = null;
    const seen = await drawn(() => {
      const line = one("timeline")?.querySelector("[data-key=unread]");
      first = one("item", line?.nextElementSibling);
      return one("room-name")?.textContent.trim() === name && isInView(line) && isInView(first);
    });
    const took = (at) => at - begun;
    return { took: took(seen.drawn), there: took(seen.there), seq: Number(first.dataset.seq) };
  },

  /** Looks at each frame for so long. */
  async watches(duration) {
    const begun = now();
    const from = seqInView();
    const gaps = [];
    let [blank, loading, last] = [0, 0, begun];
    while (last - begun < duration) {
      await frame();
      gaps.push(now() - last);
      last = now();
      const seen = bare();
      if (seen.pixels > 60) blank += 1;
      if (seen.loading) loading += 1;
    }
    return { gaps, blank, loading, from, to: seqInView() };
  },

  /**
   * The newest message begins with these words and has a reaction. `words`: what the line of the
   * connection says once nothing is left to be fetched; null where that is not waited for.
   */
  async sees(sign, words) {
    return await drawn(() => {
      const newest = [...document.querySelectorAll("[data-testid=timeline] [data-testid=item]")].at(-1);
      const isNewest = one("item-text", newest)?.textContent.trim().startsWith(sign) === true;
      const isDone = words === null || one("connection-line")?.textContent.trim() === words;
      return isNewest && isDone && one("reaction", newest) !== null && isInView(newest);
    });
  },
};

tasks[task](...given).then(
  (ok) => answer({ ok }),
  (error) => answer({ error: String(error?.message ?? JSON.stringify(error)) }),
);
