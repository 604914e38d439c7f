/** Pages share the chains of waits by the low bits of their number. A power of two. */
const CHAINS = 4096;
const PAGE_SCALE = 1 / 4096;

/**
 * A watcher that waits for a write to a page.
 * @internal
 */
export class Wait {
  page = 0;
  watcher = 0;
  next: Wait | null = null;
}

/**
 * Tells software that waits in a polling loop when a device has written to a page it looks at, as MONITOR and
 * MWAIT do. A loop that finds nothing then costs no events; what it sees, and when, is what it would have
 * seen by looking.
 */
export class WriteWatch {
  private readonly callbacks: (() => void)[] = [];
  /** What waits, in the order in which it was armed, by page. */
  private readonly chains: (Wait | null)[] = Array.from({ length: CHAINS }, () => null);
  /** Records that nobody uses. */
  private free: Wait | null = null;

  /** Makes a watcher known; returns its number. */
  add(callback: () => void): number {
    return this.callbacks.push(callback) - 1;
  }

  /** Calls the watcher back, once, at the next device write to a page; its number is its address divided by 4,096. */
  arm(watcher: number, page: number): void {
    const chain = page & (CHAINS - 1);
    let last: Wait | null = null;
    for (let wait = this.chains[chain]; wait !== null; wait = wait.next) {
      if (wait.watcher === watcher && wait.page === page) return;
      last = wait;
    }
    const wait = this.free ?? new Wait();
    this.free = wait.next;
    wait.page = page;
    wait.watcher = watcher;
    wait.next = null;
    if (last === null) this.chains[chain] = wait;
    else last.next = wait;
  }

  /** A device has written to `physical`. */
  readonly written = (physical: number): void => {
    // Nearly always nobody waits. The mask takes the page number's integer part by itself.
    const chain = (physical * PAGE_SCALE) & (CHAINS - 1);
    if (this.chains[chain] !== null) this.call(chain, Math.floor(physical * PAGE_SCALE));
  };

  /** Calls the watchers of a page, each of which may arm itself again. */
  private call(chain: number, page: number): void {
    let due: Wait | null = null;
    let lastDue: Wait | null = null;
    let kept: Wait | null = null;
    for (let wait = this.chains[chain]; wait !== null; wait = wait.next) {
      if (wait.page !== page) {
        kept = wait;
        continue;
      }
      if (kept === null) this.chains[chain] = wait.next;
      else kept.next = wait.next;
      if (lastDue === null) due = wait;
      else lastDue.next = wait;
      lastDue = wait;
    }
    if (lastDue === null) return;
    lastDue.next = null;
    while (due !== null) {
      const wait: Wait = due;
      due = wait.next;
      wait.next = this.free;
      this.free = wait;
      this.callbacks[wait.watcher]();
    }
  }
}
