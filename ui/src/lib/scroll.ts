// Keeps a scrolled list where it is while rows come and go around it. WebKit has no scroll
// anchoring, so it is done by hand and turned off (`overflow-anchor: none`) where it exists.
//
//   scroll ──▶ note(): which row stands where, or "at the end"
//   change ──▶ restore(): put that row back there
//
// A row has a `data-key`; one of a message, whose key stays whatever comes around it, has
// `data-message` too.

/** What is kept in place. */
export type Anchor =
  | { at: "end" }
  /** The row with this `data-key`, its top `offset` pixels below the top of the view. */
  | { at: "row"; key: string; offset: number };

/** Within this of the end one is at the end, and stays there as rows come. In pixels. */
export const AT_END_PX = 48;

export class ScrollKeeper {
  readonly #view: HTMLElement;
  readonly #list: HTMLElement;
  #anchor: Anchor;
  /** Where the view was put or noted last, in pixels; null: nowhere yet. */
  #knownAt: number | null = null;

  constructor(view: HTMLElement, list: HTMLElement, anchor: Anchor) {
    this.#view = view;
    this.#list = list;
    this.#anchor = anchor;
  }

  get anchor(): Anchor {
    return this.#anchor;
  }

  /** Goes there, now and after every change until one scrolls. */
  goTo(anchor: Anchor): void {
    this.#anchor = anchor;
    this.restore();
  }

  /** Keeps this row where it stands now, wherever one has scrolled before. */
  hold(key: string): void {
    const row = this.row(key);
    if (!row) return;
    this.#knownAt = this.#view.scrollTop;
    this.#anchor = { at: "row", key, offset: this.#topOf(row) - this.#knownAt };
  }

  /** Somebody has scrolled since the view was put where it should be, or since that was noted. */
  get moved(): boolean {
    return this.#knownAt !== null && Math.abs(this.#view.scrollTop - this.#knownAt) > 1;
  }

  /**
   * After scrolling. `endIsHere`: below the last row there is nothing more to read. The event that
   * tells of one's own putting may come when the rows have changed once more: nobody has scrolled.
   */
  note(endIsHere: boolean): void {
    if (this.#knownAt !== null && !this.moved) return;
    this.#knownAt = this.#view.scrollTop;
    const fromEnd = this.#view.scrollHeight - this.#view.scrollTop - this.#view.clientHeight;
    if (endIsHere && fromEnd <= AT_END_PX) {
      this.#anchor = { at: "end" };
      return;
    }
    const key = this.#lookedAt()?.dataset["key"];
    if (key !== undefined) this.hold(key);
  }

  /**
   * After a change of the rows or their heights. `notPast`: a row that must not leave the view at
   * the top, even when at the end: it stays there, and one is no longer at the end.
   */
  restore(notPast: string | null = null): void {
    const anchor = this.#anchor;
    if (anchor.at === "end") {
      const end = this.#view.scrollHeight - this.#view.clientHeight;
      const row = notPast === null ? null : this.row(notPast);
      const top = row === null ? Infinity : this.#topOf(row);
      const wouldLeave = notPast !== null && top >= this.#view.scrollTop && top < end;
      if (wouldLeave) this.#anchor = { at: "row", key: notPast, offset: 0 };
      this.#put(wouldLeave ? top : end);
      return;
    }
    const row = this.row(anchor.key);
    if (row) this.#put(this.#topOf(row) - anchor.offset);
  }

  #put(at: number): void {
    this.#view.scrollTop = at;
    // As far as it went.
    this.#knownAt = this.#view.scrollTop;
  }

  row(key: string): HTMLElement | null {
    return this.#list.querySelector<HTMLElement>(`:scope > [data-key="${CSS.escape(key)}"]`);
  }

  /** The last row that lies wholly above the lower edge of the view. */
  lastSeen(): HTMLElement | null {
    const bottom = this.#view.scrollTop + this.#view.clientHeight + 1;
    const index = this.#search((row) => this.#topOf(row) + row.offsetHeight > bottom);
    const row = this.#rows()[index - 1];
    // A message taller than the view is seen when its top has been.
    return row ?? this.#firstVisible();
  }

  /**
   * The first message that begins in the view. One that began above it would, as text grows, push
   * away what is read below it; and the lines between messages are others once older ones are here.
   */
  #lookedAt(): HTMLElement | null {
    const top = this.#view.scrollTop;
    const below = top + this.#view.clientHeight;
    const rows = this.#rows().slice(this.#search((row) => this.#topOf(row) >= top));
    for (const row of rows) {
      if (this.#topOf(row) >= below) break;
      if ("message" in row.dataset) return row;
    }
    return this.#firstVisible();
  }

  #firstVisible(): HTMLElement | null {
    const top = this.#view.scrollTop;
    return this.#rows()[this.#search((row) => this.#topOf(row) + row.offsetHeight > top)] ?? null;
  }

  #rows(): HTMLElement[] {
    return Array.from(this.#list.children) as HTMLElement[];
  }

  /** The index of the first row for which it is true, by halving: the rows stand in order. */
  #search(found: (row: HTMLElement) => boolean): number {
    const rows = this.#rows();
    let low = 0;
    let high = rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const row = rows[middle];
      if (row && found(row)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** From the top of what is scrolled. The view is what the rows are placed in. */
  #topOf(row: HTMLElement): number {
    return row.offsetTop;
  }
}
