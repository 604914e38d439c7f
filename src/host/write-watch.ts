/** Pages share the entries of the filter by their number; one with watchers nearby costs a look into the map. */
const FILTER = 4096;

/**
 * Tells software that waits in a polling loop when a device has written to a page it looks at, as MONITOR and MWAIT do. A
 * loop that finds nothing then costs no events; what it sees, and when, is what it would have seen by looking.
 */
export class WriteWatch {
  private readonly callbacks: (() => void)[] = [];
  private readonly pages = new Map<number, number[]>();
  private readonly filter = new Int32Array(FILTER);

  /** Makes a watcher known; returns its number. */
  add(callback: () => void): number {
    return this.callbacks.push(callback) - 1;
  }

  /** Calls the watcher back at the next device write to the page of `physical`, once. */
  arm(watcher: number, physical: number): void {
    const page = Math.floor(physical / 4096);
    const watchers = this.pages.get(page);
    if (watchers === undefined) {
      this.pages.set(page, [watcher]);
      this.filter[page & (FILTER - 1)]++;
    } else if (!watchers.includes(watcher)) {
      watchers.push(watcher);
    }
  }

  /** A device has written to `physical`. */
  readonly written = (physical: number): void => {
    const page = Math.floor(physical / 4096);
    if (this.filter[page & (FILTER - 1)] === 0) return;
    const watchers = this.pages.get(page);
    if (watchers === undefined) return;
    this.pages.delete(page);
    this.filter[page & (FILTER - 1)]--;
    for (const watcher of watchers) this.callbacks[watcher]();
  };
}
